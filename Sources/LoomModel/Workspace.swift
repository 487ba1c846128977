import LoomKernels

/// The memory of a batch: activations and deltas of every layer, for up to `capacity` samples.
///
/// A worker writes the rows of its own shards in the first phase of a step and reads all rows in the second; the
/// barrier between the phases makes that safe. Memory is reserved untouched: `touch(rows:)`, called by the worker
/// that will use the rows, places it.
public final class Workspace<Scalar: LoomScalar>: Sendable {
    /// The network it was made for.
    public let network: Network<Scalar>
    /// The parameters that forward and backward read.
    public let parameters: ParameterBuffer<Scalar>
    /// The largest number of samples of a batch.
    public let capacity: Int
    /// Bytes reserved.
    public let bytes: Int
    private let matrices: AlignedBuffer<Scalar>
    private let layers: AlignedBuffer<LayerHandle<Scalar>>
    private let connections: AlignedBuffer<ConnectionHandle<Scalar>>
    private let gemm: GemmMemory<Scalar>

    /// Reserves memory for batches of up to `capacity` samples.
    /// - Parameters:
    ///   - training: Whether deltas are needed.
    ///   - keepsPreActivations: Whether every layer's z is kept, not only where a derivative needs it.
    ///   - gemmBackend: Who multiplies matrices.
    public convenience init(
        network: Network<Scalar>, parameters: ParameterBuffer<Scalar>, capacity: Int, training: Bool = true,
        keepsPreActivations: Bool = false, gemmBackend: GemmBackend = .preferred
    ) {
        let matrices = network.layers.indices.map { index in
            LayerMatrices(
                network.layers[index], isLast: index == network.layers.count - 1, training: training,
                keepsPreActivations: keepsPreActivations, of: Scalar.self)
        }
        self.init(network, parameters, capacity: capacity, layers: matrices, gemmBackend: gemmBackend)
    }

    /// Reserves what a training needs beside a `MixedPrecisionMemory`, which has the outputs and deltas of the hidden layers.
    package convenience init(
        besidePacked network: Network<Scalar>, parameters: ParameterBuffer<Scalar>, capacity: Int,
        gemmBackend: GemmBackend
    ) {
        self.init(
            network, parameters, capacity: capacity, layers: LayerMatrices.besidePacked(network),
            gemmBackend: gemmBackend)
    }

    private init(
        _ network: Network<Scalar>, _ parameters: ParameterBuffer<Scalar>, capacity: Int, layers plan: [LayerMatrices],
        gemmBackend: GemmBackend
    ) {
        precondition(capacity > 0, "a workspace holds at least one sample")
        self.network = network
        self.parameters = parameters
        self.capacity = capacity
        gemm = GemmMemory(backend: gemmBackend, workers: 1)
        let elements = plan.reduce(0) { $0 + $1.elements } * capacity
        self.bytes = elements * MemoryLayout<Scalar>.stride
        self.matrices = AlignedBuffer(uninitializedCount: elements)
        self.layers = AlignedBuffer(uninitializedCount: network.layers.count)
        let connectionCount = network.layers.reduce(0) { $0 + $1.connections.count }
        self.connections = AlignedBuffer(uninitializedCount: connectionCount)
        layOut(plan)
    }

    /// Bytes of activations and deltas of one sample.
    public static func bytesPerSample(of network: Network<Scalar>) -> Int {
        let elements = network.layers.indices.reduce(0) { sum, index in
            let isLast = index == network.layers.count - 1
            return sum
                + LayerMatrices(
                    network.layers[index], isLast: isLast, training: true, keepsPreActivations: false, of: Scalar.self
                ).elements
        }
        return elements * MemoryLayout<Scalar>.stride
    }

    /// Bytes of one sample beside a `MixedPrecisionMemory`.
    package static func bytesPerSample(besidePacked network: Network<Scalar>) -> Int {
        LayerMatrices.besidePacked(network).reduce(0) { $0 + $1.elements } * MemoryLayout<Scalar>.stride
    }

    private func layOut(_ plans: [LayerMatrices]) {
        var free = matrices.pointer
        func matrix(_ row: LayerMatrices.Row) -> MatrixView<Scalar> {
            defer { free += capacity * row.stride }
            return MatrixView(pointer: free, rows: capacity, columns: row.columns, stride: row.stride)
        }
        var connectionCount = 0
        for (index, (layer, plan)) in zip(network.layers, plans).enumerated() {
            let outputs = matrix(plan.outputs ?? .none)
            let z = plan.preActivations.map(matrix) ?? outputs
            let gradients = plan.outputGradients.map(matrix) ?? outputs
            (layers.pointer + index).initialize(
                to: LayerHandle(
                    activation: layer.activation, components: layer.components, firstConnection: connectionCount,
                    connectionCount: layer.connections.count, bias: layer.bias.map { parameters.view($0).pointer },
                    preActivations: z, outputs: outputs, deltas: plan.deltas.map(matrix) ?? gradients,
                    outputGradients: gradients,
                    derivativeFromPreActivations: layer.activation.derivativeNeedsPreActivations))
            for connection in layer.connections {
                (connections.pointer + connectionCount).initialize(
                    to: ConnectionHandle(
                        source: connection.source.index, sourceColumns: IndexRange(connection.sourceColumns),
                        weights: parameters.weights(connection.weights),
                        accumulatesForward: connection.accumulatesForward,
                        accumulatesBackward: connection.accumulatesBackward))
                connectionCount += 1
            }
        }
    }

    /// The network over this memory.
    public var handle: NetworkHandle<Scalar> {
        NetworkHandle(
            layers: UnsafePointer(layers.pointer), connections: UnsafePointer(connections.pointer),
            gemm: gemm.gemms[0], layerCount: layers.count, outputMap: network.description.output)
    }

    /// Writes zeros to `rows` of every matrix, so that their pages lie on the calling worker's NUMA node.
    public func touch(rows: Range<Int>) {
        for index in 0..<layers.count {
            let layer = layers.pointer[index]
            for matrix in [layer.outputs, layer.preActivations, layer.deltas, layer.outputGradients] {
                let block = matrix.rows(rows)
                block.pointer.update(repeating: 0, count: block.rows * block.stride)
            }
        }
    }

    /// Sets every byte of the activations and deltas: tests show that results do not depend on what was there.
    public func fillBytes(_ byte: UInt8) {
        let raw = UnsafeMutableRawPointer(matrices.pointer)
        raw.initializeMemory(as: UInt8.self, repeating: byte, count: bytes)
    }
}

/// The matrices that one layer needs; nil where it uses another one.
private struct LayerMatrices {
    struct Row {
        let columns: Int
        let stride: Int

        init<Scalar: LoomScalar>(_ columns: Int, of type: Scalar.Type) {
            self.columns = columns
            stride = Padding.stride(columns: columns, of: type)
        }

        private init() { (columns, stride) = (0, 0) }
        /// A matrix without columns.
        static let none = Row()
    }
    /// u; in the last layer z. nil: packed, and not here.
    var outputs: Row?
    /// z, where it is not kept in the place of u.
    var preActivations: Row?
    /// ∂L/∂u.
    var outputGradients: Row?
    /// ∂L/∂z, where it is not formed in the place of ∂L/∂u.
    var deltas: Row?

    init<Scalar: LoomScalar>(
        _ layer: Network<Scalar>.Layer, isLast: Bool, training: Bool, keepsPreActivations: Bool,
        of type: Scalar.Type
    ) {
        let combines = layer.components > 1 && !isLast
        let preActivations = Row(layer.preActivations, of: type)
        outputs = combines ? Row(layer.units, of: type) : preActivations
        let keeps =
            (keepsPreActivations && layer.activation != .identity)
            || (training && layer.activation.derivativeNeedsPreActivations)
        self.preActivations = combines || keeps ? preActivations : nil
        outputGradients = training ? outputs : nil
        deltas = training && combines ? preActivations : nil
    }

    /// In hidden layers z where a derivative needs it, and sums of several products; in the last one everything.
    static func besidePacked<Scalar>(_ network: Network<Scalar>) -> [LayerMatrices] {
        let consumers = network.layers.flatMap(\.connections)
        return network.layers.indices.map { index in
            let (layer, isLast) = (network.layers[index], index == network.layers.count - 1)
            var matrices = LayerMatrices(
                layer, isLast: isLast, training: true, keepsPreActivations: false, of: Scalar.self)
            guard !isLast else { return matrices }
            let row = matrices.outputs
            matrices.outputs = nil
            if layer.connections.count > 1 { matrices.preActivations = row }
            let addsGradients = consumers.contains { $0.source.index == index && $0.accumulatesBackward }
            if !addsGradients { matrices.outputGradients = nil }
            return matrices
        }
    }

    var elements: Int {
        [outputs, preActivations, outputGradients, deltas].reduce(0) { $0 + ($1?.stride ?? 0) }
    }
}
