import CHardware
import LoomKernels
import LoomPlan

extension BoundOperation {
    /// What it is, apart from its operands.
    var kind: OperationKind {
        switch self {
        case .gather: .gather
        case .forward: .forward
        case .loss: .loss
        case .backward: .backward
        case .weightGradient, .biasGradient: .gradient
        case .fusedUpdate: .fusedUpdate
        case .sum: .sum
        case .penalty, .noPenalty: .penalty
        case .addPenalty: .addPenalty
        case .squares: .squares
        case .update: .update
        case .copy: .copy
        case .prefetch: .prefetch
        }
    }
}

/// Adds up what every worker's time is spent on: one lap after each operation, and one at the beginning of each phase, for
/// the time since the end of the one before.
struct WorkerClock: BitwiseCopyable, @unchecked Sendable {
    // Sendable: each worker touches lines of its own.
    fileprivate let words: UnsafeMutablePointer<UInt64>
    /// The time of the last lap, then one sum for each kind; a multiple of two cache lines.
    fileprivate static let wordsPerWorker = 32

    /// Adds the time since the worker's last lap to `kind`. The first lap of a region only starts the clock.
    @inline(__always)
    func lap(_ kind: OperationKind, worker: Int) {
        let own = words + worker * Self.wordsPerWorker
        let now = loom_monotonic_nanoseconds()
        if own[0] != 0 { own[1 + kind.rawValue] &+= now &- own[0] }
        own[0] = now
    }
}

/// The memory behind a `WorkerClock`, and its sums.
package final class WorkerClockMemory: Sendable {
    private let words: AlignedBuffer<UInt64>
    private let workers: Int

    /// A clock for each of `workers`.
    package init(workers: Int) {
        self.workers = workers
        words = AlignedBuffer(count: workers * WorkerClock.wordsPerWorker, repeating: 0)
    }

    /// Valid while this object lives.
    var clock: WorkerClock { WorkerClock(words: words.pointer) }

    /// Stops all clocks: the time until the next region belongs to nothing.
    func stop() {
        for worker in 0..<workers { words.pointer[worker * WorkerClock.wordsPerWorker] = 0 }
    }

    /// Nanoseconds that `worker` has spent on `kind`.
    package func nanoseconds(_ kind: OperationKind, worker: Int) -> UInt64 {
        words.pointer[worker * WorkerClock.wordsPerWorker + 1 + kind.rawValue]
    }
}
