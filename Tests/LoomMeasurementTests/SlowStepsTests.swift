import LoomTraining
import Testing

@testable import LoomMeasurement

/// Slow steps and why, from steps that are given.
@Suite struct SlowStepsTests {
    /// 100 steps of 100 µs, and what is added to them.
    private static func steps(
        _ slow: [(seconds: Double, change: (inout SlowSteps.Step) -> Void)],
        ordinary: (inout SlowSteps.Step) -> Void = { _ in }
    ) -> SlowSteps {
        func step(_ number: Int, _ seconds: Double, _ change: (inout SlowSteps.Step) -> Void) -> SlowSteps.Step {
            var step = SlowSteps.Step(
                step: number, seconds: seconds,
                events: .init(
                    voluntarySwitches: 0, involuntarySwitches: 0, faults: 0, migrations: 0, notRunningSeconds: 0))
            change(&step)
            return step
        }
        return SlowSteps(
            (0..<100).map { step($0, 100e-6, ordinary) }
                + slow.enumerated().map { step(100 + $0, $1.seconds, $1.change) })
    }

    /// The cause of a step of 200 µs in which workers stood still for 80 µs, to which this happened.
    private static func cause(
        ordinary: (inout SlowSteps.Step) -> Void = { _ in }, _ change: @escaping (inout SlowSteps.Step) -> Void
    ) -> SlowStep.Cause? {
        steps(
            [
                (
                    200e-6,
                    {
                        $0.events?.notRunningSeconds = 80e-6
                        change(&$0)
                    }
                )
            ], ordinary: ordinary
        ).slowest.first?.cause
    }

    @Test func causes() {
        #expect(Self.cause { $0.throttledSeconds = 0.01 } == .throttled)
        #expect(Self.cause { $0.events?.involuntarySwitches = 1 } == .preempted)
        #expect(Self.cause { $0.events?.migrations = 1 } == .migrated)
        #expect(Self.cause { $0.events?.faults = 3 } == .faulted)
        #expect(Self.cause { $0.events?.voluntarySwitches = 1 } == .slept)
        #expect(Self.cause { _ in } == .interrupted)
        // Nobody stood still for half of what the step took more: a short switch is no reason.
        #expect(
            Self.cause {
                $0.events?.notRunningSeconds = 40e-6
                $0.events?.involuntarySwitches = 1
            } == .slower)
        #expect(Self.cause { $0.events = nil } == .slower)
        // What ordinary steps have as well explains nothing.
        #expect(Self.cause(ordinary: { $0.events?.faults = 1 }) { $0.events?.faults = 1 } == .interrupted)
        #expect(
            Self.cause(ordinary: { $0.events?.involuntarySwitches = 1 }) { $0.events?.involuntarySwitches = 1 }
                == .interrupted)
        // A taken core is the reason, and sleeping what follows from it.
        #expect(
            Self.cause {
                $0.events?.involuntarySwitches = 1
                $0.events?.voluntarySwitches = 1
            } == .preempted)
    }

    @Test func theSlowestFirst() {
        let slow = Self.steps([(126e-6, { _ in }), (300e-6, { _ in }), (124e-6, { _ in })])
        #expect(slow.medianSeconds == 100e-6 && slow.count == 2)
        #expect(slow.slowest.map(\.step) == [101, 100])
        #expect(abs(slow.slowest[0].ratio - 3) < 1e-12 && slow.slowest[0].seconds == 300e-6)
        #expect(Self.steps((0..<30).map { (200e-6 + Double($0) * 1e-6, { _ in }) }).slowest.count == 10)
        #expect(SlowSteps([]).slowest.isEmpty && SlowSteps([]).commonCause == nil)
    }

    @Test func whatMostHaveInCommon() {
        let faults: (inout SlowSteps.Step) -> Void = { $0.events?.faults = 1 }
        let nothing: (inout SlowSteps.Step) -> Void = { _ in }
        #expect(Self.steps([(2e-4, faults), (2e-4, faults), (2e-4, nothing)]).commonCause == .faulted)
        #expect(Self.steps([(2e-4, faults), (2e-4, nothing)]).commonCause == nil)
        #expect(Self.steps([(2e-4, faults), (2e-4, faults), (2e-4, nothing)]).causes == [.faulted: 2, .slower: 1])
    }

    /// Two workers, a tick of a microsecond, and regions of 4 steps and 1, of which the first step is no longer kept.
    @Test func marksOfWorkersAndRegions() throws {
        func mark(_ step: Int, ticks: UInt64, _ events: StepEvents?) -> StepMark {
            StepMark(step: step, begin: 1000, end: 1000 + ticks, events: events)
        }
        let quiet = StepEvents(processorNanoseconds: 100_000)
        let slow = SlowSteps(
            marks: [
                [
                    mark(2, ticks: 100, quiet), mark(4, ticks: 100, quiet), mark(6, ticks: 100, quiet),
                    mark(
                        8, ticks: 400,
                        StepEvents(involuntarySwitches: 1, faults: 2, processorNanoseconds: 90_000)),
                ],
                [
                    mark(2, ticks: 100, quiet), mark(4, ticks: 100, quiet), mark(6, ticks: 100, quiet),
                    mark(
                        8, ticks: 390,
                        StepEvents(
                            voluntarySwitches: 3, involuntarySwitches: 1, faults: 1, migrations: 1,
                            processorNanoseconds: 380_000)),
                ],
            ], secondsPerTick: 1e-6, measured: 5,
            regions: [
                .init(steps: 4, stolenSeconds: 0.01, throttledSeconds: nil),
                .init(steps: 1, stolenSeconds: 0.02, throttledSeconds: 0.5),
            ])
        let step = try #require(slow.slowest.first)
        #expect(slow.count == 1 && step.step == 8 && abs(step.ratio - 4) < 1e-12)
        let events = try #require(step.events)
        #expect(events.voluntarySwitches == 3 && events.involuntarySwitches == 2)
        #expect(events.faults == 3 && events.migrations == 1 && abs(events.notRunningSeconds - 310e-6) < 1e-12)
        #expect(step.stolenSeconds == 0.02 && step.throttledSeconds == 0.5 && step.cause == .throttled)
    }

    /// A step that ended a region was not counted to its end.
    @Test func stepsWithoutCounts() {
        let marks = (0..<3).map { StepMark(step: $0, begin: 0, end: $0 == 1 ? 300 : 100, events: nil) }
        let slow = SlowSteps(marks: [marks], secondsPerTick: 1e-6, measured: 3, regions: [])
        #expect(slow.slowest.count == 1 && slow.slowest[0].events == nil && slow.slowest[0].stolenSeconds == nil)
    }
}
