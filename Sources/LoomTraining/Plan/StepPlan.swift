import LoomKernels
import LoomModel

/// The samples of one worker in the shard phase.
struct ShardRun: BitwiseCopyable {
    /// The first of the worker's shards.
    let firstShard: Int
    /// One past the last of the worker's shards.
    let endShard: Int
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
    let grid: SliceGrid
    /// The slices covered, all by one product.
    let firstSlice: Int
    let endSlice: Int
    /// The index of the first slice among all slices of the network.
    let firstUnit: Int
    /// The whole tensors; `block` cuts the slices out.
    let parameters: MatrixView<Scalar>
    let gradients: MatrixView<Scalar>
    let firstState: MatrixView<Scalar>?
    let secondState: MatrixView<Scalar>?
}

/// Who does what in the steps on batches of one size: the immutable plan that a step runs.
///
/// Grids come from shapes; only the runs of shards and slices, and whether a run is one product or several with the
/// same bits, depend on the number of workers.
final class StepPlan<Scalar: LoomScalar>: Sendable {
    let grid: ShardGrid
    /// Shards that go through all layers together, so that their activations stay in the cache.
    let shardsPerBlock: Int
    let shardRuns: AlignedBuffer<ShardRun>
    /// The operations of all workers, worker by worker.
    let slices: AlignedBuffer<SliceOperation<Scalar>>
    /// Worker w has the operations `sliceStarts[w] ..< sliceStarts[w + 1]`.
    let sliceStarts: AlignedBuffer<Int>
    /// One per connection of the network.
    let callShapes: AlignedBuffer<CallShape>
    /// All slices of the network, in the fixed order in which norms and penalties are added.
    let unitCount: Int

    init(
        grid: ShardGrid, shardsPerBlock: Int, shardRuns: [ShardRun], slices: [[SliceOperation<Scalar>]],
        callShapes: [CallShape], unitCount: Int
    ) {
        self.grid = grid
        self.shardsPerBlock = shardsPerBlock
        self.shardRuns = AlignedBuffer(shardRuns)
        self.slices = AlignedBuffer(slices.flatMap { $0 })
        var starts = [0]
        for worker in slices {
            starts.append(starts.last! + worker.count)
        }
        self.sliceStarts = AlignedBuffer(starts)
        self.callShapes = AlignedBuffer(callShapes)
        self.unitCount = unitCount
    }
}

/// A `StepPlan` as a step sees it: plain pointers, valid while the plan lives.
struct StepPlanPass<Scalar: LoomScalar>: BitwiseCopyable {
    let grid: ShardGrid
    let shardsPerBlock: Int
    let shardRuns: UnsafePointer<ShardRun>
    let slices: UnsafePointer<SliceOperation<Scalar>>
    let sliceStarts: UnsafePointer<Int>
    let callShapes: UnsafePointer<CallShape>
    let unitCount: Int

    init(_ plan: StepPlan<Scalar>) {
        grid = plan.grid
        shardsPerBlock = plan.shardsPerBlock
        shardRuns = UnsafePointer(plan.shardRuns.pointer)
        slices = UnsafePointer(plan.slices.pointer)
        sliceStarts = UnsafePointer(plan.sliceStarts.pointer)
        callShapes = UnsafePointer(plan.callShapes.pointer)
        unitCount = plan.unitCount
    }
}
