import CHardware
import Testing

@testable import LoomTraining

@Suite(.serialized) struct WorkerTeamCheckInTests {
    @Test func formsWhenAllArriveInTime() {
        let checkIn = CheckIn(workers: 3, boundNanoseconds: 20_000_000_000)
        let answers = PlainSlots(3)
        #expect(runOnThreads(3, seconds: 30) { answers[$0] = checkIn.arrive() ? 1 : -1 })
        #expect(answers.values == [1, 1, 1])
    }

    @Test func refusesWhenOneIsMissingAndTellsTheLateOne() {
        let checkIn = CheckIn(workers: 2, boundNanoseconds: 1_000_000)
        #expect(!checkIn.arrive())
        #expect(!checkIn.arrive())
        checkIn.reset()
        #expect(!checkIn.arrive())
    }

    /// Workers that arrive about when the others lose patience: whatever is decided, it is the same for all.
    @Test func theDecisionIsTheSameForAll() {
        let workers = 3
        let rounds = 4_000
        let checkIn = CheckIn(workers: workers, boundNanoseconds: 2_000)
        let gate = Barrier(count: workers, spinNanoseconds: 0)
        let answers = PlainSlots(workers)
        let outcomes = PlainSlots(3)
        let ended = runOnThreads(workers, seconds: 60) { worker in
            for round in 0..<rounds {
                if worker == 0 { checkIn.reset() }
                gate.wait()
                for _ in 0..<(round * 7 + worker * 131) % 400 { loom_spin_pause() }
                answers[worker] = checkIn.arrive() ? 1 : 0
                gate.wait()
                if worker == 0 {
                    let formed = answers.values.reduce(0, +)
                    outcomes[formed == workers ? 0 : formed == 0 ? 1 : 2] += 1
                }
            }
        }
        #expect(ended)
        #expect(outcomes[0] + outcomes[1] == rounds)
        #expect(outcomes[2] == 0)
    }
}
