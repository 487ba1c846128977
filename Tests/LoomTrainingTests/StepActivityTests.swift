import LoomPlan
import TestSupport
import Testing

@testable import LoomTraining

/// What a training tells about the time of its steps while it runs.
@Suite struct StepActivityTests {
    @Test func everyKindHasItsActivity() {
        func kinds(_ activity: StepActivity) -> [OperationKind] {
            OperationKind.allCases.filter { $0.activity == activity }
        }
        #expect(kinds(.products) == [.forward, .backward, .gradient, .fusedUpdate])
        #expect(kinds(.waiting) == [.wait] && kinds(.gathering) == [.gather] && kinds(.lossFunction) == [.loss])
        #expect(kinds(.update) == [.sum, .penalty, .addPenalty, .squares, .update, .copy, .prefetch])
    }

    private static func ticks(_ values: [StepActivity: UInt64]) -> ActivityTicks {
        values.reduce(into: ActivityTicks()) { $0[$1.key] = $1.value }
    }

    @Test func secondsByHand() throws {
        var seconds = ActivitySeconds(
            seconds: 2, ticks: Self.ticks([.products: 60, .waiting: 20, .gathering: 10, .update: 10]))
        #expect(abs(seconds[.products] - 1.2) < 1e-12 && abs(seconds[.waiting] - 0.4) < 1e-12)
        #expect(abs(seconds.total - 2) < 1e-12 && seconds[.lossFunction] == 0)
        let largest = try #require(seconds.largestOverhead)
        #expect(largest.activity == .waiting && abs(largest.fraction - 0.2) < 1e-12)
        // A region counts by its time, not by how many of its steps were measured.
        seconds += ActivitySeconds(seconds: 3, ticks: Self.ticks([.lossFunction: 1]))
        #expect(seconds.total == 5 && seconds.largestOverhead?.activity == .lossFunction)
        #expect(abs(try #require(seconds.fraction(of: .lossFunction)) - 0.6) < 1e-12)
    }

    @Test func nothingMeasuredIsNoTime() {
        let none = ActivitySeconds(seconds: 2, ticks: ActivityTicks())
        #expect(none == ActivitySeconds() && none.total == 0)
        #expect(none.fraction(of: .waiting) == nil && none.largestOverhead == nil)
    }

    /// 14 laps of 85 ns and 2.9 µs for asking the system are 4.09 µs: 0.8 % of 511.25 µs.
    @Test(arguments: [(1e-3, 1), (512e-6, 1), (511e-6, 2), (40e-6, 16), (11e-6, 64), (4e-6, 128), (0, 32768)])
    func oneOfSoManyStepsIsMeasured(stepSeconds: Double, every: Int) {
        #expect(WorkerClockMemory.measuredEvery(stepSeconds: stepSeconds, laps: 14) == every)
    }

    /// 20-33-19-5 with two workers, that clip: operations of all activities.
    private static func trainer(workers: Int = 2) throws -> Trainer<Float> {
        try FastProblem.made(layers: [20, 33, 19, 5], output: .softmax, rows: 320, seed: 7).trainer(
            Float.self, schedule: TrainingSchedule(batchRows: 64, epochs: 10),
            team: TeamPlan(workers: workers, groups: 2, route: .reduceScatter))
    }

    @Test func ticksOfEveryRegionByActivity() throws {
        let trainer = try Self.trainer()
        let clock = WorkerClockMemory(trainer.program)
        let kinds =
            trainer.program.operationsInOrder.map(\.operation.kind)
            + trainer.program.recovery.joined().map { _ in .copy } + trainer.program.phases.map { _ in .wait }
        func expected(_ activity: StepActivity) -> UInt64 {
            kinds.indices.filter { kinds[$0].activity == activity }.reduce(0) { sum, slot in
                sum + clock.ticks(slot: slot, worker: 0) + clock.ticks(slot: slot, worker: 1)
            }
        }
        var before = ActivityTicks()
        for _ in 0..<3 {
            // The trainer's report takes the ticks.
            let report = trainer.run(steps: 10, clock: clock)
            let now = StepActivity.allCases.reduce(into: ActivityTicks()) { $0[$1] = expected($1) }
            #expect(report.activities == ActivitySeconds(seconds: report.seconds, ticks: now - before))
            #expect(StepActivity.allCases.allSatisfy { report.activities[$0] > 0 })
            before = now
        }
        #expect(clock.takeActivityTicks() == ActivityTicks())
        #expect(trainer.run(steps: 1, clock: nil).activities == ActivitySeconds())
    }

    @Test func theIntervalHoldsFromTheNextRegionOn() throws {
        let trainer = try Self.trainer()
        let clock = WorkerClockMemory(trainer.program)
        _ = trainer.run(steps: 3, clock: clock)
        clock.measuredEvery = 4
        _ = trainer.run(steps: 7, clock: clock)
        #expect(clock.marks(worker: 0).map(\.step) == [0, 1, 2, 4, 8])
        // The laps of the program are those of the rule.
        let phases = trainer.program.phases
        let operations = (0..<2).map { worker in phases.reduce(0) { $0 + $1.operations[worker].count } }.max()!
        clock.limitCost(stepSeconds: 5e-6)
        #expect(
            clock.measuredEvery
                == WorkerClockMemory.measuredEvery(stepSeconds: 5e-6, laps: operations + 2 * phases.count))
    }

    @Test func reportsAddUp() throws {
        let trainer = try Self.trainer()
        let clock = WorkerClockMemory(trainer.program)
        let first = trainer.run(steps: 5, clock: clock)
        let second = trainer.run(steps: 5, clock: clock)
        var sum = StepReport()
        sum.add(first)
        sum.add(second)
        #expect(abs(sum.activities.total - first.seconds - second.seconds) < 1e-9)
    }
}
