import Foundation
import LoomKernels
import Testing

/// Trainings in mixed precision from the command line: what they say, and what they go on under.
@Suite struct MixedPrecisionRunTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(Self.teacher, to: "teacher.yaml")
    }

    private static let teacher = """
        data:
          synthetic: {task: teacher, samples: 1_000, inputs: 8, classes: 3, seed: 7}
          validation: 0.1
        network: {layers: [{units: 16, activation: relu}, {units: 3}], output: softmax}
        optimizer: {kind: momentum, learning_rate: 0.02}
        training: {batch: 64, epochs: 4, precision: mixed_bfloat16, numerics: bf16-dot-1}

        """

    private func train(_ arguments: String...) throws -> Outcome {
        try workplace.run(["train"] + arguments + ["--json", "--force-precision"])
    }

    @Test func aRunSaysItsDefinitionAndGoesOnUnderIt() throws {
        let whole = try train("teacher.yaml", "--workers", "1")
        #expect(whole.exitCode == 0, "\(whole.errors)")
        let first = try whole.events()[0]
        #expect(first["numerics"] as? String == "bf16-dot-1")
        #expect(["avx512_bf16", "portable_bf16"].contains(first["products"] as? String))
        let hash = try #require(try whole.lastEvent()["parameter_hash"] as? String)

        let begun = try train("teacher.yaml", "--set", "training.steps=20", "--workers", "2")
        let run = try #require(try begun.lastEvent()["run_directory"] as? String)
        #expect(try workplace.read(run + "/config.yaml").contains("numerics: bf16-dot-1"))
        let other = try train("--resume", run, "--set", "training.steps=60", "--set", "training.numerics=bf16-amx-1")
        #expect(other.exitCode == 78)
        #expect(
            other.errors.contains(
                "was trained under the numerics bf16-dot-1, and would go on under bf16-amx-1, with other bits than an "
                    + "uninterrupted training; keep them with --set training.numerics=bf16-dot-1, which --force-precision "
                    + "allows where it is slow, or accept that with --accept-numerics"), "\(other.errors)")
        // The other vectors, and another number of workers.
        let resumed = try train(
            "--resume", run, "--set", "training.steps=60", "--set", "parallel.instruction_set=baseline", "--workers",
            "1")
        #expect(resumed.exitCode == 0, "\(resumed.errors)")
        #expect(try resumed.lastEvent()["parameter_hash"] as? String == hash)
        let accepted = try train(
            "--resume", run, "--set", "training.steps=70", "--set", "training.epochs=5", "--set",
            "training.numerics=bf16-amx-1", "--accept-numerics")
        #expect(accepted.exitCode == 0, "\(accepted.errors)")
    }

    /// Between precisions the remedy is the precision.
    @Test(arguments: [
        ("mixed_bfloat16", "float32", "--set training.precision=mixed_bfloat16 --set training.numerics=bf16-"),
        ("float32", "mixed_bfloat16", "keep them with --set training.precision=float32"),
    ]) func otherPrecisionsAreRefused(first: String, second: String, remedy: String) throws {
        func keys(_ precision: String) -> [String] {
            let isForced = precision == "mixed_bfloat16"
            return ["precision=\(precision)", "numerics=auto", "force_precision=\(isForced)"].flatMap {
                ["--set", "training." + $0]
            }
        }
        let begun = try workplace.run(
            ["train", "teacher.yaml", "--json", "--set", "training.steps=20"] + keys(first))
        let run = try #require(try begun.lastEvent()["run_directory"] as? String)
        let resumed = try workplace.run(
            ["train", "--resume", run, "--set", "training.steps=30", "--force"] + keys(second))
        #expect(resumed.exitCode == 78 && resumed.errors.contains(remedy), "\(resumed.errors)")
    }

    /// In the summary, in evaluations and in a note, a user sees what is multiplied, and what comes out.
    @Test func itIsSaidWhatIsMultiplied() throws {
        let outcome = try workplace.run("train", "teacher.yaml", "--force-precision")
        #expect(outcome.exitCode == 0)
        if BFloat16Products.Definition.dot.isAccelerated {
            #expect(outcome.output.contains("AVX-512 VDPBF16PS bfloat16"), "\(outcome.output)")
            // 176 weights in two blocks.
            #expect(
                outcome.errors.contains("the layers fill only 8.6 % of the blocks of 32 × 32 that are multiplied"),
                "\(outcome.errors)")
        } else if !BFloat16Products(.dot).isAccelerated {
            #expect(
                outcome.errors.contains("bfloat16 is multiplied by float32's instructions here, slower than float32"),
                "\(outcome.errors)")
        }
        let run = "runs/" + (try workplace.names(in: "runs"))[0]
        let evaluated = try workplace.run("evaluate", run)
        #expect(evaluated.exitCode == 0, "\(evaluated.errors)")
    }

    /// Blocks have 32 samples: remedies for workers without samples are batches, and small ones gain nothing.
    @Test func smallBatchesAreNamed() throws {
        guard BFloat16Products.Definition.dot.isAccelerated else { return }
        let wide = ["--set", "network.layers.0.units=512", "--set", "data.synthetic.inputs=256"]
        let few = try workplace.run(["train", "teacher.yaml", "--set", "training.batch=8"] + wide)
        #expect(few.exitCode == 0)
        #expect(few.errors.contains("products take 32 samples at a time, and a batch has 8"), "\(few.errors)")
        let doctor = try workplace.run(
            "doctor", "teacher.yaml", "--seconds", "0.3", "--set", "training.batch=96", "--workers", "2")
        #expect(doctor.output.contains("--set training.batch=128"), "\(doctor.output)")
        #expect(!doctor.output.contains("parallel.shard_rows="))
    }

    /// What was asked for with --set belongs to the command that comes next.
    @Test func tuneRepeatsWhatWasSet() throws {
        let outcome = try workplace.run(
            "tune", "teacher.yaml", "--set", "training.precision=float32", "--set", "training.numerics=auto",
            "--budget",
            "1s", "--batch", "64,128", "--target-loss", "1")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(
            outcome.output.contains("Next: gradloom train teacher.yaml --set training.precision=float32 --set "),
            "\(outcome.output)")
    }

    @Test func hardwareWithoutItIsNamed() throws {
        let outcome = try workplace.run("train", "teacher.yaml", "--set", "parallel.instruction_set=baseline")
        #expect(outcome.exitCode == 78)
        #expect(
            outcome.errors.contains("float32 is faster here; to form the bits all the same, add --set "), "\(outcome)")
        #expect(try workplace.names(in: ".").contains("runs") == false)
    }

    @Test func itIsReproducible() throws {
        let outcome = try workplace.run(
            "check", "teacher.yaml", "--reproducible", "--force-precision", "--steps", "10", "--workers", "3")
        #expect(outcome.exitCode == 0, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("bf16-dot-1") && outcome.output.contains("instructions avx2"))
        let corrupted = try workplace.run(
            "check", "teacher.yaml", "--reproducible", "--force-precision", "--steps", "10", "--corrupt", "layer1")
        #expect(corrupted.exitCode == 1)
    }
}
