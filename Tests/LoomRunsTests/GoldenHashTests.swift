import Foundation
import LoomKernels
import LoomModel
import LoomTraining
import TestSupport
import Testing

@testable import LoomConfiguration
@testable import LoomRuns

/// The same bits on every processor: parameters' hashes that are part of the sources, and that every machine must find with
/// every instruction set that it has.
///
/// Whoever changes bits on purpose gives `NumericsIdentity` a new name, and has the file written again:
///
///     GRADLOOM_WRITE_GOLDEN_HASHES=1 swift test --filter GoldenHashTests
@Suite struct GoldenHashTests {
    /// `Tests/Fixtures/golden-hashes.json`
    struct Fixture: Codable, Equatable {
        /// The identity that the hashes belong to.
        var numerics: NumericsIdentity
        /// By the name of the training.
        var float32: [String: String] = [:]
        var float64: [String: String] = [:]
        /// Of mixed precision, by the identity.
        var mixed: [String: [String: String]] = [:]

        static var url: URL {
            ProjectFolder.url.appendingPathComponent("Tests/Fixtures/golden-hashes.json")
        }
    }

    /// The hash of the parameters after the training.
    private static func hash<Scalar: LoomScalar>(
        _ yaml: String, workers: Int, _: Scalar.Type
    ) throws -> String {
        let configuration = try Configuration(
            yaml: yaml, file: "golden.yaml",
            overrides: ["parallel.gemm=builtin", "training.precision=\(Scalar.precision.rawValue)"])
        let data = try PreparedData<Scalar>(
            configuration.data, network: configuration.network.description(inputs: 0), loss: configuration.loss)
        let machine = try MachineSetup(workers: workers, policy: .none)
        let trainer = try configuration.trainer(on: machine, data: data.training)
        let diverged = trainer.run(steps: .max / 2).divergedStep
        #expect(diverged == nil && trainer.step > 1 && trainer.hasFiniteParameters, "\(trainer.step) steps of \(yaml)")
        return trainer.parameters.hash
    }

    /// All hashes under the instruction set in use.
    private static func hashes(workers: Int) throws -> Fixture {
        var result = Fixture(numerics: GemmBackend.builtin.numerics)
        for (name, yaml) in GoldenTrainings.all {
            result.float32[name] = try hash(yaml, workers: workers, Float.self)
            result.float64[name] = try hash(yaml, workers: workers, Double.self)
        }
        return result
    }

    /// All hashes of mixed precision under one definition, by `products`.
    private static func mixedHashes(_ products: BFloat16Products, workers: Int) throws -> [String: String] {
        var result: [String: String] = [:]
        for (name, yaml) in GoldenTrainings.all {
            let configuration = try Configuration(yaml: yaml, file: "golden.yaml", overrides: ["parallel.gemm=builtin"])
            let data = try PreparedData<Float>(
                configuration.data, network: configuration.network.description(inputs: 0), loss: configuration.loss)
            var team = configuration.teamPlan(on: try MachineSetup(workers: workers, policy: .none))
            // Shards of a configuration may be smaller than blocks.
            (team.bfloat16, team.shardRows) = (products, nil)
            let network = try Network<Float>(configuration.network.description(inputs: data.training.featureCount))
            guard network.mixedPrecisionReason == nil else { continue }
            let trainer = try configuration.trainer(
                data: data.training, schedule: configuration.trainingSchedule, team: team)
            let diverged = trainer.run(steps: .max / 2).divergedStep
            #expect(
                diverged == nil && trainer.step > 1 && trainer.hasFiniteParameters, "\(trainer.step) steps of \(yaml)")
            result[name] = trainer.parameters.hash
        }
        return result
    }

    /// Both definitions of mixed precision, formed by every kind of vectors and, where they exist, by the instructions that they
    /// are named after.
    @Test func mixedPrecisionGivesTheGoldenHashes() throws {
        let golden = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: Fixture.url)).mixed
        for definition in BFloat16Products.Definition.allCases {
            let expected = try #require(golden[definition.rawValue])
            #expect(expected.count > 10)
            let ways =
                [BFloat16Products(definition)]
                + InstructionSet.allCases.filter(\.isSupported).map { BFloat16Products(definition, portable: $0) }
            for (index, way) in ways.enumerated() {
                #expect(try Self.mixedHashes(way, workers: 1 + index % 3) == expected, "\(way)")
            }
        }
        #expect(golden.count == BFloat16Products.Definition.allCases.count)
    }

    // In a process of its own: instructions are selected for the whole process.
    @Test func everyInstructionSetGivesTheGoldenHashes() async {
        await #expect(processExitsWith: .success) {
            if ProcessInfo.processInfo.environment["GRADLOOM_WRITE_GOLDEN_HASHES"] != nil {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                var fixture = try Self.hashes(workers: 1)
                for definition in BFloat16Products.Definition.allCases {
                    fixture.mixed[definition.rawValue] = try Self.mixedHashes(
                        BFloat16Products(definition, portable: .avx2), workers: 1)
                }
                let text = try encoder.encode(fixture) + Data("\n".utf8)
                try text.write(to: Fixture.url)
            }
            let golden = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: Fixture.url))
            #expect(golden.numerics == GemmBackend.builtin.numerics)
            // Different numbers of workers, which must not matter either.
            for (set, workers) in [(InstructionSet.avx512, 2), (.avx2, 3), (.baseline, 1)] where set.isSupported {
                try set.select()
                let found = try Self.hashes(workers: workers)
                for (name, _) in GoldenTrainings.all {
                    #expect(found.float32[name] == golden.float32[name], "\(set), float32: \(name)")
                    #expect(found.float64[name] == golden.float64[name], "\(set), float64: \(name)")
                }
                #expect(found.float32.count == golden.float32.count && found.float64.count == golden.float64.count)
            }
        }
    }
}
