import LoomModel

/// What a training computes, as a graph: data, parameters, every layer's pre-activations and outputs, the prediction and
/// the loss, with the shapes of what flows between them.
///
/// The loss is computed from the last pre-activations, so the prediction is a side branch.
public struct ComputationGraph: Sendable, Equatable {
    /// What a node is.
    public enum Kind: String, Sendable {
        /// features or targets
        case data
        /// weights or biases
        case parameter
        /// pre-activations or outputs of a layer
        case operation
        /// the output map of the last pre-activations
        case prediction
        /// the loss, or its penalty
        case loss
    }

    /// One node.
    public struct Node: Sendable, Equatable {
        /// Its name, unique in the graph: `hidden.weights`, `hidden.z`.
        public let name: String
        /// What it is.
        public let kind: Kind
        /// How it is computed, such as `relu(z)`; empty for data and parameters.
        public let formula: String
        /// Its shape: numbers, or `N` for the batch; empty for a single number.
        public let shape: [String]

        /// `N × 4`, or `1` for a single number.
        public var shapeText: String { shape.isEmpty ? "1" : shape.joined(separator: " × ") }
    }

    /// One edge: the values of the node `source` go into the node `target`.
    public struct Edge: Sendable, Equatable {
        /// The index of the node it comes from.
        public let source: Int
        /// The index of the node it goes to.
        public let target: Int
        /// The shape of what flows, and which columns they are where not all.
        public let label: String
    }

    /// The nodes, each after those that it is computed from.
    public private(set) var nodes: [Node] = []
    /// The edges, in the order of their targets.
    public private(set) var edges: [Edge] = []
    /// The number of parameters.
    public let parameterCount: Int

    /// The graph of a training of `network` with `loss`; for a network with a threshold, that of its prediction.
    /// - Throws: `ModelError` for names and connections that do not fit.
    public init(network: NetworkDescription, loss: LossDescription) throws(ModelError) {
        let graph = try LayerGraph(network)
        parameterCount = graph.parameters
        let input = add(LayerGraph.dataName, .data, shape: ["N", "\(graph.inputs)"])
        var outputs: [Int] = []
        var weights: [Int] = []
        for layer in graph.layers {
            let added = add(layer, of: graph, input: input, outputs: outputs)
            weights += added.weights
            outputs.append(added.output)
        }
        let last = graph.layers[graph.layers.count - 1]
        let prediction = add(
            "prediction", .prediction, formula: "\(network.output.rawValue)(z)", shape: ["N", "\(last.units)"])
        connect(outputs[outputs.count - 1], prediction)
        guard !network.hasThreshold else { return }
        let classes = loss.kind == .crossEntropy && network.output == .softmax
        let target = add("target", .data, shape: classes ? ["N"] : ["N", "\(last.units)"])
        let penalty = loss.l2 > 0 ? add("penalty", .loss, formula: "\(loss.l2) Σ‖W‖²") : nil
        let kind = loss.kind.rawValue
        let total = add(
            "loss", .loss, formula: "\(loss.reduction.rawValue) \(kind)" + (penalty == nil ? "" : " + penalty"))
        connect(outputs[outputs.count - 1], total)
        connect(target, total)
        if let penalty {
            for index in weights { connect(index, penalty) }
            connect(penalty, total)
        }
    }

    private mutating func add(
        _ layer: LayerGraph.Layer, of graph: LayerGraph, input: Int, outputs: [Int]
    ) -> (output: Int, weights: [Int]) {
        let rows = "\(layer.preActivations)"
        let several = layer.sources.count > 1
        let weights = layer.sources.indices.map { index in
            add(
                "\(layer.name).weights" + (several ? ".\(layer.sourceNames[index])" : ""), .parameter,
                shape: [rows, "\(layer.widths[index])"])
        }
        let bias = layer.description.hasBias ? add("\(layer.name).bias", .parameter, shape: [rows]) : nil
        let sum = several ? "Σ W·input" : "W·\(layer.sourceNames[0])"
        let z = add(
            "\(layer.name).z", .operation, formula: "z = \(sum)" + (bias == nil ? "" : " + b"), shape: ["N", rows])
        for (index, source) in layer.sources.enumerated() {
            switch source {
            case .layer(let below):
                connect(outputs[below], z)
            case .data(let columns):
                let all = columns == 0..<graph.inputs
                connect(
                    input, z,
                    label: all ? nil : "N × \(columns.count), from \(columns.lowerBound)")
            }
            connect(weights[index], z)
        }
        if let bias { connect(bias, z) }
        guard layer.description.activation != .identity else { return (z, weights) }
        let u = add(
            "\(layer.name).u", .operation, formula: "u = \(layer.description.activation.rawValue)(z)",
            shape: ["N", "\(layer.units)"])
        connect(z, u)
        return (u, weights)
    }

    private mutating func add(_ name: String, _ kind: Kind, formula: String = "", shape: [String] = []) -> Int {
        nodes.append(Node(name: name, kind: kind, formula: formula, shape: shape))
        return nodes.count - 1
    }

    private mutating func connect(_ source: Int, _ target: Int, label: String? = nil) {
        edges.append(Edge(source: source, target: target, label: label ?? nodes[source].shapeText))
    }
}

// MARK: Graphviz

extension ComputationGraph {
    /// The graph in the DOT language of Graphviz.
    public var dot: String {
        var text = """
            digraph network {
                rankdir=LR;
                bgcolor="white";
                label="\(parameterCount) parameters";
                node [fontname="sans-serif", style="filled,rounded", shape=box];
                edge [fontname="sans-serif", fontsize=10];

            """
        for (index, node) in nodes.enumerated() {
            let label = [node.name, node.formula, node.shapeText].filter { !$0.isEmpty }
            text +=
                "    n\(index) [label=\(Self.quoted(label.joined(separator: "\n"))), "
                + "fillcolor=\"\(node.kind.fill)\"];\n"
        }
        for edge in edges {
            text += "    n\(edge.source) -> n\(edge.target) [label=\(Self.quoted(edge.label))];\n"
        }
        return text + "}\n"
    }

    private static func quoted(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        return "\"\(escaped)\""
    }
}

extension ComputationGraph.Kind {
    /// A light colour on which black text is legible.
    var fill: String {
        switch self {
        case .data: "#dbeafe"
        case .parameter: "#fef3c7"
        case .operation: "#f1f5f9"
        case .prediction: "#dcfce7"
        case .loss: "#fee2e2"
        }
    }

    /// A dark shade of the same colour.
    var stroke: String {
        switch self {
        case .data: "#1d4ed8"
        case .parameter: "#b45309"
        case .operation: "#475569"
        case .prediction: "#15803d"
        case .loss: "#b91c1c"
        }
    }
}
