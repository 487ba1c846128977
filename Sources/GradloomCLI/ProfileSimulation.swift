import ArgumentParser
import Foundation
import LoomConfiguration
import LoomData
import LoomHardware
import LoomMeasurement
import LoomReference
import LoomRuns

/// The options of `gradloom profile --simulate`.
struct SimulationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Predict instead how steps would run on another machine: a topology of hwloc, such as 'pack:2 l3:4 core:8 pu:2', or "
                + "a file with one in XML.", valueName: "topology"),
        completion: .file(extensions: ["xml"]))
    var simulate: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The memory bandwidth of a NUMA node of that machine.", valueName: "gb/s"))
    var memoryBandwidth: Double?

    func validate(isStrong: Bool, trace: String?, steps: Int?) throws {
        guard simulate != nil else {
            if memoryBandwidth != nil { throw ValidationError("--memory-bandwidth belongs to --simulate.") }
            return
        }
        if !isStrong { throw ValidationError("--simulate predicts strong scaling: give it without --scaling weak.") }
        if steps != nil { throw ValidationError("--simulate measures for --seconds: give it without --steps.") }
        if trace != nil { throw ValidationError("--simulate has no steps for a trace: give it without --trace.") }
        if let memoryBandwidth, !(memoryBandwidth > 0 && memoryBandwidth.isFinite) {
            throw ValidationError("--memory-bandwidth must be above 0.")
        }
    }

    /// Predicts the steps of a training on the machine that `text` describes or names a file of.
    func run(_ settings: Configuration, on text: String, workers: [Int]?, seconds: Double, json: Bool) throws {
        var request = StepSimulation.Request(topology: try Topology(simulated: text))
        request.workerCounts = workers
        request.seconds = seconds
        request.memoryGigabytesPerSecond = memoryBandwidth
        let most = min(request.topology.usableCPUs.count, CPUAllowance.dispatchWorkerLimit)
        if let largest = workers?.max(), largest > most {
            throw RequestError("--workers \(largest) is more than the \(most) workers that '\(text)' has room for")
        }
        // All cores here, whatever the configuration wants of the other machine.
        let policy = settings.parallel.placement
        let isList = if case .cpus = policy { true } else { false }
        let machine = try MachineSetup(
            workers: nil, policy: isList ? .auto : policy, instructions: settings.parallel.instructionSet,
            provider: settings.parallel.gemmBackend)
        for note in machine.notes { printNote(note) }
        let simulation = try StepSimulation(settings, request, machine: machine, cache: .user())
        guard !simulation.validation.isEmpty else { throw ProfileCommand.divergence() }
        for note in simulation.notes { printNote(note) }
        let report = ProfileSimulationReport(topology: text, machine: request.topology, simulation: simulation)
        if json {
            try JSONLines.printInSnakeCase(report)
        } else {
            try StandardOutput.write(report.text)
        }
    }
}

extension Topology {
    /// More than any machine has; hwloc would fill the memory with some descriptions.
    private static let mostHardwareThreads = 1 << 16
    private static let mostBytes = 64 << 20

    /// Reads the topology in the XML file at `text`, or else builds the one that `text` describes.
    /// - Throws: `DataError` for files, `RequestError` for descriptions.
    init(simulated text: String) throws {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: text, isDirectory: &isDirectory) {
            let size = (try? FileManager.default.attributesOfItem(atPath: text)[.size] as? Int) ?? 0
            guard !isDirectory.boolValue, size <= Self.mostBytes, let data = FileManager.default.contents(atPath: text),
                let topology = try? Topology(xml: String(decoding: data, as: UTF8.self))
            else {
                throw DataError(
                    .badData, source: text,
                    problem: isDirectory.boolValue ? "is a directory" : "is no hwloc topology in XML",
                    remedy: "expected a file that 'lstopo --of xml' wrote")
            }
            self = topology
            return
        }
        if text.contains("/") || text.hasSuffix(".xml") {
            throw DataError(
                .missingInput, source: text, problem: "there is no such file",
                remedy:
                    "expected a file that 'lstopo --of xml' wrote, or a description such as 'pack:2 l3:4 core:8 pu:2'")
        }
        guard Self.hardwareThreads(of: text).map({ $0 <= Self.mostHardwareThreads }) ?? false,
            let topology = try? Topology(synthetic: text)
        else {
            throw RequestError(
                "'\(text)' is no topology; expected levels from the outside in, down to pu, with at most "
                    + "\(NumberFormat.grouped(Self.mostHardwareThreads)) hardware threads in all, such as 'pack:2 [numa] l3:4 "
                    + "core:8 pu:2', or a file that 'lstopo --of xml' wrote")
        }
        self = topology
    }

    /// The product of a description's numbers; nil where one of them is none, or below 1.
    private static func hardwareThreads(of text: String) -> Int? {
        var threads = 1
        for level in text.replacing(/\([^)]*\)|\[[^\]]*\]/, with: " ").split(separator: " ") {
            guard let count = Int(level.split(separator: ":").last ?? ""), count >= 1 else { return nil }
            let (product, isTooLarge) = threads.multipliedReportingOverflow(by: count)
            guard !isTooLarge else { return .max }
            threads = product
        }
        return threads
    }
}
