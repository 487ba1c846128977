import CHardware
import LoomPlan
import Synchronization

/// The decision at the beginning of a region: do all workers run at the same time?
///
/// `DispatchQueue.concurrentPerform` starts iterations when threads are free for them, so one may not begin
/// before another ends, and a barrier between the two would wait for ever. Hence everybody checks in first
/// and goes on only when all have, within a bounded time.
final class CheckIn: Sendable {
    // One word holds the whole decision, so no two workers can read it differently: the number of workers
    // that have arrived, where the last makes the region formed; or `refused`, which never changes again. A
    // worker that has waited for long enough may refuse, but only by exchanging a count below `workers`.
    private let state = Atomic<Int>(0)
    private static let refused = -1
    private let workers: Int
    private let boundNanoseconds, spinNanoseconds: UInt64

    /// A check-in of `workers` that waits for `boundNanoseconds` at most, awake for `spinNanoseconds`.
    init(workers: Int, boundNanoseconds: Int, spinNanoseconds: Int = StepTuning().checkInSpinNanoseconds) {
        self.workers = workers
        self.boundNanoseconds = UInt64(boundNanoseconds)
        self.spinNanoseconds = UInt64(spinNanoseconds)
    }

    /// Opens the next region. Nobody may be in `arrive`.
    func reset() {
        state.store(0, ordering: .releasing)
    }

    /// Waits for the other workers. True: all are here, and this is so for every worker; false: the region
    /// was refused, to every worker, also to those that come later.
    func arrive() -> Bool {
        var arrived = state.load(ordering: .acquiring)
        while true {
            if arrived == Self.refused { return false }
            let attempt = state.compareExchange(
                expected: arrived, desired: arrived + 1, ordering: .acquiringAndReleasing)
            if attempt.exchanged { break }
            arrived = attempt.original
        }
        if arrived + 1 == workers { return true }
        return waitForOthers()
    }

    private func waitForOthers() -> Bool {
        let start = loom_monotonic_nanoseconds()
        while true {
            let arrived = state.load(ordering: .acquiring)
            if arrived == Self.refused { return false }
            if arrived == workers { return true }
            let elapsed = loom_monotonic_nanoseconds() - start
            if elapsed >= boundNanoseconds {
                let attempt = state.compareExchange(
                    expected: arrived, desired: Self.refused, ordering: .acquiringAndReleasing)
                if attempt.exchanged { return false }
            } else if elapsed < spinNanoseconds {
                loom_spin_pause()
            } else {
                loom_yield_processor()
            }
        }
    }
}
