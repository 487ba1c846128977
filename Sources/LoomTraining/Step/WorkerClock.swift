import CHardware
import LoomKernels
import LoomPlan
import Synchronization

/// Measures what each worker's time is spent on, in every step or in every 2ᵏ-th one: a lap after each operation, and one
/// at the beginning of each phase for the wait before it.
///
/// Laps follow each other without a gap, so that those of a step add up to its time. A lap reads the processor's counter of
/// time and writes 24 bytes. Before and behind a measured step, not within its time, the system is asked what happened to
/// the thread.
struct WorkerClock: BitwiseCopyable, @unchecked Sendable {
    // Sendable: each worker touches memory of its own.
    fileprivate let workers: UnsafeMutablePointer<ClockOfWorker>
    /// A step is measured where this mask of its number is 0.
    fileprivate let stepMask: Int
    fileprivate let firstWaitSlot: Int
    fileprivate let phaseCount: Int

    /// Begins a phase, and ends the wait before it; false in steps that are not measured.
    @inline(__always)
    func enter(phase: Int, step: Int, isFullBatch: Bool, worker: Int) -> Bool {
        let own = workers + worker
        if phase == 0 {
            if own.pointee.lastTick != 0 { own.pointee.endStep(waitSlot: firstWaitSlot + phaseCount - 1) }
            guard isFullBatch, step & stepMask == 0 else { return false }
            own.pointee.beginStep(step)
            return true
        }
        guard own.pointee.lastTick != 0 else { return false }
        own.pointee.lap(firstWaitSlot + phase - 1)
        return true
    }

    /// Adds the time since the last lap to a slot.
    @inline(__always)
    func lap(slot: Int, worker: Int) { workers[worker].lap(slot) }
}

/// The end of a lap.
package struct ClockEvent: BitwiseCopyable, Sendable {
    /// The processor's counter of time.
    package let tick: UInt64
    /// The step, modulo 2³².
    package let step: UInt32
    /// What the time since the event before was spent on; `beginSlot`: the step begins here.
    package let slot: UInt32

    /// Stands for the beginning of a step.
    package static let beginSlot = UInt32.max
}

/// A measured step of one worker.
package struct StepMark: BitwiseCopyable, Sendable {
    /// Its number.
    package let step: Int
    /// The counter of time at its beginning, and behind its last barrier.
    package let begin, end: UInt64
    /// What happened to the worker's thread meanwhile; nil where the step ended a region, or another thread ended it.
    package let events: StepEvents?

    package init(step: Int, begin: UInt64, end: UInt64, events: StepEvents?) {
        self.step = step
        self.begin = begin
        self.end = end
        self.events = events
    }
}

/// What happened to a worker's thread in one step, by the system's own counts.
package struct StepEvents: BitwiseCopyable, Sendable, Equatable {
    /// How often it gave its processor up, and how often that was taken from it.
    package var voluntarySwitches, involuntarySwitches: UInt32
    /// Pages that were mapped or read.
    package var faults: UInt32
    /// 1 where it ended on another processor than it began on.
    package var migrations: UInt32
    /// How long it ran.
    package var processorNanoseconds: UInt64

    package init(
        voluntarySwitches: UInt32 = 0, involuntarySwitches: UInt32 = 0, faults: UInt32 = 0, migrations: UInt32 = 0,
        processorNanoseconds: UInt64 = 0
    ) {
        self.voluntarySwitches = voluntarySwitches
        self.involuntarySwitches = involuntarySwitches
        self.faults = faults
        self.migrations = migrations
        self.processorNanoseconds = processorNanoseconds
    }
}

/// What the system has counted for a thread so far.
private struct ThreadMoment: BitwiseCopyable {
    var usage = loom_thread_usage()
    var processor: Int32 = -1
    var thread: UInt64 = 0

    @inline(never)
    static func now() -> ThreadMoment {
        var moment = ThreadMoment()
        _ = loom_thread_usage_read(&moment.usage)
        moment.processor = loom_current_processor()
        moment.thread = loom_thread_mark()
        return moment
    }

    /// Nil where another thread did the rest: forks give the phases of a step to any.
    func events(until now: ThreadMoment) -> StepEvents? {
        guard thread == now.thread else { return nil }
        return StepEvents(
            voluntarySwitches: UInt32(clamping: now.usage.voluntary_switches &- usage.voluntary_switches),
            involuntarySwitches: UInt32(clamping: now.usage.involuntary_switches &- usage.involuntary_switches),
            faults: UInt32(
                clamping: now.usage.minor_faults &- usage.minor_faults &+ now.usage.major_faults &- usage.major_faults),
            migrations: processor == now.processor ? 0 : 1,
            processorNanoseconds: now.usage.processor_nanoseconds &- usage.processor_nanoseconds)
    }
}

/// Ticks and measured steps up to some moment, or of a while.
package struct ClockTotals: Sendable, Equatable {
    /// By worker and slot.
    package var ticks: [[UInt64]]
    /// By worker.
    package var steps: [Int]

    package init(ticks: [[UInt64]], steps: [Int]) {
        self.ticks = ticks
        self.steps = steps
    }

    /// What was added after `earlier`.
    package func since(_ earlier: ClockTotals) -> ClockTotals {
        ClockTotals(
            ticks: zip(ticks, earlier.ticks).map { zip($0, $1).map { $0 &- $1 } },
            steps: zip(steps, earlier.steps).map { $0 - $1 })
    }
}

/// The clock of one worker: two pairs of cache lines, because processors fetch lines in pairs.
private struct ClockOfWorker: BitwiseCopyable {
    /// The end of the last lap; 0 outside measured steps.
    var lastTick: UInt64 = 0
    var step = 0
    var stepBegin: UInt64 = 0
    /// Ticks by slot.
    let sums: UnsafeMutablePointer<UInt64>
    /// A ring of the last events.
    let events: UnsafeMutablePointer<ClockEvent>
    let eventMask: Int
    var eventCount = 0
    /// A ring of the last steps.
    let steps: UnsafeMutablePointer<StepMark>
    let markMask: Int
    var stepCount = 0
    private var moment = ThreadMoment()
    private let padding = ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), (0, 0, 0, 0, 0))

    init(
        sums: UnsafeMutablePointer<UInt64>, events: UnsafeMutablePointer<ClockEvent>, eventCapacity: Int,
        steps: UnsafeMutablePointer<StepMark>, stepCapacity: Int
    ) {
        self.sums = sums
        self.events = events
        eventMask = eventCapacity - 1
        self.steps = steps
        markMask = stepCapacity - 1
    }

    @inline(__always)
    mutating func beginStep(_ number: Int) {
        step = number
        moment = .now()
        lastTick = loom_ticks()
        stepBegin = lastTick
        record(ClockEvent.beginSlot)
    }

    @inline(__always)
    mutating func lap(_ slot: Int) {
        let now = loom_ticks()
        sums[slot] &+= now &- lastTick
        lastTick = now
        record(UInt32(truncatingIfNeeded: slot))
    }

    @inline(__always)
    mutating func endStep(waitSlot: Int) {
        lap(waitSlot)
        markStep(moment.events(until: .now()))
    }

    /// The step ends with its last lap.
    mutating func markStep(_ events: StepEvents?) {
        steps[stepCount & markMask] = StepMark(step: step, begin: stepBegin, end: lastTick, events: events)
        stepCount += 1
        lastTick = 0
    }

    @inline(__always)
    private mutating func record(_ slot: UInt32) {
        events[eventCount & eventMask] = ClockEvent(
            tick: lastTick, step: UInt32(truncatingIfNeeded: step), slot: slot)
        eventCount += 1
    }
}

/// The memory behind a `WorkerClock`, and what it has measured.
package final class WorkerClockMemory: Sendable {
    /// The workers.
    package let workers: Int
    /// The slots of waits: one for each phase, behind those of the operations of all workers, phase by phase and worker by
    /// worker, and of the recovery.
    package let waitSlots: Range<Int>
    /// The laps of a step of the worker that has most.
    let lapsPerStep: Int
    private let interval: Atomic<Int>
    private let clocks: AlignedBuffer<ClockOfWorker>
    private let sums: AlignedBuffer<UInt64>
    private let events: AlignedBuffer<ClockEvent>
    private let steps: AlignedBuffer<StepMark>
    private let eventCapacity, stepCapacity: Int
    private let slotsPerWorker: Int
    /// The sums of an activity: where they are.
    private let activityPlaces: [(activity: StepActivity, place: Int)]
    private let ticksTaken = Mutex(ActivityTicks())
    private let startTick = loom_ticks()
    private let startNanoseconds = loom_monotonic_nanoseconds()

    /// A clock for the workers of `program`, the one of full batches: steps of other sizes are not measured.
    /// - Parameters:
    ///   - every: A power of two: one of so many steps is measured.
    ///   - eventCapacity: A power of two: the last laps of each worker that are kept.
    ///   - stepCapacity: A power of two: the last steps of each worker whose times are kept.
    package init(_ program: StepProgram, every: Int = 1, eventCapacity: Int = 1 << 14, stepCapacity: Int = 1 << 16) {
        precondition([every, eventCapacity, stepCapacity].allSatisfy { $0 > 0 && $0 & ($0 - 1) == 0 }, "powers of two")
        let operationCount = program.operationsInOrder.count + program.recovery.joined().count
        let workers = program.workers
        let waitSlots = operationCount..<operationCount + program.phases.count
        // No two workers' sums share a pair of cache lines.
        let slotsPerWorker = (waitSlots.upperBound + 31) / 16 * 16
        let sums = AlignedBuffer<UInt64>(count: workers * slotsPerWorker, repeating: 0)
        let events = AlignedBuffer(
            count: workers * eventCapacity, repeating: ClockEvent(tick: 0, step: 0, slot: ClockEvent.beginSlot))
        let steps = AlignedBuffer(
            count: workers * stepCapacity, repeating: StepMark(step: 0, begin: 0, end: 0, events: nil))
        clocks = AlignedBuffer(
            (0..<workers).map { worker in
                ClockOfWorker(
                    sums: sums.pointer + worker * slotsPerWorker, events: events.pointer + worker * eventCapacity,
                    eventCapacity: eventCapacity, steps: steps.pointer + worker * stepCapacity,
                    stepCapacity: stepCapacity)
            })
        self.workers = workers
        self.waitSlots = waitSlots
        self.slotsPerWorker = slotsPerWorker
        self.sums = sums
        self.events = events
        self.steps = steps
        self.eventCapacity = eventCapacity
        self.stepCapacity = stepCapacity
        lapsPerStep = program.lapsPerStep
        interval = Atomic(every)
        activityPlaces = program.slotActivities.enumerated().flatMap { slot, owned in
            (owned.worker.map { $0..<$0 + 1 } ?? 0..<workers).map { (owned.activity, $0 * slotsPerWorker + slot) }
        }
    }

    /// One of so many steps is measured: a power of two, that holds from the next region on.
    package var measuredEvery: Int {
        get { interval.load(ordering: .relaxed) }
        set {
            precondition(newValue > 0 && newValue & (newValue - 1) == 0, "a power of two")
            interval.store(newValue, ordering: .relaxed)
        }
    }

    /// Valid while this object lives.
    var clock: WorkerClock {
        assert(MemoryLayout<ClockOfWorker>.stride == 256)
        return WorkerClock(
            workers: clocks.pointer, stepMask: measuredEvery - 1, firstWaitSlot: waitSlots.lowerBound,
            phaseCount: waitSlots.count)
    }

    /// Ends the steps in progress: a region is over, and nobody waits behind its last barrier.
    func stop() {
        for worker in 0..<workers where clocks.pointer[worker].lastTick != 0 {
            clocks.pointer[worker].markStep(nil)
        }
    }

    // MARK: What was measured

    /// Nanoseconds of a tick: both clocks are read now, and were read when this object was made.
    package func nanosecondsPerTick() -> Double {
        let ticks = loom_ticks() &- startTick
        return Double(loom_monotonic_nanoseconds() &- startNanoseconds) / Double(max(1, ticks))
    }

    /// Ticks that `worker` has spent in a slot.
    package func ticks(slot: Int, worker: Int) -> UInt64 { sums.pointer[worker * slotsPerWorker + slot] }

    /// What every worker has come to so far; between regions.
    package func totals() -> ClockTotals {
        ClockTotals(
            ticks: (0..<workers).map { worker in
                (0..<waitSlots.upperBound).map { ticks(slot: $0, worker: worker) }
            }, steps: (0..<workers).map(measuredSteps))
    }

    /// What the time since the last call was spent on.
    func takeActivityTicks() -> ActivityTicks {
        var now = ActivityTicks()
        for (activity, place) in activityPlaces { now[activity] &+= sums.pointer[place] }
        return ticksTaken.withLock { before in
            defer { before = now }
            return now - before
        }
    }

    /// How many steps of `worker` were measured.
    package func measuredSteps(worker: Int) -> Int { clocks.pointer[worker].stepCount }

    /// The last measured steps of `worker`, oldest first.
    package func marks(worker: Int) -> [StepMark] {
        ring(steps.pointer + worker * stepCapacity, stepCapacity, count: clocks.pointer[worker].stepCount)
    }

    /// The last laps of `worker`, oldest first.
    package func laps(worker: Int) -> [ClockEvent] {
        ring(events.pointer + worker * eventCapacity, eventCapacity, count: clocks.pointer[worker].eventCount)
    }

    private func ring<Element>(
        _ elements: UnsafeMutablePointer<Element>, _ capacity: Int, count: Int
    ) -> [Element] {
        (max(0, count - capacity)..<count).map { elements[$0 & (capacity - 1)] }
    }
}
