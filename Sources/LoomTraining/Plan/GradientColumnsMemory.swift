import LoomKernels
import LoomModel

/// Chooses the form of the gradient, and holds the memory of columns.
///
/// Sliced, every worker reads the activations and deltas of the whole batch once more, most of them from another core's
/// cache. In columns it writes its own gradients and reads a slice of all others'. The choice follows from shapes alone,
/// and so does the number of columns unless bits may depend on the number of workers.
final class GradientColumnsMemory<Scalar: LoomScalar>: Sendable {
    /// The form of all steps.
    let form: GradientForm
    /// Samples that go through all layers together in the form of columns, so that their activations are in the cache
    /// when their gradients are formed.
    static var blockRows: Int { 512 }
    private let network: Network<Scalar>
    private let gradients: ParameterBuffer<Scalar>
    private let fixedWorkers: Int?
    private let memory: AlignedBuffer<Scalar>
    private let tensors: AlignedBuffer<ColumnTensor>

    /// Memory for batches of up to `grid.batchRows` samples; none in the sliced form. `fixedWorkers` is the number of
    /// workers if bits may depend on it.
    init(
        requested: GradientForm?, network: Network<Scalar>, gradients: ParameterBuffer<Scalar>, grid: ShardGrid,
        fixedWorkers: Int?
    ) {
        let count = ColumnGrid(grid, fixedWorkers: fixedWorkers).count
        form = requested ?? Self.form(of: network, batchRows: grid.batchRows, columns: count)
        self.network = network
        self.gradients = gradients
        self.fixedWorkers = fixedWorkers
        memory = AlignedBuffer(count: form == .columns ? count * network.layout.elementCount : 0, repeating: 0)
        tensors = AlignedBuffer(form == .columns ? Self.tensors(of: network) : [])
    }

    /// The columns of a batch in `grid`, and whether they are written.
    ///
    /// A column keeps one worker busy. Where that would leave more than a fifth of the workers' time unused, slices have the
    /// work for all: if products keep their bits however they are cut, and each column is one product.
    func columns(
        _ grid: ShardGrid, workers: Int, provider: GemmProvider
    ) -> (grid: ColumnGrid, columns: GradientColumns<Scalar>) {
        let columns = ColumnGrid(grid, fixedWorkers: fixedWorkers)
        let slots = (columns.count + workers - 1) / workers * workers
        let canSlice =
            provider.keepsBitsWhenCut
            && (0..<columns.count).allSatisfy { columns.rows(of: $0).count <= Self.blockRows }
        let writes = form == .columns && (4 * slots <= 5 * columns.count || !canSlice)
        return (
            columns,
            GradientColumns(
                count: writes ? columns.count : 0, start: memory.pointer, distance: network.layout.elementCount,
                tensors: UnsafePointer(tensors.pointer), tensorCount: tensors.count,
                gradientStart: gradients.view(0).pointer)
        )
    }

    /// Bytes reserved.
    var bytes: Int { memory.count * MemoryLayout<Scalar>.stride }

    /// Bytes of all columns of a batch; `shardRows` is nil where shards are chosen by the plan.
    static func bytes(
        requested: GradientForm?, network: Network<Scalar>, shardRows: Int?, batchRows: Int, runsMerge: Bool,
        fixedWorkers: Int?
    ) -> Int {
        let grid = ShardGrid(
            batchRows: batchRows,
            shardRows: shardRows ?? GridSizes.shardRows(batchRows: batchRows, runsMerge: runsMerge))
        let count = ColumnGrid(grid, fixedWorkers: fixedWorkers).count
        guard (requested ?? form(of: network, batchRows: batchRows, columns: count)) == .columns else { return 0 }
        return count * network.layout.elementCount * MemoryLayout<Scalar>.stride
    }

    /// Columns where all of them are small beside the activations and deltas of the batch.
    ///
    /// Measured on two cores of Zen 5, in turn, million samples a second; r is elements of columns / elements of
    /// activations and deltas. Where other programs disturb the caches, columns gain more: 32-64-10 fell to 5.4 sliced and
    /// to 13.3 in columns.
    ///
    /// | network, batch, optimizer | r | sliced | columns |
    /// |---|---|---|---|
    /// | 4-32-16-4, 10,000, Adam | 0.01 | 26.3 | 27.5 |
    /// | 13-50-1, 96, Adam | 0.11 | 19.8 | 22.0 |
    /// | 512-512-10, 8192, momentum | 0.33 | 0.318 | 0.344 |
    /// | 32-64-10, 64, SGD | 0.45 | 16.2 | 16.3 |
    /// | 37-93-61-11, 96, momentum | 0.54 | 5.02 | 5.03 |
    /// | 128-128-10, 1024, momentum | 0.67 | 4.73 | 4.57 |
    /// | 256-64-10, 128, momentum | 1.24 | 4.61 | 4.38 |
    private static func form(of network: Network<Scalar>, batchRows: Int, columns: Int) -> GradientForm {
        let inputs = Padding.stride(columns: network.inputs, of: Float.self)
        let perSample = inputs + Workspace.bytesPerSample(of: network) / MemoryLayout<Scalar>.stride
        return columns > 1 && 5 * columns * network.layout.elementCount <= 3 * batchRows * perSample
            ? .columns : .sliced
    }

    private static func tensors(of network: Network<Scalar>) -> [ColumnTensor] {
        var result: [ColumnTensor] = []
        func append(_ index: Int, layer: Int, source: Int, columns: Range<Int>) {
            let tensor = network.layout.tensors[index]
            result.append(
                ColumnTensor(
                    layer: layer, source: source, sourceColumns: SourceColumns(columns), role: tensor.role,
                    isTransposed: tensor.isTransposed, offset: tensor.offset, rows: tensor.rows,
                    columns: tensor.columns, stride: tensor.stride))
        }
        for (index, layer) in network.layers.enumerated() {
            for connection in layer.connections {
                append(
                    connection.weights, layer: index, source: connection.source.index,
                    columns: connection.sourceColumns)
            }
            if let bias = layer.bias { append(bias, layer: index, source: -1, columns: 0..<0) }
        }
        return result
    }
}
