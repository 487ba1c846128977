import CKernels
import LoomKernels
import Synchronization

/// The memory of a batch in mixed precision: weights, samples, activations and deltas in bfloat16, packed as the factors of the
/// products that read them, beside the `Workspace` that has what stays in float32: logits, the deltas of the last layer, sums of
/// several products, and the pre-activations that derivatives need.
///
/// Who makes a matrix packs it, in all forms that are read: forward the samples and the outputs, backward the deltas, the
/// update the weights.
package final class MixedPrecisionMemory: Sendable {
    /// What multiplies.
    package let products: BFloat16Products
    private let network: Network<Float>
    private let weights: [Int: PackedMatrix]
    private let sources: [PackedSource]
    private let deltas: [PackedMatrix]
    private let deltaSums: [ScratchRows]
    private let scratch: AlignedBuffer<UInt8>
    private let layers: AlignedBuffer<MixedPrecisionLayer>
    private let forward: AlignedBuffer<loom_bf16_product>
    private let backward: AlignedBuffer<loom_bf16_product>
    private let dataSources: AlignedBuffer<PackedDataSource>
    private let workspace: Workspace<Float>
    /// The accesses to the parameters when they were packed.
    private let packedAccesses = Atomic(-1)

    /// The outputs that a connection reads: a layer's, or columns of the data.
    private struct PackedSource {
        let source: Int
        let columns: Range<Int>
        let matrix: PackedMatrix
    }

    /// Reserves memory for `workers` workers beside `workspace`, which was made for that.
    package init(_ workspace: Workspace<Float>, products: BFloat16Products, workers: Int) {
        precondition(workspace.network.mixedPrecisionReason == nil, "networks are checked for mixed precision")
        let network = workspace.network
        let plan = MixedPrecisionPlan(network)
        let capacity = workspace.capacity
        self.network = network
        self.products = products
        self.workspace = workspace
        weights = Dictionary(
            uniqueKeysWithValues: plan.weights.map { index, forms in
                let tensor = network.layout.tensors[index]
                return (index, PackedMatrix(rows: tensor.rows, columns: tensor.columns, forms: forms))
            })
        sources = plan.sources.map {
            PackedSource(
                source: $0.source, columns: $0.columns,
                matrix: PackedMatrix(rows: capacity, columns: $0.columns.count, forms: $0.forms))
        }
        deltas = zip(network.layers, plan.deltas).map {
            PackedMatrix(rows: capacity, columns: $0.preActivations, forms: $1)
        }
        deltaSums = network.layers.map {
            ScratchRows(rows: PackedMatrix.blocks(capacity), columns: $0.preActivations)
        }
        scratch = AlignedBuffer(uninitializedCount: workers * MixedPrecisionPlan.scratchBytes)
        let connectionCount = network.layers.reduce(0) { $0 + $1.connections.count }
        layers = AlignedBuffer(uninitializedCount: network.layers.count)
        forward = AlignedBuffer(count: connectionCount, repeating: loom_bf16_product())
        backward = AlignedBuffer(count: connectionCount, repeating: loom_bf16_product())
        dataSources = AlignedBuffer(
            sources.filter { $0.source < 0 }.map {
                PackedDataSource(columns: IndexRange($0.columns), forms: $0.matrix.forms)
            })
        layOut(plan)
    }

    private var kernels: UnsafePointer<loom_bf16_kernels> {
        guard let kernels = products.kernels else {
            preconditionFailure("products of bfloat16 exist on x86-64; configurations are checked for it")
        }
        return kernels
    }

    /// Bytes reserved.
    package var bytes: Int {
        scratch.count + weights.values.reduce(0) { $0 + $1.bytes } + sources.reduce(0) { $0 + $1.matrix.bytes }
            + deltas.reduce(0) { $0 + $1.bytes } + deltaSums.reduce(0) { $0 + $1.bytes }
    }

    /// The network as `worker` passes its samples through it; valid while this object lives.
    package func handle(worker: Int) -> MixedPrecisionHandle {
        let last = network.layers.count - 1
        return MixedPrecisionHandle(
            kernels: kernels,
            scratch: UnsafeMutableRawPointer(scratch.pointer + worker * MixedPrecisionPlan.scratchBytes),
            layerCount: network.layers.count, layers: UnsafePointer(layers.pointer),
            forward: UnsafePointer(forward.pointer), backward: UnsafePointer(backward.pointer),
            dataSourceCount: dataSources.count, dataSources: UnsafePointer(dataSources.pointer),
            lastDeltas: workspace.handle.deltas(of: last), lastForms: deltas[last].forms,
            lastSums: deltaSums[last].view)
    }

    /// Packs all weights if somebody else may have written them since the last time.
    package func packWeights() {
        guard workspace.parameters.accesses != packedAccesses.load(ordering: .relaxed) else { return }
        defer { packedAccesses.store(workspace.parameters.accesses, ordering: .relaxed) }
        for index in weights.keys {
            let view = workspace.parameters.view(index)
            var forms = weights[index]!.forms
            kernels.pointee.pack(view.rows, view.columns, view.stride, view.pointer, &forms, nil, 0)
        }
    }

    /// Where the forms of the weights lie from this row and column on, as they lie in memory.
    package func weightForms(_ tensor: Int, row: Int, column: Int) -> loom_bf16_forms {
        weights[tensor]!.forms.from(row: row, column: column)
    }

    /// Whether all outputs of a hidden layer are finite numbers, those of the batch rows `rows`.
    package func hasFiniteOutputs(of layer: Int, rows: Range<Int>) -> Bool {
        guard let source = sources.first(where: { $0.source == layer }) else { return true }
        return source.matrix.isFinite(rows: rows, columns: source.columns.count)
    }

    /// Sums of deltas: row i has those of 32 samples from 32 i on.
    package func deltaSums(of layer: Int) -> MatrixView<Float> { deltaSums[layer].view }

    /// Sets every byte of what a step writes before it reads it.
    package func fillBytes(_ byte: UInt8) {
        for source in sources { source.matrix.fillBytes(byte) }
        for matrix in deltas { matrix.fillBytes(byte) }
        for sums in deltaSums { sums.fillBytes(byte) }
    }

    /// Σᵢ δᵢ xᵢᵀ over the batch rows `samples`, for some rows and columns of a tensor of weights as it lies in memory: what is
    /// multiplied; where it goes is not filled in.
    package func gradient(
        of tensor: Int, rows: Range<Int>, columns: Range<Int>, samples: Range<Int>
    ) -> loom_bf16_product {
        let (layer, connection) = place(of: tensor)
        let deltas = deltas[layer].forms
        let x = source(of: connection).forms
        let isTransposed = network.layout.tensors[tensor].isTransposed
        let left = (isTransposed ? x : deltas).from(row: samples.lowerBound, column: rows.lowerBound)
        let right = (isTransposed ? deltas : x).from(row: samples.lowerBound, column: columns.lowerBound)
        return loom_bf16_product(
            rows: rows.count, columns: columns.count, inner: samples.count, left: left.leftFactor(transposed: true),
            right: right.rightFactor())
    }

    private func place(of tensor: Int) -> (layer: Int, Network<Float>.Connection) {
        for (index, layer) in network.layers.enumerated() {
            if let connection = layer.connections.first(where: { $0.weights == tensor }) { return (index, connection) }
        }
        preconditionFailure("every tensor of weights belongs to a connection")
    }

    private func source(of connection: Network<Float>.Connection) -> PackedMatrix {
        sources.first { $0.source == connection.source.index && $0.columns == connection.sourceColumns }!.matrix
    }

    // MARK: Layout

    private func layOut(_ plan: MixedPrecisionPlan) {
        let float32 = workspace.handle
        var index = 0
        for (layerIndex, layer) in network.layers.enumerated() {
            (layers.pointer + layerIndex).initialize(
                to: MixedPrecisionLayer(firstConnection: index, connectionCount: layer.connections.count))
            for (offset, connection) in layer.connections.enumerated() {
                let isLast = offset == layer.connections.count - 1
                forward.pointer[index] = forwardProduct(layerIndex, connection, completes: isLast, float32)
                if connection.source.index >= 0 {
                    backward.pointer[index] = backwardProduct(
                        layerIndex, connection, completes: plan.completesDeltas[index], float32)
                }
                index += 1
            }
        }
    }

    /// z = x · Wᵀ, and, with the last connection of a hidden layer, u = activation(z + b).
    private func forwardProduct(
        _ index: Int, _ connection: Network<Float>.Connection, completes: Bool, _ float32: NetworkHandle<Float>
    ) -> loom_bf16_product {
        let (layer, x) = (float32.layers[index], source(of: connection).forms)
        let tensor = network.layout.tensors[connection.weights]
        let w = weights[connection.weights]!.forms
        var product = loom_bf16_product(
            rows: workspace.capacity, columns: network.layers[index].preActivations,
            inner: connection.sourceColumns.count,
            left: x.leftFactor(), right: w.rightFactor(transposed: !tensor.isTransposed))
        product.store(in: layer.preActivations, accumulates: connection.accumulatesForward)
        guard completes, index < network.layers.count - 1 else { return product }
        product.epilogue = LOOM_BF16_ACTIVATE
        product.activation = layer.activation.cActivation
        product.bias = layer.bias.map { UnsafePointer($0) }
        if layer.derivativeFromPreActivations {
            product.pre_activations = layer.preActivations.pointer
            product.pre_activations_stride = layer.preActivations.stride
        }
        product.packed = sources.first { $0.source == index }!.matrix.forms
        return product
    }

    /// ∂L/∂u = δ · W of the source, and, with the last product that is added to it, its δ.
    private func backwardProduct(
        _ index: Int, _ connection: Network<Float>.Connection, completes: Bool, _ float32: NetworkHandle<Float>
    ) -> loom_bf16_product {
        let (sourceIndex, delta) = (connection.source.index, deltas[index].forms)
        let source = float32.layers[sourceIndex]
        let tensor = network.layout.tensors[connection.weights]
        let w = weights[connection.weights]!.forms
        var product = loom_bf16_product(
            rows: workspace.capacity, columns: network.layers[sourceIndex].units,
            inner: network.layers[index].preActivations, left: delta.leftFactor(),
            right: w.rightFactor(transposed: tensor.isTransposed))
        product.store(in: source.outputGradients, accumulates: connection.accumulatesBackward)
        guard completes else { return product }
        product.epilogue = LOOM_BF16_DERIVE
        product.activation = source.activation.cActivation
        if source.derivativeFromPreActivations {
            product.pre_activations = source.preActivations.pointer
            product.pre_activations_stride = source.preActivations.stride
        } else {
            let outputs = sources.first { $0.source == sourceIndex }!.matrix.forms
            product.outputs = UnsafePointer(outputs.left!)
            product.outputs_stride = outputs.row_stride
        }
        let sums = deltaSums[sourceIndex].view
        product.delta_sums = sums.pointer
        product.delta_sums_stride = sums.stride
        product.packed = deltas[sourceIndex].forms
        return product
    }
}

/// Rows of float32 that keep their own memory.
private final class ScratchRows: Sendable {
    private let buffer: AlignedBuffer<Float>
    private let rows, columns, stride: Int

    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        stride = Padding.stride(columns: columns, of: Float.self)
        buffer = AlignedBuffer(count: rows * stride, repeating: 0)
    }

    var bytes: Int { buffer.count * MemoryLayout<Float>.stride }
    var view: MatrixView<Float> {
        MatrixView(pointer: buffer.pointer, rows: rows, columns: columns, stride: stride)
    }

    func fillBytes(_ byte: UInt8) {
        UnsafeMutableRawPointer(buffer.pointer).initializeMemory(as: UInt8.self, repeating: byte, count: bytes)
    }
}
