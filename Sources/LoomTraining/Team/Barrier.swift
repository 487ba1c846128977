import CHardware
import LoomPlan
import Synchronization

/// A meeting point of `count` threads that run at the same time: nobody passes before all have arrived. It
/// can be used again at once, any number of times.
///
/// Whatever a thread wrote before it arrived, every thread sees after it has passed.
///
/// A waiting thread spins first, because between running threads the others arrive within nanoseconds (a
/// round of two threads measured 60–85 ns on two cores of AMD Zen 5); then it yields its processor, in case
/// another worker needs it (with nothing else to run, that answers as fast as spinning); then it sleeps. The
/// last to arrive makes a system call only when somebody sleeps.
public final class Barrier: @unchecked Sendable {
    // Sendable: the pointer never changes, and the memory behind it is read and written by atomic operations
    // only, but for the object's own beginning and end.

    /// The number of threads that meet.
    public let count: Int

    // A futex needs the address of its word, and an atomic stored property has none that Swift would promise
    // to keep: hence memory of our own. The words that arriving threads write and the word that waiting
    // threads read are on different cache lines, or every arrival would disturb all who wait. 128 bytes
    // apart, because processors fetch lines in pairs.
    private let words: UnsafeMutablePointer<Atomic<UInt32>>
    private static let wordsPerLine = 128 / MemoryLayout<Atomic<UInt32>>.stride
    private static let arrivedIndex = 0
    private static let sleepersIndex = 1
    private static let roundIndex = wordsPerLine
    private static let verdictIndex = wordsPerLine + 1

    /// From when on a waiting thread yields, and from when on it sleeps.
    let spinNanoseconds, yieldNanoseconds: UInt64

    /// A barrier for `count` threads (at least one).
    ///
    /// A waiting thread spins for `spinNanoseconds`, then yields its processor again and again until
    /// `yieldNanoseconds` have passed, then sleeps. With more threads than processors, spinning only keeps
    /// the awaited thread from running: pass 0. With a processor for each thread, but other programs that want it
    /// too, pass more: who yields or sleeps gets the processor back when they have used up their time.
    public init(
        count: Int, spinNanoseconds: Int = StepTuning().spinNanoseconds,
        yieldNanoseconds: Int = StepTuning().yieldNanoseconds
    ) {
        precondition(count >= 1, "a barrier joins at least one thread")
        precondition(spinNanoseconds >= 0 && yieldNanoseconds >= 0, "waiting times are not negative")
        self.count = count
        self.spinNanoseconds = UInt64(spinNanoseconds)
        self.yieldNanoseconds = UInt64(spinNanoseconds + yieldNanoseconds)
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 128)
        words = bytes.bindMemory(to: Atomic<UInt32>.self, capacity: 2 * Self.wordsPerLine)
        for index in 0..<2 * Self.wordsPerLine {
            (words + index).initialize(to: Atomic(0))
        }
    }

    deinit {
        words.deinitialize(count: 2 * Self.wordsPerLine)
        words.deallocate()
    }

    /// Waits until `count` threads have arrived.
    @inline(__always)
    public func wait() {
        _ = wait { true }
    }

    /// Waits until `count` threads have arrived; the last of them asks `decide`, while the others still
    /// wait, and all return its answer.
    ///
    /// `decide` sees what every thread wrote before it arrived, and every thread sees what `decide` wrote.
    @inline(__always)
    public func wait(deciding decide: () -> Bool) -> Bool {
        // The round cannot end before this thread has arrived, so it may be read ahead of that.
        let round = words[Self.roundIndex].load(ordering: .relaxed)
        // `wrappingAdd` is one instruction; `add`, which checks for overflow, is a compare-and-exchange loop.
        let arrivedBefore = words[Self.arrivedIndex]
            .wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
        if arrivedBefore == UInt32(truncatingIfNeeded: count - 1) {
            let verdict = decide()
            words[Self.verdictIndex].store(verdict ? 1 : 0, ordering: .relaxed)
            words[Self.arrivedIndex].store(0, ordering: .relaxed)
            // Sequentially consistent here and in `sleep`: either this thread sees the sleeper, or the
            // sleeper sees the new round.
            words[Self.roundIndex].store(round &+ 1, ordering: .sequentiallyConsistent)
            if words[Self.sleepersIndex].load(ordering: .sequentiallyConsistent) != 0 {
                loom_wake_all(words + Self.roundIndex)
            }
            return verdict
        }
        waitForEnd(of: round)
        return words[Self.verdictIndex].load(ordering: .relaxed) != 0
    }

    @inline(__always)
    private func hasEnded(_ round: UInt32) -> Bool {
        words[Self.roundIndex].load(ordering: .acquiring) != round
    }

    @inline(never)
    private func waitForEnd(of round: UInt32) {
        let pausesPerClockReading = 32
        var start: UInt64 = 0
        var elapsed: UInt64 = 0
        repeat {
            for _ in 0..<pausesPerClockReading {
                if hasEnded(round) { return }
                loom_spin_pause()
            }
            let now = loom_monotonic_nanoseconds()
            if start == 0 { start = now }
            elapsed = now - start
        } while elapsed < spinNanoseconds
        while elapsed < yieldNanoseconds {
            if hasEnded(round) { return }
            loom_yield_processor()
            elapsed = loom_monotonic_nanoseconds() - start
        }
        sleepUntilEnd(of: round)
    }

    private func sleepUntilEnd(of round: UInt32) {
        words[Self.sleepersIndex].wrappingAdd(1, ordering: .sequentiallyConsistent)
        while words[Self.roundIndex].load(ordering: .sequentiallyConsistent) == round {
            loom_wait_while_equal(words + Self.roundIndex, round)
        }
        words[Self.sleepersIndex].wrappingSubtract(1, ordering: .relaxed)
    }
}
