import Foundation
import LoomHardware
import LoomRuns
import Testing

/// `gradloom sweep`
@Suite(.serialized) struct SweepTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(Self.mixture, to: "c.yaml")
    }

    private static let mixture = """
        data: {synthetic: {task: mixture, samples: 300, inputs: 4, classes: 3, seed: 1}, validation: 0.2}
        network: {layers: [{units: 8, activation: relu}, {units: 3}], output: softmax}
        optimizer: {kind: momentum, learning_rate: 0.1, schedule: {kind: cosine}}
        training: {batch: 32, epochs: 4}

        """

    /// The cores of as many trainings at once as have a core each, but two at most.
    private static func shares() throws -> [CoreShare] {
        let topology = try Topology.machine()
        let allowance = try CPUAllowance.current(topology: topology)
        let jobs = min(2, CoreShare.coreCount(topology: topology, allowance: allowance))
        return try CoreShare.all(jobs, topology: topology, allowance: allowance)
    }

    private func sweep(_ arguments: String...) throws -> [String: Any] {
        let outcome = try workplace.run(["sweep"] + arguments + ["--json", "--quiet"])
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try outcome.events().count == 1 && outcome.errors == "")
        return try outcome.lastEvent()
    }

    private func trials(_ event: [String: Any]) throws -> [[String: Any]] {
        try #require(event["trials"] as? [[String: Any]])
    }

    /// The parameters of the last run of a trial.
    private func hash(_ trial: [String: Any], in directory: String) throws -> String {
        let run = try #require((trial["runs"] as? [String])?.last)
        return try hash(summary: directory + "/" + run + "/summary.json")
    }

    private func hash(summary: String) throws -> String {
        try #require(try self.summary(summary)["parameter_hash"] as? String)
    }

    private func summary(_ path: String) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: workplace.url(path)))
        return try #require(object as? [String: Any])
    }

    @Test func trialsAreTrainingsOfTheirOwn() throws {
        let values = [
            "--set", "optimizer.learning_rate=0.3,0.01", "--set", "training.batch=32,64", "--set", "training.seed=5",
        ]
        let shares = try Self.shares()
        let outcome = try workplace.run(["sweep", "c.yaml", "--output", "s", "--jobs", "\(shares.count)"] + values)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(outcome.output.hasPrefix("c: 4 trials by validation_loss in "))
        #expect(outcome.output.hasSuffix("\nNext: gradloom train s/best.yaml\n"))
        #expect(outcome.errors.hasPrefix("4 trials: ") && outcome.errors.contains("\n4/4  trial "))
        let rows = outcome.output.matches(
            of: /\n +(\d) +(\d) +([0-9.]+) +(\d+) +([0-9.e-]+) +(\d) +4 +[0-9.]+  (s\/runs\/trial-\d\/c-\w+)/)
        #expect(rows.map { String($0.1) } == ["1", "2", "3", "4"] && Set(rows.map { String($0.2) }).count == 4)
        let scores = rows.map { Double(String($0.5))! }
        #expect(scores == scores.sorted())
        for row in rows {
            let run = try workplace.train(
                "c.yaml", "--set", "optimizer.learning_rate=\(row.3)", "--set", "training.batch=\(row.4)", "--set",
                "training.seed=5")
            #expect(try hash(summary: run + "/summary.json") == hash(summary: "\(row.7)/summary.json"))
            // On whole cores, and a worker for each.
            let event = try #require(try summary("\(row.7)/summary.json")["run"] as? [String: Any])
            let cpus = try #require((event["machine"] as? [String: Any])?["allowed_cpus"] as? [Int])
            #expect(shares.first { $0.cpus == cpus }?.cores == event["workers"] as? Int, "\(cpus)")
        }
        // One at a time: the same scores.
        let again = try sweep(values: values, "--jobs", "1", "--output", "t")
        #expect(try trials(again).map { $0["trial"] as? Int } == rows.map { Int($0.2) })
        #expect(try trials(again).map { NumberText.of($0["score"]) } == rows.map { String($0.5) })
        #expect(again["jobs"] as? Int == 1 && again["is_over"] as? Bool == true)
        // The best one is a configuration as any other.
        let best = try workplace.read("s/best.yaml")
        #expect(
            best.hasPrefix("# c.yaml, the best of 4 trials of gradloom sweep ")
                && best.contains("\n  directory: \"runs\"\n"))
        let run = try workplace.train("s/best.yaml")
        #expect(try hash(summary: run + "/summary.json") == hash(summary: "\(rows[0].7)/summary.json"))
    }

    private func sweep(values: [String], _ arguments: String...) throws -> [String: Any] {
        let outcome = try workplace.run(["sweep", "c.yaml", "--json", "--quiet"] + values + arguments)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        return try outcome.lastEvent()
    }

    /// The winner has the bits of a training that was never interrupted, with the schedule of all its epochs.
    @Test func halvingGoesOnFromCheckpoints() throws {
        let event = try sweep(
            "c.yaml", "--set", "optimizer.learning_rate=1e-4..1:log", "--search", "halving", "--trials", "4",
            "--reduction", "2",
            "--seed", "3", "--output", "s", "--metric", "validation_accuracy")
        let trials = try trials(event)
        #expect(trials.map { $0["epochs"] as? Int } == [4, 2, 1, 1])
        let scores = try trials.map { try #require($0["score"] as? Double) }
        #expect(scores == scores.sorted(by: >))
        let rate = try #require((trials[0]["values"] as? [String: String])?["optimizer.learning_rate"])
        let run = try workplace.train("c.yaml", "--set", "optimizer.learning_rate=\(rate)")
        #expect(try hash(summary: run + "/summary.json") == hash(trials[0], in: "s"))
        #expect(
            try NSArray(array: #require(event["rungs"] as? [Any])) == [
                ["trials": 4, "epochs": 1], ["trials": 2, "epochs": 2], ["trials": 1, "epochs": 4],
            ])
    }

    @Test func foldsAreAveraged() throws {
        let event = try sweep("c.yaml", "--set", "training.batch=16,64", "--folds", "2", "--output", "s")
        let best = try trials(event)[0]
        let batch = try #require((best["values"] as? [String: String])?["training.batch"])
        var losses: [Double] = []
        for fold in 1...2 {
            let outcome = try workplace.run(
                "train", "c.yaml", "--json", "--set", "training.batch=\(batch)", "--fold", "\(fold)/2")
            losses.append(try #require(outcome.events().compactMap { $0["validation_loss"] as? Double }.min()))
        }
        let score = try #require(best["score"] as? Double)
        // Foundation reads numbers from JSON but for their last digit.
        #expect(abs(score - (losses[0] + losses[1]) / 2) < 1e-14)
        #expect((best["runs"] as? [String])?.count == 2 && best["best_epoch"] is NSNull)
    }

    @Test func whatDivergesIsListedAndNeverWins() throws {
        let values = ["--set", "optimizer.learning_rate=0.1,1e38", "--set", "optimizer.kind=sgd"]
        let outcome = try workplace.run(["sweep", "c.yaml", "--output", "s"] + values)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(
            outcome.output.contains(
                /Without a score:\n- trial 2 learning_rate=1e38: diverged after \d+ steps?: a loss was no finite number\n/
            ))
        #expect(try workplace.read("s/best.yaml").contains("learning_rate: 0.1\n"))
        let none = try workplace.run(
            "sweep", "c.yaml", "--output", "t", "--set", "optimizer.learning_rate=1e37,1e38", "--set",
            "optimizer.kind=sgd")
        #expect(none.exitCode == 1)
        #expect(
            none.errors.contains("error: no trial has a score: 2 trials failed, the first because: diverged after "))
        #expect(try !workplace.names(in: "t").contains("best.yaml"))
    }

    // MARK: Interruptions

    /// A sweep of which one training is done and another one goes on for as long as it may.
    private func startedSweep(epochs: Int) throws -> RunningTool {
        let tool = try workplace.start([
            "sweep", "c.yaml", "--output", "s", "--jobs", "1", "--set", "training.epochs=3,\(epochs)", "--set",
            "run.checkpoint.every={steps: 7}",
        ])
        for _ in 0..<3000 {
            let runs = (try? workplace.names(in: "s/runs/trial-2").filter { $0 != "messages.txt" }) ?? []
            let metrics = runs.first.flatMap { try? workplace.read("s/runs/trial-2/\($0)/metrics.jsonl") } ?? ""
            if metrics.contains(#""epoch":20,"#) { return tool }
            usleep(10_000)
        }
        Issue.record("the second training has not begun: \(tool.errorsSoFar)")
        return tool
    }

    /// Goes on with a sweep that has begun.
    private func goesOn(epochs: Int) throws {
        let trial = try #require(try workplace.names(in: "s/runs/trial-1").first { $0 != "messages.txt" })
        let before = try workplace.read("s/runs/trial-1/\(trial)/metrics.jsonl")
        let event = try sweep("--resume", "s")
        #expect(event["is_over"] as? Bool == true)
        let trials = try trials(event)
        let ends = try trials.map { trial in try #require(trial["epochs"] as? Int) }
        #expect(ends.sorted() == [3, epochs])
        // The first one was not trained again, and the second one in the directory that it had.
        #expect(try workplace.read("s/runs/trial-1/\(trial)/metrics.jsonl") == before)
        #expect(try workplace.names(in: "s/runs/trial-2").count == 2)
        let whole = try workplace.train(
            "c.yaml", "--set", "training.epochs=\(epochs)", "--set", "run.checkpoint.every={steps: 7}")
        let second = try #require(trials.first { $0["trial"] as? Int == 2 })
        #expect(try hash(second, in: "s") == hash(summary: whole + "/summary.json"))
    }

    @Test func aKilledSweepGoesOn() throws {
        let tool = try startedSweep(epochs: 200)
        tool.send(signal: SIGKILL)
        _ = try tool.wait()
        try goesOn(epochs: 200)
        // Nothing is left to do: the same result.
        #expect(try sweep("--resume", "s")["is_over"] as? Bool == true)
    }

    @Test func aSignalEndsTheTrainings() throws {
        let tool = try startedSweep(epochs: 1_000_000)
        tool.send(signal: SIGINT)
        let outcome = try tool.wait()
        #expect(outcome.exitCode == 130)
        #expect(outcome.output.hasPrefix("c: 1 of 2 trials by validation_loss in "))
        #expect(outcome.output.hasSuffix("\nInterrupted; go on with: gradloom sweep --resume s\n"))
        #expect(try !workplace.names(in: "s").contains("best.yaml"))
        let run = try #require(try workplace.names(in: "s/runs/trial-2").first { $0 != "messages.txt" })
        #expect(try workplace.read("s/runs/trial-2/\(run)/summary.json").contains(#""end" : "interrupted""#))
        try workplace.write(Self.mixture + "# another\n", to: "c.yaml")
        let other = try workplace.run("sweep", "--resume", "s")
        #expect(other.exitCode == 78 && other.errors.contains("c.yaml’ was changed since the sweep in ‘s’ began"))
    }
}

/// Scores as the table has them.
private enum NumberText {
    static func of(_ value: Any?) -> String { (value as? Double).map { NumberFormat.number($0) } ?? "" }
}
