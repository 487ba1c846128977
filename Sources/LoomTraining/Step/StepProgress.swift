import CHardware
import LoomKernels

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

/// Sums over the steps since they were last taken.
struct StepSums: BitwiseCopyable, Sendable {
    /// Steps done.
    var steps = 0
    /// Samples seen.
    var samples = 0
    /// Σ of the samples' losses, not scaled.
    var lossSum = 0.0
    /// Σ over the steps of the L2 penalty.
    var penaltySum = 0.0
    /// Right decisions.
    var correct = 0
    /// The loss of the last step: reduced over its batch, penalty included.
    var lastLoss = 0.0
    /// The step whose loss was not finite, or −1.
    var divergedStep = -1
    /// Whether a step ended early because the user asked to stop.
    var interrupted = false
}

/// The numbers that the workers of a step share, and the sums that its serial end adds up.
struct StepProgress: BitwiseCopyable, @unchecked Sendable {
    // Sendable: shard results and slice sums are written by the worker that owns the shard or slice and read after the
    // next barrier; `sums` is touched by the one thread that ends a step.

    /// One per shard of a batch.
    let shards: UnsafeMutablePointer<ShardResult>
    /// Σ of squares of the weights, one per slice.
    let penalties: UnsafeMutablePointer<Double>
    /// Σ of squares of the gradient, one per slice.
    let squaredNorms: UnsafeMutablePointer<Double>
    let sums: UnsafeMutablePointer<StepSums>

    /// The sum of the losses and right decisions of the first `count` shards, in shard order.
    func dataLoss(shards count: Int) -> (loss: Double, correct: Int) {
        var loss = 0.0
        var correct = 0
        for shard in 0..<count {
            loss += shards[shard].loss
            correct += shards[shard].correct
        }
        return (loss, correct)
    }

    /// Adds a step; false when training must not go on.
    func finish(
        step: Int, samples: Int, lossSum: Double, correct: Int, stepLoss: Double, penalty: Double
    ) -> Bool {
        sums.pointee.lastLoss = stepLoss
        guard stepLoss.isFinite else {
            sums.pointee.divergedStep = step
            return false
        }
        sums.pointee.steps += 1
        sums.pointee.samples += samples
        sums.pointee.lossSum += lossSum
        sums.pointee.penaltySum += penalty
        sums.pointee.correct += correct
        if loom_requested_signal() != 0 {
            sums.pointee.interrupted = true
            return false
        }
        return true
    }
}

/// The memory behind a `StepProgress`.
final class StepProgressMemory: Sendable {
    private let shards: AlignedBuffer<ShardResult>
    private let penalties: AlignedBuffer<Double>
    private let squaredNorms: AlignedBuffer<Double>
    private let sums: AlignedBuffer<StepSums>

    init(shardCount: Int, unitCount: Int) {
        shards = AlignedBuffer(count: shardCount, repeating: ShardResult(loss: 0, correct: 0))
        penalties = AlignedBuffer(count: unitCount, repeating: 0)
        squaredNorms = AlignedBuffer(count: unitCount, repeating: 0)
        sums = AlignedBuffer(count: 1, repeating: StepSums())
    }

    var progress: StepProgress {
        StepProgress(
            shards: shards.pointer, penalties: penalties.pointer, squaredNorms: squaredNorms.pointer,
            sums: sums.pointer)
    }

    /// The sums since the last call.
    func takeSums() -> StepSums {
        defer { sums.pointer.pointee = StepSums() }
        return sums.pointer.pointee
    }
}
