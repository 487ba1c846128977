import LoomModel

/// A slow and plain trainer: sums in double precision in the order of their indices, one thread, no matrix library.
///
/// It is what the fast trainer is checked against, so the two share nothing but their descriptions and the learning
/// rate's schedule.
public struct ReferenceTrainer: Sendable {
    /// The network, its layers in the order of evaluation.
    public var network: NetworkDescription { graph.description }
    /// The network's layers with what each reads.
    public let graph: NetworkGraph
    /// What is minimised.
    public let loss: LossDescription
    /// The rule of the steps.
    public let optimizer: OptimizerDescription
    /// Steps of the whole training, which the learning rate's schedule counts on.
    public let totalSteps: Int
    /// Steps of one epoch, which the learning rate's schedule counts on.
    public let stepsPerEpoch: Int
    /// The parameters of every layer, as of the last step.
    public internal(set) var parameters: [ReferenceLayer]
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
        let graph = try Self.graph(of: network)
        let parameters =
            if let parameters { parameters } else { try Self.givenParameters(of: graph.description) }
        try Self.check(graph, parameters: parameters)
        if loss.kind == .crossEntropy, [.identity, .softmaxWeighted].contains(network.output) {
            throw ModelError(
                "cross_entropy needs the output softmax or sigmoid, but the output is \(network.output.rawValue)")
        }
        self.graph = graph
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
        precondition(inputs.allSatisfy { $0.count == network.inputs }, "a row has the wrong number of columns")
        var pass = ReferencePass(preActivations: [], outputs: [], prediction: [])
        for index in network.layers.indices {
            let sources = graph.sources[index].map { values(of: $0, inputs: inputs, pass: pass) }
            let preActivations = inputs.indices.map { sample in
                self.preActivations(index, sources: sources.map { $0[sample] })
            }
            pass.preActivations.append(preActivations)
            pass.outputs.append(preActivations.map { activate(index, preActivations: $0) })
        }
        let components = network.layers.last!.components ?? 1
        pass.prediction = pass.logits.map {
            ReferenceFunctions.predict(network.output, logits: $0, components: components)
        }
        return pass
    }

    /// What a layer reads of `source`: samples × width.
    private func values(of source: NetworkGraph.Source, inputs: [[Double]], pass: ReferencePass) -> [[Double]] {
        switch source {
        case .data(let columns): inputs.map { Array($0[columns]) }
        case .layer(let index): pass.outputs[index]
        }
    }

    /// Σ Wₚ oₚ + b of one sample of the layer `index`, from the values oₚ of its inputs.
    private func preActivations(_ index: Int, sources: [[Double]]) -> [Double] {
        let values = parameters[index]
        return (0..<network.layers[index].preActivations).map { row in
            var z = 0.0
            for (weights, source) in zip(values.connections, sources) {
                for column in source.indices {
                    z += weights[row][column] * source[column]
                }
            }
            return z + (values.bias?[row] ?? 0)
        }
    }

    /// The outputs of one sample of the layer `index`.
    private func activate(_ index: Int, preActivations: [Double]) -> [Double] {
        let layer = network.layers[index]
        guard layer.activation == .softmaxWeighted else {
            return preActivations.map { ReferenceFunctions.activate(layer.activation, at: $0) }
        }
        return ReferenceFunctions.units(preActivations, components: layer.components ?? 1)
            .map(ReferenceFunctions.softmaxWeighted)
    }

    // MARK: Loss

    /// Every sample's loss, neither scaled by the reduction nor with the penalty.
    /// - Throws: `ModelError` when the output has no loss or the targets do not fit.
    public func perSampleLosses(
        of pass: ReferencePass, targets: ReferenceTargets
    ) throws(ModelError) -> [Double] {
        let rows = try checkedValues(targets, samples: pass.logits.count)
        return zip(pass.logits, rows).map { logits, row in
            ReferenceFunctions.loss(
                loss.kind, output: network.output, logits: logits, targets: row,
                components: network.layers.last!.components ?? 1)
        }
    }

    /// λ Σ‖W‖² over all weights.
    public var penalty: Double {
        var sum = 0.0
        for layer in parameters {
            for weight in layer.allWeights { sum += weight * weight }
        }
        return loss.l2 * sum
    }

    /// The sum or mean of the samples' losses, each times its weight, plus the penalty.
    /// - Throws: `ModelError` when the output has no loss or the targets do not fit.
    public func totalLoss(
        inputs: [[Double]], targets: ReferenceTargets, weights: [Double]? = nil
    ) throws(ModelError) -> Double {
        let losses = try perSampleLosses(of: forward(inputs: inputs), targets: targets)
        return Self.sum(losses, weights) * scale(samples: losses.count) + penalty
    }

    /// Σ of `losses`, each times its weight; nil: 1.
    private static func sum(_ losses: [Double], _ weights: [Double]?) -> Double {
        guard let weights else { return losses.reduce(0, +) }
        return zip(losses, weights).reduce(0) { $0 + $1.0 * $1.1 }
    }

    // MARK: Backward

    /// The loss of the batch `inputs` (samples × features) and its gradient, each sample's part times its weight (nil: 1).
    /// - Throws: `ModelError` when the network has a threshold, which has no gradient, or the targets do not fit.
    public func gradients(
        inputs: [[Double]], targets: ReferenceTargets, weights: [Double]? = nil
    ) throws(ModelError) -> ReferenceGradients {
        precondition(weights == nil || weights?.count == inputs.count, "one weight for each sample")
        if let layer = network.layers.first(where: { $0.activation == .threshold }) {
            throw ModelError("layer '\(layer.name)' has the activation threshold, which has no gradient")
        }
        let pass = forward(inputs: inputs)
        let losses = try perSampleLosses(of: pass, targets: targets)
        let rows = try checkedValues(targets, samples: inputs.count)
        let scale = scale(samples: inputs.count)

        let logitGradients = rows.indices.map { sample in
            ReferenceFunctions.lossGradient(
                loss.kind, output: network.output, logits: pass.logits[sample], targets: rows[sample],
                components: network.layers.last!.components ?? 1
            ).map { scale * (weights?[sample] ?? 1) * $0 }
        }
        return backward(
            pass, inputs: inputs, perSampleLosses: losses, dataLoss: Self.sum(losses, weights) * scale,
            logitGradients: logitGradients)
    }

    /// The gradients of everything, from those of the logits (samples × logits).
    private func backward(
        _ pass: ReferencePass, inputs: [[Double]], perSampleLosses: [Double], dataLoss: Double,
        logitGradients: [[Double]]
    ) -> ReferenceGradients {
        var deltas = pass.preActivations
        var layers = parameters
        var outputGradients = pass.outputs.map { Self.zeros(like: $0) }
        var inputGradients = Self.zeros(like: inputs)
        outputGradients[layers.count - 1] = logitGradients
        for index in layers.indices.reversed() {
            deltas[index] = throughActivation(index, gradients: outputGradients[index], pass: pass)
            var connections: [[[Double]]] = []
            for (offset, source) in graph.sources[index].enumerated() {
                let weights = parameters[index].connections[offset]
                let read = values(of: source, inputs: inputs, pass: pass)
                connections.append(weightGradients(weights, deltas: deltas[index], sources: read))
                let gradients = sourceGradients(weights, deltas: deltas[index])
                switch source {
                case .data(let columns):
                    Self.add(gradients, to: &inputGradients, from: columns.lowerBound)
                case .layer(let producer):
                    Self.add(gradients, to: &outputGradients[producer], from: 0)
                }
            }
            let bias = parameters[index].bias.map { bias in
                bias.indices.map { row in deltas[index].reduce(0) { $0 + $1[row] } }
            }
            layers[index] = ReferenceLayer(connections: connections, bias: bias)
        }
        return ReferenceGradients(
            pass: pass, perSampleLosses: perSampleLosses, dataLoss: dataLoss, penalty: penalty, deltas: deltas,
            outputGradients: outputGradients, layers: layers, inputs: inputGradients)
    }

    /// δ = ∂total/∂z of the layer `index` from ∂total/∂u, by the derivative of its activation.
    private func throughActivation(
        _ index: Int, gradients: [[Double]], pass: ReferencePass
    ) -> [[Double]] {
        let layer = network.layers[index]
        return zip(gradients, pass.preActivations[index]).map { gradient, preActivations in
            guard layer.activation != .softmaxWeighted else {
                return ReferenceFunctions.throughSoftmaxWeighted(
                    preActivations, gradient: gradient, components: layer.components ?? 1)
            }
            return zip(gradient, preActivations).map { value, z in
                value
                    * ReferenceFunctions.derivative(layer.activation, at: z, reluAtZero: layer.reluAtZero)
            }
        }
    }

    /// Σᵢ δᵢ xᵢᵀ + 2λW of one connection, over the samples i.
    private func weightGradients(
        _ weights: [[Double]], deltas: [[Double]], sources: [[Double]]
    ) -> [[Double]] {
        weights.indices.map { row in
            weights[row].indices.map { column in
                var sum = 0.0
                for sample in deltas.indices {
                    sum += deltas[sample][row] * sources[sample][column]
                }
                return sum + 2 * loss.l2 * weights[row][column]
            }
        }
    }

    /// Wᵀ δᵢ of one connection for every sample i: samples × the connection's inputs.
    private func sourceGradients(_ weights: [[Double]], deltas: [[Double]]) -> [[Double]] {
        deltas.map { delta in
            weights[0].indices.map { column in
                var sum = 0.0
                for row in delta.indices {
                    sum += weights[row][column] * delta[row]
                }
                return sum
            }
        }
    }

    private static func zeros(like matrix: [[Double]]) -> [[Double]] {
        matrix.map { $0.map { _ in 0 } }
    }

    /// Adds `part` to the columns of `whole` from `firstColumn` on.
    private static func add(_ part: [[Double]], to whole: inout [[Double]], from firstColumn: Int) {
        for row in part.indices {
            for column in part[row].indices { whole[row][firstColumn + column] += part[row][column] }
        }
    }

    // MARK: Step

    /// One step of the optimizer on the batch `inputs` (samples × features); the loss and the gradient are those from
    /// before the step, not clipped.
    /// - Throws: `ModelError` when the network has a threshold, which has no gradient, or the targets do not fit.
    @discardableResult
    public mutating func step(
        inputs: [[Double]], targets: ReferenceTargets, weights: [Double]? = nil
    ) throws(ModelError) -> ReferenceGradients {
        let schedule = optimizer.schedule
        precondition(
            completedSteps < totalSteps || (schedule.kind == .constant && schedule.warmupSteps == 0),
            "the schedule of the learning rate was told of \(totalSteps) steps")
        let gradients = try gradients(inputs: inputs, targets: targets, weights: weights)
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
