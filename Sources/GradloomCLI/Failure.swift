import ArgumentParser
import Foundation
import LoomConfiguration
import LoomData
import LoomHardware
import LoomInterchange
import LoomKernels
import LoomMeasurement
import LoomModel
import LoomReference
import LoomReporting
import LoomRuns
import LoomTraining

/// The exit codes, as BSD's sysexits.h numbers them, and those of the shell for signals.
enum ExitStatus {
    static let diverged: Int32 = 1
    static let checkFailed: Int32 = 1
    static let somethingToMend: Int32 = 1
    static let nothingMeasured: Int32 = 1
    static let worse: Int32 = 1
    static let cannotTell: Int32 = 2
    static let usage: Int32 = 64
    static let badData: Int32 = 65
    static let missingInput: Int32 = 66
    static let systemLimit: Int32 = 71
    static let cannotCreate: Int32 = 73
    static let inputOutput: Int32 = 74
    static let temporaryFailure: Int32 = 75
    static let badConfiguration: Int32 = 78
    /// 130 after SIGINT, 143 after SIGTERM; 141, that of SIGPIPE, where nobody reads the results any more.
    static func signalled(_ number: Int32) -> Int32 { 128 + number }
}

/// Runs `body` and turns an error of the program into one message on standard error and its exit code.
func reportingFailures(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let code as ExitCode {
        throw code
    } catch let lost as StandardOutput.WriteError {
        throw report(lost)
    } catch {
        guard let code = exitCode(for: error) else { throw error }
        fail(error is CocoaError || error is POSIXError ? error.localizedDescription : "\(error)")
        throw ExitCode(code)
    }
}

/// Says that results were lost, and with which exit code that ends. Whoever closed a pipe has seen enough, and is told
/// nothing.
func report(_ lost: StandardOutput.WriteError) -> ExitCode {
    if lost.isClosedPipe { return ExitCode(ExitStatus.signalled(SIGPIPE)) }
    fail("\(lost)")
    return ExitCode(ExitStatus.inputOutput)
}

/// Writes `error: MESSAGE` to standard error, a line for each line of the message.
func fail(_ message: String) {
    for line in message.split(separator: "\n") {
        StandardError.write("error: \(line)\n")
    }
}

/// Writes `note: MESSAGE` to standard error.
func printNote(_ message: String) {
    StandardError.write("note: \(message)\n")
}

private func exitCode(for error: any Error) -> Int32? {
    switch error {
    case let error as ConfigurationError: error.exitCode
    case let error as DataError: error.exitCode
    case let error as RunError: error.exitCode
    case let error as SweepError: error.exitCode
    case is InterchangeError, is RunRecordError: ExitStatus.badData
    case is RequestError: ExitStatus.usage
    case is TuneError: ExitStatus.diverged
    case is OutputFileError: ExitStatus.cannotCreate
    case is ProcessLimitError, is POSIXError: ExitStatus.systemLimit
    case is ModelError, is PlacementError, is BLASError, is InstructionSet.Unsupported: ExitStatus.badConfiguration
    case is AtomicFile.WriteError, is TopologyError, is CocoaError: ExitStatus.inputOutput
    case let error as RunDirectoryError:
        switch error {
        case .cannotCreate: ExitStatus.inputOutput
        case .notFound, .incomplete: ExitStatus.missingInput
        case .noFile, .leadsElsewhere: ExitStatus.badData
        }
    case let error as SafetensorsError: error.exitCode
    default: nil
    }
}

/// Refuses times of a measurement that are none, or that nobody waits for.
func validate(seconds: Double) throws {
    guard seconds > 0, seconds <= 60 else { throw ValidationError("--seconds must be above 0 and at most 60.") }
}

/// Refuses a number of workers that is none. More than the machine has is found out when they are placed.
func validate(workers: Int?) throws {
    if let workers, workers < 1 { throw ValidationError("--workers must be at least 1.") }
}

extension RunError {
    fileprivate var exitCode: Int32 {
        switch self {
        case .noCheckpoint: ExitStatus.missingInput
        case .complete, .stoppedEarly: ExitStatus.usage
        case .inUse: ExitStatus.temporaryFailure
        case .otherNumerics, .otherSettings: ExitStatus.badConfiguration
        case .otherData: ExitStatus.badData
        }
    }
}
