import LoomModel

/// One pass forward and backward with every number on the way, as a worked example shows it.
///
/// Encodes to the JSON that `gradloom inspect --json` prints. Matrices are lists of rows; what belongs to samples is
/// samples × units, weights are units × inputs (out by in); layers are in topological order. A network given by its
/// vertices is shown by vertices, each as a layer of one unit. A network with a threshold has no gradient: its loss and
/// everything derived from it are nil.
public struct Inspection: Sendable, Equatable {
    /// The loss in its parts.
    public struct Loss: Sendable, Equatable, Encodable {
        /// The sum or mean of the samples' losses.
        public let data: Double
        /// λ Σ‖W‖².
        public let penalty: Double
        /// Both together: what training minimises.
        public let total: Double
    }

    /// One matrix per source of a layer.
    public struct Weights: Sendable, Equatable {
        /// The names of the sources.
        public let sources: [String]
        /// units × inputs, for each source.
        public let matrices: [[[Double]]]
    }

    /// One layer.
    public struct Layer: Sendable, Equatable {
        /// Its name.
        public let name: String
        /// How it is computed, such as `W·input + b`.
        public let formula: String
        /// What is applied to that.
        public let activation: Activation
        /// z: samples × pre-activations.
        public let preActivations: [[Double]]
        /// u = activation(z): samples × units. The last layer's are its pre-activations, the logits.
        public let outputs: [[Double]]
        /// δ = ∂total/∂z: samples × pre-activations.
        public let deltas: [[Double]]?
        /// ∂total/∂W, the penalty's part included.
        public let weightsGradient: Weights?
        /// ∂total/∂b; nil for a layer without bias, too.
        public let biasGradient: [Double]?
    }

    /// The parameters of one layer after a step.
    public struct UpdatedLayer: Sendable, Equatable {
        /// Its name.
        public let name: String
        /// The weights.
        public let weights: Weights
        /// The biases; nil for a layer without.
        public let bias: [Double]?
    }

    /// What one step of the optimizer changes.
    public struct AfterStep: Sendable, Equatable, Encodable {
        /// The total loss of the same samples at the new parameters.
        public let loss: Double
        /// The new parameters.
        public let layers: [UpdatedLayer]
    }

    /// The loss of the samples.
    public let loss: Loss?
    /// The network's prediction: samples × outputs.
    public let prediction: [[Double]]
    /// The layers in topological order.
    public let layers: [Layer]
    /// ∂total/∂x: samples × features.
    public let inputGradient: [[Double]]?
    /// The first step, if it was asked for.
    public let afterStep: AfterStep?

    /// Runs `problem` forward and backward, and with `step` makes one step of its optimizer.
    /// - Throws: `ModelError` when the targets do not fit, or when a step is asked of a network with a threshold.
    public init(_ problem: ReferenceProblem, step: Bool = false) throws {
        var trainer = try problem.trainer()
        let view = InspectionView(problem)
        guard let targets = problem.targets, step || !problem.network.hasThreshold else {
            let pass = trainer.forward(inputs: problem.inputs)
            loss = nil
            prediction = pass.prediction
            layers = view.layers(pass, gradients: nil)
            inputGradient = nil
            afterStep = nil
            return
        }
        let gradients = try trainer.gradients(inputs: problem.inputs, targets: targets, weights: problem.weights)
        loss = Loss(data: gradients.dataLoss, penalty: gradients.penalty, total: gradients.totalLoss)
        prediction = gradients.pass.prediction
        layers = view.layers(gradients.pass, gradients: gradients)
        inputGradient = gradients.inputs
        guard step else {
            afterStep = nil
            return
        }
        try trainer.step(inputs: problem.inputs, targets: targets, weights: problem.weights)
        afterStep = AfterStep(
            loss: try trainer.totalLoss(inputs: problem.inputs, targets: targets, weights: problem.weights),
            layers: view.updatedLayers(trainer.parameters))
    }
}

extension NetworkDescription {
    /// Whether a threshold, through which no gradient passes, is in it.
    public var hasThreshold: Bool {
        output == .threshold || layers.contains { $0.activation == .threshold }
    }
}

// MARK: JSON

extension Inspection: Encodable {
    private enum CodingKeys: String, CodingKey {
        case loss, prediction, layers
        case inputGradient = "input_gradient"
        case afterStep = "after_step"
    }

    /// Writes every key; those without a value are null, except `after_step`, which is there only if asked for.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(loss, forKey: .loss)
        try container.encode(prediction, forKey: .prediction)
        try container.encode(layers, forKey: .layers)
        try container.encode(inputGradient, forKey: .inputGradient)
        try container.encodeIfPresent(afterStep, forKey: .afterStep)
    }
}

extension Inspection.Layer: Encodable {
    private enum CodingKeys: String, CodingKey {
        case name, outputs, deltas
        case preActivations = "preactivations"
        case weightsGradient = "weights_gradient"
        case biasGradient = "bias_gradient"
    }

    /// Writes every key; those without a value are null.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(preActivations, forKey: .preActivations)
        try container.encode(outputs, forKey: .outputs)
        try container.encode(deltas, forKey: .deltas)
        try container.encode(weightsGradient, forKey: .weightsGradient)
        try container.encode(biasGradient, forKey: .biasGradient)
    }
}

extension Inspection.UpdatedLayer: Encodable {
    private enum CodingKeys: String, CodingKey { case name, weights, bias }

    /// Writes every key; a bias that is not there is null.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(weights, forKey: .weights)
        try container.encode(bias, forKey: .bias)
    }
}

extension Inspection.Weights: Encodable {
    /// Writes one matrix as it is, several as an object by the names of their sources.
    public func encode(to encoder: any Encoder) throws {
        if matrices.count == 1 {
            try matrices[0].encode(to: encoder)
        } else {
            try Dictionary(zip(sources, matrices)) { first, _ in first }.encode(to: encoder)
        }
    }
}
