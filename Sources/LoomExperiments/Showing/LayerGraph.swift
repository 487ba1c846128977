import LoomModel

/// A network's layers in topological order, each with the places that its inputs come from.
///
/// What the readers of a network share (Jacobians, checks, tables): a chain is the graph in which every layer has one
/// source, the layer before it.
public struct LayerGraph: Sendable, Equatable {
    /// Where a weight matrix takes its inputs from.
    public enum Source: Sendable, Equatable {
        /// Features of the samples.
        case data(columns: Range<Int>)
        /// The outputs of the layer of this index.
        case layer(Int)
    }

    /// One layer: u = activation(Σ Wₚ·sourceₚ + b).
    public struct Layer: Sendable, Equatable {
        /// Its description.
        public let description: LayerDescription
        /// The number of its pre-activations.
        public let preActivations: Int
        /// Where its inputs come from, one weight matrix each, in their order.
        public let sources: [Source]
        /// The names of the sources.
        public let sourceNames: [String]
        /// The widths of the sources.
        public let widths: [Int]

        /// Its name.
        public var name: String { description.name }
        /// The number of its outputs.
        public var units: Int { description.units }
        /// The number of its weights and biases.
        public var parameters: Int {
            preActivations * (widths.reduce(0, +) + (description.hasBias ? 1 : 0))
        }
    }

    /// What messages, tables and files call the data.
    public static let dataName = "input"

    /// The number of features.
    public let inputs: Int
    /// The layers in topological order.
    public let layers: [Layer]
    /// The map from the last layer's pre-activations to the prediction.
    public let output: OutputMap

    /// The graph of `network`, whose sizes fit.
    public init(_ network: NetworkDescription) {
        inputs = network.inputs
        output = network.output
        layers = network.layers.indices.map { index in
            let before = index == 0 ? nil : network.layers[index - 1]
            return Layer(
                description: network.layers[index], preActivations: network.layers[index].units,
                sources: [index == 0 ? .data(columns: 0..<network.inputs) : .layer(index - 1)],
                sourceNames: [before?.name ?? Self.dataName], widths: [before?.units ?? network.inputs])
        }
    }

    /// The number of parameters.
    public var parameters: Int { layers.reduce(0) { $0 + $1.parameters } }

    /// The index of the layer `name`.
    /// - Throws: `RequestError` with the nearest name.
    public func layer(named name: String) throws(RequestError) -> Int {
        guard let index = layers.firstIndex(where: { $0.name == name }) else {
            throw .unknown("layer", name, known: layers.map(\.name))
        }
        return index
    }

    /// Whether the layer `index` is the layer `other`, or is computed from it.
    func layer(_ index: Int, dependsOn other: Int) -> Bool {
        index == other
            || layers[index].sources.contains { source in
                if case .layer(let below) = source { layer(below, dependsOn: other) } else { false }
            }
    }
}

extension ReferenceLayer {
    /// The weight matrices, one per source.
    var matrices: [[[Double]]] { [weights] }
}
