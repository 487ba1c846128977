import LoomKernels
import LoomModel

/// The samples of one worker in the shard phase.
struct ShardRun: BitwiseCopyable {
    /// The first of the worker's shards.
    let firstShard: Int
    /// One past the last of the worker's shards.
    let endShard: Int
}

/// Shards that go through all layers together, so that their activations stay in the cache.
struct ShardBlock: BitwiseCopyable {
    /// The first shard.
    let firstShard: Int
    /// One past the last shard.
    let endShard: Int
    /// The first of the plan's pieces that are added to columns after this block; none unless columns are written.
    let firstPiece: Int
    /// One past the last of these pieces.
    let endPiece: Int

    init(_ shards: Range<Int>, pieces: Range<Int> = 0..<0) {
        firstShard = shards.lowerBound
        endShard = shards.upperBound
        firstPiece = pieces.lowerBound
        endPiece = pieces.upperBound
    }
}

/// Samples whose gradients are summed by one product.
struct GradientPiece: BitwiseCopyable {
    let firstRow: Int
    let endRow: Int
    /// The column that the sum belongs to.
    let column: Int
    /// Whether the column begins with it.
    let beginsColumn: Bool

    init(_ rows: Range<Int>, column: Int, beginsColumn: Bool) {
        firstRow = rows.lowerBound
        endRow = rows.upperBound
        self.column = column
        self.beginsColumn = beginsColumn
    }

    var rows: Range<Int> { firstRow..<endRow }
}

/// One gradient product and the update of the parameters it belongs to.
struct SliceOperation<Scalar: LoomScalar>: BitwiseCopyable {
    /// The layer whose deltas enter.
    let layer: Int
    /// What the weights multiply: −1 for the data, otherwise a layer. Unused for a bias.
    let source: Int
    /// The columns of the source that the weights multiply.
    let sourceColumns: SourceColumns
    let role: ParameterTensor.Role
    /// Whether the weights, their gradient and their state lie inputs × units.
    let isTransposed: Bool
    let grid: SliceGrid
    /// The slices covered, all by one product.
    let firstSlice: Int
    let endSlice: Int
    /// The index of the first slice among all slices of the network.
    let firstUnit: Int
    /// Whether the update begins with the second half of the batch, where its halves are added one after the other.
    let beginsWithSecondHalf: Bool
    /// The whole tensors; `block` cuts the slices out.
    let parameters: MatrixView<Scalar>
    /// The other worker's copy of the parameters, where two workers exchange halves of the gradient: what is covered of it
    /// holds the gradient of the other one's half between two barriers.
    let otherParameters: MatrixView<Scalar>?
    let gradients: MatrixView<Scalar>
    let firstState: MatrixView<Scalar>?
    let secondState: MatrixView<Scalar>?
}

/// How the gradients of samples become the gradient of the batch.
public enum GradientForm: String, Sendable, CaseIterable, Codable {
    /// Every worker computes slices of the gradient over the whole batch, from the activations and deltas of all.
    case sliced
    /// Groups of shards write columns of gradients while their activations are in the cache; slice by slice, the columns
    /// are added in their order.
    case columns
}

/// The columns of a batch: the gradient of each group of shards, in the layout of the parameters.
struct GradientColumns<Scalar: LoomScalar>: BitwiseCopyable, @unchecked Sendable {
    // Sendable: a column is written by the worker of its shards, and read by all after the barrier.

    /// The number of columns that are written; 0 in the sliced form, and where slices have more work for all workers.
    let count: Int
    /// Element 0 of column 0.
    let start: UnsafeMutablePointer<Scalar>
    /// Elements from column to column: at least those of the parameters.
    let distance: Int
    /// The tensors of a column.
    let tensors: UnsafePointer<ColumnTensor>
    let tensorCount: Int
    /// Element 0 of the gradient that the columns add up to.
    let gradientStart: UnsafeMutablePointer<Scalar>

    /// A tensor in column `index`.
    func view(_ tensor: ColumnTensor, column index: Int = 0) -> MatrixView<Scalar> {
        MatrixView(
            pointer: start + index * distance + tensor.offset, rows: tensor.rows, columns: tensor.columns,
            stride: tensor.stride)
    }

    /// The part of column `index` that belongs to `gradients`, a part of the gradient.
    func part(_ gradients: MatrixView<Scalar>, ofColumn index: Int) -> MatrixView<Scalar> {
        MatrixView(
            pointer: start + index * distance + (gradients.pointer - gradientStart), rows: gradients.rows,
            columns: gradients.columns, stride: gradients.stride)
    }

    /// Adds up `count` columns of a part of the gradient, as an update does: the halves, which replace their first columns,
    /// and then both.
    func sum(_ count: Int, into gradients: MatrixView<Scalar>) {
        let half = Swift.max(1, count / 2)
        for columns in [0..<half, half..<count] where columns.count > 1 {
            let first = part(gradients, ofColumn: columns.lowerBound)
            Scalar.sumMatrices(count: columns.count, distance: distance, first: first.pointer, into: first)
        }
        Scalar.sumMatrices(
            count: min(2, count), distance: half * distance, first: part(gradients, ofColumn: 0).pointer,
            into: gradients)
    }
}

/// A tensor of a gradient column, and what its gradient is made of.
struct ColumnTensor: BitwiseCopyable {
    let layer: Int
    /// What the weights multiply: −1 for the data, otherwise a layer. Unused for a bias.
    let source: Int
    /// The columns of the source that are read. Unused for a bias.
    let sourceColumns: SourceColumns
    let role: ParameterTensor.Role
    /// Whether the weights lie inputs × units.
    let isTransposed: Bool
    let offset: Int
    let rows: Int
    let columns: Int
    let stride: Int
}

/// Who does what in the steps on batches of one size: the immutable plan that a step runs.
///
/// Grids come from shapes; only the runs of shards and slices, and whether a run is one product or several with the
/// same bits, depend on the number of workers.
final class StepPlan<Scalar: LoomScalar>: Sendable {
    let grid: ShardGrid
    let shardRuns: AlignedBuffer<ShardRun>
    /// The blocks of all workers, worker by worker.
    let blocks: AlignedBuffer<ShardBlock>
    /// Worker w has the blocks `blockStarts[w] ..< blockStarts[w + 1]`.
    let blockStarts: AlignedBuffer<Int>
    /// What a gradient is the sum of, in its order: the whole batch in the sliced form, otherwise the columns or parts of them.
    let pieces: AlignedBuffer<GradientPiece>
    /// The operations of all workers, worker by worker.
    let slices: AlignedBuffer<SliceOperation<Scalar>>
    /// Worker w has the operations `sliceStarts[w] ..< sliceStarts[w + 1]`.
    let sliceStarts: AlignedBuffer<Int>
    /// One per connection of the network.
    let callShapes: AlignedBuffer<CallShape>
    /// All slices of the network, in the fixed order in which norms and penalties are added.
    let unitCount: Int
    let choice: GradientChoice
    let columns: GradientColumns<Scalar>

    init(
        grid: ShardGrid, choice: GradientChoice, columns: GradientColumns<Scalar>, shardRuns: [ShardRun],
        blocks: [[ShardBlock]], pieces: [GradientPiece], slices: [[SliceOperation<Scalar>]], callShapes: [CallShape],
        unitCount: Int
    ) {
        self.grid = grid
        self.choice = choice
        self.columns = columns
        self.shardRuns = AlignedBuffer(shardRuns)
        self.blocks = AlignedBuffer(blocks.flatMap { $0 })
        blockStarts = AlignedBuffer(Self.starts(of: blocks))
        self.pieces = AlignedBuffer(pieces)
        self.slices = AlignedBuffer(slices.flatMap { $0 })
        sliceStarts = AlignedBuffer(Self.starts(of: slices))
        self.callShapes = AlignedBuffer(callShapes)
        self.unitCount = unitCount
    }

    /// Where each worker's part begins when all follow each other, and the end.
    private static func starts<Element>(of parts: [[Element]]) -> [Int] {
        parts.reduce(into: [0]) { $0.append($0.last! + $1.count) }
    }
}

/// A `StepPlan` as a step sees it: plain pointers, valid while the plan lives.
struct StepPlanPass<Scalar: LoomScalar>: BitwiseCopyable {
    let grid: ShardGrid
    let shardRuns: UnsafePointer<ShardRun>
    let blocks: UnsafePointer<ShardBlock>
    let blockStarts: UnsafePointer<Int>
    let pieces: UnsafePointer<GradientPiece>
    let pieceCount: Int
    let slices: UnsafePointer<SliceOperation<Scalar>>
    let sliceStarts: UnsafePointer<Int>
    let callShapes: UnsafePointer<CallShape>
    let unitCount: Int
    let isSliced: Bool
    /// Whether two workers exchange halves of the gradient: one piece each.
    let exchangesHalves: Bool
    /// The columns that an update adds up: all that are written, or the halves of a gradient whose pieces slices multiply;
    /// 1 where a slice's gradient is all in one place.
    let addendCount: Int
    let columns: GradientColumns<Scalar>

    init(_ plan: StepPlan<Scalar>) {
        grid = plan.grid
        shardRuns = UnsafePointer(plan.shardRuns.pointer)
        blocks = UnsafePointer(plan.blocks.pointer)
        blockStarts = UnsafePointer(plan.blockStarts.pointer)
        pieces = UnsafePointer(plan.pieces.pointer)
        pieceCount = plan.pieces.count
        slices = UnsafePointer(plan.slices.pointer)
        sliceStarts = UnsafePointer(plan.sliceStarts.pointer)
        callShapes = UnsafePointer(plan.callShapes.pointer)
        unitCount = plan.unitCount
        isSliced = plan.choice.form == .sliced
        exchangesHalves = plan.choice.exchangesHalves
        columns = plan.columns
        // Two pieces are the same sum in one place.
        addendCount =
            plan.columns.count > 0
            ? plan.columns.count : plan.choice.form == .columns && plan.pieces.count > 2 ? 2 : 1
    }
}
