import CKernels
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
    }

    /// One weight matrix between a source and a layer: z += W · source.
    public struct Connection: Sendable {
        /// Where the inputs come from.
        public let source: Source
        /// The index of the weights, units × width of the source, in the parameter layout.
        public let weights: Int
    }

    /// One layer: u = activation(Σ W·source + b).
    public struct Layer: Sendable {
        /// Its name, unique in the network.
        public let name: String
        /// The number of its outputs.
        public let units: Int
        /// Its activation as the kernels name it.
        public let activation: loom_activation
        /// The connections whose products are added in this order.
        public let connections: [Connection]
        /// The index of the bias in the parameter layout, if it has one.
        public let bias: Int?
    }

    /// The description it was built from.
    public let description: NetworkDescription
    /// The number of input features.
    public let inputs: Int
    /// The layers in the order of evaluation.
    public let layers: [Layer]
    /// Where the parameters lie.
    public let layout: ParameterLayout

    /// Checks `description` and lays out its parameters.
    /// - Throws: `ModelError` naming the layer whose sizes or given weights do not fit.
    public init(_ description: NetworkDescription) throws {
        guard description.inputs > 0 else { throw ModelError("the network has no input features") }
        guard !description.layers.isEmpty else {
            throw ModelError("the network has no layers; it needs at least the output layer")
        }
        var layout = ParameterLayout()
        var layers: [Layer] = []
        var source = Source.data
        var width = description.inputs
        for (index, layer) in description.layers.enumerated() {
            try layer.check(inputs: width)
            let weights = layout.append(
                name: "\(layer.name).weights", role: .weights, rows: layer.units, columns: width, of: Scalar.self)
            let bias =
                layer.hasBias
                ? layout.append(
                    name: "\(layer.name).bias", role: .bias, rows: 1, columns: layer.units, of: Scalar.self) : nil
            layers.append(
                Layer(
                    name: layer.name, units: layer.units, activation: layer.kernelActivation,
                    connections: [Connection(source: source, weights: weights)], bias: bias))
            source = .layer(index)
            width = layer.units
        }
        guard layers.last!.activation == LOOM_IDENTITY else {
            throw ModelError(
                "the last layer '\(layers.last!.name)' has the activation '\(description.layers.last!.activation.rawValue)';"
                    + " its activation must be identity, because network.output is applied to its pre-activations")
        }
        guard Set(layers.map(\.name)).count == layers.count else {
            throw ModelError("two layers have the same name; names must be unique")
        }
        self.description = description
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
        for layer in layers where layer.activation == LOOM_THRESHOLD {
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
    var kernelActivation: loom_activation {
        switch activation {
        case .identity: LOOM_IDENTITY
        case .sigmoid: LOOM_SIGMOID
        case .relu: reluAtZero == .zero ? LOOM_RELU : LOOM_RELU_ONE
        case .arctan: LOOM_ARCTAN
        case .tanh: LOOM_TANH
        case .exp: LOOM_EXP
        case .softplus: LOOM_SOFTPLUS
        case .threshold: LOOM_THRESHOLD
        }
    }

    /// Checks units, given weights and given biases against `inputs` columns.
    func check(inputs: Int) throws {
        guard units > 0 else { throw ModelError("layer '\(name)' has \(units) units; it needs at least one") }
        if let weights {
            let columns = Set(weights.map(\.count))
            guard weights.count == units, columns == [inputs] else {
                let given = "\(weights.count) × \(columns.sorted().map(String.init).joined(separator: " or "))"
                throw ModelError(
                    "layer '\(name)' has \(units) units and \(inputs) inputs, so its weights must be "
                        + "\(units) × \(inputs) (out by in); they are \(given)")
            }
        }
        if let bias, bias.count != units {
            throw ModelError("layer '\(name)' has \(units) units, but \(bias.count) biases are given")
        }
    }
}
