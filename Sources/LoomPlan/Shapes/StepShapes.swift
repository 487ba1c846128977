import LoomKernels
import LoomModel

/// The shapes of a network that a step is planned from: no parameters, no memory.
package struct StepShapes: Sendable, Equatable {
    /// One weight matrix between a source and a layer.
    package struct Connection: Sendable, Equatable {
        /// The index of its weights among the tensors.
        package let tensor: Int
        /// Whether its forward product is added to that of an earlier connection.
        package let accumulatesForward: Bool
        /// Whether its backward product is added to that of a later layer.
        package let accumulatesBackward: Bool
    }

    /// A layer by its tensors.
    package struct Layer: Sendable, Equatable {
        package let name: String
        package let connections: [Connection]
        /// The index of its bias among the tensors, if it has one.
        package let bias: Int?
    }

    /// A parameter tensor and what its gradient is made of.
    package struct Tensor: Sendable, Equatable {
        /// Where it lies.
        package let parameters: ParameterTensor
        /// The layer whose deltas enter its gradient.
        package let layer: Int
        /// What the weights multiply: a layer, nil for the data. Unused for a bias.
        package let source: Int?
        /// The features of the data, or the outputs of the source layer.
        package let sourceWidth: Int
        /// The columns of the source that are read. Unused for a bias.
        package let sourceColumns: Range<Int>
    }

    /// The features of a sample.
    package let inputs: Int
    /// The layers in the order of evaluation.
    package let layers: [Layer]
    /// The tensors in the order of the parameter buffer.
    package let tensors: [Tensor]
    /// Elements of a parameter buffer, padding included.
    package let elementCount: Int
    /// The precision of all matrices.
    package let precision: Precision
    /// The format of the factors of products.
    package let operands: OperandFormat
    /// Bytes of activations and deltas of a sample.
    package let activationBytesPerSample: Int
    /// Elements of inputs, activations and deltas of a sample.
    package let elementsPerSample: Int

    /// Bytes of an element.
    package var elementBytes: Int { OperandFormat(precision).bytes }

    /// The shapes of `network`.
    /// - Parameter operands: The format of the factors of products; nil: the precision of the parameters.
    package init<Scalar: LoomScalar>(_ network: Network<Scalar>, operands: OperandFormat? = nil) {
        var tensors: [Tensor?] = Array(repeating: nil, count: network.layout.tensors.count)
        layers = network.layers.enumerated().map { index, layer in
            for connection in layer.connections {
                let source: Int? = if case .layer(let source) = connection.source { source } else { nil }
                tensors[connection.weights] = Tensor(
                    parameters: network.layout.tensors[connection.weights], layer: index, source: source,
                    sourceWidth: source.map { network.layers[$0].units } ?? network.inputs,
                    sourceColumns: connection.sourceColumns)
            }
            if let bias = layer.bias {
                tensors[bias] = Tensor(
                    parameters: network.layout.tensors[bias], layer: index, source: nil, sourceWidth: 0,
                    sourceColumns: 0..<0)
            }
            return Layer(
                name: layer.name,
                connections: layer.connections.map {
                    Connection(
                        tensor: $0.weights, accumulatesForward: $0.accumulatesForward,
                        accumulatesBackward: $0.accumulatesBackward)
                }, bias: layer.bias)
        }
        self.tensors = tensors.map { $0! }
        inputs = network.inputs
        elementCount = network.layout.elementCount
        precision = Scalar.precision
        self.operands = operands ?? OperandFormat(Scalar.precision)
        activationBytesPerSample = Workspace.bytesPerSample(of: network)
        elementsPerSample =
            Padding.stride(columns: network.inputs, of: Float.self)
            + activationBytesPerSample / MemoryLayout<Scalar>.stride
    }

    /// The forward products, and the backward products of connections that do not read the data.
    package var shardProducts: [(isForward: Bool, weights: ParameterTensor)] {
        layers.flatMap(\.connections).flatMap { connection in
            let tensor = tensors[connection.tensor]
            return [(true, tensor.parameters)] + (tensor.source == nil ? [] : [(false, tensor.parameters)])
        }
    }

    /// Whether a part is of weights, which alone have penalty and decay.
    package func isWeights(_ part: ParameterPart) -> Bool {
        guard case .slices(let index, _, _, _) = part else { return false }
        return tensors[index].parameters.role == .weights
    }
}
