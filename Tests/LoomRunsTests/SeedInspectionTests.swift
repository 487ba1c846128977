import Foundation
import LoomModel
import TestSupport
import Testing

/// The worked examples of the course notes through `inspect`, from their configurations.
@Suite struct SeedInspectionTests {
    /// A dense block of the fixtures and the configuration that has its network and data; nil: made from the block.
    struct Example: Sendable, CustomTestStringConvertible {
        let fixture: String
        var key = "canonical"
        let configuration: String?
        var overrides: [String] = []

        var testDescription: String { "\(fixture) \(key) \(configuration ?? "in code")" }
    }

    static let examples = [
        Example(fixture: "F0.1", configuration: "000-arctan-softmax"),
        Example(fixture: "F0.2", configuration: nil),
        Example(fixture: "F0.5", configuration: "000-arctan-softmax-batch"),
        Example(fixture: "F1.1c", configuration: "001-relu-softmax-jacobian"),
        Example(fixture: "F1.2", configuration: "001-worked-example"),
        Example(fixture: "F2.2", configuration: "002-mean-cross-entropy-l2"),
        Example(
            fixture: "F2.2", key: "canonical_lambda_zero", configuration: "002-mean-cross-entropy-l2",
            overrides: ["loss.l2=0"]),
        Example(fixture: "F2.3", configuration: nil),
        Example(fixture: "F2.4", key: "canonical_zero", configuration: "002-relu-at-zero-zero"),
        Example(fixture: "F2.4", key: "canonical_one", configuration: "002-relu-at-zero-one"),
        Example(fixture: "F3.2", configuration: "003-problem-1.1-threshold"),
        Example(fixture: "F3.3", configuration: "003-problem-1.2-threshold"),
        Example(fixture: "F3.4", configuration: "003-problem-1.3-triangle"),
        Example(fixture: "F3.9", configuration: "003-problem-2.2-logistic"),
        Example(fixture: "F3.11", configuration: "003-problem-2.4-squared"),
        Example(fixture: "F3.14", configuration: "003-problem-3.1-softmax"),
        Example(fixture: "F3.15", configuration: "003-binary-classifier"),
        Example(fixture: "F3.16", configuration: "003-regression-sigmoid"),
        Example(fixture: "F3.16", key: "canonical_relu", configuration: "003-regression-relu"),
        Example(fixture: "F3.17", configuration: "003-problem-3.2-exponential"),
        Example(fixture: "F3.18", configuration: "003-four-points"),
        Example(fixture: "F4.2", configuration: "004-softmax-weighted-output"),
        Example(fixture: "F4.2b", configuration: "004-softmax-weighted-output-batch"),
        Example(fixture: "F4.7", configuration: "004-layered-dense"),
        Example(fixture: "FX.1", configuration: "x-batch-split"),
    ]

    @Test func everyDenseBlockHasAnExample() {
        var blocks: Set<String> = []
        for (id, fixture) in SeedFixtures.shared.fixtures {
            for key in fixture.keys where key.hasPrefix("canonical") { blocks.insert("\(id) \(key)") }
        }
        #expect(Set(Self.examples.map { "\($0.fixture) \($0.key)" }) == blocks)
    }

    @Test(arguments: examples)
    func everyNumberIsThere(example: Example) throws {
        let block = try #require(SeedFixtures.fixture(example.fixture)[example.key])
        let expected = try #require(block["expected"])
        let step = block["sgd_step"]
        let configuration =
            try example.configuration.map {
                try SeedConfiguration.load(path: "configs/seeds/\($0).yaml", overrides: example.overrides)
            } ?? SeedConfiguration.made(SeedFixtures.block(example.fixture, key: example.key))
        // The configurations say the rates of the fixtures.
        if let rate = step?["rate"]?.number { #expect(configuration.optimizer.learningRate == rate) }
        let json = try SeedConfiguration.inspect(configuration, step: step != nil)
        var comparison = Comparison(example.testDescription, tolerance: SeedFixtures.tolerance)
        comparison.compare("prediction", json["prediction"]!.flat, expected["prediction"]!.flat)
        let layers = try #require(json["layers"]?.elements)
        for (index, layer) in layers.enumerated() {
            comparison.compare("Z\(index)", layer["preactivations"]!.flat, expected["Z"]!.elements![index].flat)
            comparison.compare("U\(index)", layer["outputs"]!.flat, expected["U"]!.elements![index].flat)
            guard expected["dZ"] != nil else {
                #expect(layer["deltas"] == nil)
                continue
            }
            comparison.compare("dZ\(index)", layer["deltas"]!.flat, expected["dZ"]!.elements![index].flat)
            let gradients = expected["grads"]!.elements![index]
            comparison.compare("dW\(index)", layer["weights_gradient"]!.flat, gradients["dW"]!.flat)
            comparison.compare("db\(index)", layer["bias_gradient"]?.flat, gradients["db"]?.flat)
        }
        if expected["dZ"] != nil {
            comparison.compare("data loss", json["loss"]!["data"]!.number!, expected["data_loss"]!.number!)
            comparison.compare("total loss", json["loss"]!["total"]!.number!, expected["total_loss"]!.number!)
            comparison.compare("dX", json["input_gradient"]!.flat, expected["dX"]!.flat)
        }
        if let step {
            let after = try #require(json["after_step"])
            comparison.compare("loss after", after["loss"]!.number!, step["total_loss_after"]!.number!)
            for (got, want) in zip(after["layers"]!.elements!, step["layers"]!.elements!) {
                comparison.compare("W after", got["weights"]!.flat, want["W"]!.flat)
                comparison.compare("b after", got["bias"]?.flat, want["b"]?.flat)
            }
        }
        #expect(comparison.passes, "\(comparison)")
        #expect(layers.count == expected["Z"]!.elements!.count)
    }

    @Test func workedExampleInTheWordsOfTheText() throws {
        let fixture = SeedFixtures.fixture("F1.2")["expected"]!
        let json = try SeedConfiguration.inspect(SeedConfiguration.load("001-worked-example"), step: true)
        let layers = json["layers"]!.elements!
        var comparison = Comparison("F1.2", tolerance: SeedFixtures.tolerance)
        comparison.compare("loss", json["loss"]!["total"]!.number!, fixture["loss"]!.number!)
        comparison.compare("dZ2", layers[1]["deltas"]!.flat, fixture["dL_dZ2"]!.flat)
        comparison.compare("dZ1", layers[0]["deltas"]!.flat, fixture["dL_dZ1"]!.flat)
        comparison.compare("loss after", json["after_step"]!["loss"]!.number!, fixture["loss_new"]!.number!)
        let jacobian = try SeedConfiguration.jacobian(
            SeedConfiguration.load("001-worked-example"), of: "loss", wrt: "hidden")
        comparison.compare("dH", jacobian.values, fixture["dL_dH"]!.flat)
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func meanCrossEntropyOfLogits() throws {
        let fixture = SeedFixtures.fixture("F2.1")["expected"]!
        let json = try SeedConfiguration.inspect(SeedConfiguration.load("002-mean-cross-entropy"))
        var comparison = Comparison("F2.1", tolerance: SeedFixtures.tolerance)
        comparison.compare("J", json["loss"]!["total"]!.number!, fixture["J"]!.number!)
        comparison.compare("psi", json["prediction"]!.flat, fixture["psi"]!.flat)
        comparison.compare("dz3", json["layers"]!.elements![0]["deltas"]!.flat, fixture["dJ_dz3"]!.flat)
        for (index, loss) in fixture["per_sample"]!.flat.enumerated() {
            let one = try SeedConfiguration.inspect(
                SeedConfiguration.load("002-mean-cross-entropy"), samples: .one(index))
            comparison.compare("loss of sample \(index)", one["loss"]!["data"]!.number!, loss)
        }
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func batchThroughBothOutputs() throws {
        let fixture = SeedFixtures.fixture("F3.6")["expected"]!
        let softmax = try SeedConfiguration.inspect(SeedConfiguration.load("003-problem-1.5-softmax"))
        let binary = try SeedConfiguration.inspect(SeedConfiguration.load("003-problem-1.5-binary"))
        var comparison = Comparison("F3.6", tolerance: SeedFixtures.tolerance)
        comparison.compare("Zh", softmax["layers"]!.elements![0]["preactivations"]!.flat, fixture["Zh"]!.flat)
        comparison.compare("Uh", softmax["layers"]!.elements![0]["outputs"]!.flat, fixture["Uh"]!.flat)
        comparison.compare("Zo", softmax["layers"]!.elements![1]["preactivations"]!.flat, fixture["Zo"]!.flat)
        comparison.compare("Uo", softmax["prediction"]!.flat, fixture["Uo"]!.flat)
        comparison.compare("Uo binary", binary["prediction"]!.flat, fixture["Uo_binary"]!.flat)
        #expect(comparison.passes, "\(comparison)")
        let classes = softmax["prediction"]!.matrix!.map { $0.firstIndex(of: $0.max()!)! + 1 }
        #expect(classes.map { Double($0) } == fixture["yhat_class_one_based"]!.flat)
        #expect(binary["prediction"]!.flat.map { $0 >= 0.5 ? 1 : 0 } == fixture["yhat_binary"]!.flat)
        // Dividing by the sums of the other axis (E3.12) gives rows that do not add up to 1.
        #expect(softmax["prediction"]!.matrix!.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-15 })
    }

    /// A layer and a network that pass numbers on, so that only the loss counts.
    private func loss(_ output: OutputMap, _ kind: LossDescription.Kind, z: [Double], y: [Double]) throws -> JSONValue {
        let identity = z.indices.map { row in z.indices.map { $0 == row ? 1.0 : 0 } }
        let network = NetworkDescription(
            inputs: z.count,
            layers: [LayerDescription(name: "z", units: z.count, hasBias: false, weights: identity)], output: output)
        return try SeedConfiguration.inspect(
            SeedConfiguration.made(
                network: network, loss: LossDescription(kind: kind, reduction: .sum), inputs: [z], targets: [y]))
    }

    @Test func lossesOfGivenLogits() throws {
        let fixture = SeedFixtures.fixture("F3.13")
        var comparison = Comparison("F3.13", tolerance: SeedFixtures.tolerance)
        for row in fixture["binary"]!.elements! {
            let json = try loss(.sigmoid, .crossEntropy, z: [row["z"]!.number!], y: [row["y"]!.number!])
            comparison.compare("binary", json["loss"]!["total"]!.number!, row["loss"]!.number!)
            comparison.compare(
                "binary derivative", json["layers"]!.elements![0]["deltas"]!.flat, [row["dloss_dz"]!.number!])
        }
        for row in fixture["categorical"]!.elements! {
            let z = row["z"]!.flat
            for (label, wanted) in row["loss_if_class_k_one_based"]!.flat.enumerated() {
                let json = try loss(.softmax, .crossEntropy, z: z, y: z.indices.map { $0 == label ? 1 : 0 })
                comparison.compare("categorical", json["loss"]!["total"]!.number!, wanted)
                comparison.compare("softmax", json["prediction"]!.flat, row["softmax"]!.flat)
            }
        }
        for row in fixture["squared"]!.elements! {
            let json = try loss(.identity, .squaredSum, z: row["z"]!.flat, y: row["y"]!.flat)
            comparison.compare("squared", json["loss"]!["total"]!.number!, row["loss"]!.number!)
            comparison.compare(
                "squared derivative", json["layers"]!.elements![0]["deltas"]!.flat, row["dloss_dz"]!.flat)
        }
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func firstStepsOfTheTrajectory() throws {
        let trajectory = SeedFixtures.trajectory
        let json = try SeedConfiguration.inspect(SeedConfiguration.load("003-four-points"), step: true)
        var comparison = Comparison("F3.18", tolerance: SeedFixtures.tolerance)
        comparison.compare("step 0", json["loss"]!["total"]!.number!, trajectory.losses[0]!)
        comparison.compare("step 1", json["after_step"]!["loss"]!.number!, trajectory.losses[1]!)
        #expect(comparison.passes, "\(comparison)")
    }
}
