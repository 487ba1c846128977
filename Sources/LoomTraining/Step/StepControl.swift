import LoomKernels
import LoomPlan

/// What one shard adds to the step; on a cache line of its own, because neighbours are written by different workers.
struct ShardResult: BitwiseCopyable {
    /// The sum of the samples' losses, not scaled.
    let loss: Double
    /// Right decisions.
    let correct: Int
    private let padding: SIMD4<UInt64> = .zero
    private let morePadding: SIMD2<UInt64> = .zero

    init(loss: Double, correct: Int) {
        self.loss = loss
        self.correct = correct
    }
}

/// What consecutive steps come to, added one after the other: the same steps have the same bits, however often they were
/// interrupted.
package struct LossSums: BitwiseCopyable, Sendable, Equatable {
    /// Steps done.
    package var steps = 0
    /// Samples seen.
    package var samples = 0
    /// Σ of the samples' losses, not scaled.
    package var lossSum = 0.0
    /// Σ over the steps of the L2 penalty.
    package var penaltySum = 0.0
    /// Right decisions.
    package var correct = 0

    package init() {}

    /// Adds one step.
    mutating func add(samples count: Int, lossSum loss: Double, penalty: Double, correct right: Int) {
        steps += 1
        samples += count
        lossSum += loss
        penaltySum += penalty
        correct += right
    }

    /// Adds other sums, whose bits then depend on where the steps were cut in two.
    mutating func add(_ other: LossSums) {
        steps += other.steps
        samples += other.samples
        lossSum += other.lossSum
        penaltySum += other.penaltySum
        correct += other.correct
    }
}

/// Sums over the steps since they were last taken, and over those of the epoch.
struct StepSums: BitwiseCopyable, Sendable {
    /// Of the steps since they were last taken.
    var losses = LossSums()
    /// Of the epoch's steps so far.
    var epoch = LossSums()
    /// The loss of the last step: reduced over its batch, penalty included.
    var lastLoss = 0.0
    /// The step whose loss was not finite, or −1.
    var divergedStep = -1
    /// Whether training was asked to stop before its last step.
    var interrupted = false
}

/// Where a step ends: the numbers that its workers share, the sums over steps, and whether another step may follow.
///
/// Everything that ends a training early meets here, once a step, while all workers wait: a loss that is not finite, and a
/// `StopRequest` by a signal, by the caller or by the cancellation of a task.
struct StepControl: BitwiseCopyable, @unchecked Sendable {
    // Sendable: shard results and slice sums are written by the worker that owns the shard or slice and read after the
    // next barrier; `sums` is written by the one thread that ends a step, and read by others after the barrier.

    /// One per shard of a batch.
    let shards: UnsafeMutablePointer<ShardResult>
    /// Σ of squares of the weights, one per slice.
    let penalties: UnsafeMutablePointer<Double>
    /// Σ of squares of the gradient, one per slice.
    let squaredNorms: UnsafeMutablePointer<Double>
    fileprivate let sums: UnsafeMutablePointer<StepSums>
    fileprivate let stop: StopRequest.Flag

    /// Whether the loss of the step in progress is not finite: its parameters are not updated then.
    var isDiverged: Bool { sums.pointee.divergedStep >= 0 }

    /// The norm of the whole gradient, its slices added in their order.
    func gradientNorm(slices count: Int) -> Double {
        var squares = 0.0
        for slice in 0..<count { squares += squaredNorms[slice] }
        return squares.squareRoot()
    }

    /// Adds a step, its shards and slices in their order; false when training must not go on after it.
    func endStep(
        _ step: Int, beginsEpoch: Bool, shards grid: ShardGrid, slices: Int, l2: Double, lossScale: Double
    ) -> Bool {
        var (lossSum, correct, penalty) = (0.0, 0, 0.0)
        for shard in 0..<grid.count {
            lossSum += shards[shard].loss
            correct += shards[shard].correct
        }
        for slice in 0..<slices { penalty += penalties[slice] }
        penalty *= l2
        let loss = lossScale * lossSum + penalty
        sums.pointee.lastLoss = loss
        guard loss.isFinite else {
            sums.pointee.divergedStep = step
            return false
        }
        if beginsEpoch { sums.pointee.epoch = LossSums() }
        sums.pointee.losses.add(samples: grid.batchRows, lossSum: lossSum, penalty: penalty, correct: correct)
        sums.pointee.epoch.add(samples: grid.batchRows, lossSum: lossSum, penalty: penalty, correct: correct)
        if stop.isRaised {
            sums.pointee.interrupted = true
            return false
        }
        return true
    }
}

/// The memory behind a `StepControl`.
final class StepControlMemory: Sendable {
    private let shards: AlignedBuffer<ShardResult>
    private let penalties: AlignedBuffer<Double>
    private let squaredNorms: AlignedBuffer<Double>
    private let sums: AlignedBuffer<StepSums>
    private let stop: StopRequest

    init(shardCount: Int, sliceCount: Int, stop: StopRequest) {
        shards = AlignedBuffer(count: shardCount, repeating: ShardResult(loss: 0, correct: 0))
        penalties = AlignedBuffer(count: sliceCount, repeating: 0)
        squaredNorms = AlignedBuffer(count: sliceCount, repeating: 0)
        sums = AlignedBuffer(count: 1, repeating: StepSums())
        self.stop = stop
    }

    /// Valid while this object lives.
    var control: StepControl {
        StepControl(
            shards: shards.pointer, penalties: penalties.pointer, squaredNorms: squaredNorms.pointer,
            sums: sums.pointer, stop: stop.flag)
    }

    /// The sums since the last call; those of the epoch go on.
    func takeSums() -> StepSums {
        let taken = sums.pointer.pointee
        sums.pointer.pointee = StepSums(epoch: taken.epoch)
        return taken
    }

    /// The sums of the epoch's steps so far.
    var epochSums: LossSums {
        get { sums.pointer.pointee.epoch }
        set { sums.pointer.pointee.epoch = newValue }
    }
}
