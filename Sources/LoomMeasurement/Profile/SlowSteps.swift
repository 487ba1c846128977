import LoomHardware
import LoomTraining

/// A measured step that took much longer than the median, with what happened meanwhile.
public struct SlowStep: Sendable, Equatable {
    /// Its number.
    public let step: Int
    /// Its time on the first worker.
    public let seconds: Double
    /// Over the median of all measured steps.
    public let ratio: Double
    /// What the system counted for the workers' threads in this very step; nil where it could not be told of all of them.
    public let events: Events?
    /// What a hypervisor gave to other machines in the region that the step was in, all of the workers' cores together, in
    /// hundredths of a second; nil where the system does not tell.
    public let stolenSeconds: Double?
    /// How long a CPU quota stopped the workers in that region, all together; nil without a quota.
    public let throttledSeconds: Double?
    /// The likely cause.
    public internal(set) var cause: Cause

    /// Sums over workers.
    public struct Events: Sendable, Equatable {
        /// Workers gave their processors up, and had them taken away.
        public var voluntarySwitches, involuntarySwitches: Int
        /// Pages that were mapped or read.
        public var faults: Int
        /// Workers that ended the step on another processor than they began it on.
        public var migrations: Int
        /// How long the worker that stood still for longest did not run.
        public var notRunningSeconds: Double
    }

    /// Why a step was slow, as far as the system counts it.
    public enum Cause: String, Sendable, CaseIterable, Codable {
        /// A CPU quota stopped a worker.
        case throttled
        /// Another thread had a worker's core.
        case preempted
        /// A worker was moved to another core.
        case migrated
        /// Pages had to be mapped or read.
        case faulted
        /// A worker slept until another one was ready.
        case slept
        /// A worker did not run although no other thread did: interrupts, or a hypervisor.
        case interrupted
        /// All workers ran, and nothing was counted: a lower clock, caches and memory, or a hypervisor that does not tell.
        case slower
    }
}

/// The slow ones of some measured steps.
public struct SlowSteps: Sendable, Equatable {
    /// The median of all measured steps.
    public let medianSeconds: Double
    /// How many took longer than `limit` medians.
    public let count: Int
    /// Of them, the slowest, at most `mostListed`.
    public let slowest: [SlowStep]
    /// How many of all slow ones have each cause.
    public let causes: [SlowStep.Cause: Int]

    /// The steps of an undisturbed machine have a 99th percentile within a quarter of the median.
    public static let limit = 1.25
    /// The slowest that are listed.
    public static let mostListed = 10

    /// The cause of more than half of the slow steps; nil where there is none.
    public var commonCause: SlowStep.Cause? { causes.first { 2 * $0.value > count }?.key }

    /// One measured step.
    struct Step {
        var step: Int
        var seconds: Double
        var events: SlowStep.Events?
        var stolenSeconds: Double?
        var throttledSeconds: Double?
    }

    /// The slow ones of `steps`; none where there is no step.
    init(_ steps: [Step]) {
        let median = SortedSamples(steps.map(\.seconds))?.median ?? 0
        func isSlow(_ step: Step) -> Bool { step.seconds > Self.limit * median }
        // What ordinary steps have as well explains nothing.
        let ordinary = steps.filter { !isSlow($0) }
        func isRare(_ count: KeyPath<SlowStep.Events, Int>) -> Bool {
            4 * ordinary.count { ($0.events?[keyPath: count] ?? 0) > 0 } < max(1, ordinary.count)
        }
        let rare = (
            involuntary: isRare(\.involuntarySwitches), voluntary: isRare(\.voluntarySwitches), faults: isRare(\.faults)
        )
        let slow = steps.filter(isSlow).map { step in
            let excess = step.seconds - median
            let stood = step.events.map { $0.notRunningSeconds >= excess / 2 } ?? false
            let events = step.events
            let cause: SlowStep.Cause =
                if stood, step.throttledSeconds ?? 0 > 0 {
                    .throttled
                } else if stood, rare.involuntary, events?.involuntarySwitches ?? 0 > 0 {
                    .preempted
                } else if events?.migrations ?? 0 > 0 {
                    .migrated
                } else if rare.faults, events?.faults ?? 0 > 0 {
                    .faulted
                } else if stood, rare.voluntary, events?.voluntarySwitches ?? 0 > 0 {
                    .slept
                } else if stood {
                    .interrupted
                } else {
                    .slower
                }
            return SlowStep(
                step: step.step, seconds: step.seconds, ratio: step.seconds / median, events: events,
                stolenSeconds: step.stolenSeconds, throttledSeconds: step.throttledSeconds, cause: cause)
        }
        medianSeconds = median
        count = slow.count
        slowest = Array(slow.sorted { ($0.seconds, $1.step) > ($1.seconds, $0.step) }.prefix(Self.mostListed))
        causes = Dictionary(slow.map { ($0.cause, 1) }, uniquingKeysWith: +)
    }
}

/// What is known of the time of one region with clocks: the system counts it in files that are too slow for a step.
struct RegionDisturbance {
    /// Measured steps of the first worker.
    var steps: Int
    var stolenSeconds: Double?
    var throttledSeconds: Double?
}

/// The counts of the moment.
struct DisturbanceMoment {
    private let stolenSeconds: Double?
    private let throttling: CPUThrottling?

    /// Of the hardware threads `cpus`, and of the quota of this process.
    static func now(cpus: [Int]) -> DisturbanceMoment {
        DisturbanceMoment(
            stolenSeconds: CPUContention.stolenSeconds(of: cpus), throttling: CPUThrottling.current())
    }

    /// What was added until `now`, to a region with `steps` measured steps.
    func region(until now: DisturbanceMoment, steps: Int) -> RegionDisturbance {
        RegionDisturbance(
            steps: steps,
            stolenSeconds: stolenSeconds.flatMap { then in now.stolenSeconds.map { max(0, $0 - then) } },
            throttledSeconds: throttling.flatMap { then in
                now.throttling.map { Double($0.since(then).throttledNanoseconds) * 1e-9 }
            })
    }
}

extension SlowSteps {
    /// The slow ones of the last steps that `clock` has measured in `regions`, oldest first.
    init(_ clock: WorkerClockMemory, regions: [RegionDisturbance]) {
        self.init(
            marks: (0..<clock.workers).map(clock.marks), secondsPerTick: clock.nanosecondsPerTick() * 1e-9,
            measured: clock.measuredSteps(worker: 0), regions: regions)
    }

    /// - Parameters:
    ///   - marks: The last measured steps of each worker, oldest first.
    ///   - measured: The steps of the first worker that were measured, also those that are no longer among its marks.
    init(marks: [[StepMark]], secondsPerTick: Double, measured: Int, regions: [RegionDisturbance]) {
        let others = marks.dropFirst().map { marks in
            Dictionary(marks.map { ($0.step, $0) }) { first, _ in first }
        }
        var regionOfStep: [Int] = []
        for (index, region) in regions.enumerated() {
            regionOfStep += Array(repeating: index, count: region.steps)
        }
        let firsts = marks.first ?? []
        self.init(
            firsts.enumerated().map { index, mark in
                let place = measured - firsts.count + index
                let region = regionOfStep.indices.contains(place) ? regions[regionOfStep[place]] : nil
                return Step(
                    step: mark.step, seconds: Double(mark.end &- mark.begin) * secondsPerTick,
                    events: SlowStep.Events([mark] + others.map { $0[mark.step] }, secondsPerTick: secondsPerTick),
                    stolenSeconds: region?.stolenSeconds, throttledSeconds: region?.throttledSeconds)
            })
    }
}

extension SlowStep.Events {
    /// Of the workers' marks of one step; nil where one of them has none.
    fileprivate init?(_ marks: [StepMark?], secondsPerTick: Double) {
        self.init(voluntarySwitches: 0, involuntarySwitches: 0, faults: 0, migrations: 0, notRunningSeconds: 0)
        for mark in marks {
            guard let mark, let events = mark.events else { return nil }
            voluntarySwitches += Int(events.voluntarySwitches)
            involuntarySwitches += Int(events.involuntarySwitches)
            faults += Int(events.faults)
            migrations += Int(events.migrations)
            let seconds = Double(mark.end &- mark.begin) * secondsPerTick
            notRunningSeconds = max(notRunningSeconds, seconds - Double(events.processorNanoseconds) * 1e-9)
        }
    }
}
