import Foundation
import Testing

/// A run that was ended in the middle comes to what it would have come to without.
@Suite struct ExactResumeTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    /// Momentum, a shuffled order, a penalty, a last batch of another size, and an epoch of 57 steps with checkpoints in its
    /// middle, of which two are kept.
    private static let teacher = """
        data:
          synthetic: {task: teacher, samples: 2_000, inputs: 8, classes: 3, seed: 7}
          validation: 0.1
          standardize: true
        network:
          layers:
            - {units: 16, activation: relu}
            - {units: 3}
          output: softmax
        loss: {l2: 0.001}
        optimizer: {kind: momentum, learning_rate: 0.02}
        training: {batch: 32, epochs: 40, early_stopping: {patience: 300}}
        run: {checkpoint: {every: {steps: 20}, keep: 2}}

        """

    /// The epochs of a run, but for what depends on the moment: times and speeds.
    private func epochs(of run: String) throws -> [[String: Double]] {
        try workplace.read(run + "/metrics.jsonl").split(separator: "\n").compactMap { line in
            let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            guard let event, event["event"] as? String == "epoch" else { return nil }
            return event.compactMapValues { $0 as? Double }.filter {
                ["epoch", "step", "loss", "accuracy", "validation_loss", "validation_accuracy"].contains($0.key)
            }
        }
    }

    private func hash(_ run: String) throws -> String? {
        let summary = try JSONSerialization.jsonObject(with: Data(workplace.read(run + "/summary.json").utf8))
        return (summary as? [String: Any])?["parameter_hash"] as? String
    }

    private func newRun() throws -> String { "runs/" + (try #require(try workplace.names(in: "runs").last)) }

    /// Killed again and again without a chance to write anything, each time with another number of workers.
    @Test func aKilledRunLosesNothing() throws {
        try workplace.write(Self.teacher.replacing("epochs: 40", with: "epochs: 300"), to: "teacher.yaml")
        let whole = try workplace.train("teacher.yaml", "--workers", "1")
        var run = ""
        for (round, epoch) in [20, 90, 150].enumerated() {
            let tool = try workplace.start(
                (round == 0 ? ["train", "teacher.yaml"] : ["train", "--resume", run]) + [
                    "--json", "--workers", "\(1 + round % 2)",
                ])
            try tool.wait(forOutput: "\"epoch\":\(epoch),")
            tool.send(signal: SIGKILL)
            #expect(try tool.wait().exitCode == -SIGKILL)
            if round == 0 { run = try newRun() }
            #expect(try !workplace.names(in: run).contains("summary.json"))
        }
        let last = try workplace.run("train", "--resume", run, "--json")
        #expect(last.exitCode == 0, "\(last.errors)")
        #expect(try hash(run) == hash(whole))
        #expect(try epochs(of: run) == epochs(of: whole))
        #expect(try epochs(of: run).count == 300)
        // A line for each start.
        #expect(try workplace.read(run + "/metrics.jsonl").matches(of: /"event":"run"/).count == 4)
    }

    /// A long validation does not keep a training from ending; it is done when the training goes on.
    @Test func aLongValidationIsGivenUp() throws {
        try workplace.write(
            """
            data: {synthetic: {task: teacher, samples: 400_000, inputs: 8, classes: 3, seed: 7}, validation: 0.9999}
            network: {layers: [{units: 600, activation: tanh}, {units: 300, activation: tanh}, {units: 3}], output: softmax}
            training: {batch: 32, epochs: 2}
            run: {checkpoint: {every: {steps: 1}}}

            """, to: "validation.yaml")
        let whole = try workplace.train("validation.yaml", "--workers", "1")
        let tool = try workplace.start(["train", "validation.yaml", "--json"])
        try tool.wait(forOutput: "\"event\":\"run\"")
        // The second step is the epoch's last one, and takes a moment; then there is nothing but the validation.
        let run = try newRun()
        while try workplace.names(in: run + "/checkpoints").isEmpty { Thread.sleep(forTimeInterval: 0.01) }
        Thread.sleep(forTimeInterval: 0.2)
        let start = ContinuousClock.now
        tool.send(signal: SIGINT)
        let outcome = try tool.wait()
        #expect(outcome.exitCode == 128 + SIGINT && ContinuousClock.now - start < .seconds(2))
        #expect(!outcome.output.contains("\"event\":\"epoch\""))
        #expect(try workplace.names(in: run + "/checkpoints").contains("step-00000002.safetensors"))
        let checkpoint = try Data(contentsOf: workplace.url(run + "/checkpoints/step-00000002.safetensors"))
        #expect(checkpoint.range(of: Data("validation_pending".utf8)) != nil)
        let resumed = try workplace.run("train", "--resume", run)
        #expect(resumed.exitCode == 0, "\(resumed.errors)")
        #expect(try hash(run) == hash(whole) && epochs(of: run) == epochs(of: whole))
        #expect(try epochs(of: run).count == 2)
    }

    /// A run at `steps`, as a crash would have left it: with lines of later steps in its metrics, and without its summary.
    private func crashed(at steps: Int) throws -> String {
        let run = try workplace.train("teacher.yaml", "--set", "training.steps=\(steps)")
        // The limit was only for this test.
        try workplace.write(
            workplace.read(run + "/config.yaml").replacing("steps: \(steps)", with: "steps: null"),
            to: run + "/config.yaml")
        let metrics = try workplace.read(run + "/metrics.jsonl")
        try workplace.write(
            metrics + #"{"event":"epoch","epoch":99,"step":9999,"loss":1}"# + "\n{\"event\":",
            to: run + "/metrics.jsonl")
        try FileManager.default.removeItem(at: workplace.url(run + "/summary.json"))
        return run
    }

    @Test func aDamagedCheckpointIsNamedAndTheOneBeforeUsed() throws {
        try workplace.write(Self.teacher, to: "teacher.yaml")
        let whole = try workplace.train("teacher.yaml")
        let run = try crashed(at: 130)
        let names = try workplace.names(in: run + "/checkpoints").filter { $0.hasPrefix("step-") }
        #expect(names == ["step-00000120.safetensors", "step-00000130.safetensors"])
        let path = run + "/checkpoints/" + names[1]
        var bytes = try Data(contentsOf: workplace.url(path))
        bytes[bytes.count - 5] ^= 1
        try workplace.write(bytes, to: path)
        // What a killed writer leaves.
        try workplace.write("half", to: run + "/checkpoints/.step-00000140.safetensors.1x2y3z.tmp")
        let resumed = try workplace.run("train", "--resume", run, "--json")
        #expect(try !workplace.names(in: run + "/checkpoints").contains { $0.hasSuffix(".tmp") })
        #expect(resumed.exitCode == 0, "\(resumed.errors)")
        #expect(resumed.errors.contains("note: ‘\(path)’: tensor ‘"))
        #expect(
            resumed.errors.contains(
                "’: damaged: its numbers are not those that were written; going on from "
                    + "\(run)/checkpoints/\(names[0]), the checkpoint before\n"))
        #expect(try hash(run) == hash(whole) && epochs(of: run) == epochs(of: whole))
    }

    /// A checkpoint speaks of the best parameters: without them it is no better than a damaged one.
    @Test(arguments: [true, false]) func bestParametersThatAreLostAreNamed(isDeleted: Bool) throws {
        try workplace.write(Self.teacher, to: "teacher.yaml")
        let whole = try workplace.train("teacher.yaml")
        let run = try crashed(at: 130)
        let names = try workplace.names(in: run + "/checkpoints")
        // Those of the steps that were done, and of two whole epochs.
        #expect(names.filter { $0.hasPrefix("best-") } == ["best-00000114.safetensors", "best-00000130.safetensors"])
        let path = run + "/checkpoints/" + names[1]
        if isDeleted {
            try FileManager.default.removeItem(at: workplace.url(path))
        } else {
            try workplace.write(Data(try Data(contentsOf: workplace.url(path)).dropLast(9)), to: path)
        }
        let resumed = try workplace.run("train", "--resume", run)
        #expect(resumed.exitCode == 0, "\(resumed.errors)")
        #expect(resumed.errors.contains("note: ‘\(run)/checkpoints/best-"), "\(resumed.errors)")
        #expect(resumed.errors.contains("going on from \(run)/checkpoints/step-00000120.safetensors"))
        #expect(try hash(run) == hash(whole) && epochs(of: run) == epochs(of: whole))
        // Without any, only who says so goes on.
        let bare = try crashed(at: 130)
        for name in names.prefix(2) {
            try FileManager.default.removeItem(at: workplace.url(bare + "/checkpoints/" + name))
        }
        let refused = try workplace.run("train", "--resume", bare)
        #expect(refused.exitCode != 0 && refused.errors.contains("/checkpoints/best-"), "\(refused.errors)")
        #expect(try workplace.run("train", "--resume", bare, "--force").exitCode == 0)
    }

    @Test func withoutAWholeCheckpointNothingIsTouched() throws {
        try workplace.write(Self.teacher, to: "teacher.yaml")
        let run = try crashed(at: 30)
        for name in try workplace.names(in: run + "/checkpoints") {
            try workplace.write("no checkpoint", to: run + "/checkpoints/" + name)
        }
        let before = try workplace.read(run + "/metrics.jsonl")
        let resumed = try workplace.run("train", "--resume", run)
        #expect(
            resumed.exitCode == 65
                && resumed.complaints.hasPrefix("error: ‘\(run)/checkpoints/step-00000030.safetensors’"))
        #expect(try workplace.read(run + "/metrics.jsonl") == before)
    }

    @Test func aRunWithoutCheckpointsBeginsAnew() throws {
        try workplace.write(Self.teacher, to: "teacher.yaml")
        let whole = try workplace.train("teacher.yaml")
        let run = try crashed(at: 30)
        for name in try workplace.names(in: run + "/checkpoints") {
            try FileManager.default.removeItem(at: workplace.url(run + "/checkpoints/" + name))
        }
        let resumed = try workplace.run("train", "--resume", run)
        #expect(resumed.exitCode == 0)
        #expect(resumed.errors.contains("note: the run ‘\(run)’ ended before its first checkpoint: it begins anew\n"))
        #expect(try hash(run) == hash(whole) && epochs(of: run) == epochs(of: whole))
    }

    @Test func aRunThatEndedBeforeItsSummaryGetsIt() throws {
        try workplace.write(Self.teacher, to: "teacher.yaml")
        let run = try workplace.train("teacher.yaml")
        func result() throws -> [String: Any] {
            let object = try JSONSerialization.jsonObject(with: Data(workplace.read(run + "/summary.json").utf8))
            return try #require(object as? [String: Any])
        }
        let before = try result()
        try FileManager.default.removeItem(at: workplace.url(run + "/summary.json"))
        #expect(try workplace.run("train", "--resume", run).exitCode == 0)
        let after = try result()
        for key in ["loss", "accuracy", "validation_loss", "validation_accuracy"] {
            #expect(before[key] as? Double == after[key] as? Double && after[key] is Double, "\(key)")
        }
        for key in ["parameter_hash", "end"] { #expect(before[key] as? String == after[key] as? String) }
        #expect(try epochs(of: run).count == 40)
    }

    /// By somebody, or by a disk: what counts from now on, and what is not what was written.
    @Test func filesThatWereChangedAreNamed() throws {
        try workplace.write(Self.teacher, to: "teacher.yaml")
        let run = try workplace.train("teacher.yaml", "--set", "training.epochs=3")
        let more = ["train", "--resume", run, "--set"]
        let untouched = try workplace.run(more + ["training.epochs=4"])
        #expect(untouched.exitCode == 0 && !untouched.errors.contains("was changed"), "\(untouched.errors)")
        let configuration = try workplace.read(run + "/config.yaml")
        try workplace.write(
            configuration.replacing("learning_rate: 0.02", with: "learning_rate: 0.03"), to: run + "/config.yaml")
        let edited = try workplace.run(more + ["training.epochs=5"])
        #expect(
            edited.exitCode == 0
                && edited.errors.contains(
                    "note: ‘\(run)/config.yaml’ was changed since the last checkpoint; what it says now counts\n"),
            "\(edited.errors)")
        #expect(!edited.errors.contains("metrics.jsonl"))
        let metrics = try workplace.read(run + "/metrics.jsonl")
        try workplace.write(
            metrics.replacing(/"epoch":1,/, with: "\"epoch\":7,", maxReplacements: 1), to: run + "/metrics.jsonl")
        let damaged = try workplace.run(more + ["training.epochs=6"])
        #expect(
            damaged.errors.contains(
                "note: ‘\(run)/metrics.jsonl’ was changed since the last checkpoint: its lines are not what was written\n"
            ), "\(damaged.errors)")
        #expect(!damaged.errors.contains("config.yaml"))
    }

    @Test func otherSettingsAreRefusedWithBothValues() throws {
        try workplace.write(Self.teacher, to: "teacher.yaml")
        let run = try crashed(at: 30)
        let before = try workplace.read(run + "/config.yaml")
        let other = [
            "train", "--resume", run, "--set", "training.batch=64", "--set", "training.seed=3", "--workers", "1",
        ]
        let refused = try workplace.run(other)
        #expect(refused.exitCode == 78)
        #expect(
            refused.complaints.contains(
                "was trained with training.batch: 32, training.seed: 1, and would go on with 64, 3: it would be no training "
                    + "under either; keep what it had, or accept that with --force\n"), "\(refused.complaints)")
        #expect(try workplace.read(run + "/config.yaml") == before)
        let clipped = try workplace.run("train", "--resume", run, "--set", "optimizer.clip_norm=0.01")
        #expect(
            clipped.exitCode == 78 && clipped.errors.contains("optimizer.clip_norm: nothing, and would go on with 0.01")
        )
        let shorter = try workplace.run("train", "--resume", run, "--set", "training.drop_last=true")
        #expect(
            shorter.exitCode == 78 && shorter.errors.contains("training.drop_last: false, and would go on with true"),
            "\(shorter.errors)")
        let cooled = try workplace.run(
            "train", "--resume", try crashed(at: 30), "--set", "optimizer.schedule.kind=cosine", "--set",
            "training.epochs=2")
        #expect(cooled.exitCode == 0, "\(cooled.errors)")
        #expect(try workplace.run(other + ["--force", "--set", "training.epochs=2"]).exitCode == 0)
        #expect(try workplace.read(run + "/config.yaml").contains("batch: 64"))
        // How to go on is everybody's choice.
        let slower = try workplace.run(
            "train", "--resume", run, "--set", "optimizer.learning_rate=0.01", "--set", "training.epochs=3")
        #expect(slower.exitCode == 0, "\(slower.errors)")
    }

    @Test func otherDataAreRefused() throws {
        func csv(_ last: String) -> String { "x,y\n" + (0..<40).map { "\($0),\($0 % 2)\n" }.joined() + last }
        try workplace.write(csv("7,0\n"), to: "a.csv")
        try workplace.write(
            """
            data: {csv: {path: a.csv, label: y}}
            network: {layers: [{units: 2}], output: softmax}
            training: {batch: 8, epochs: 2}

            """, to: "a.yaml")
        let run = try workplace.train("a.yaml")
        try workplace.write(csv("7,1\n"), to: "a.csv")
        let more = ["train", "--resume", run, "--set", "training.epochs=3"]
        let refused = try workplace.run(more)
        #expect(refused.exitCode == 65)
        #expect(
            refused.complaints.contains("was trained on other data (41 samples of 1 features, "),
            "\(refused.complaints)")
        // The same data in another place are the same.
        try workplace.write(csv("7,0\n"), to: "moved.csv")
        let moved = try workplace.run(more + ["--set", "data.csv.path=moved.csv"])
        #expect(moved.exitCode == 0, "\(moved.errors)")
        #expect(
            try workplace.run(more + ["--set", "training.epochs=4", "--set", "data.csv.path=a.csv", "--force"]).exitCode
                == 0)
    }

    @Test func oneRunHasOneTraining() throws {
        try workplace.write(Self.teacher, to: "teacher.yaml")
        let tool = try workplace.start(["train", "teacher.yaml", "--set", "training.epochs=1000000", "--json"])
        try tool.wait(forOutput: "\"event\":\"run\"")
        let run = try newRun()
        let second = try workplace.run("train", "--resume", run)
        #expect(second.exitCode == 75)
        #expect(
            second.complaints == "error: another training writes the run ‘\(run)’ now: wait for its end, or end it\n")
        tool.send(signal: SIGKILL)
        _ = try tool.wait()
        let resumed = try workplace.run("train", "--resume", run, "--set", "training.epochs=1")
        #expect(resumed.exitCode != 75)
    }

    @Test func samplesOfOtherDataAreNotTakenForTheValidation() throws {
        let lines = (0..<40).map { "\($0),\($0 % 2)\n" }.joined()
        try workplace.write("x,y\n" + lines, to: "a.csv")
        try workplace.write(
            """
            data: {csv: {path: a.csv, label: y}, validation: 0.25, standardize: true}
            network: {layers: [{units: 2}], output: softmax}
            training: {batch: 8, epochs: 2}

            """, to: "a.yaml")
        let run = try workplace.train("a.yaml")
        #expect(try workplace.run("evaluate", run).exitCode == 0)
        // A row more, and every sample may be in the other part.
        try workplace.write("x,y\n" + lines + "7,1\n", to: "a.csv")
        let refused = try workplace.run("evaluate", run)
        #expect(refused.exitCode == 65)
        #expect(
            refused.errors.contains(
                /error: .*a\.csv: the data have changed since the training: they were 30 \+ 10 samples of 1 features, [0-9a-f]{16}, and are 31 \+ 10/
            ),
            "\(refused.errors)")
        #expect(try workplace.run("evaluate", run, "--data", "a.csv").exitCode == 0)
    }

    /// Path and reason, before anything is lost.
    @Test func metricsThatCannotBeWrittenAreNamed() throws {
        try workplace.write(Self.teacher, to: "teacher.yaml")
        let run = try crashed(at: 30)
        try FileManager.default.removeItem(at: workplace.url(run + "/metrics.jsonl"))
        try FileManager.default.createSymbolicLink(
            at: workplace.url(run + "/metrics.jsonl"), withDestinationURL: URL(fileURLWithPath: "/dev/full"))
        let resumed = try workplace.run("train", "--resume", run)
        #expect(resumed.exitCode == 74)
        #expect(resumed.complaints.contains("error: cannot write ‘\(run)/metrics.jsonl’"), "\(resumed.complaints)")
    }

    /// The file that a run began with is not needed to go on, but to begin anew.
    @Test func initialParametersAreForTheBeginning() throws {
        try workplace.write(SampleData.xor, to: "xor.yaml")
        let first = try workplace.train("xor.yaml")
        let name = try #require(try workplace.names(in: first + "/checkpoints").last)
        try FileManager.default.copyItem(
            at: workplace.url(first + "/checkpoints/" + name), to: workplace.url("first.safetensors"))
        let run = try workplace.train("xor.yaml", "--set", "network.initialization.parameters=first.safetensors")
        try FileManager.default.removeItem(at: workplace.url("first.safetensors"))
        let more = ["train", "--resume", run, "--set", "training.epochs=5"]
        #expect(try workplace.run(more).exitCode == 0)
        try FileManager.default.removeItem(at: workplace.url(run + "/checkpoints"))
        try FileManager.default.createDirectory(
            at: workplace.url(run + "/checkpoints"), withIntermediateDirectories: false)
        let anew = try workplace.run(more)
        #expect(anew.exitCode == 66 && anew.errors.contains("first.safetensors"), "\(anew.errors)")
    }
}
