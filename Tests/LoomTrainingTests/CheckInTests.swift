import CHardware
import Testing

@testable import LoomTraining

@Suite(.serialized) struct CheckInTests {
    @Test func formsWhenAllArriveInTime() {
        let checkIn = CheckIn(workers: 3, boundNanoseconds: 20_000_000_000)
        let answers = PlainSlots(3)
        #expect(runOnThreads(3, seconds: 30) { answers[$0] = checkIn.arrive() ? 1 : -1 })
        #expect(answers.values == [1, 1, 1])
    }

    @Test func refusesWhenOneIsMissingAndTellsTheLate() {
        let checkIn = CheckIn(workers: 2, boundNanoseconds: 20_000_000)
        #expect(!checkIn.arrive())
        // Enough to form a region, had the first not refused it.
        let answers = PlainSlots(2)
        #expect(runOnThreads(2, seconds: 30) { answers[$0] = checkIn.arrive() ? 1 : -1 })
        #expect(answers.values == [-1, -1])
        checkIn.reset()
        #expect(runOnThreads(2, seconds: 30) { answers[$0] = checkIn.arrive() ? 1 : -1 })
        #expect(answers.values == [1, 1])
    }

    /// The second worker arrives about when the first loses patience: whatever is decided, it is the same
    /// for both.
    @Test func theDecisionIsTheSameForAll() {
        let rounds = 20_000
        let boundNanoseconds: UInt64 = 500
        let checkIn = CheckIn(workers: 2, boundNanoseconds: Int(boundNanoseconds))
        let gate = Barrier(count: 2)
        let answers = PlainSlots(2)
        let outcomes = PlainSlots(3)
        let ended = runOnThreads(2, seconds: 60) { worker in
            for round in 0..<rounds {
                if worker == 0 { checkIn.reset() }
                gate.wait()
                // From half the bound to one and a half of it, in steps of a nanosecond.
                let delay = worker == 0 ? 0 : boundNanoseconds / 2 + UInt64(round) % boundNanoseconds
                let start = loom_monotonic_nanoseconds()
                while loom_monotonic_nanoseconds() - start < delay {}
                answers[worker] = checkIn.arrive() ? 1 : 0
                gate.wait()
                if worker == 0 { outcomes[answers[0] + answers[1]] += 1 }
            }
        }
        #expect(ended)
        #expect(outcomes[1] == 0, "refused, split, formed: \(outcomes.values)")
        #expect(outcomes[0] + outcomes[2] == rounds)
    }
}
