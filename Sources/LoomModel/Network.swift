import LoomKernels

/// A network ready to be laid out in memory: its layers in topological order, their connections, and which parameter
/// tensor belongs to which.
public struct Network<Scalar: LoomScalar>: Sendable {
    /// Where a connection takes its inputs from.
    public enum Source: Sendable, Equatable {
        /// The features of the samples.
        case data
        /// The outputs of an earlier layer.
        case layer(Int)

        /// The layer's index, −1 for the data: how plain numbers name a source.
        public var index: Int {
            if case .layer(let index) = self { index } else { -1 }
        }
    }

    /// One weight matrix between a source and a layer: z += W · source.
    public struct Connection: Sendable {
        /// Where the inputs come from.
        public let source: Source
        /// The columns of the source that are read: all of a layer's, all or some of the data's.
        public let sourceColumns: Range<Int>
        /// The index of the weights, pre-activations × columns of the source, in the parameter layout.
        public let weights: Int
        /// Whether its forward product is added to that of an earlier connection of the same layer.
        public let accumulatesForward: Bool
        /// Whether its backward product is added to that of a later layer with the same source; layers run backward in
        /// reverse order, so the last reader's is the first.
        public let accumulatesBackward: Bool
    }

    /// One layer: u = activation(Σ W·source + b).
    public struct Layer: Sendable {
        /// Its name, unique in the network.
        public let name: String
        /// The number of its outputs.
        public let units: Int
        /// The pre-activations of one unit: more than 1 in a softmax-weighted layer, and in the last layer before a
        /// softmax-weighted output.
        public let components: Int
        /// The kernel of its activation; identity where a softmax-weighted one combines components.
        public let activation: ActivationKernel
        /// The connections whose products are added in this order.
        public let connections: [Connection]
        /// The index of the bias in the parameter layout, if it has one.
        public let bias: Int?

        /// The number of its pre-activations.
        public var preActivations: Int { units * components }
    }

    /// The description it was built from.
    public let description: NetworkDescription
    /// The number of input features.
    public let inputs: Int
    /// The layers in the order of evaluation.
    public let layers: [Layer]
    /// Where the parameters lie.
    public let layout: ParameterLayout

    /// Sorts the layers of `description`, checks them and lays out their parameters.
    /// - Throws: `ModelError` naming the layer whose inputs, sizes or given weights do not fit.
    public init(_ description: NetworkDescription) throws {
        guard description.inputs > 0 else { throw ModelError("the network has no input features") }
        let graph: NetworkGraph
        do {
            graph = try NetworkGraph(description)
        } catch {
            throw ModelError(error.description)
        }
        try graph.checkSizes()
        try graph.description.checkParameters(of: Scalar.self)
        var layout = ParameterLayout()
        var layers: [Layer] = []
        let lastReaders = graph.lastReaders
        for (index, layer) in graph.description.layers.enumerated() {
            let connections = graph.sources[index].enumerated().map { offset, source in
                let columns = graph.columns(of: source)
                return Connection(
                    source: Source(source), sourceColumns: columns,
                    weights: layout.appendWeights(
                        name: layer.weightsName(input: layer.inputs![offset]), units: layer.preActivations,
                        inputs: columns.count, source: Source(source)),
                    accumulatesForward: offset > 0, accumulatesBackward: lastReaders[source] != index)
            }
            let bias =
                layer.hasBias
                ? layout.appendBias(name: layer.biasName, units: layer.preActivations, of: Scalar.self)
                : nil
            layers.append(
                Layer(
                    name: layer.name, units: layer.units, components: layer.components ?? 1,
                    activation: layer.activationKernel, connections: connections, bias: bias))
        }
        self.description = graph.description
        self.inputs = description.inputs
        self.layers = layers
        self.layout = layout
    }

    /// The number of the network's outputs.
    public var outputs: Int { layers.last!.units }

    /// Floating-point operations of the matrix products of one sample in one training step: forward, the gradient of
    /// every weight matrix, and backward for every connection that does not come from the data.
    public var operationsPerSample: Double {
        layers.flatMap(\.connections).reduce(0) { sum, connection in
            let products = connection.source == .data ? 2.0 : 3.0
            return sum + products * 2 * Double(layout.tensors[connection.weights].count)
        }
    }

    /// Why the network cannot be trained, or nil: a threshold's derivative is 0 almost everywhere.
    public var untrainableReason: String? {
        let reason = "is 0 almost everywhere, so no gradient passes it"
        for layer in layers where layer.activation == .threshold {
            return "layer '\(layer.name)' has the activation threshold, whose derivative \(reason); "
                + "use sigmoid, or evaluate the network without training it"
        }
        guard description.output != .threshold else {
            return "the output map is threshold, whose derivative \(reason); use sigmoid, whose prediction is right"
                + " on the same side of 0"
        }
        return nil
    }
}

extension LayerDescription {
    /// The kernel of the activation, relu by its derivative at 0.
    var activationKernel: ActivationKernel {
        switch activation {
        case .identity: .identity
        case .sigmoid: .sigmoid
        case .relu: reluAtZero == .zero ? .relu : .reluOne
        case .arctan: .arctan
        case .tanh: .tanh
        case .exp: .exp
        case .softplus: .softplus
        case .threshold: .threshold
        case .softmaxWeighted: .identity
        }
    }

    /// The name of the weights that multiply `input`: with a single input it need not be said.
    func weightsName(input: String) -> String {
        inputs?.count == 1 ? "\(name).weights" : "\(name).weights.\(input)"
    }

    /// The name of the bias.
    var biasName: String { "\(name).bias" }
}

extension Network.Source {
    init(_ source: NetworkGraph.Source) {
        switch source {
        case .data: self = .data
        case .layer(let index): self = .layer(index)
        }
    }
}
