import LoomModel

extension ReferenceTrainer {
    /// The weights and biases given in the description; zeros for biases that are not given.
    static func givenParameters(of network: NetworkDescription) throws(ModelError) -> [ReferenceLayer] {
        var parameters: [ReferenceLayer] = []
        for layer in network.layers {
            guard let weights = layer.connectionWeights else {
                throw ModelError("layer '\(layer.name)' has no weights; give them, or pass parameters")
            }
            let bias =
                layer.hasBias ? layer.bias ?? Array(repeating: 0, count: layer.preActivations) : nil
            parameters.append(ReferenceLayer(connections: weights, bias: bias))
        }
        return parameters
    }

    /// The layers of `network` in the order of evaluation.
    static func graph(of network: NetworkDescription) throws(ModelError) -> NetworkGraph {
        do {
            return try NetworkGraph(network)
        } catch {
            throw ModelError(error.description)
        }
    }

    /// Checks that `parameters` have the shapes that `graph` asks for.
    static func check(_ graph: NetworkGraph, parameters: [ReferenceLayer]) throws(ModelError) {
        try graph.checkSizes()
        let network = graph.description
        guard network.layers.count == parameters.count else {
            throw ModelError(
                "the network has \(network.layers.count) layers and \(parameters.count) layers of parameters; "
                    + "it needs as many of one as of the other")
        }
        for (index, (layer, values)) in zip(network.layers, parameters).enumerated() {
            let rows = layer.preActivations
            let widths = graph.sources[index].map { graph.width(of: $0) }
            guard values.connections.count == widths.count else {
                throw ModelError("layer '\(layer.name)' needs weights for \(widths.count) inputs")
            }
            for (weights, width) in zip(values.connections, widths) {
                guard weights.count == rows, weights.allSatisfy({ $0.count == width }), width > 0 else {
                    throw ModelError(
                        "layer '\(layer.name)' needs weights of \(rows) × \(width) (out by in), at least 1 × 1")
                }
            }
            guard values.bias.map(\.count) == (layer.hasBias ? rows : nil) else {
                let expected = layer.hasBias ? "\(rows) biases" : "no biases"
                throw ModelError("layer '\(layer.name)' needs \(expected)")
            }
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
