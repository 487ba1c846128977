import Foundation
import Testing

@Suite struct ResumeTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    /// Momentum and a shuffled order: both have to go on where they were.
    private static let teacher = """
        data:
          synthetic: {task: teacher, samples: 2_000, inputs: 8, classes: 3, seed: 7}
          validation: 0.1
        network:
          layers:
            - {units: 16, activation: relu}
            - {units: 3}
          output: softmax
        optimizer: {kind: momentum, learning_rate: 0.02}
        training: {batch: 64, epochs: 1_000_000}

        """

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1])
    func anInterruptedRunGoesOnWithTheSameBits(signal: Int32) throws {
        try workplace.write(Self.teacher, to: "teacher.yaml")
        let tool = try workplace.start(["train", "teacher.yaml", "--json"])
        try tool.wait(forOutput: "\"epoch\"")
        tool.send(signal: signal)
        let interrupted = try tool.wait()
        #expect(interrupted.exitCode == 128 + signal)
        let done = try interrupted.lastEvent()
        #expect(done["event"] as? String == "done")
        let run = try #require(done["run_directory"] as? String)
        let step = try #require(done["steps"] as? Int)
        #expect(try workplace.read(run + "/summary.json").contains("\"end\" : \"interrupted\""))
        let checkpoint = "step-" + String(repeating: "0", count: 8 - "\(step)".count) + "\(step).safetensors"
        #expect(try workplace.names(in: run + "/checkpoints").last == checkpoint)

        let last = "training.steps=\(step + 100)"
        let resumed = try workplace.run("train", "--resume", run, "--set", last, "--json")
        #expect(resumed.exitCode == 0, "\(resumed.errors)")
        #expect(try resumed.lastEvent()["run_directory"] as? String == run)
        let whole = try workplace.run("train", "teacher.yaml", "--set", last, "--json", "--workers", "1")
        #expect(
            try resumed.lastEvent()["parameter_hash"] as? String
                == (try whole.lastEvent()["parameter_hash"] as? String))
        #expect(try resumed.lastEvent()["steps"] as? Int == step + 100)
    }

    /// A training that has begun, and its run directory.
    private func startedTraining() throws -> (RunningTool, run: String) {
        try workplace.write(Self.teacher, to: "teacher.yaml")
        let tool = try workplace.start(["train", "teacher.yaml"])
        var run = ""
        // The first event is in the file when training begins.
        while ((try? workplace.read(run + "/metrics.jsonl")) ?? "").isEmpty {
            usleep(10_000)
            run = "runs/" + ((try? workplace.names(in: "runs").first) ?? "")
        }
        return (tool, run)
    }

    @Test func thePersonWhoInterruptsIsToldHowToGoOn() throws {
        let (tool, run) = try startedTraining()
        tool.send(signal: SIGINT)
        let outcome = try tool.wait()
        #expect(outcome.exitCode == 130)
        #expect(outcome.output.contains("  note: interrupted; go on with: gradloom train --resume \(run)\n"))
    }

    @Test func whatOthersTakeStandsBesideTheSpeed() throws {
        let others = (0..<ProcessInfo.processInfo.activeProcessorCount).map { _ in Process() }
        for program in others {
            program.executableURL = URL(fileURLWithPath: "/bin/sh")
            program.arguments = ["-c", "while :; do :; done"]
            try program.run()
        }
        defer {
            // They may have inherited a mask that blocks milder signals.
            others.forEach { kill($0.processIdentifier, SIGKILL) }
            others.forEach { $0.waitUntilExit() }
        }
        let (tool, run) = try startedTraining()
        Thread.sleep(forTimeInterval: 2)
        tool.send(signal: SIGINT)
        let note = try #require(try tool.wait().output.firstMatch(of: /note: others had (\d+\.\d) % of the time/))
        let percent = try #require(Double(note.1))
        #expect(percent > 10 && percent < 100)
        let done = try workplace.read(run + "/metrics.jsonl").split(separator: "\n").last ?? ""
        let fraction = try #require(done.firstMatch(of: /"other_work_fraction":([0-9.]+)/))
        #expect(abs(try #require(Double(fraction.1)) * 100 - percent) < 0.051)
    }

    @Test func aFinishedRunSaysSo() throws {
        try workplace.write(SampleData.xor, to: "xor.yaml")
        let run = try workplace.train("xor.yaml")
        let before = try workplace.read(run + "/metrics.jsonl")
        let again = try workplace.run("train", "--resume", run)
        #expect(again.exitCode == 64)
        #expect(
            again.complaints == """
                error: the run ‘\(run)’ is complete: all 3 steps are done; to train it longer, raise \
                training.epochs with \
                --set training.epochs=N

                """)
        #expect(again.output == "")
        #expect(try workplace.read(run + "/metrics.jsonl") == before)

        let longer = try workplace.run("train", "--resume", run, "--set", "training.epochs=5")
        #expect(longer.exitCode == 0)
        #expect(longer.output.contains(": 5 epochs, 5 steps in "))
        #expect(longer.output.contains("  note: resumed after step 3\n"))
        // The run keeps the new number.
        #expect(try workplace.run("train", "--resume", run).errors.contains("all 5 steps are done"))
    }

    /// The run's checkpoints, with an entry of their metadata renamed.
    private func rename(_ key: String, to other: String, in run: String) throws {
        for name in try workplace.names(in: run + "/checkpoints") {
            let path = run + "/checkpoints/" + name
            var bytes = try Data(contentsOf: workplace.url(path))
            let place = try #require(bytes.range(of: Data("\"\(key)\"".utf8)))
            bytes.replaceSubrange(place, with: Data("\"\(other)\"".utf8))
            try workplace.write(bytes, to: path)
        }
    }

    @Test func otherNumericsAreRefusedOrAccepted() throws {
        try workplace.write(SampleData.xor, to: "xor.yaml")
        let run = try workplace.train("xor.yaml", "--set", "parallel.gemm=openblas")
        let more = ["train", "--resume", run, "--json", "--set", "parallel.gemm=builtin", "--set"]
        let refused = try workplace.run(more + ["training.epochs=5"])
        #expect(refused.exitCode == 78 && refused.output == "")
        #expect(
            refused.complaints.hasSuffix(
                """
                error: the run ‘\(run)’ was trained under the numerics openblas, and would go on under fma-2, with other \
                bits than an uninterrupted training; keep them with --set parallel.gemm=openblas, or accept that \
                with --accept-numerics

                """))
        #expect(try workplace.read(run + "/config.yaml").contains("gemm: openblas"))
        let accepted = try workplace.run(more + ["training.epochs=5", "--accept-numerics"])
        #expect(accepted.exitCode == 0, "\(accepted.errors)")
        #expect(try accepted.events().first?["numerics"] as? String == "fma-2")
        // From now on it is a run under the other identity.
        #expect(try workplace.run(more + ["training.epochs=6"]).exitCode == 0)
    }

    @Test func aCheckpointWithoutNumericsIsOfAnEarlierVersion() throws {
        try workplace.write(SampleData.xor, to: "xor.yaml")
        let run = try workplace.train("xor.yaml", "--set", "parallel.gemm=builtin")
        // As long as the entries, so that nothing else in the file moves.
        try rename("numerics", to: "anything", in: run)
        try rename("checksums", to: "something", in: run)
        let refused = try workplace.run("train", "--resume", run, "--set", "training.epochs=5")
        #expect(refused.exitCode == 78)
        #expect(
            refused.complaints.contains(
                "was trained under the numerics fma-0, and would go on under fma-2, with other bits than an uninterrupted "
                    + "training; go on with the version of gradloom that began it, or accept that with --accept-numerics"
            ))
        let accepted = try workplace.run(
            "train", "--resume", run, "--set", "training.epochs=5", "--accept-numerics")
        #expect(accepted.exitCode == 0, "\(accepted.errors)")
        #expect(try workplace.run("train", "xor.yaml", "--accept-numerics").exitCode == 64)
    }

    @Test func anotherNetworkIsRefused() throws {
        try workplace.write(SampleData.xor, to: "xor.yaml")
        let run = try workplace.train("xor.yaml")
        let before = try workplace.read(run + "/config.yaml")
        let other = ["train", "--resume", run, "--set", "training.epochs=5", "--set", "network.layers.0.units=3"]
        let refused = try workplace.run(other)
        #expect(refused.exitCode == 78)
        #expect(
            refused.complaints == """
                error: the run ‘\(run)’ was trained with network.layers.0.units: 2, and would go on with 3: it would be \
                no training under either; keep what it had, or accept that with --force

                """)
        let outcome = try workplace.run(other + ["--force"])
        #expect(outcome.exitCode == 65)
        #expect(
            outcome.complaints.hasPrefix(
                "error: ‘\(run)/checkpoints/step-00000003.safetensors’: tensor ‘layer1.weights’"))
        #expect(outcome.complaints.contains("its shape is [2, 2]; expected [3, 2]"))
        #expect(try workplace.read(run + "/config.yaml") == before)
    }

    /// The validation labels contradict the training labels, so that every epoch is worse than the first.
    private static let overfitting = """
        data:
          inline: {inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], targets: [0, 0, 1, 1]}
          validation:
            inline: {inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], targets: [1, 1, 0, 0]}
        network:
          layers:
            - {units: 1}
          output: sigmoid
          initialization: {kind: constant, value: 0}
        optimizer: {kind: sgd, learning_rate: 0.1}
        training: {batch: 4, epochs: 20, early_stopping: {patience: 3}}
        parallel: {workers: 1}

        """

    @Test func earlyStoppingCountsTheEpochsBefore() throws {
        try workplace.write(Self.overfitting, to: "overfitting.yaml")
        let whole = try workplace.run("train", "overfitting.yaml", "--json")
        #expect(try whole.lastEvent()["steps"] as? Int == 4)
        let part = try workplace.train("overfitting.yaml", "--set", "training.steps=2")
        let resumed = try workplace.run("train", "--resume", part, "--set", "training.steps=20", "--json")
        #expect(try resumed.lastEvent()["steps"] as? Int == 4)
        #expect(
            try resumed.lastEvent()["parameter_hash"] as? String
                == (try whole.lastEvent()["parameter_hash"] as? String))
        // The first epoch was the best: its parameters are the result, and what evaluate and predict use.
        let best = try workplace.run("train", "overfitting.yaml", "--set", "training.epochs=1", "--json").lastEvent()
        #expect(try whole.lastEvent()["parameter_hash"] as? String == best["parameter_hash"] as? String)
        #expect(try whole.lastEvent()["steps"] as? Int == 4)
        let summary = try workplace.read(part + "/summary.json")
        let epochs = try whole.events().filter { $0["event"] as? String == "epoch" }
        let loss = try #require(epochs[0]["validation_loss"] as? Double)
        #expect(summary.contains("\"validation_loss\" : \(loss)"))
        #expect(
            try workplace.names(in: part + "/checkpoints").filter { $0.hasPrefix("best") } == [
                "best-00000001.safetensors"
            ])
        let evaluation = try workplace.run("evaluate", part, "--json").lastEvent()
        #expect(evaluation["checkpoint"] as? String == part + "/checkpoints/best-00000001.safetensors")
        #expect(evaluation["step"] as? Int == 1 && evaluation["loss"] as? Double == loss)

        let again = try workplace.run("train", "--resume", part)
        #expect(again.exitCode == 64)
        #expect(
            again.complaints == """
                error: the run ‘\(part)’ has stopped early, because its validation loss was best after \
                epoch 1; to train it \
                longer, raise training.early_stopping.patience with --set

                """)
    }
}
