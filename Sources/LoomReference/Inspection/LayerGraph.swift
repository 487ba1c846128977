import LoomModel

/// A network's layers in topological order, each with the places that its inputs come from.
///
/// What the readers of a network share (Jacobians, checks, tables): a chain is the graph in which every layer has one
/// source, the layer before it.
public struct LayerGraph: Sendable, Equatable {
    /// Where a weight matrix takes its inputs from.
    public typealias Source = NetworkGraph.Source

    /// One layer: u = activation(Σ Wₚ·sourceₚ + b).
    public struct Layer: Sendable, Equatable {
        /// Its description.
        public let description: LayerDescription
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
        /// The number of its pre-activations.
        public var preActivations: Int { description.preActivations }
        /// The number of its weights and biases.
        public var parameters: Int {
            preActivations * (widths.reduce(0, +) + (description.hasBias ? 1 : 0))
        }
    }

    /// What messages, tables and files call the data.
    public static let dataName = NetworkDescription.dataName

    /// The number of features.
    public let inputs: Int
    /// The layers in topological order.
    public let layers: [Layer]
    /// The map from the last layer's pre-activations to the prediction.
    public let output: OutputMap

    /// The layers of `graph`, whose sizes fit.
    public init(_ graph: NetworkGraph) {
        inputs = graph.description.inputs
        output = graph.description.output
        layers = zip(graph.description.layers, graph.sources).map { layer, sources in
            Layer(
                description: layer, sources: sources, sourceNames: layer.inputs ?? [],
                widths: sources.map { graph.width(of: $0) })
        }
    }

    /// The graph of `network`.
    /// - Throws: `ModelError` for names and connections that do not fit.
    public init(_ network: NetworkDescription) throws(ModelError) {
        self.init(try ReferenceTrainer.graph(of: network))
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
