import LoomModel
import LoomReference
import LoomTraining

/// A dense network of the fixtures with a batch and everything that should come out.
public struct DenseBlock: Sendable, CustomStringConvertible {
    /// The fixture's id, for example "F3.14".
    public let fixture: String
    /// The block's key in it, for example "canonical_relu".
    public let key: String
    /// The network, with its weights and biases.
    public let network: NetworkDescription
    /// The batch: samples × features.
    public let inputs: [[Double]]
    /// z of every layer: samples × units.
    public let preActivations: [[[Double]]]
    /// u of every layer: samples × units; the last layer's are its pre-activations.
    public let outputs: [[[Double]]]
    /// The output map of the last pre-activations: samples × outputs.
    public let prediction: [[Double]]
    /// Losses and gradients; nil for a network with thresholds.
    public let training: Training?

    /// What a block says about training.
    public struct Training: Sendable {
        /// The loss.
        public let loss: LossDescription
        /// Target values: samples × outputs.
        public let targets: [[Double]]
        /// Class indices from 0, where a sample has one class.
        public let labels: [Int]?
        /// Every sample's loss, unscaled and without the penalty.
        public let perSampleLosses: [Double]
        /// Their sum or mean.
        public let dataLoss: Double
        /// The data loss plus the penalty.
        public let totalLoss: Double
        /// ∂total/∂z of every layer: samples × units.
        public let deltas: [[[Double]]]
        /// ∂total/∂W and ∂total/∂b of every layer, the penalty's part included.
        public let gradients: [ReferenceLayer]
        /// ∂total/∂x: samples × features.
        public let inputGradients: [[Double]]
        /// A step of plain gradient descent, where the block has one.
        public let step: Step?
    }

    /// One step of plain gradient descent on the block's batch.
    public struct Step: Sendable {
        /// The learning rate.
        public let learningRate: Double
        /// The parameters after the step.
        public let parameters: [ReferenceLayer]
        /// The loss after the step, without and with the penalty.
        public let dataLossAfter, totalLossAfter: Double
    }

    /// The id, with the key where it is not the usual one.
    public var id: String { key == "canonical" ? fixture : "\(fixture) \(key)" }
    /// The id.
    public var description: String { id }

    /// The network's parameters.
    public var parameters: [ReferenceLayer] {
        network.layers.map { ReferenceLayer(weights: $0.weights!, bias: $0.bias) }
    }

    /// The reference trainer at the block's parameters; a network with thresholds gets a loss that is not used.
    public func referenceTrainer(optimizer: OptimizerDescription = .init()) throws -> ReferenceTrainer {
        try ReferenceTrainer(
            network: network, loss: training?.loss ?? LossDescription(kind: .squaredSum), optimizer: optimizer
        )
    }
}

// MARK: Reading

extension DenseBlock {
    // The file is part of the tests: what does not read as expected is a mistake there and ends the test run.

    init(fixture: String, key: String, json: JSONValue) {
        self.fixture = fixture
        self.key = key
        precondition(json["kind"]?.string == "dense", "\(fixture) \(key) is not dense")
        // Forward-only blocks do not name a derivative, because they have no relu.
        let reluAtZero = ReluAtZero(rawValue: json["relu_derivative_at_zero"]?.integer ?? 0)!
        let layers = json["layers"]!.elements!
        let output = OutputMap(rawValue: json["output_map"]!.string!.replacing("-", with: "_"))!
        network = NetworkDescription(
            inputs: json["inputs"]!.integer!,
            layers: layers.enumerated().map { index, layer in
                // The file counts the energies of a softmax-weighted output as outputs of the last layer.
                let rows = layer["outputs"]!.integer!
                let isWeighted = index == layers.count - 1 && output == .softmaxWeighted
                let units = isWeighted ? json["T"]!.matrix![0].count : rows
                return LayerDescription(
                    name: "layer\(index + 1)", units: units,
                    activation: Activation(rawValue: layer["activation"]!.string!)!,
                    components: isWeighted ? rows / units : nil, reluAtZero: reluAtZero,
                    hasBias: layer["has_bias"] == .bool(true), weights: layer["W"]!.matrix!,
                    bias: layer["b"]?.vector)
            },
            output: output)
        inputs = json["X"]!.matrix!
        let expected = json["expected"]!
        preActivations = expected["Z"]!.tensor!
        outputs = expected["U"]!.tensor!
        prediction = expected["prediction"]!.matrix!
        training = json["forward_only"] == .bool(true) ? nil : Training(json, expected: expected)
        precondition(
            network.layers.allSatisfy { $0.hasBias == ($0.bias != nil) },
            "\(fixture) \(key): has_bias and b disagree")
    }
}

extension DenseBlock.Training {
    init(_ json: JSONValue, expected: JSONValue) {
        loss = LossDescription(
            kind: Self.lossKind(json["loss"]!.string!, output: json["output_map"]!.string!),
            reduction: LossDescription.Reduction(rawValue: json["reduction"]!.string!)!,
            l2: json["l2"]!.number!)
        targets = json["T"]!.matrix!
        labels = json["labels_zero_based"]?.vector?.map { Int($0) }
        perSampleLosses = expected["per_sample_loss"]!.vector!
        dataLoss = expected["data_loss"]!.number!
        totalLoss = expected["total_loss"]!.number!
        deltas = expected["dZ"]!.tensor!
        gradients = expected["grads"]!.elements!.map { ReferenceLayer($0, weights: "dW", bias: "db") }
        inputGradients = expected["dX"]!.matrix!
        step = json["sgd_step"].map { step in
            DenseBlock.Step(
                learningRate: step["rate"]!.number!,
                parameters: step["layers"]!.elements!.map { ReferenceLayer($0, weights: "W", bias: "b") },
                dataLossAfter: step["data_loss_after"]!.number!,
                totalLossAfter: step["total_loss_after"]!.number!)
        }
    }

    /// The file's name of a loss says the output map too.
    private static func lossKind(_ name: String, output: String) -> LossDescription.Kind {
        switch (name, output) {
        case ("softmax-cross-entropy", "softmax"), ("sigmoid-cross-entropy", "sigmoid"): .crossEntropy
        case ("squared-sum", _): .squaredSum
        case ("half-squared", _): .halfSquared
        default: fatalError("the loss \(name) with the output \(output) is not known")
        }
    }
}

extension ReferenceLayer {
    /// A layer's numbers under the keys `weights` and `bias` (null or absent: none).
    init(_ json: JSONValue, weights: String, bias: String) {
        self.init(weights: json[weights]!.matrix!, bias: json[bias]?.vector)
    }
}
