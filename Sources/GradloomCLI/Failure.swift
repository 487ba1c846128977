import ArgumentParser
import Foundation
import LoomData
import LoomExperiments
import LoomHardware
import LoomKernels
import LoomModel
import LoomReporting
import LoomTraining

/// The exit codes, as BSD's sysexits.h numbers them, and those of the shell for signals.
enum ExitStatus {
    static let diverged: Int32 = 1
    static let checkFailed: Int32 = 1
    static let usage: Int32 = 64
    static let badData: Int32 = 65
    static let missingInput: Int32 = 66
    static let inputOutput: Int32 = 74
    static let badConfiguration: Int32 = 78
    /// 130 after SIGINT, 143 after SIGTERM.
    static func signalled(_ number: Int32) -> Int32 { 128 + number }
}

/// What is wrong with a run that a command was given.
enum RunError: Error, CustomStringConvertible {
    /// No checkpoint was written.
    case noCheckpoint(run: String)
    /// All steps are done; the key that decides how many there are.
    case complete(run: String, steps: Int, key: String)
    /// Early stopping ended it; epochs counted from 1.
    case stoppedEarly(run: String, bestEpoch: Int)
    /// Its steps so far have another definition of the bits than the next ones would have.
    case otherNumerics(run: String, its: NumericsIdentity, ours: NumericsIdentity)

    var description: String {
        switch self {
        case .noCheckpoint(let run):
            "the run ‘\(run)’ has no checkpoint: it ended before its first one, or run.checkpoint.every is "
                + "never"
        case .complete(let run, let steps, let key):
            "the run ‘\(run)’ is complete: all \(NumberFormat.grouped(steps)) steps are done; to train it "
                + "longer, raise \(key) with --set \(key)=N"
        case .stoppedEarly(let run, let bestEpoch):
            "the run ‘\(run)’ has stopped early, because its validation loss was best after epoch "
                + "\(bestEpoch); to train it longer, raise training.early_stopping.patience with --set"
        case .otherNumerics(let run, let its, let ours):
            "the run ‘\(run)’ was trained under the numerics \(its), and would go on under \(ours), with other bits than "
                + "an uninterrupted training; \(Self.remedy(its: its, ours: ours)), or accept that with "
                + "--accept-numerics"
        }
    }

    var exitCode: Int32 {
        switch self {
        case .noCheckpoint: ExitStatus.missingInput
        case .complete, .stoppedEarly: ExitStatus.usage
        case .otherNumerics: ExitStatus.badConfiguration
        }
    }

    /// How a run keeps its numerics.
    private static func remedy(its: NumericsIdentity, ours: NumericsIdentity) -> String {
        switch (its, ours) {
        case (.openBLAS, _): "keep them with --set parallel.gemm=openblas"
        case (.fma1, .openBLAS): "keep them with --set parallel.gemm=builtin"
        default: "go on with the version of gradloom that began it"
        }
    }
}

/// Runs `body` and turns an error of the program into one message on standard error and its exit code.
func reportingFailures(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let code as ExitCode {
        throw code
    } catch {
        guard let code = exitCode(for: error) else { throw error }
        fail(error is CocoaError ? error.localizedDescription : "\(error)")
        throw ExitCode(code)
    }
}

/// Writes `error: MESSAGE` to standard error, a line for each line of the message.
func fail(_ message: String) {
    for line in message.split(separator: "\n") {
        FileHandle.standardError.write(Data("error: \(line)\n".utf8))
    }
}

/// Writes `note: MESSAGE` to standard error.
func printNote(_ message: String) {
    FileHandle.standardError.write(Data("note: \(message)\n".utf8))
}

private func exitCode(for error: any Error) -> Int32? {
    switch error {
    case let error as ConfigurationError: error.exitCode
    case let error as DataError: error.exitCode
    case let error as RunError: error.exitCode
    case is RequestError: ExitStatus.usage
    case is ModelError, is PlacementError, is BLASError, is InstructionSet.Unsupported: ExitStatus.badConfiguration
    case is AtomicFile.WriteError, is TopologyError, is CocoaError: ExitStatus.inputOutput
    case let error as RunDirectoryError:
        if case .cannotCreate = error { ExitStatus.inputOutput } else { ExitStatus.missingInput }
    case let error as SafetensorsError: error.exitCode
    default: nil
    }
}

/// Refuses a number of workers that is none. More than the machine has is found out when they are placed.
func validate(workers: Int?) throws {
    if let workers, workers < 1 { throw ValidationError("--workers must be at least 1.") }
}
