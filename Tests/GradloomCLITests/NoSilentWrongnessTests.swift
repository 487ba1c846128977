import Foundation
import Testing

/// What a training says when it goes wrong, and a check that shows bits.
@Suite struct NoSilentWrongnessTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(SampleData.xor, to: "xor.yaml")
    }

    private let steep = ["--set", "network.output=identity", "--set", "loss.kind=squared_sum", "--set"]

    /// Too large a step, by far: the rate is halved until it is not, and the run says so in all its places.
    @Test func rollbackHalvesTheRateAndSaysSo() throws {
        let outcome = try workplace.run(
            ["train", "xor.yaml", "--json", "--on-nan", "rollback"] + steep
                + ["optimizer.learning_rate=8", "--set", "training.epochs=2000"])
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let events = try outcome.events()
        let rollbacks = events.filter { $0["event"] as? String == "rollback" }
        #expect(!rollbacks.isEmpty)
        let factors = rollbacks.compactMap { $0["learning_rate_factor"] as? Double }
        #expect(factors == factors.indices.map { pow(0.5, Double($0 + 1)) })
        #expect(
            outcome.errors.contains("is not a finite number, which began in the ")
                && outcome.errors.contains(": going on after step 0 at 0.5000 × optimizer.learning_rate\n"))
        let run = try #require(events.last?["run_directory"] as? String)
        // Each epoch once, and the last rollback among the lines.
        let lines = try workplace.read(run + "/metrics.jsonl").split(separator: "\n")
        #expect(lines.count { $0.contains(#""event":"epoch""#) } == 2000)
        #expect(lines.contains { $0.contains(#""event":"rollback""#) })
        #expect(try workplace.read(run + "/config.yaml").contains("on_nan: rollback"))
    }

    /// Going on directly before the step that diverges: there is no other step to speak of.
    @Test func goingOnTellsTheSameLoss() throws {
        let first = try workplace.run(
            ["train", "xor.yaml", "--json", "--set", "run.checkpoint.every={steps: 1}"] + steep
                + ["optimizer.learning_rate=1e300"])
        #expect(first.exitCode == 1)
        let run = try #require(try first.lastEvent()["run_directory"] as? String)
        let again = try workplace.run("train", "--resume", run, "--json")
        #expect(again.exitCode == 1)
        for key in ["loss", "steps"] {
            let (one, other) = (try first.lastEvent()[key] as? Double, try again.lastEvent()[key] as? Double)
            #expect(one != nil && one == other, "\(key)")
        }
    }

    @Test func whatRollbackDoesNotHelpIsAnError() throws {
        let outcome = try workplace.run(
            ["train", "xor.yaml", "--quiet", "--on-nan", "rollback"] + steep + ["optimizer.learning_rate=1e200"])
        #expect(outcome.exitCode == 1)
        #expect(
            outcome.errors.hasPrefix("error: training diverged even at 0.0009766 × optimizer.learning_rate: ")
                && !outcome.errors.contains("--on-nan"))
    }

    /// The constant of xor is one half, with a loss of log 2.
    @Test(arguments: [(1e-9, true), (1.0, false)]) func aTrainingThatLearnsNothingSaysSo(
        rate: Double, isUseless: Bool
    ) throws {
        let outcome = try workplace.run(
            "train", "xor.yaml", "--set", "optimizer.learning_rate=\(rate)", "--set", "training.epochs=3000")
        #expect(outcome.exitCode == 0)
        #expect(outcome.output.contains("best constant    0.6931"), "\(outcome.output)")
        let sentence = "is not below 0.6931, that of the best constant prediction"
        #expect(outcome.output.contains(sentence) == isUseless, "\(outcome.output)")
        #expect(outcome.output.contains("the network has learnt nothing") == isUseless)
    }

    @Test func theCheckOfBitsTellsWhatItCompared() throws {
        let outcome = try workplace.run("check", "xor.yaml", "--reproducible", "--steps", "2", "--workers", "3")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(outcome.output.hasPrefix("2 of 3 steps, batch 4, float64, numerics "))
        #expect(outcome.output.contains("trainings, the same bits: 9 parameters and the reported loss\n"))
        for way in ["as configured", "3 workers", "team fork_join", "placement none", "profiled", "interrupted after"] {
            #expect(outcome.output.contains("\n" + way), "\(way)")
        }
        let failed = try workplace.run("check", "xor.yaml", "--reproducible", "--corrupt", "layer1", "--json")
        #expect(failed.exitCode == 1)
        let rows = try #require(failed.lastEvent()["rows"] as? [[String: Any]])
        #expect(rows.count { $0["same"] as? Bool == false } == rows.count { $0["done"] is [String: Any] } - 1)
        #expect(failed.errors.contains("trainings have other bits"))
        #expect(try workplace.run("check", "xor.yaml", "--steps", "2").exitCode == 64)
    }
}
