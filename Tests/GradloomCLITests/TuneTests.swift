import Foundation
import Testing

@Suite struct TuneTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(
            """
            data: {synthetic: {task: teacher, samples: 2000, inputs: 24, classes: 5}}
            network: {layers: [{name: hidden, units: 48, activation: relu}, {name: output, units: 5}], output: softmax}
            training: {batch: 128, epochs: 2}
            parallel: {gemm: builtin}
            """, to: "teacher.yaml")
    }

    private func tune(_ arguments: String...) throws -> Outcome {
        try workplace.run(["tune", "teacher.yaml"] + arguments)
    }

    @Test func theChoiceIsOneObject() throws {
        let outcome = try tune("--budget", "2s", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try outcome.events().count == 1)
        let event = try outcome.lastEvent()
        #expect(
            Set(event.keys) == [
                "event", "candidates", "choice", "configuration_as_it_is", "batch", "batches", "stages", "seconds",
                "ratio_to_one_worker", "is_clear", "left_out", "other_bits", "other_work_fraction", "cache", "output",
            ])
        #expect(event["event"] as? String == "tuned" && event["batch"] as? Int == 128)
        let candidates = try #require(event["candidates"] as? [[String: Any]])
        #expect(candidates.count > 2)
        for candidate in candidates {
            #expect(
                Set(candidate.keys) == [
                    "workers", "placement", "shard_rows", "route", "groups", "cpus", "samples_per_second", "low",
                    "high",
                    "ratio", "regions", "standing", "left_after_stage", "keeps_bits",
                ])
            let speed = try #require(candidate["samples_per_second"] as? Double)
            #expect(speed > 0 && (candidate["low"] as! Double) <= speed && (candidate["high"] as! Double) >= speed)
            #expect(candidate["keeps_bits"] as? Bool == true)
            #expect((candidate["workers"] as! Int) <= ProcessInfo.processInfo.activeProcessorCount)
        }
        let choice = try #require(event["choice"] as? [String: Any])
        #expect(choice["standing"] as? String == "chosen")
        #expect(candidates.filter { $0["standing"] as? String == "chosen" }.count == 1)
        // Progress is told, on the other output.
        #expect(outcome.errors.contains("stage 1: "))
    }

    @Test func whatIsWrittenIsWhatTrainTakes() throws {
        let outcome = try tune("--budget", "1s", "--output", "tuned.yaml")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("\nNext: gradloom train tuned.yaml\n"))
        let first = try #require(outcome.output.split(separator: "\n").first)
        let words = try #require(
            first.wholeMatch(
                of: /(\d+) workers?, placement (\S+), shards of (\d+) samples?, route (\w+): [\d,]+ samples\/s, .*\./))
        let tuned = try workplace.read("tuned.yaml")
        #expect(tuned.hasPrefix("# teacher.yaml, tuned by gradloom "))
        #expect(tuned.contains("\n  workers: \(words.1)\n") && tuned.contains("\n  placement: \(words.2)\n"))
        // The same bits as the configuration as it is.
        var hashes: Set<String> = []
        for file in ["teacher.yaml", "tuned.yaml"] {
            let training = try workplace.run("train", file, "--json")
            #expect(training.exitCode == 0, "\(training.errors)")
            hashes.insert(try #require(try training.lastEvent()["parameter_hash"] as? String))
            let run = try #require(try training.events().first)
            if file == "tuned.yaml" {
                #expect("\(run["workers"] as! Int)" == words.1 && run["route"] as! String == words.4)
            }
        }
        #expect(hashes.count == 1)
    }

    @Test func trainingsToComeUseTheChoice() throws {
        let kept = workplace.cachePath + "/gradloom/tuned.json"
        // Other tests are at work on these cores: the choice of one that is not clear is not kept.
        var outcome = try tune("--budget", "1s", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let event = try outcome.lastEvent()
        if event["cache"] is NSNull {
            #expect(event["is_clear"] as? Bool == false && !FileManager.default.fileExists(atPath: kept))
        } else {
            #expect(event["cache"] as? String == kept)
            let choice = try #require(event["choice"] as? [String: Any])
            outcome = try workplace.run("train", "teacher.yaml", "--json")
            let note = "note: \(choice["workers"] as! Int) worker"
            #expect(outcome.errors.contains(note) && outcome.errors.contains("as tuned here on "))
            #expect(try outcome.events()[0]["workers"] as? Int == choice["workers"] as? Int)
            // The run's own configuration stays what was asked for.
            let run = try #require(try outcome.lastEvent()["run_directory"] as? String)
            #expect(try workplace.read(run + "/config.yaml").contains("\n  workers: auto\n"))
            outcome = try workplace.run("train", "teacher.yaml", "--workers", "1", "--json")
            #expect(!outcome.errors.contains("as tuned here"))
        }
    }

    @Test func batchesAreComparedByTheTimeToALoss() throws {
        var outcome = try tune(
            "--budget", "4s", "--batch", "64,256", "--target-loss", "1.3", "--json", "--output", "t.yaml", "--set",
            "training.epochs=200", "--set", "optimizer.learning_rate=0.1")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let event = try outcome.lastEvent()
        let batches = try #require(event["batches"] as? [[String: Any]])
        #expect(batches.map { $0["batch"] as? Int } == [64, 256])
        let best = try #require(event["batch"] as? Int)
        let reached = batches.filter { $0["seconds_to_target"] is Double }
        let fastest = reached.min { ($0["seconds_to_target"] as! Double) < ($1["seconds_to_target"] as! Double) }
        #expect(fastest?["batch"] as? Int == best)
        for batch in reached {
            let samples = Double(batch["steps_to_target"] as! Int * (batch["batch"] as! Int))
            let seconds = samples / (batch["samples_per_second"] as! Double)
            // The last batch of an epoch is smaller.
            #expect(abs(seconds / (batch["seconds_to_target"] as! Double) - 1) < 0.2)
            #expect((batch["lowest_loss"] as! Double) <= 1.3)
        }
        #expect(try workplace.read("t.yaml").contains("\n  batch: \(best)\n"))
        outcome = try tune("--budget", "1s", "--batch", "64", "--target-loss", "0")
        #expect(outcome.exitCode == 1)
        #expect(
            outcome.errors.contains(
                "error: no batch reached the target loss 0.000 within the budget and training.epochs; the lowest was "))
    }

    @Test func aTrainingThatDivergesCannotBeTuned() throws {
        let outcome = try tune("--budget", "1s", "--set", "optimizer.learning_rate=1e30", "--set", "loss.l2=1e30")
        #expect(outcome.exitCode == 1)
        #expect(
            outcome.errors.hasSuffix(
                "error: the training diverges in its first steps; try a smaller optimizer.learning_rate, "
                    + "optimizer.clip_norm, or data.standardize: true\n"))
    }

    @Test(
        arguments: [
            (["--batch", "32"], "--batch and --target-loss belong together."),
            (["--target-loss", "0.1"], "--batch and --target-loss belong together."),
            (["--batch", "32", "--target-loss", "nan"], "--target-loss must be a finite number."),
            (["--budget", "0"], "--budget must be at least 1s and at most 24h."),
            (["--budget", "25h"], "--budget must be at least 1s and at most 24h."),
            (["--budget", "soon"], "The value 'soon' is invalid for '--budget <time>'"),
            (["--batch", "0", "--target-loss", "1"], "The value '0' is invalid for '--batch <list>'"),
            (
                ["--output", "./teacher.yaml"],
                "--output would replace the configuration teacher.yaml; give another file."
            ),
        ])
    func wrongOptions(arguments: [String], message: String) throws {
        let outcome = try workplace.run(["tune", "teacher.yaml"] + arguments)
        #expect(outcome.exitCode == 64)
        #expect(outcome.errors.hasPrefix("error: \(message)\n"), "\(outcome.errors)")
    }

    @Test func anExhaustiveMeasurementKeepsAll() throws {
        let outcome = try tune("--budget", "1s", "--exhaustive", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let event = try outcome.lastEvent()
        let candidates = try #require(event["candidates"] as? [[String: Any]])
        #expect(event["stages"] as? Int == 1)
        #expect(candidates.allSatisfy { $0["left_after_stage"] is NSNull && $0["standing"] as? String != "left" })
        #expect(Set(candidates.map { $0["regions"] as! Int }).count == 1)
    }

    @Test func whatCannotBeTrainedCannotBeTuned() throws {
        var outcome = try tune("--budget", "1s", "--batch", "5000", "--target-loss", "0.1")
        #expect(outcome.exitCode == 78)
        #expect(outcome.errors.contains("training.batch is 5000, but there are only 2000 training samples"))
        outcome = try workplace.run("tune", "missing.yaml")
        #expect(outcome.exitCode == 66)
        outcome = try tune("--budget", "1s", "--output", "no/such/folder/t.yaml")
        #expect(outcome.exitCode == 74, "\(outcome.errors)")
    }
}
