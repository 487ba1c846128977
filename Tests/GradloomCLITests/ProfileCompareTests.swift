import Foundation
import Testing

/// Comparing files that `profile --json` wrote, or that look as if.
@Suite struct ProfileCompareTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    /// A profile of two workers, in which everything takes `factor` times as long but for a little.
    static func profile(times factor: Double = 1, batch: Int = 128) throws -> Data {
        let steps = (0..<15).map { factor * (1e-4 + Double($0) * 2e-8) }
        let profile: [String: Any] = [
            "event": "profile", "workers": 2, "route": "partition", "scaling_kind": "strong",
            "scaling": [["workers": 2, "samples_per_second_samples": steps.map { 128 / $0 }]],
            "samples": [
                "samples_per_second": [], "step_seconds": steps,
                "operations": [["kind": "forward", "layer": "hidden", "worker": 0, "seconds": steps]],
            ],
            "provenance": [
                "processor": "a processor", "processor_model": "Maker 1-2-3", "instruction_set": "avx512",
                "network": "48-5", "loss": "cross_entropy", "optimizer": "sgd", "gemm": "builtin", "batch": batch,
                "precision": "float32",
            ],
        ]
        return try JSONSerialization.data(withJSONObject: profile)
    }

    private func write(_ name: String, times factor: Double = 1, batch: Int = 128) throws {
        try workplace.write(Self.profile(times: factor, batch: batch), to: name)
    }

    private func compare(_ arguments: String...) throws -> Outcome {
        try workplace.run(["profile", "compare"] + arguments)
    }

    @Test func slowerIsWorse() throws {
        for index in 0..<4 {
            try write("b\(index).json")
            try write("a\(index).json", times: 1.2)
        }
        let outcome = try compare(
            "--before", "b0.json", "b1.json", "b2.json", "b3.json", "--after", "a0.json", "a1.json", "a2.json",
            "a3.json")
        #expect(outcome.exitCode == 1 && outcome.errors == "")
        #expect(
            outcome.output == """
                Worse: 2 workers take 1.20 times as long as before (1.20–1.20).

                workers  samples/s before   after  time   interval  verdict
                ───────  ────────────────  ──────  ────  ─────────  ───────
                      2            1.28 M  1.07 M  1.20  1.20–1.20  worse

                A step of the largest number of workers, operations as the mean of all workers:
                operation  layer   before   after  time   interval  verdict
                                       µs      µs
                ─────────  ──────  ──────  ──────  ────  ─────────  ───────
                step               100.14  120.17  1.20  1.20–1.20  worse
                forward    hidden   50.07   60.08  1.20  1.20–1.20  worse

                """)
    }

    @Test func oneObjectHasAllChanges() throws {
        try write("b.json")
        try write("a.json", times: 1.5, batch: 64)
        let outcome = try compare("b.json", "a.json", "--json", "--run-noise", "0.05")
        #expect(outcome.exitCode == 1 && outcome.errors == "")
        let event = try outcome.lastEvent()
        #expect(event["event"] as? String == "comparison" && event["outcome"] as? String == "worse")
        let speeds = try #require(event["speeds"] as? [[String: Any]])
        #expect(speeds.map { $0["workers"] as? Int } == [2] && speeds[0]["verdict"] as? String == "worse")
        #expect(abs((speeds[0]["ratio"] as? Double ?? 0) - 1.5) < 0.01)
        let operations = try #require(event["operations"] as? [[String: Any]])
        #expect(operations.map { $0["kind"] as? String } == ["forward"])
        #expect(operations[0]["layer"] as? String == "hidden" && (operations[0]["low"] as? Double ?? 0) > 1.03)
        #expect((event["step"] as? [String: Any])?["verdict"] as? String == "worse")
        let differences = try #require(event["differences"] as? [[String: Any]])
        #expect(differences.map { $0["what"] as? String } == ["batch"])
        #expect(differences[0]["before"] as? [String] == ["128"] && differences[0]["after"] as? [String] == ["64"])
        #expect((event["rule"] as? [String: Any])?["run_noise"] as? Double == 0.05)
    }

    @Test func theSameIsNoWorseWhereRunsAreEqual() throws {
        try write("b.json")
        try write("other.json", batch: 64)
        let sure = try compare("b.json", "b.json", "--run-noise", "0")
        #expect(sure.exitCode == 0 && sure.output.hasPrefix("No worse: 2 workers take 1.00 times"))
        let noisy = try compare("b.json", "other.json")
        #expect(noisy.exitCode == 2)
        #expect(noisy.output.contains("profiles as few as these show a change above 25 % at best: give at least 4"))
        #expect(noisy.errors == "note: the profiles differ in batch: 128 before, 64 after\n")
    }

    @Test func whatProfileWritesIsRead() throws {
        try workplace.write(SampleData.xor, to: "xor.yaml")
        let profile = try workplace.run("profile", "xor.yaml", "--workers", "1", "--seconds", "0.2", "--json")
        try workplace.write(profile.output, to: "p.json")
        let outcome = try compare("p.json", "p.json", "--json")
        #expect(outcome.exitCode != 1 && outcome.errors == "")
        let event = try outcome.lastEvent()
        let operations = try #require(event["operations"] as? [[String: Any]])
        let forward = try #require(operations.first { $0["kind"] as? String == "forward" })
        let ratio = try #require(forward["ratio"] as? Double)
        let before = try #require(forward["before"] as? Double)
        #expect(abs(ratio - 1) < 1e-9 && before > 0)
        #expect((event["speeds"] as? [[String: Any]])?.count == 1)
        #expect((event["differences"] as? [Any])?.isEmpty == true)
    }

    private static let usage = """
        Usage: gradloom profile compare [<profiles> ...] [--before <file> ...] [--after <file> ...] \
        [--relevant-change <part>] [--run-noise <part>] [--json]
          See 'gradloom profile compare --help' for more information.
        """
    private static let number = "Give two profiles, or --before and --after with one or more each."

    @Test(
        arguments: [
            Mistake(
                name: "no such profile", arguments: ["none.json", "a.json"], exitCode: 66,
                message:
                    "error: none.json: there is no such file; expected a file with the output of 'gradloom profile "
                    + "CONFIG --json'"),
            Mistake(
                name: "a configuration", arguments: ["a.yaml", "a.yaml"], files: ["a.yaml": SampleData.xor],
                exitCode: 65,
                message:
                    "error: a.yaml: is no JSON object; expected a file with the output of 'gradloom profile CONFIG "
                    + "--json'"),
            Mistake(
                name: "one profile", arguments: ["a.json"], exitCode: 64, message: "error: \(number)\n\(usage)"),
            Mistake(
                name: "only before", arguments: ["--before", "a.json"], exitCode: 64,
                message: "error: \(number)\n\(usage)"),
            Mistake(
                name: "no part", arguments: ["a.json", "a.json", "--run-noise", "1"], exitCode: 64,
                message: "error: --run-noise must be at least 0 and below 1.\n\(usage)"),
        ]) func wrongInput(mistake: Mistake) throws
    {
        try Mistake(
            name: mistake.name, arguments: ["profile", "compare"] + mistake.arguments, files: mistake.files,
            exitCode: mistake.exitCode, message: mistake.message
        ).check(in: workplace)
    }

    @Test func aConfigurationMayHaveTheName() throws {
        let outcome = try workplace.run("profile", "./compare")
        #expect(outcome.exitCode == 66 && outcome.errors == "error: ./compare: there is no such file\n")
        let help = try workplace.run("help", "profile", "compare")
        #expect(help.exitCode == 0 && help.output == HelpTexts.profileCompare.text + "\n")
    }
}
