/// A network of single units: named inputs, vertices of a kind, and weighted edges between them, without biases.
///
/// A vertex has one pre-activation, a softmax-weighted one several (its components). It is compiled into layers
/// (`compiled()`), which train like any others.
public struct VertexNetwork: Sendable, Equatable, Codable {
    /// One unit.
    public struct Vertex: Sendable, Equatable, Codable {
        /// Its name, unique among inputs and vertices.
        public var name: String
        /// Its activation. That of an output vertex becomes the network's output map.
        public var kind: Activation
        /// The components of a softmax-weighted vertex; nil for all other kinds.
        public var components: Int?

        /// A vertex.
        public init(name: String, kind: Activation, components: Int? = nil) {
            self.name = name
            self.kind = kind
            self.components = components
        }
    }

    /// An edge from an input or a vertex to a vertex.
    public struct Edge: Sendable, Equatable, Codable {
        /// The name of the input or vertex that it comes from.
        public var from: String
        /// The name of the vertex that it goes to.
        public var to: String
        /// The given weights, one per component of the vertex that it goes to; all edges have some, or none has.
        public var weights: [Double]?

        /// An edge.
        public init(from: String, to: String, weights: [Double]? = nil) {
            self.from = from
            self.to = to
            self.weights = weights
        }
    }

    /// The names of the data's features, in their order.
    public var inputs: [String]
    /// The vertices, in any order.
    public var vertices: [Vertex]
    /// The edges, in any order.
    public var edges: [Edge]
    /// The names of the vertices that are the prediction, in the order of its columns.
    public var outputs: [String]

    /// A network of vertices.
    public init(inputs: [String], vertices: [Vertex], edges: [Edge], outputs: [String]) {
        self.inputs = inputs
        self.vertices = vertices
        self.edges = edges
        self.outputs = outputs
    }

    /// What is wrong with a network of vertices, and where.
    public struct Mistake: Error, Sendable, Equatable, CustomStringConvertible {
        /// A list of the network.
        public enum List: String, Sendable {
            /// The inputs.
            case inputs
            /// The vertices.
            case vertices
            /// The edges.
            case edges
            /// The output vertices.
            case output
        }
        /// The list that it is in.
        public let list: List
        /// The index in the list.
        public let index: Int
        /// The key of the vertex or edge; nil for all of it.
        public let key: String?
        /// One sentence that says what to do.
        public let description: String

        init(_ list: List, _ index: Int, _ key: String? = nil, _ description: String) {
            self.list = list
            self.index = index
            self.key = key
            self.description = description
        }
    }

    /// The layers of a network of vertices.
    public struct Compiled: Sendable, Equatable {
        /// The parts of the data that layers read.
        public let dataParts: [DataPart]
        /// The layers, in the order of their first vertices; a layer of one vertex has its name.
        public let layers: [LayerDescription]
        /// The kind of the output vertices.
        public let output: OutputMap
        /// The vertices of every layer, in the order of its units: indices in `VertexNetwork.vertices`.
        public let members: [[Int]]
    }

    /// The layers that compute the same: vertices of one kind with the same predecessors, and with the same readers, form
    /// one layer. So every connection of the layers is whole, and no weight stands for an edge that is not there.
    /// - Throws: The first of `mistakes`.
    public func compiled() throws(Mistake) -> Compiled {
        if let mistake = mistakes.first { throw mistake }
        return VertexCompiler(self).compiled
    }
}

extension Activation {
    /// The output map that does the same to the last pre-activations; nil when there is none.
    var outputMap: OutputMap? {
        switch self {
        case .identity, .sigmoid, .threshold, .softmaxWeighted: OutputMap(rawValue: rawValue)
        case .relu, .arctan, .tanh, .exp, .softplus: nil
        }
    }
}

/// Groups vertices into layers; the network has no mistakes.
private struct VertexCompiler {
    private let network: VertexNetwork
    private let predecessors: [Set<String>]
    private let weights: [String: [String: [Double]]]

    init(_ network: VertexNetwork) {
        self.network = network
        var predecessors: [String: Set<String>] = [:]
        var weights: [String: [String: [Double]]] = [:]
        for edge in network.edges {
            predecessors[edge.to, default: []].insert(edge.from)
            if let given = edge.weights { weights[edge.to, default: [:]][edge.from] = given }
        }
        self.predecessors = network.vertices.map { predecessors[$0.name] ?? [] }
        self.weights = weights
    }

    /// What vertices of one layer have in common.
    private struct Signature: Hashable {
        let kind: Activation
        let components: Int?
        let predecessors: Set<String>
        /// The sets of predecessors of its readers: those read it together with the same other vertices.
        let readers: Set<Set<String>>
        let isOutput: Bool
    }

    var compiled: VertexNetwork.Compiled {
        let places = Dictionary(uniqueKeysWithValues: network.vertices.enumerated().map { ($1.name, $0) })
        let outputs = Set(network.outputs)
        var readers: [String: Set<Set<String>>] = [:]
        for names in predecessors {
            for name in names { readers[name, default: []].insert(names) }
        }
        var groups: [[Int]] = []
        var groupOf: [Signature: Int] = [:]
        for (index, vertex) in network.vertices.enumerated() {
            let signature = Signature(
                kind: vertex.kind, components: vertex.components, predecessors: predecessors[index],
                readers: readers[vertex.name] ?? [], isOutput: outputs.contains(vertex.name))
            if let group = groupOf[signature] {
                groups[group].append(index)
            } else {
                groupOf[signature] = groups.count
                groups.append([index])
            }
        }
        // Columns of the prediction come in the order of the outputs.
        let output = groups.firstIndex { outputs.contains(network.vertices[$0[0]].name) }!
        groups[output] = network.outputs.map { places[$0]! }

        let parts = dataParts(readers: readers)
        let sources =
            parts.map { (name: $0.name, members: $0.columns.map { network.inputs[$0] }) }
            + groups.map { group in
                let names = group.map { network.vertices[$0].name }
                return (name: Self.name(of: names), members: names)
            }
        let layers = groups.enumerated().map { index, group in
            layer(group, name: sources[parts.count + index].name, isOutput: index == output, sources: sources)
        }
        return VertexNetwork.Compiled(
            dataParts: parts, layers: layers, output: network.vertices[groups[output][0]].kind.outputMap!,
            members: groups)
    }

    /// Neighbouring inputs with the same readers.
    private func dataParts(readers: [String: Set<Set<String>>]) -> [DataPart] {
        var parts: [DataPart] = []
        var start = 0
        for end in 1...network.inputs.count
        where end == network.inputs.count || readers[network.inputs[end]] != readers[network.inputs[start]] {
            parts.append(DataPart(name: Self.name(of: Array(network.inputs[start..<end])), columns: start..<end))
            start = end
        }
        return parts
    }

    private func layer(
        _ group: [Int], name: String, isOutput: Bool, sources: [(name: String, members: [String])]
    ) -> LayerDescription {
        let first = network.vertices[group[0]]
        let read = sources.filter { predecessors[group[0]].contains($0.members[0]) }
        let connectionWeights = read.map { source in
            group.flatMap { index in
                let given = weights[network.vertices[index].name] ?? [:]
                return (0..<(first.components ?? 1)).map { component in
                    source.members.compactMap { given[$0]?[component] }
                }
            }
        }
        return LayerDescription(
            name: name, units: group.count, activation: isOutput ? .identity : first.kind,
            components: first.components, inputs: read.map(\.name), hasBias: false,
            connectionWeights: weights.isEmpty ? nil : connectionWeights)
    }

    /// A name for vertices together, unique because its first one is.
    private static func name(of names: [String]) -> String {
        names.count <= 4 ? names.joined(separator: "+") : "\(names[0])+…+\(names.last!)"
    }
}
