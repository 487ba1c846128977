import ArgumentParser
import Foundation
import LoomHardware
import LoomKernels
import LoomMeasurement
import LoomReporting
import LoomRuns

/// Looks whether OpenBLAS is faster with other kernels than it has chosen, or was told to take. It reads the variable for
/// them when it is loaded, so that each is measured in a process of its own.
struct CoreTypeSearch {
    private static let variable = "OPENBLAS_CORETYPE"
    /// OpenBLAS has 73 to 90 % of the arithmetic peak with the right kernels (Zen 5, Cascade Lake, Emerald Rapids): nothing
    /// is to be found above this share.
    private static let shareWithoutSearch = 0.7

    private let current: String?
    private let candidates: [String?]
    private let precision: Precision
    private let cpu: Int?
    private let seconds: Double

    /// A search where there may be something to find; nil: OpenBLAS is fast enough, and nobody has set the variable.
    init?(_ peak: PeakMeasurement, _ request: PeakMeasurement.Request, machine: MachineSetup) {
        let share = peak.bestShare(.openBLAS) ?? 1
        guard share < Self.shareWithoutSearch || Self.current != nil, let precision = request.precisions.first else {
            return nil
        }
        self.init(
            precision: precision, cpu: machine.workerCPUs[0], seconds: min(0.1, request.secondsPerFigure))
    }

    /// A search on `cpu`, of about so many seconds for each value; nil: there are no others.
    init?(precision: Precision, cpu: Int?, seconds: Double) {
        current = Self.current
        candidates = BLASCoreType.candidates(flags: MachineDescription.processorFlags(), current: current)
        guard !candidates.isEmpty else { return nil }
        self.precision = precision
        self.cpu = cpu
        self.seconds = seconds
    }

    /// The library takes an empty value for none.
    private static var current: String? {
        ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The kernels in use, and then the others. All are measured in turn, twice, and the higher figure counts, so that a
    /// machine that gets slower is slower for all of them. Empty where no process can be started.
    func measured() -> [BLASCoreType] {
        let variables = [current] + candidates
        let rounds = (0..<2).map { _ in variables.map(measure) }
        let best = variables.indices.map { index in
            rounds.compactMap { $0[index] }.max { $0.gflops < $1.gflops }
        }
        return best[0] == nil ? [] : best.compactMap { $0 }
    }

    private func measure(_ variable: String?) -> BLASCoreType? {
        let process = Process()
        process.executableURL = Bundle.main.executableURL
        process.arguments =
            [
                OpenBLASSpeedCommand.configuration.commandName!, "--precision", precision.rawValue, "--seconds",
                "\(seconds)",
            ] + (cpu.map { ["--cpu", "\($0)"] } ?? [])
        var environment = ProcessInfo.processInfo.environment
        environment[Self.variable] = variable
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        // OpenBLAS complains there about values that it does not know.
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        // Kernels for another processor may hang as well as crash.
        let watchdog = DispatchWorkItem { [id = process.processIdentifier] in kill(id, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 20, execute: watchdog)
        defer { watchdog.cancel() }
        let line = (try? output.fileHandleForReading.readToEnd()) ?? Data()
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else { return nil }
        guard let speed = try? JSONLines.value(OpenBLASSpeed.self, from: String(decoding: line, as: UTF8.self)) else {
            return nil
        }
        return BLASCoreType(variable: variable, core: speed.core, gflops: speed.gflops)
    }
}

/// What the process that measures says.
private struct OpenBLASSpeed: Codable {
    let core: String
    let gflops: Double
}

/// `gradloom openblas-speed`: what `peak` and `doctor` start to measure OpenBLAS with another environment; not for users.
struct OpenBLASSpeedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "openblas-speed", abstract: "Measure OpenBLAS on one worker.", shouldDisplay: false)

    @Option var cpu: Int?
    @Option var precision: Precision
    @Option var seconds: Double

    func run() throws {
        try reportingFailures {
            let gflops = try PeakMeasurement.openBLASGflops(cpu: cpu, precision: precision, seconds: seconds)
            try JSONLines.print(OpenBLASSpeed(core: BLASRuntime.current().coreName, gflops: gflops))
        }
    }
}
