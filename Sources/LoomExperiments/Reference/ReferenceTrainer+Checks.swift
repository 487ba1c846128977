import LoomModel

extension ReferenceTrainer {
    /// The weights and biases given in the description; zeros for biases that are not given.
    static func givenParameters(of network: NetworkDescription) throws(ModelError) -> [ReferenceLayer] {
        var parameters: [ReferenceLayer] = []
        for layer in network.layers {
            guard let weights = layer.weights else {
                throw ModelError("layer '\(layer.name)' has no weights; give them, or pass parameters")
            }
            let bias = layer.hasBias ? layer.bias ?? Array(repeating: 0, count: layer.units) : nil
            parameters.append(ReferenceLayer(weights: weights, bias: bias))
        }
        return parameters
    }

    /// Checks that `parameters` have the shapes that `network` asks for, and that the last layer gives logits.
    static func check(network: NetworkDescription, parameters: [ReferenceLayer]) throws(ModelError) {
        guard let last = network.layers.last, network.layers.count == parameters.count else {
            throw ModelError(
                "the network has \(network.layers.count) layers and \(parameters.count) layers of parameters; "
                    + "it needs at least one, and as many of one as of the other")
        }
        guard last.activation == .identity else {
            throw ModelError(
                "the last layer '\(last.name)' has the activation \(last.activation.rawValue); "
                    + "it must be identity, because the output map is applied to its pre-activations")
        }
        var inputs = network.inputs
        for (layer, values) in zip(network.layers, parameters) {
            guard values.weights.count == layer.units, values.weights.allSatisfy({ $0.count == inputs }),
                inputs > 0, layer.units > 0
            else {
                throw ModelError(
                    "layer '\(layer.name)' needs weights of \(layer.units) × \(inputs) (out by in), "
                        + "at least 1 × 1")
            }
            guard values.bias.map(\.count) == (layer.hasBias ? layer.units : nil) else {
                let expected = layer.hasBias ? "\(layer.units) biases" : "no biases"
                throw ModelError("layer '\(layer.name)' needs \(expected)")
            }
            inputs = layer.units
        }
    }

    /// The targets as samples × outputs values.
    func checkedValues(_ targets: ReferenceTargets, samples: Int) throws(ModelError) -> [[Double]] {
        guard network.output != .threshold else {
            throw ModelError("a threshold output has no loss; use the output sigmoid")
        }
        let outputs = network.layers.last!.units
        if case .labels(let labels) = targets,
            let label = labels.first(where: { !(0..<outputs).contains($0) })
        {
            throw ModelError("label \(label) is not a class of 0 … \(outputs - 1)")
        }
        let rows = targets.values(outputs: outputs)
        guard samples > 0, rows.count == samples, rows.allSatisfy({ $0.count == outputs }) else {
            throw ModelError("the targets must be \(samples) × \(outputs), with at least one sample")
        }
        return rows
    }
}
