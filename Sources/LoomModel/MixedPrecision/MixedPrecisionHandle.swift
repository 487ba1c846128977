import CKernels
import LoomKernels

/// A layer's connections among all.
struct MixedPrecisionLayer: BitwiseCopyable {
    let firstConnection, connectionCount: Int
}

/// Columns of the data, and where they are packed.
struct PackedDataSource: BitwiseCopyable {
    let columns: IndexRange
    let forms: loom_bf16_forms
}

/// The network in mixed precision, as one worker passes its samples through it: plain pointers, valid while the
/// `MixedPrecisionMemory` lives.
///
/// Ranges of batch rows begin at multiples of 32: the rows of a block are written by one worker.
package struct MixedPrecisionHandle: BitwiseCopyable, @unchecked Sendable {
    // Sendable: workers read weights and write their own rows only; the phases of a step order everything else.
    let kernels: UnsafePointer<loom_bf16_kernels>
    let scratch: UnsafeMutableRawPointer
    let layerCount: Int
    let layers: UnsafePointer<MixedPrecisionLayer>
    /// For each connection the products of all batch rows.
    let forward, backward: UnsafePointer<loom_bf16_product>
    let dataSourceCount: Int
    let dataSources: UnsafePointer<PackedDataSource>
    /// ∂L/∂z of the last layer, which the loss writes in float32, and where it is packed.
    let lastDeltas: MatrixView<Float>
    let lastForms: loom_bf16_forms
    let lastSums: MatrixView<Float>

    /// Has to come before the first product on a thread, and `endRegion` after the last one.
    package func beginRegion() { kernels.pointee.begin_region() }

    /// See `beginRegion`.
    package func endRegion() { kernels.pointee.end_region() }

    /// Forward for the batch rows `rows`: the data packed, the outputs of every layer (or of those in `layers`) in bfloat16, and
    /// the logits in float32, without their bias.
    /// - Parameter data: The samples of the batch: batch rows × features.
    package func forward(rows: Range<Int>, layers range: Range<Int>, data: MatrixView<Float>) {
        if range.lowerBound == 0 { pack(data.rows(rows), firstRow: rows.lowerBound) }
        for index in range {
            let layer = layers[index]
            for connection in layer.firstConnection..<layer.firstConnection + layer.connectionCount {
                run(forward[connection].at(rows))
            }
        }
    }

    /// Backward for the batch rows `rows`: ∂L/∂z of every layer (or of those in `layers`) in bfloat16, from that of the last one.
    package func backward(rows: Range<Int>, layers range: Range<Int>) {
        for index in range.reversed() {
            if index == layerCount - 1 {
                let deltas = lastDeltas.rows(rows)
                var forms = lastForms.from(row: rows.lowerBound)
                kernels.pointee.pack(
                    deltas.rows, deltas.columns, deltas.stride, deltas.pointer, &forms,
                    lastSums.pointer + rows.lowerBound / PackedMatrix.side * lastSums.stride, lastSums.stride)
            }
            let layer = layers[index]
            for connection in layer.firstConnection..<layer.firstConnection + layer.connectionCount
            where backward[connection].left != nil {
                run(backward[connection].at(rows))
            }
        }
    }

    /// Carries out a product.
    @inline(__always)
    package func run(_ product: loom_bf16_product) {
        withUnsafePointer(to: product) { kernels.pointee.multiply($0, scratch) }
    }

    /// Packs weights.
    @inline(__always)
    package func pack(_ weights: MatrixView<Float>, into forms: UnsafePointer<loom_bf16_forms>) {
        kernels.pointee.pack(weights.rows, weights.columns, weights.stride, weights.pointer, forms, nil, 0)
    }

    private func pack(_ rows: MatrixView<Float>, firstRow: Int) {
        for index in 0..<dataSourceCount {
            let source = dataSources[index]
            let columns = rows.columns(source.columns.range)
            var forms = source.forms.from(row: firstRow)
            kernels.pointee.pack(columns.rows, columns.columns, columns.stride, columns.pointer, &forms, nil, 0)
        }
    }
}

extension loom_bf16_product {
    /// The product of these batch rows, of one that begins with row 0.
    func at(_ rows: Range<Int>) -> loom_bf16_product {
        assert(rows.lowerBound % PackedMatrix.side == 0, "packed rows are cut into blocks")
        let (row, block) = (rows.lowerBound, rows.lowerBound / PackedMatrix.side)
        var product = self
        product.rows = rows.count
        product.left = left.map { $0 + block * left_stride * Int(LOOM_BF16_BLOCK_ELEMENTS) }
        product.result = result.map { $0 + row * result_stride }
        product.pre_activations = pre_activations.map { $0 + row * pre_activations_stride }
        product.outputs = outputs.map { $0 + block * outputs_stride * Int(LOOM_BF16_BLOCK_ELEMENTS) }
        product.delta_sums = delta_sums.map { $0 + block * delta_sums_stride }
        product.packed = packed.from(row: row)
        return product
    }
}
