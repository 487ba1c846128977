import Foundation
import LoomKernels
import LoomTraining
import Testing

@testable import LoomConfiguration

/// `training.precision: mixed_bfloat16`, and what goes with it.
@Suite struct MixedPrecisionSettingsTests {
    private static func read(_ training: String, parallel: String = "{}") throws -> Configuration {
        try Configuration.reading(
            """
            data: {synthetic: {task: spirals, samples: 10}}
            network: {layers: [{units: 2}], output: softmax}
            training: \(training)
            parallel: \(parallel)
            """)
    }

    private static func problems(_ training: String, parallel: String = "{}") -> [String] {
        do {
            _ = try read(training, parallel: parallel)
            return []
        } catch {
            return (error as? ConfigurationError)?.issues.map { "\($0.keyPath): \($0.problem)" } ?? ["\(error)"]
        }
    }

    @Test func itsKeysAreRead() throws {
        let settings = try Self.read("{precision: mixed_bfloat16, numerics: bf16-amx-1, force_precision: true}")
        #expect(settings.training.precision == .mixedBFloat16 && settings.training.precision.scalar == .float32)
        #expect(settings.bfloat16Products == BFloat16Products(.tiles))
        let portable = try Self.read(
            "{precision: mixed_bfloat16, numerics: bf16-dot-1}", parallel: "{instruction_set: avx2}")
        #expect(portable.bfloat16Products == BFloat16Products(.dot, portable: .avx2))
        #expect(try Self.read("{precision: float32}").bfloat16Products == nil)
        // What is chosen here is the definition of the fastest instructions.
        let chosen = try Self.read("{precision: mixed_bfloat16}").bfloat16Products
        #expect(chosen == BFloat16Products.accelerated ?? BFloat16Products(.dot))
    }

    @Test func whatDoesNotGoWithItIsNamed() {
        for key in ["numerics: bf16-dot-1", "force_precision: true"] {
            let found = Self.problems("{precision: float64, \(key)}")
            #expect(found.count == 1 && found[0].contains("belongs to precision mixed_bfloat16"), "\(found)")
        }
        let gemm = Self.problems("{precision: mixed_bfloat16}", parallel: "{gemm: openblas}")
        #expect(gemm == ["parallel.gemm: openblas has no products of bfloat16; leave it out, or train in float32"])
        let rows = Self.problems("{precision: mixed_bfloat16}", parallel: "{shard_rows: 40}")
        #expect(rows.count == 1 && rows[0].hasPrefix("parallel.shard_rows: is 40, but mixed_bfloat16 packs"), "\(rows)")
        #expect(Self.problems("{precision: mixed_bfloat16}", parallel: "{shard_rows: 64}") == [])
        #expect(Self.problems("{precision: bfloat16}").first?.contains("mixed_bfloat16") == true)
    }

    /// Where float32 is faster, one sentence says so and what to do; forced, it trains.
    @Test func slowHardwareIsRefused() throws {
        for numerics in ["bf16-dot-1", "bf16-amx-1"] {
            let training = "precision: mixed_bfloat16, numerics: \(numerics)"
            let slow = try Self.read("{\(training)}", parallel: "{instruction_set: avx2}")
            let error = #expect(throws: ConfigurationError.self) { try slow.validateForTraining(file: "a.yaml") }
            #expect(
                error?.description
                    == "a.yaml: training.precision: parallel.instruction_set keeps this processor from its instructions for "
                    + "bfloat16: float32 is faster here; to form the bits all the same, add --set "
                    + "training.force_precision=true")
            try Self.read("{\(training), force_precision: true}", parallel: "{instruction_set: avx2}")
                .validateForTraining()
            let definition = BFloat16Products.Definition(rawValue: numerics)!
            let fast = try Self.read("{\(training)}")
            if definition.isAccelerated {
                try fast.validateForTraining()
            } else {
                let error = #expect(throws: ConfigurationError.self) { try fast.validateForTraining() }
                // Where another definition is fast, that is the remedy.
                let remedy =
                    BFloat16Products.accelerated == nil ? "float32 is faster here" : "leave training.numerics out"
                #expect(error?.description.contains(remedy) == true, "\(error?.description ?? "")")
            }
        }
    }

    /// The file of a run in mixed precision has all its keys: with another precision those that ask for nothing are no mistake.
    @Test func defaultsAreNoMistakeElsewhere() throws {
        #expect(Self.problems("{precision: float32, numerics: auto, force_precision: false}") == [])
        let written = try Self.read("{precision: mixed_bfloat16}").yaml()
        #expect(written.contains("force_precision: false"))
        let other = try Configuration(yaml: written, file: "a.yaml", overrides: ["training.precision=float32"])
        #expect(other.training.precision == .float32)
        // A run's file has the definition that was chosen.
        let chosen = try Self.read("{precision: mixed_bfloat16}").withChosenNumerics()
        let definition = BFloat16Products.accelerated?.definition ?? .dot
        #expect(chosen.yaml().contains("numerics: \(definition.rawValue)"))
        #expect(chosen.bfloat16Products == BFloat16Products(definition))
        #expect(try Self.read("{precision: float32}").withChosenNumerics() == Self.read("{precision: float32}"))
    }

    @Test func onlyItsOwnKeysAreWritten() throws {
        #expect(try !Self.read("{precision: float32}").yaml().contains("numerics"))
        let mixed = try Self.read("{precision: mixed_bfloat16, numerics: bf16-dot-1}")
        #expect(mixed.yaml().contains("numerics: bf16-dot-1"))
        #expect(try Configuration(yaml: mixed.yaml(), file: "again.yaml") == mixed)
    }
}
