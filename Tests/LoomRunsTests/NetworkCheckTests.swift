import Foundation
import LoomKernels
import LoomModel
import LoomTraining
import TestSupport
import Testing

@testable import LoomConfiguration
@testable import LoomReference
@testable import LoomRuns

@Suite struct NetworkCheckTests {
    /// Small batches and few elements: a debug build has to finish in seconds.
    private static func options(corrupted: String? = nil) -> NetworkCheck.Options {
        var options = NetworkCheck.Options()
        options.samples = 4
        options.elements = 6
        options.workers = 3
        options.corrupted = corrupted
        return options
    }

    @Test(arguments: ProjectFolder.configurations)
    func everyConfigurationPasses(path: String) throws {
        let check = try NetworkCheck(SeedConfiguration.load(path: path), options: Self.options())
        for row in check.rows { #expect(row.passed, "\(path): \(row)") }
        #expect(check.passed)
        #expect(check.rows.contains { $0.check == "3 workers, same bits as 1" })
    }

    /// One per cent in one layer is found in that layer, by differences and by the fast trainer.
    @Test(arguments: ["hidden", "output"])
    func aScaledGradientFails(layer: String) throws {
        let configuration = try SeedConfiguration.load("003-problem-3.1-softmax")
        let check = try NetworkCheck(configuration, options: Self.options(corrupted: layer))
        #expect(!check.passed)
        let failed = check.rows.filter { !$0.passed }
        #expect(Set(failed.map(\.check)) == ["central differences", "fast trainer, float64"])
        #expect(Set(failed.map(\.array)) == ["\(layer).weights", "\(layer).bias"])
        for row in failed { #expect(row.worstError > 0.001 && row.worstError < 0.011) }
    }

    @Test(arguments: ["004-vertices-sigmoid-output", "004-softmax-weighted-output", "quickstart"])
    func aScaledGradientFailsEverywhere(name: String) throws {
        let path = name == "quickstart" ? "configs/quickstart.yaml" : "configs/seeds/\(name).yaml"
        let configuration = try SeedConfiguration.load(path: path)
        let layer = configuration.network.layers[0].name
        #expect(try !NetworkCheck(configuration, options: Self.options(corrupted: layer)).passed)
    }

    /// What is compared is what would be trained.
    @Test(arguments: [GemmBackend.builtin, .openBLAS], [ParallelSettings.Route.reduceScatter, .allReduce])
    func theTrainerIsTheConfiguredOne(provider: GemmBackend, route: ParallelSettings.Route) throws {
        var configuration = try SeedConfiguration.load("003-problem-3.1-softmax")
        configuration.parallel.gemm = provider == .builtin ? .builtin : .openBLAS
        (configuration.parallel.route, configuration.parallel.groups) = (route, 2)
        let problem = try ConfiguredProblem(configuration, samples: .first(4))
        let trainer = try FastComparison(problem, workers: 2).trainer(Float.self, workers: 2)
        #expect(trainer.gemmBackend == provider && trainer.program.route.rawValue == route.rawValue)
        #expect(trainer.program.sum.groups == 2)
        #expect(try NetworkCheck(configuration, options: Self.options()).passed)
    }

    @Test func kinksAreNamedAndLeftOut() throws {
        let check = try NetworkCheck(SeedConfiguration.load("002-relu-at-zero-one"), options: Self.options())
        #expect(check.passed)
        // The pre-activations of the hidden layer are [[0, 3, 2], [1.5, 0, −0.5]].
        #expect(check.kinks.map { [$0.sample, $0.unit] } == [[0, 0], [1, 1]])
        #expect(check.kinks.allSatisfy { $0.layer == "hidden" && $0.z == 0 })
        let input = try #require(check.rows.first { $0.array == "input" })
        #expect(input.kinks > 0 && input.checked + input.kinks == 4)
    }

    @Test func largeArraysAreSampledBySeed() throws {
        let configuration = try SeedConfiguration.load("003-problem-1.4b-speech")
        let check = try NetworkCheck(configuration, options: Self.options())
        let weights = try #require(check.rows.first { $0.array == "hidden.weights" })
        #expect(weights.checked == 6 && weights.count == 6000)
        #expect(try NetworkCheck(configuration, options: Self.options()) == check)
        var other = Self.options()
        other.seed = 2
        #expect(try NetworkCheck(configuration, options: other) != check)
    }

    @Test func thresholdsCompareThePrediction() throws {
        let configuration = try SeedConfiguration.load("003-problem-1.3-triangle")
        let check = try NetworkCheck(configuration, options: Self.options())
        #expect(Set(check.rows.map(\.array)) == ["prediction"])
        #expect(check.passed)
        #expect(throws: RequestError("a network with a threshold has no gradient that could be corrupted")) {
            try NetworkCheck(configuration, options: Self.options(corrupted: "hidden"))
        }
    }

    @Test func layersThatCannotBeCorrupted() throws {
        let configuration = try SeedConfiguration.load("003-problem-3.1-softmax")
        #expect(throws: RequestError("there is no layer 'hiden'; did you mean 'hidden'?")) {
            try NetworkCheck(configuration, options: Self.options(corrupted: "hiden"))
        }
        // A constant network: hidden units that nothing reaches.
        let dead = try SeedConfiguration.load(
            "003-problem-3.1-softmax", overrides: "network.layers.0.bias=[-99, -99, -99, -99, -99]")
        #expect(throws: RequestError.self) { try NetworkCheck(dead, options: Self.options(corrupted: "hidden")) }
    }
}
