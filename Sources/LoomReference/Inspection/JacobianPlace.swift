/// An array of a network that has a Jacobian, or that one is taken with respect to.
public enum JacobianPlace: Sendable, Equatable {
    /// The loss of all samples: a number.
    case loss
    /// The prediction.
    case prediction
    /// The features.
    case input
    /// The outputs u of a layer, by its index. The last layer's are its pre-activations, the logits.
    case outputs(Int)
    /// The pre-activations z of a layer, by its index.
    case preActivations(Int)
    /// The weights of a layer for one of its sources, both by their indices.
    case weights(Int, source: Int)
    /// The biases of a layer, by its index.
    case bias(Int)

    /// Reads `prediction`, `loss`, `input`, `LAYER`, `LAYER.preactivations`, `LAYER.weights` (`LAYER.weights.SOURCE` where
    /// a layer has several) or `LAYER.bias`.
    /// - Throws: `RequestError` with the nearest name that exists.
    public init(_ text: String, in graph: LayerGraph) throws(RequestError) {
        if let place = Self.all(in: graph).first(where: { $0.name(in: graph) == text }) {
            self = place
            return
        }
        if let index = graph.layers.firstIndex(where: { text == $0.name + ".outputs" }) {
            self = .outputs(index)
            return
        }
        for (index, layer) in graph.layers.enumerated() {
            if text == layer.name + ".weights" {
                let names = layer.sourceNames.map { "\(text).\($0)" }
                throw RequestError(
                    "layer '\(layer.name)' has \(names.count) weight matrices, one per input; expected "
                        + names.alternatives)
            }
            if text == layer.name + ".bias", !layer.description.hasBias {
                throw RequestError("layer '\(graph.layers[index].name)' has no bias")
            }
        }
        throw .unknown("array", text, known: Self.all(in: graph).map { $0.name(in: graph) })
    }

    /// Every place in `graph`, in topological order.
    public static func all(in graph: LayerGraph) -> [JacobianPlace] {
        let layers = graph.layers.enumerated().flatMap { index, layer in
            [.outputs(index), .preActivations(index)]
                + layer.sources.indices.map { JacobianPlace.weights(index, source: $0) }
                + (layer.description.hasBias ? [.bias(index)] : [])
        }
        return [.prediction, .loss, .input] + layers
    }

    /// The name by which it is read.
    public func name(in graph: LayerGraph) -> String {
        switch self {
        case .loss: return "loss"
        case .prediction: return "prediction"
        case .input: return LayerGraph.dataName
        case .outputs(let index): return graph.layers[index].name
        case .preActivations(let index): return graph.layers[index].name + ".preactivations"
        case .weights(let index, let source):
            let layer = graph.layers[index]
            return layer.name + ".weights" + (layer.sources.count > 1 ? ".\(layer.sourceNames[source])" : "")
        case .bias(let index): return graph.layers[index].name + ".bias"
        }
    }

    /// The layer that it belongs to; nil for the loss, the prediction and the data.
    var layer: Int? {
        switch self {
        case .loss, .prediction, .input: nil
        case .outputs(let index), .preActivations(let index), .weights(let index, _), .bias(let index): index
        }
    }

    /// Whether it has values of its own for every sample, unlike parameters and the loss.
    var isPerSample: Bool {
        switch self {
        case .prediction, .input, .outputs, .preActivations: true
        case .loss, .weights, .bias: false
        }
    }

    /// Its axes for one sample, named after it.
    func axes(in graph: LayerGraph, outputWidth: Int, predictionWidth: Int) -> [GradientTensor.Axis] {
        let name = name(in: graph)
        switch self {
        case .loss: return []
        case .prediction: return [.init("output", predictionWidth)]
        case .input: return [.init(name, graph.inputs)]
        case .outputs: return [.init(name, outputWidth)]
        case .preActivations(let index): return [.init(name, graph.layers[index].preActivations)]
        case .bias(let index): return [.init(name, graph.layers[index].preActivations)]
        case .weights(let index, let source):
            let layer = graph.layers[index]
            return [.init("\(name) out", layer.preActivations), .init("in", layer.widths[source])]
        }
    }
}
