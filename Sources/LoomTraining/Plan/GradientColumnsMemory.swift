import LoomKernels
import LoomModel

/// Holds the memory of columns.
///
/// Sliced, every worker reads the activations and deltas of the whole batch once more, most of them from another core's
/// cache. In columns it writes its own gradients and reads a slice of all others'.
final class GradientColumnsMemory<Scalar: LoomScalar>: Sendable {
    /// The form of all steps.
    let choice: GradientChoice
    /// Samples that go through all layers together in the form of columns, so that their activations are in the cache
    /// when their gradients are formed.
    static var blockRows: Int { 512 }
    private let network: Network<Scalar>
    private let gradients: ParameterBuffer<Scalar>
    private let fixedWorkers: Int?
    private let memory: AlignedBuffer<Scalar>
    private let tensors: AlignedBuffer<ColumnTensor>

    /// Memory for the columns of a full batch; none in the sliced form. `fixedWorkers` is the number of workers if bits may
    /// depend on it.
    init(
        _ choice: GradientChoice, network: Network<Scalar>, gradients: ParameterBuffer<Scalar>, fixedWorkers: Int?
    ) {
        self.choice = choice
        self.network = network
        self.gradients = gradients
        self.fixedWorkers = fixedWorkers
        memory = AlignedBuffer(
            count: choice.form == .columns ? choice.columnCount * network.layout.elementCount : 0, repeating: 0)
        tensors = AlignedBuffer(choice.form == .columns ? Self.tensors(of: network) : [])
    }

    /// The columns of a batch in `grid`, and whether they are written.
    ///
    /// A column keeps one worker busy. Where that would leave more than a fifth of the workers' time unused, slices have the
    /// work for all: if products keep their bits however they are cut, and each column is one product. A worker that is
    /// alone works so, too: it has nobody to hand columns to, and one gradient stays in the cache (32-64-10 with batches of
    /// 64: 3 % faster). Replicas, which have no activations of others, always exchange columns.
    func columns(
        _ grid: ShardGrid, workers: Int, provider: GemmProvider
    ) -> (grid: ColumnGrid, columns: GradientColumns<Scalar>) {
        let columns = ColumnGrid(grid, fixedWorkers: fixedWorkers)
        let slots = (columns.count + workers - 1) / workers * workers
        let canSlice =
            provider.keepsBitsWhenCut
            && (0..<columns.count).allSatisfy { columns.rows(of: $0).count <= Self.blockRows }
        let feedsWorkers = workers > 1 && 4 * slots <= 5 * columns.count
        let writes = choice.form == .columns && (choice.usesReplicas || feedsWorkers || !canSlice)
        // Fewer columns are farther apart, so that each half of the memory belongs to one of two workers in every step:
        // replicas do not meet between adding up a smaller batch and writing the next one's columns.
        let spacing = choice.columnCount / columns.count
        return (
            columns,
            GradientColumns(
                count: writes ? columns.count : 0, start: memory.pointer,
                distance: spacing * network.layout.elementCount,
                tensors: UnsafePointer(tensors.pointer), tensorCount: tensors.count,
                gradientStart: gradients.view(0).pointer)
        )
    }

    /// Bytes reserved.
    var bytes: Int { memory.count * MemoryLayout<Scalar>.stride }

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
