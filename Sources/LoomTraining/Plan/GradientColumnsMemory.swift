import LoomKernels
import LoomModel

/// Chooses the form of the gradient, and holds the memory of columns.
///
/// Sliced, every worker reads the activations and deltas of the whole batch once more, most of them from another core's
/// cache. In columns it writes its own gradients and reads all others'. The choice follows from shapes alone.
final class GradientColumnsMemory<Scalar: LoomScalar>: Sendable {
    /// The form of all steps.
    let form: GradientForm
    /// Samples that go through all layers together in the form of columns, so that their activations are in the cache
    /// when their gradients are formed.
    static var blockRows: Int { 512 }
    /// At most this many columns: they feed as many workers.
    private static var largestCount: Int { 16 }

    private let network: Network<Scalar>
    private let gradients: ParameterBuffer<Scalar>
    private let memory: AlignedBuffer<Scalar>
    private let tensors: AlignedBuffer<ColumnTensor>

    /// Memory for batches of up to `grid.batchRows` samples; none in the sliced form.
    init(requested: GradientForm?, network: Network<Scalar>, gradients: ParameterBuffer<Scalar>, grid: ShardGrid) {
        let form = requested ?? Self.form(of: network, grid: grid)
        self.form = form
        self.network = network
        self.gradients = gradients
        let count = form == .columns ? Self.count(grid) : 0
        memory = AlignedBuffer(count: count * network.layout.elementCount, repeating: 0)
        tensors = AlignedBuffer(form == .columns ? Self.tensors(of: network) : [])
    }

    /// The columns of a batch in `grid`, whose shards are as large as those of the full batch.
    func columns(_ grid: ShardGrid, fullBatch: ShardGrid) -> GradientColumns<Scalar> {
        let shardsPerColumn = Self.shardsPerColumn(fullBatch)
        return GradientColumns(
            count: form == .columns ? (grid.count + shardsPerColumn - 1) / shardsPerColumn : 0,
            shardsPerColumn: shardsPerColumn, start: memory.pointer, distance: network.layout.elementCount,
            tensors: UnsafePointer(tensors.pointer), tensorCount: tensors.count,
            gradientStart: gradients.view(0).pointer)
    }

    /// Bytes reserved.
    var bytes: Int { memory.count * MemoryLayout<Scalar>.stride }

    /// Bytes of all columns of a batch; `shardRows` is nil where shards are chosen by the plan.
    static func bytes(
        requested: GradientForm?, network: Network<Scalar>, shardRows: Int?, batchRows: Int, runsMerge: Bool
    ) -> Int {
        let grid = ShardGrid(
            batchRows: batchRows,
            shardRows: shardRows ?? GridSizes.shardRows(batchRows: batchRows, runsMerge: runsMerge))
        guard (requested ?? form(of: network, grid: grid)) == .columns else { return 0 }
        return count(grid) * network.layout.elementCount * MemoryLayout<Scalar>.stride
    }

    /// Columns where they are small beside the activations that they spare a second way through the caches, and where
    /// these do not stay in a core's own cache. 4-32-16-4 with batches of 10,000 on two cores of Zen 5, in turn: sliced
    /// 26.3 million samples a second, columns 27.5.
    private static func form(of network: Network<Scalar>, grid: ShardGrid) -> GradientForm {
        let inputs = Padding.stride(columns: network.inputs, of: Float.self)
        let perSample = inputs + Workspace.bytesPerSample(of: network) / MemoryLayout<Scalar>.stride
        let activations = grid.batchRows * perSample
        return activations >= 1 << 17 && 4 * count(grid) * network.layout.elementCount <= activations
            ? .columns : .sliced
    }

    private static func shardsPerColumn(_ grid: ShardGrid) -> Int {
        (grid.count + largestCount - 1) / largestCount
    }

    private static func count(_ grid: ShardGrid) -> Int {
        let shards = shardsPerColumn(grid)
        return (grid.count + shards - 1) / shards
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
