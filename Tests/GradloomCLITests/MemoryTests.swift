import Foundation
import Testing

/// The memory plan that `train` prints, against what the process really had.
@Suite struct MemoryTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    /// 100 MiB of parameters, gradient and state, and as much data; few samples to train and validate on, because a debug
    /// build multiplies slowly.
    private static let large = """
        data:
          synthetic: {task: linear, inputs: 250, samples: 100_000, targets: 4}
          validation: 0.002
        network:
          layers: [{units: 2500, activation: relu}, {units: 2500, activation: relu}, {units: 4}]
          output: identity
          initialization: {kind: constant, value: 0.001}
        optimizer: {kind: adam, learning_rate: 0.001}
        training: {batch: 16, steps: 2}
        parallel: {workers: 2, placement: none}

        """

    /// What a person may rely on: the peak is within 10 % + 50 MB of the plan.
    private func checkPeak(_ arguments: [String]) throws -> (planned: [String: Int], errors: String) {
        let outcome = try workplace.run(["train", "--json"] + arguments)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let events = try outcome.events()
        let planned = try #require(events[0]["memory"] as? [String: Int])
        let total = try Double(#require(planned["total_bytes"]))
        let peak = try Double(#require(events.last?["peak_resident_bytes"] as? Int))
        #expect(abs(peak - total) <= 0.1 * total + 50e6, "\(peak) bytes at the peak of \(total) planned")
        return (planned, outcome.errors)
    }

    @Test func theLargestPeakIsPlanned() throws {
        try workplace.write(Self.large, to: "large.yaml")
        let (planned, errors) = try checkPeak(["large.yaml"])
        #expect(planned["data_bytes"] == 99_800 * 254 * 4 && planned["validation_bytes"] == 200 * 254 * 4)
        // 254 × 2500 + 2500 × 2500 … in rows of 64 bytes.
        #expect(planned["optimizer_bytes"] == 2 * (planned["parameter_bytes"] ?? 0))
        #expect(try #require(planned["parameter_bytes"]) > 27_000_000)
        #expect(errors.hasPrefix("note: memory: "))
        #expect(errors.contains(" planned: data 96.7 MiB, validation 198 KiB, parameters 2"))
        #expect(!errors.contains("warning: "))
    }

    /// Files are mapped and read once: they must not stay in memory beside the samples.
    @Test(arguments: [false, true]) func filesAreNotHeldTwice(isNpy: Bool) throws {
        let (samples, features) = (60_000, 400)
        if isNpy {
            let inputs = SampleData.bytes([Float](repeating: 0.5, count: samples * features))
            try workplace.write(SampleData.npy("<f4", shape: "(\(samples), \(features))", inputs), to: "x.npy")
            let targets = SampleData.bytes([Float](repeating: 0.5, count: samples))
            try workplace.write(SampleData.npy("<f4", shape: "(\(samples),)", targets), to: "y.npy")
        } else {
            let row = Data((Array(repeating: "0.123456", count: features).joined(separator: ",") + ",0.5\n").utf8)
            var text = Data(capacity: row.count * samples / 6)
            for _ in 0..<samples / 6 { text.append(row) }
            try workplace.write(text, to: "data.csv")
        }
        let data = isNpy ? "npy: {inputs: x.npy, targets: y.npy}" : "csv: {path: data.csv, label: -1}"
        try workplace.write(
            """
            data:
              \(data)
              validation: 0.2
            network: {layers: [{units: 4, activation: relu}, {units: 1}], output: identity}
            training: {batch: 64, steps: 2}
            parallel: {workers: 2, placement: none}

            """, to: "file.yaml")
        let (planned, _) = try checkPeak(["file.yaml"])
        #expect(planned["loading_bytes"] ?? 0 > 0)
    }

    @Test func theSummaryShowsPlanAndPeak() throws {
        try workplace.write(SampleData.xor, to: "xor.yaml")
        let outcome = try workplace.run("train", "xor.yaml")
        let row = #/\n  memory +\d.* [KM]iB planned, \d.* MiB at the peak\n/#
        #expect(outcome.output.firstMatch(of: row) != nil)
        #expect(outcome.errors.hasPrefix("note: memory: "))
        #expect(try workplace.run("train", "xor.yaml", "--quiet").errors == "")
    }

    /// Terabytes: said and refused before they are reserved. The shell's limit refuses them on every machine.
    @Test func tooMuchIsSaidBeforehand() throws {
        try workplace.write(
            Self.large.replacing("100_000", with: "4_000_000_000").replacing(
                "validation: 0.002", with: "shuffle: false\n  materialize: memory"),
            to: "huge.yaml")
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = [
            "-c", "ulimit -v 64000000; ulimit -c 0; exec '\(Workplace.program.path)' train huge.yaml 2>errors",
        ]
        shell.currentDirectoryURL = URL(fileURLWithPath: workplace.path)
        shell.environment = workplace.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        shell.standardOutput = FileHandle.nullDevice
        try shell.run()
        shell.waitUntilExit()
        let line =
            #/\nwarning: the training needs \d+ MiB, but only \d+ MiB .+: the system may end it; choose .+\nerror: the training needs [\d.]+ TB of memory, which the system does not give; the samples need [\d.]+ TB of it: choose fewer samples or features\n$/#
        let errors = try workplace.read("errors")
        #expect(errors.firstMatch(of: line) != nil, "\(errors)")
        #expect(shell.terminationStatus == 78)
    }
}
