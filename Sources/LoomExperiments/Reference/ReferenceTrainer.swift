import LoomModel
import LoomTraining

/// A slow and plain trainer: sums in double precision in the order of their indices, one thread, no matrix library.
///
/// It is what the fast trainer is checked against, so the two share nothing but their descriptions and the learning
/// rate's schedule.
public struct ReferenceTrainer: Sendable {
    /// The network.
    public let network: NetworkDescription
    /// What is minimised.
    public let loss: LossDescription
    /// The rule of the steps.
    public let optimizer: OptimizerDescription
    /// Steps of the whole training, which the learning rate's schedule counts on.
    public let totalSteps: Int
    /// Steps of one epoch, which the learning rate's schedule counts on.
    public let stepsPerEpoch: Int
    /// The parameters of every layer, as of the last step.
    public private(set) var parameters: [ReferenceLayer]
    /// Steps done.
    public private(set) var completedSteps = 0
    private var state: ReferenceOptimizerState

    /// Prepares a training.
    ///
    /// Without `parameters`, the weights and biases given in the network's description are taken, and zeros for biases
    /// that are not given. `totalSteps` and `stepsPerEpoch` matter only to a learning rate that changes.
    /// - Throws: `ModelError` when shapes do not fit, weights are missing, or loss and output do not go together.
    public init(
        network: NetworkDescription, loss: LossDescription, optimizer: OptimizerDescription,
        parameters: [ReferenceLayer]? = nil, totalSteps: Int = 1, stepsPerEpoch: Int = 1
    ) throws(ModelError) {
        let parameters = if let parameters { parameters } else { try Self.givenParameters(of: network) }
        try Self.check(network: network, parameters: parameters)
        if loss.kind == .crossEntropy && network.output == .identity {
            throw ModelError("cross_entropy needs the output softmax or sigmoid, but the output is identity")
        }
        self.network = network
        self.loss = loss
        self.optimizer = optimizer
        self.totalSteps = totalSteps
        self.stepsPerEpoch = stepsPerEpoch
        self.parameters = parameters
        self.state = ReferenceOptimizerState(shapes: parameters)
    }

    // MARK: Forward

    /// The way of `inputs` (samples × features) forward through the network.
    public func forward(inputs: [[Double]]) -> ReferencePass {
        var pass = ReferencePass(preActivations: [], outputs: [], prediction: [])
        var sources = inputs
        for (layer, values) in zip(network.layers, parameters) {
            let preActivations = sources.map { source in
                precondition(source.count == values.weights[0].count, "a row has the wrong number of columns")
                return (0..<layer.units).map { unit in
                    var z = 0.0
                    for column in source.indices {
                        z += values.weights[unit][column] * source[column]
                    }
                    return z + (values.bias?[unit] ?? 0)
                }
            }
            sources = preActivations.map { row in
                row.map { ReferenceFunctions.activate(layer.activation, at: $0) }
            }
            pass.preActivations.append(preActivations)
            pass.outputs.append(sources)
        }
        pass.prediction = pass.logits.map { ReferenceFunctions.predict(network.output, logits: $0) }
        return pass
    }

    // MARK: Loss

    /// Every sample's loss, neither scaled by the reduction nor with the penalty.
    /// - Throws: `ModelError` when the output has no loss or the targets do not fit.
    public func perSampleLosses(
        of pass: ReferencePass, targets: ReferenceTargets
    ) throws(ModelError) -> [Double] {
        let rows = try checkedValues(targets, samples: pass.logits.count)
        return zip(pass.logits, rows).map { logits, row in
            ReferenceFunctions.loss(loss.kind, output: network.output, logits: logits, targets: row)
        }
    }

    /// λ Σ‖W‖² over all weights.
    public var penalty: Double {
        var sum = 0.0
        for layer in parameters {
            for weight in layer.weights.joined() { sum += weight * weight }
        }
        return loss.l2 * sum
    }

    /// The sum or mean of the samples' losses plus the penalty.
    /// - Throws: `ModelError` when the output has no loss or the targets do not fit.
    public func totalLoss(inputs: [[Double]], targets: ReferenceTargets) throws(ModelError) -> Double {
        let losses = try perSampleLosses(of: forward(inputs: inputs), targets: targets)
        return losses.reduce(0, +) * scale(samples: losses.count) + penalty
    }

    // MARK: Backward

    /// The loss of the batch `inputs` (samples × features) and its gradient.
    /// - Throws: `ModelError` when the network has a threshold, which has no gradient, or the targets do not fit.
    public func gradients(
        inputs: [[Double]], targets: ReferenceTargets
    ) throws(ModelError) -> ReferenceGradients {
        if let layer = network.layers.first(where: { $0.activation == .threshold }) {
            throw ModelError("layer '\(layer.name)' has the activation threshold, which has no gradient")
        }
        let pass = forward(inputs: inputs)
        let losses = try perSampleLosses(of: pass, targets: targets)
        let rows = try checkedValues(targets, samples: inputs.count)
        let scale = scale(samples: inputs.count)

        var deltas = zip(pass.logits, rows).map { logits, row in
            ReferenceFunctions.lossGradient(loss.kind, output: network.output, logits: logits, targets: row)
                .map { scale * $0 }
        }
        var allDeltas: [[[Double]]] = []
        var layers: [ReferenceLayer] = []
        var sourceGradients: [[Double]] = []
        for index in network.layers.indices.reversed() {
            if index < network.layers.count - 1 {
                deltas = throughActivation(index, gradients: sourceGradients, pass: pass)
            }
            let sources = index == 0 ? inputs : pass.outputs[index - 1]
            allDeltas.insert(deltas, at: 0)
            layers.insert(parameterGradients(index, deltas: deltas, sources: sources), at: 0)
            sourceGradients = self.sourceGradients(index, deltas: deltas)
        }
        return ReferenceGradients(
            pass: pass, perSampleLosses: losses, dataLoss: losses.reduce(0, +) * scale, penalty: penalty,
            deltas: allDeltas, layers: layers, inputs: sourceGradients)
    }

    /// δ = ∂total/∂u ⊙ activation'(z) of the layer `index`.
    private func throughActivation(
        _ index: Int, gradients: [[Double]], pass: ReferencePass
    ) -> [[Double]] {
        let layer = network.layers[index]
        return zip(gradients, pass.preActivations[index]).map { gradient, preActivations in
            zip(gradient, preActivations).map { value, z in
                value
                    * ReferenceFunctions.derivative(layer.activation, at: z, reluAtZero: layer.reluAtZero)
            }
        }
    }

    /// Σᵢ δᵢ xᵢᵀ + 2λW and Σᵢ δᵢ of the layer `index`, over the samples i.
    private func parameterGradients(_ index: Int, deltas: [[Double]], sources: [[Double]]) -> ReferenceLayer {
        let values = parameters[index]
        let weights = values.weights.indices.map { unit in
            values.weights[unit].indices.map { column in
                var sum = 0.0
                for sample in deltas.indices {
                    sum += deltas[sample][unit] * sources[sample][column]
                }
                return sum + 2 * loss.l2 * values.weights[unit][column]
            }
        }
        let bias = values.bias.map { bias in
            bias.indices.map { unit in deltas.reduce(0) { $0 + $1[unit] } }
        }
        return ReferenceLayer(weights: weights, bias: bias)
    }

    /// Wᵀ δᵢ of the layer `index` for every sample i: samples × the layer's inputs.
    private func sourceGradients(_ index: Int, deltas: [[Double]]) -> [[Double]] {
        let weights = parameters[index].weights
        return deltas.map { delta in
            weights[0].indices.map { column in
                var sum = 0.0
                for unit in delta.indices {
                    sum += weights[unit][column] * delta[unit]
                }
                return sum
            }
        }
    }

    // MARK: Step

    /// One step of the optimizer on the batch `inputs` (samples × features); the loss and the gradient are those from
    /// before the step, not clipped.
    /// - Throws: `ModelError` when the network has a threshold, which has no gradient, or the targets do not fit.
    @discardableResult
    public mutating func step(
        inputs: [[Double]], targets: ReferenceTargets
    ) throws(ModelError) -> ReferenceGradients {
        let schedule = optimizer.schedule
        precondition(
            completedSteps < totalSteps || (schedule.kind == .constant && schedule.warmupSteps == 0),
            "the schedule of the learning rate was told of \(totalSteps) steps")
        let gradients = try gradients(inputs: inputs, targets: targets)
        let multiplier = schedule.multiplier(
            step: completedSteps, totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch)
        state.update(
            &parameters, gradients: gradients, optimizer: optimizer,
            learningRate: optimizer.learningRate * multiplier, step: completedSteps + 1)
        completedSteps += 1
        return gradients
    }

    private func scale(samples: Int) -> Double {
        loss.reduction == .mean ? 1 / Double(samples) : 1
    }
}
