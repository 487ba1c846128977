import Foundation
import LoomHardware
import Testing

/// Trainings that run at the same time, and other programs beside them.
@Suite(.serialized) struct SharedCPUTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(Self.teacher, to: "teacher.yaml")
    }

    private static let teacher = """
        data:
          synthetic: {task: teacher, samples: 2_000, inputs: 8, classes: 3, seed: 7}
        network:
          layers:
            - {units: 16, activation: relu}
            - {units: 3}
          output: softmax
        optimizer: {kind: momentum, learning_rate: 0.02}
        training: {batch: 64, epochs: 1_000_000}

        """

    static var allowedCPUs: Int { (try? CPUAllowance.current(topology: .machine()).allowedCPUs.count) ?? 1 }

    /// A training that goes on until it is ended, and the CPUs that its workers have.
    private func startedTraining(_ arguments: String...) throws -> (tool: RunningTool, placement: [Int?]) {
        let tool = try workplace.start(["train", "teacher.yaml", "--json"] + arguments)
        try tool.wait(forOutput: "\"epoch\"")
        let line = try #require(tool.outputSoFar.split(separator: "\n").first)
        let run = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        return (tool, placement(run))
    }

    private func placement(_ run: [String: Any]) -> [Int?] {
        (run["placement"] as? [Any] ?? []).map { $0 as? Int }
    }

    private func shortTraining(
        _ arguments: String..., environment: [String: String] = [:]
    ) throws -> (run: [String: Any], done: [String: Any], errors: String) {
        let outcome = try workplace.start(
            ["train", "teacher.yaml", "--json", "--set", "training.epochs=1"] + arguments, environment: environment
        ).wait()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let events = try outcome.events()
        return (events[0], try #require(events.last), outcome.errors)
    }

    @Test(.enabled(if: allowedCPUs > 1))
    func twoTrainingsHaveTheirOwnCPUs() throws {
        let first = try startedTraining("--workers", "1")
        let second = try shortTraining("--workers", "1")
        let (one, other) = (try #require(first.placement[0]), try #require(placement(second.run)[0]))
        #expect(one != other)
        #expect(
            second.errors.contains(
                "note: CPU \(one) is in use by another Gradloom training (pid \(first.tool.processIdentifier)): "
                    + "1 worker on CPU \(other)\n"))
        // However a process ends, its CPU is free.
        first.tool.send(signal: SIGKILL)
        _ = try first.tool.wait()
        let third = try shortTraining("--workers", "1")
        #expect(placement(third.run) == [one])
        #expect(!third.errors.contains("in use"))
    }

    @Test func whereNoneIsFreeItGoesOnUnbound() throws {
        let first = try startedTraining()
        defer { first.tool.send(signal: SIGKILL) }
        #expect(first.placement.count == Self.allowedCPUs)
        let second = try shortTraining()
        #expect(placement(second.run) == [nil])
        #expect(second.errors.contains(", and none is free: 1 worker without places of their own"))
        // As many as are asked for, and where they are asked for.
        let asked = try shortTraining("--workers", "2", "--set", "parallel.shard_rows=32")
        #expect(placement(asked.run) == [nil, nil])
        let cpu = try #require(first.placement[0])
        let listed = try shortTraining("--workers", "1", "--set", "parallel.placement=\"\(cpu)\"")
        #expect(placement(listed.run) == [cpu])
        #expect(listed.errors.contains(": the workers share them, because parallel.placement names them\n"))
        let peak = try workplace.run(
            "peak", "--seconds", "0.001", "--array-size", "8MiB", "--precision", "float32", "--workers", "1")
        #expect(peak.exitCode == 0)
        #expect(peak.errors.contains("in use by another Gradloom training"))
        #expect(peak.output.contains("1 worker on CPU any\n"))
    }

    @Test func withoutARuntimeDirectoryItGoesOn() throws {
        // A file where a directory is wanted refuses even the superuser.
        try workplace.write("", to: "file")
        let environment = ["XDG_RUNTIME_DIR": workplace.url("file").path]
        let training = try shortTraining("--workers", "1", environment: environment)
        #expect(training.errors.split(separator: "\n").filter { $0.contains("cannot lock CPUs in") }.count == 1)
        #expect(placement(training.run) != [nil])
        let unbound = try shortTraining("--set", "parallel.placement=none", environment: environment)
        #expect(!unbound.errors.contains("lock"))
    }

    // MARK: Other programs

    /// As many programs as there are CPUs, that never sleep.
    private final class BusyPrograms {
        private let processes: [Process]

        init(niceness: Int = 0) throws {
            processes = try (0..<SharedCPUTests.allowedCPUs).map { _ in
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                process.arguments = ["nice", "-n", "\(niceness)", "/bin/sh", "-c", "while :; do :; done"]
                try process.run()
                return process
            }
        }

        deinit { for process in processes { kill(process.processIdentifier, SIGKILL) } }
    }

    @Test func othersAreNoticedInAShortRun() throws {
        let busy = try BusyPrograms()
        let done = try withExtendedLifetime(busy) { try shortTraining("--set", "training.epochs=20").done }
        let fraction = try #require(done["other_work_fraction"] as? Double)
        #expect(fraction > 0.15)
    }

    @Test func aLowPriorityIsNamed() throws {
        let shell = Process()
        let output = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        shell.arguments = [
            "nice", "-n", "5", Workplace.program.path, "train", "teacher.yaml", "--json", "--set", "training.epochs=1",
        ]
        shell.currentDirectoryURL = URL(fileURLWithPath: workplace.path)
        shell.environment = workplace.environment
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = output
        try shell.run()
        let errors = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        shell.waitUntilExit()
        #expect(errors.contains("note: this process has a low priority (nice 5): other programs"))
    }
}
