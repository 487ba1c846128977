import Foundation
import LoomKernels
import Testing

@Suite struct TrainTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(SampleData.xor, to: "xor.yaml")
    }

    @Test func eventsHaveTheirKeys() throws {
        let outcome = try workplace.run("train", "xor.yaml", "--json")
        #expect(outcome.exitCode == 0)
        let events = try outcome.events()
        #expect(events.map { $0["event"] as? String } == ["run", "epoch", "epoch", "epoch", "done"])
        #expect(
            Set(events[0].keys) == [
                "event", "parameters", "workers", "placement", "route", "groups", "products", "numerics",
                "instruction_set", "ceiling_gflops", "ceiling_cached", "blas", "machine", "memory", "run_directory",
            ])
        let blas = try #require(events[0]["blas"] as? [String: Any])
        #expect(Set(blas.keys) == ["library", "core"])
        #expect((blas["library"] as? String)?.hasPrefix("OpenBLAS 0.") == true)
        #expect(
            Set(events[1].keys) == [
                "event", "epoch", "step", "loss", "accuracy", "validation_loss", "validation_accuracy",
                "samples_per_second", "seconds", "ceiling_fraction", "largest_overhead",
            ])
        #expect(
            Set(events[4].keys) == [
                "event", "steps", "loss", "samples_per_second", "gflops", "ceiling_gflops", "ceiling_fraction",
                "other_work_fraction", "parameter_hash", "peak_resident_bytes", "run_directory", "time",
                "step_fractions", "largest_overhead",
            ])
        #expect(events[0]["parameters"] as? Int == 9)
        #expect(events[0]["workers"] as? Int == 1)
        #expect(events[3]["epoch"] as? Int == 3)
        #expect(events[4]["steps"] as? Int == 3)
        #expect((events[4]["parameter_hash"] as? String)?.count == 64)
    }

    /// The promise in one line: whatever the processor has, the parameters are the same.
    @Test func everyInstructionSetGivesTheSameBits() throws {
        var hashes: [String: String] = [:]
        for set in ["baseline", "avx2", "avx512"] {
            let outcome = try workplace.run(
                "train", "xor.yaml", "--json", "--set", "parallel.instruction_set=\(set)")
            guard InstructionSet(rawValue: set)?.isSupported == true else {
                #expect(outcome.exitCode == 78 && outcome.output == "")
                #expect(
                    outcome.errors.hasPrefix(
                        "error: parallel.instruction_set is \(set), which this processor does not have; it has baseline"
                    ))
                continue
            }
            let first = try #require(try outcome.events().first)
            // Who multiplies does not depend on the instructions in use.
            let numerics = InstructionSet.avx2.isSupported ? "fma-2" : "openblas"
            #expect(first["instruction_set"] as? String == set && first["numerics"] as? String == numerics)
            hashes[set] = try outcome.lastEvent()["parameter_hash"] as? String
        }
        #expect(!hashes.isEmpty && Set(hashes.values).count == 1, "\(hashes)")
    }

    @Test func aRunDirectoryHasEverything() throws {
        let outcome = try workplace.run("train", "xor.yaml", "--json", "--set", "run.checkpoint.every=epoch")
        let run = try #require(try outcome.lastEvent()["run_directory"] as? String)
        #expect(run.wholeMatch(of: /runs\/xor-\d{8}T\d{6}Z/) != nil)
        #expect(
            try workplace.names(in: run) == ["checkpoints", "config.yaml", "metrics.jsonl", "summary.json"])
        #expect(
            try workplace.names(in: run + "/checkpoints") == [
                "step-00000002.safetensors", "step-00000003.safetensors",
            ])
        #expect(try workplace.read(run + "/metrics.jsonl") == outcome.output)
        let text = try workplace.read(run + "/summary.json")
        let summary = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(summary["end"] as? String == "completed")
        #expect(
            summary["parameter_hash"] as? String == (try outcome.lastEvent()["parameter_hash"] as? String))
        // The resolved configuration trains the same network.
        let again = try workplace.run("train", run + "/config.yaml", "--json")
        #expect(
            try again.lastEvent()["parameter_hash"] as? String
                == (try outcome.lastEvent()["parameter_hash"] as? String))
    }

    @Test func aTableAndProgressAreForPeople() throws {
        let outcome = try workplace.run("train", "xor.yaml")
        #expect(outcome.exitCode == 0)
        for pattern in [
            #"xor: 3 epochs, 3 steps in .+"#, #"  loss +\d\.\d+ +–"#, #"  samples/s +.+"#,
            #"  GFLOP/s +\d.* of the arithmetic peak \(.+ float64, 1 worker\)"#, #"  workers +1, .*pinned.*"#,
            #"  run +runs/xor-.+"#, #"  measure it again +gradloom evaluate runs/xor-.+"#,
        ] {
            let line = try Regex(pattern)
            #expect(outcome.output.split(separator: "\n").contains { $0.wholeMatch(of: line) != nil })
        }
        let progress = outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("note: ") }
        #expect(progress.count == 3)
        for (index, line) in progress.enumerated() {
            #expect(line.hasPrefix("epoch \(index + 1)/3  loss 0."))
        }
        #expect(outcome.errors.contains("note: class labels 0 … 1, taken to start at 0\n"))
    }

    @Test func quietMeansSilent() throws {
        let silent = try workplace.run("train", "xor.yaml", "--quiet")
        #expect(silent.exitCode == 0)
        #expect(silent.output == "")
        #expect(silent.errors == "")
        let events = try workplace.run("train", "xor.yaml", "--quiet", "--json")
        #expect(events.errors == "")
        #expect(try events.events().count == 5)
    }

    @Test func overridesAndWorkersCount() throws {
        let outcome = try workplace.run(
            "train", "xor.yaml", "--set", "training.epochs=2", "--set", "training.seed=9",
            "--set", "parallel.placement=none", "--workers", "2", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let events = try outcome.events()
        #expect(events[0]["workers"] as? Int == 2)
        #expect(events.count == 4)
        let run = try #require(try outcome.lastEvent()["run_directory"] as? String)
        let configuration = try workplace.read(run + "/config.yaml")
        #expect(configuration.contains("workers: 2"))
        #expect(configuration.contains("epochs: 2"))
        #expect(configuration.contains("seed: 9"))
    }

    @Test func divergenceNamesTheStepAndKeepsTheCheckpoint() throws {
        let outcome = try workplace.run(
            "train", "xor.yaml", "--json", "--quiet", "--set", "network.output=identity",
            "--set", "optimizer.learning_rate=1e300", "--set", "run.checkpoint.every=epoch")
        #expect(outcome.exitCode == 1)
        let run = try #require(try outcome.lastEvent()["run_directory"] as? String)
        #expect(
            outcome.errors == """
                error: training diverged: the loss of step 2 is not a finite number, which began in the loss \
                function; the last checkpoint \
                before it is \
                \(run)/checkpoints/step-00000001.safetensors; try --on-nan rollback, a smaller optimizer.learning_rate, \
                optimizer.clip_norm, \
                or data.standardize: true

                """)
        #expect(try workplace.names(in: run + "/checkpoints") == ["step-00000001.safetensors"])
        #expect(try workplace.read(run + "/summary.json").contains("\"end\" : \"diverged\""))
    }

    @Test func divergenceInTheFirstStepLeavesNoCheckpoint() throws {
        let outcome = try workplace.run(
            "train", "xor.yaml", "--json", "--set", "network.layers.0.activation=exp",
            "--set", "network.layers.0.weights=[[1000, 1000], [1000, 1000]]")
        #expect(outcome.exitCode == 1)
        #expect(
            outcome.errors.contains(
                "the loss of step 1 is not a finite number, which began in the activations of layer 'layer1'; there is no "
                    + "checkpoint yet;"))
        let run = try #require(try outcome.lastEvent()["run_directory"] as? String)
        let evaluation = try workplace.run("evaluate", run)
        #expect(evaluation.exitCode == 66)
        #expect(
            evaluation.errors == """
                error: the run ‘\(run)’ has no checkpoint: it ended or diverged before its first \
                one, or run.checkpoint.every is never

                """)
    }

    @Test func aClosedPipeEndsQuietly() throws {
        let shell = Process()
        let errors = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = [
            "-c",
            "'\(Workplace.program.path)' train xor.yaml --json --quiet --set training.epochs=2000 | head -n 1",
        ]
        shell.currentDirectoryURL = URL(fileURLWithPath: workplace.path)
        shell.environment = workplace.environment
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = errors
        try shell.run()
        let text = try errors.fileHandleForReading.readToEnd() ?? Data()
        shell.waitUntilExit()
        #expect(String(decoding: text, as: UTF8.self) == "")
    }
}
