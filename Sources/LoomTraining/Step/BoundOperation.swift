import CKernels
import LoomKernels
import LoomModel
import LoomPlan

/// An `Operation` with the addresses of its operands: what a worker carries out. Plain pointers and numbers, valid while the
/// `StepOperands` live.
///
/// Operands lie behind pointers, so that an operation is a few words: larger ones would be copied before they are looked at.
enum BoundOperation<Scalar: LoomScalar>: BitwiseCopyable {
    case gather(IndexRange)
    case forward(UnsafePointer<NetworkRows<Scalar>>)
    case loss(shards: IndexRange)
    case backward(UnsafePointer<NetworkRows<Scalar>>)
    case weightGradient(UnsafePointer<WeightGradient<Scalar>>)
    case biasGradient(UnsafePointer<BiasGradient<Scalar>>)
    case fusedUpdate(UnsafePointer<FusedUpdate<Scalar>>)
    case sum(UnsafePointer<GradientTotal<Scalar>>)
    case penalty(UnsafePointer<SliceSquares<Scalar>>)
    case noPenalty(slices: IndexRange)
    case addPenalty(UnsafePointer<PenaltyGradient<Scalar>>)
    case squares(UnsafePointer<SliceSquares<Scalar>>)
    case update(UnsafePointer<ParameterUpdate<Scalar>>)
    /// A sum with one addend, the parameters themselves.
    case copy(UnsafePointer<GradientTotal<Scalar>>)
    case prefetch(UnsafePointer<MatrixView<Scalar>>)
    // In mixed precision, in the place of the operations of the same names:
    case packedForward(UnsafePointer<PackedRows>)
    case packedBackward(UnsafePointer<PackedRows>)
    case packedGradient(UnsafePointer<loom_bf16_product>)
    case packedFusedUpdate(UnsafePointer<loom_bf16_product>)
    case packedUpdate(UnsafePointer<PackedUpdate<Scalar>>)
}

/// Batch rows that go forward or backward through layers in mixed precision.
struct PackedRows: BitwiseCopyable {
    let rows: IndexRange
    let layers: IndexRange
}

/// An update of weights, after which they are packed.
struct PackedUpdate<Scalar: LoomScalar>: BitwiseCopyable {
    let update: ParameterUpdate<Scalar>
    let forms: loom_bf16_forms
}

/// Batch rows that go forward or backward through all layers.
struct NetworkRows<Scalar: LoomScalar>: BitwiseCopyable {
    let rows: IndexRange
    let layers: IndexRange
    let products: NetworkProducts<Scalar>
}

/// Σᵢ δᵢ xᵢᵀ over some samples, for some slices of weights.
struct WeightGradient<Scalar: LoomScalar>: BitwiseCopyable {
    let product: GradientProduct<Scalar>
    let result: MatrixView<Scalar>
    /// Whether it is added to what is there.
    let accumulates: Bool
}

/// Σᵢ δᵢ over some samples, for some elements of a bias.
struct BiasGradient<Scalar: LoomScalar>: BitwiseCopyable {
    let deltas: MatrixView<Scalar>
    let result: UnsafeMutablePointer<Scalar>
    /// Whether it is added to what is there.
    let accumulates: Bool
}

/// The gradient of weights over all samples, and their update in its product.
struct FusedUpdate<Scalar: LoomScalar>: BitwiseCopyable {
    let product: GradientProduct<Scalar>
    let weights: MatrixView<Scalar>
    /// The velocity of momentum; nil for plain SGD.
    let velocity: MatrixView<Scalar>?
}

/// A sum along its tree, and where it goes.
struct GradientTotal<Scalar: LoomScalar>: BitwiseCopyable {
    let first: UnsafeMutablePointer<Scalar>
    let addends: Addends
    let result: MatrixView<Scalar>
}

/// Weights, and the gradient that gets their penalty's part.
struct PenaltyGradient<Scalar: LoomScalar>: BitwiseCopyable {
    let weights: MatrixView<Scalar>
    let gradient: MatrixView<Scalar>
}

/// The product Σᵢ δᵢ xᵢᵀ over some samples, planned; both factors are samples × columns.
struct GradientProduct<Scalar: LoomScalar>: BitwiseCopyable {
    /// δ, or x where weights lie inputs × units: what becomes the rows of the gradient.
    let left: MatrixView<Scalar>
    /// x, or δ: what becomes the columns.
    let right: MatrixView<Scalar>
    /// Which of them are samples of the data set that are read where they lie: they begin at another row in every step.
    let leftIsInPlace, rightIsInPlace: Bool
    let prepared: UnsafePointer<PreparedGemm<Scalar>>

    /// result = alpha · Σᵢ δᵢ xᵢᵀ + beta · result for the batch that begins with the sample at `start`.
    @inline(__always)
    func run(
        start: Int, alpha: Scalar = 1, beta: Scalar, into result: MatrixView<Scalar>,
        update: FusedWeightUpdate<Scalar>? = nil, scratch: UnsafeMutableRawPointer?
    ) {
        prepared.run(
            leftIsInPlace ? left.moved(rows: start) : left, rightIsInPlace ? right.moved(rows: start) : right,
            into: result, alpha: alpha, beta: beta, update: update, scratch: scratch)
    }
}

/// The slices of a tensor whose squares are added up, each to a place of its own.
struct SliceSquares<Scalar: LoomScalar>: BitwiseCopyable {
    /// The whole tensor.
    let tensor: MatrixView<Scalar>
    let grid: SliceGrid
    let slices: IndexRange
    /// The place of the first slice among those of all tensors.
    let firstPlace: Int
}

/// The optimizer's update of some parameters.
struct ParameterUpdate<Scalar: LoomScalar>: BitwiseCopyable {
    let weights: MatrixView<Scalar>
    /// The first addend of the gradient.
    let gradients: UnsafeMutablePointer<Scalar>
    /// The others, and where else the new parameters go.
    let addends: Addends
    let firstState: UnsafeMutablePointer<Scalar>?
    let secondState: UnsafeMutablePointer<Scalar>?
    /// Whether decay and penalty apply.
    let isWeights: Bool
}

extension MatrixView {
    /// The same number of rows, `rows` rows further on.
    @inline(__always)
    fileprivate func moved(rows: Int) -> MatrixView {
        MatrixView(pointer: pointer + rows * stride, rows: self.rows, columns: columns, stride: stride)
    }
}

/// A `StepProgram` bound to memory, as a step sees it: plain pointers, valid while the `BoundProgramMemory` lives.
struct BoundProgram<Scalar: LoomScalar>: BitwiseCopyable {
    let phaseCount: Int
    let workers: Int
    let endsWithBarrier: Bool
    let shards: ShardGrid
    /// Slices of all tensors.
    let sliceCount: Int
    /// All operations, phase by phase and worker by worker; behind them those of the recovery.
    private let operations: UnsafePointer<BoundOperation<Scalar>>
    /// Worker w has in phase p the operations from `starts[p · workers + w]` to the next start.
    private let starts: UnsafePointer<Int>

    fileprivate init(
        _ program: StepProgram, operations: UnsafePointer<BoundOperation<Scalar>>, starts: UnsafePointer<Int>
    ) {
        phaseCount = program.phases.count
        workers = program.workers
        endsWithBarrier = program.phases[program.phases.count - 1].endsWithBarrier
        shards = program.sum.shards
        sliceCount = program.sliceCount
        self.operations = operations
        self.starts = starts
    }

    /// What `worker` does in `phase`, and the place of its first operation among all; `phaseCount` stands for the recovery.
    @inline(__always)
    func operations(phase: Int, worker: Int) -> (UnsafeBufferPointer<BoundOperation<Scalar>>, first: Int) {
        let place = phase * workers + worker
        let first = starts[place]
        return (UnsafeBufferPointer(start: operations + first, count: starts[place + 1] - first), first)
    }
}

/// The memory behind a `BoundProgram`.
final class BoundProgramMemory<Scalar: LoomScalar>: Sendable {
    private let program: StepProgram
    private let operations: AlignedBuffer<BoundOperation<Scalar>>
    private let starts: AlignedBuffer<Int>

    /// `operations` are those of each phase and worker, and of the recovery.
    init(_ program: StepProgram, operations: [[BoundOperation<Scalar>]]) {
        self.program = program
        self.operations = AlignedBuffer(operations.joined())
        starts = AlignedBuffer(operations.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) })
    }

    /// Valid while this object lives.
    var bound: BoundProgram<Scalar> {
        BoundProgram(
            program, operations: UnsafePointer(operations.pointer), starts: UnsafePointer(starts.pointer))
    }
}
