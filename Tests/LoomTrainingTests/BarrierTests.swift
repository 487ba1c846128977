import Dispatch
import Foundation
import Testing

@testable import LoomTraining

/// Runs `body` on `count` threads of its own at the same time. False: not all had ended after `seconds`.
func runOnThreads(_ count: Int, seconds: Double, _ body: @escaping @Sendable (Int) -> Void) -> Bool {
    let group = DispatchGroup()
    for index in 0..<count {
        group.enter()
        Thread {
            body(index)
            group.leave()
        }.start()
    }
    return group.wait(timeout: .now() + seconds) == .success
}

/// One plain integer for each of some threads, 128 bytes apart. Not atomic: what is tested must order the
/// accesses.
final class PlainSlots: @unchecked Sendable {
    private let memory: UnsafeMutablePointer<Int>
    let count: Int

    init(_ count: Int) {
        self.count = count
        memory = .allocate(capacity: 16 * count)
        memory.initialize(repeating: 0, count: 16 * count)
    }

    deinit { memory.deallocate() }

    subscript(index: Int) -> Int {
        get { memory[16 * index] }
        set { memory[16 * index] = newValue }
    }

    var values: [Int] { (0..<count).map { self[$0] } }
}

@Suite(.serialized) struct BarrierTests {
    /// How long a thread spins and yields before it sleeps, in nanoseconds.
    struct Patience: Sendable, CustomTestStringConvertible {
        let spin: Int
        let yield: Int
        var testDescription: String { "spins \(spin) ns, yields \(yield) ns" }
        static let sleepsAtOnce = Patience(spin: 0, yield: 0)
        static let yields = Patience(spin: 0, yield: 200_000)
        static let short = Patience(spin: 2_000, yield: 2_000)
        static let standard = Patience(spin: 20_000, yield: 200_000)
    }

    /// In every round, each thread writes its slot, and after the barrier reads everybody's.
    @Test(arguments: [
        (2, 100_000, Patience.standard), (2, 100_000, .short), (2, 100_000, .sleepsAtOnce),
        (3, 100_000, .yields), (3, 30_000, .sleepsAtOnce), (4, 100_000, .yields), (5, 30_000, .short),
        (8, 100_000, .yields), (8, 10_000, .sleepsAtOnce), (8, 200, .standard), (1, 100_000, .standard),
    ])
    func nobodyPassesBeforeAllHaveArrived(threads: Int, rounds: Int, patience: Patience) {
        let barrier = Barrier(
            count: threads, spinNanoseconds: patience.spin, yieldNanoseconds: patience.yield)
        let slots = PlainSlots(threads)
        let mismatches = PlainSlots(threads)
        let ended = runOnThreads(threads, seconds: 60) { thread in
            for round in 1...rounds / 2 {
                slots[thread] = round
                barrier.wait()
                for other in 0..<threads where slots[other] != round { mismatches[thread] += 1 }
                barrier.wait()
            }
        }
        guard ended else {
            Issue.record("threads still wait: a wake-up was lost")
            return
        }
        #expect(mismatches.values == Array(repeating: 0, count: threads))
    }

    @Test(arguments: [(1, Patience.standard), (2, .standard), (2, .sleepsAtOnce), (5, .yields)])
    func oneThreadDecidesForAll(threads: Int, patience: Patience) {
        let rounds = 20_000
        let barrier = Barrier(
            count: threads, spinNanoseconds: patience.spin, yieldNanoseconds: patience.yield)
        let decisions = PlainSlots(1)
        let mismatches = PlainSlots(threads)
        let ended = runOnThreads(threads, seconds: 60) { thread in
            for round in 1...rounds {
                let verdict = barrier.wait {
                    decisions[0] += 1
                    return decisions[0] % 3 == 0
                }
                if verdict != (round % 3 == 0) { mismatches[thread] += 1 }
            }
        }
        guard ended else {
            Issue.record("threads still wait: a wake-up was lost")
            return
        }
        #expect(decisions[0] == rounds)
        #expect(mismatches.values == Array(repeating: 0, count: threads))
    }

    /// A thread that comes late finds the others asleep; each round ends soon after it, so it did wake them.
    @Test func sleepersAreWokenByALateArrival() {
        let barrier = Barrier(count: 3, spinNanoseconds: 1_000, yieldNanoseconds: 1_000)
        let rounds = 50
        let ended = runOnThreads(3, seconds: 30) { thread in
            for _ in 0..<rounds {
                if thread == 0 { usleep(2_000) }
                barrier.wait()
            }
        }
        #expect(ended)
    }
}
