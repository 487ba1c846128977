import CHardware
import Dispatch
import LoomPlan
import Synchronization

/// Work done in steps; a step consists of phases, and all workers finish a phase before any begins the next.
public protocol PhasedWork: Sendable {
    /// The number of phases in every step.
    var phaseCount: Int { get }
    /// Whether workers also meet after the last of several phases. If not, others may be in the first phase of the next step
    /// while a worker is still in the last one of this step, but not beyond.
    var endsWithBarrier: Bool { get }
    /// Does the part of `worker` in phase `phase` of step `step`, at the same time as the other workers do
    /// theirs.
    func perform(phase: Int, step: Int, worker: Int)
    /// Whether another step may follow `step`, whose other phases are done in any case.
    ///
    /// Asked once a step, on one thread, after all workers have finished the first phase and before any
    /// begins the second: it may read and write what the workers share, and look at flags that other
    /// threads change at any time. All workers wait for the answer, so it is the place for a few sums, not
    /// for real work.
    func endFirstPhase(step: Int) -> Bool
    /// Called on a thread before it performs phases, and `endRegion` after its last one: for what belongs to a thread.
    func beginRegion(worker: Int)
    /// See `beginRegion`.
    func endRegion(worker: Int)
}

extension PhasedWork {
    /// Workers meet.
    public var endsWithBarrier: Bool { true }
    /// Nothing.
    public func beginRegion(worker: Int) {}
    /// Nothing.
    public func endRegion(worker: Int) {}
}

/// How a team was asked to run.
public enum TeamRequest: String, Sendable, CaseIterable, Codable {
    /// In gangs; after refusals, some regions with a fork and a join around each phase come between two tries.
    case auto
    /// In gangs; every region tries again, however many were refused before.
    case gang
    /// With a fork and a join around each phase.
    case forkJoin = "fork_join"
}

/// How a region runs.
public enum TeamMode: String, Sendable, CaseIterable, Codable {
    /// One worker, on the calling thread.
    case alone
    /// The workers start once and meet at a barrier after every phase.
    case gang
    /// The workers start and end with every phase. Always possible, even if they run one after another.
    case forkJoin = "fork_join"
}

/// What happened in one region.
public struct RegionReport: Sendable, Equatable {
    /// How the region ran.
    public let mode: TeamMode
    /// The steps that were done, the one after which the work asked to stop included.
    public let stepsDone: Int
    /// Whether not all workers checked in to a gang in time, so that the region ran in fork-join mode.
    public let checkInRefused: Bool
    /// The workers that could not be bound to their place and ran unbound.
    public let refusedBindings: Int
}

/// A fixed number of workers that run phased work on the threads of Dispatch, one *region* (a range of
/// steps) at a time.
///
/// A fork and a join of two threads cost as much as hundreds of barriers (10–50 µs against 0.07 µs on two
/// cores of AMD Zen 5), so a region starts its threads once, as a gang, and separates phases by barriers.
/// Dispatch does not promise that the iterations of one `concurrentPerform` run at the same time: all
/// workers check in first, and a region that does not form in time runs with one `concurrentPerform` a
/// phase.
///
/// While a worker works, its thread flushes subnormal numbers to zero, and in a gang (or alone) it is bound
/// to its place. Both are undone at the end, on the caller's thread too.
public final class WorkerTeam {
    /// The number of workers.
    public let workers: Int
    /// How the next region will run, unless its check-in is refused.
    public private(set) var mode: TeamMode
    /// Why the team does not run in gangs, where it might be expected to.
    public private(set) var fallbackReason: String?
    /// The regions whose check-in was refused.
    public private(set) var refusedCheckIns = 0

    /// How many workers can run at the same time: the processors that the process was allowed to use when it
    /// was loaded. Dispatch reads them then, once, and ignores changes of the mask as well as CPU quotas.
    public static let dispatchWidth = Int(loom_processors_at_load())
    /// The largest team. libdispatch keeps its threads in a table of 255 entries and does not check the
    /// bound.
    public static let largestTeam = 254

    private let request: TeamRequest
    let binding: WorkerBinding?
    let barrier: Barrier
    let checkIn: CheckIn
    private var refusalsInARow = 0
    /// Regions in fork-join mode before the next try; none unless refusals led to it.
    private var regionsBeforeRetry = 0
    private static let refusalsBeforeForkJoin = 2
    /// A refused check-in costs 20 ms of spinning. A training's region lasts 100 ms: with 64 regions between two tries, a
    /// machine that never runs all workers at the same time loses 0.3 %, and one that was busy for a while is found out
    /// within seconds.
    private static let longestPauseInRegions = 64

    /// A team of `workers` (1 … `largestTeam`) that are bound to their places by `binding`, if any, and wait as `tuning` says.
    public convenience init(
        workers: Int, request: TeamRequest = .auto, binding: WorkerBinding? = nil, tuning: StepTuning = StepTuning()
    ) {
        self.init(
            workers: workers, request: request, binding: binding, dispatchWidth: Self.dispatchWidth, tuning: tuning)
    }

    init(
        workers: Int, request: TeamRequest, binding: WorkerBinding?, dispatchWidth: Int,
        tuning: StepTuning = StepTuning()
    ) {
        precondition(
            (1...Self.largestTeam).contains(workers), "a team has 1 to \(Self.largestTeam) workers")
        self.workers = workers
        self.request = request
        self.binding = binding
        // No other worker needs the processor of a bound one, which waits awake for long.
        barrier = Barrier(
            count: workers,
            spinNanoseconds: binding == nil ? tuning.spinNanoseconds : tuning.boundSpinNanoseconds,
            yieldNanoseconds: binding == nil ? tuning.yieldNanoseconds : tuning.boundYieldNanoseconds)
        checkIn = CheckIn(
            workers: workers, boundNanoseconds: tuning.checkInNanoseconds,
            spinNanoseconds: tuning.checkInSpinNanoseconds)
        if workers == 1 {
            mode = .alone
        } else if request == .forkJoin {
            mode = .forkJoin
        } else if workers > dispatchWidth {
            mode = .forkJoin
            fallbackReason =
                "\(workers) workers, but the process started with \(dispatchWidth) processors allowed: "
                + "not all workers can run at the same time"
        } else {
            mode = .gang
        }
    }

    /// Runs `work` for `steps`, or until it does not want to continue, and returns when all workers are done.
    ///
    /// Not to be called from within `work`, nor on two threads at the same time.
    public func run<Work: PhasedWork>(_ work: Work, steps: Range<Int>) -> RegionReport {
        precondition(work.phaseCount >= 1, "a step has at least one phase")
        let refusedBindings = Atomic<Int>(0)
        var refused = false
        var stepsDone = 0
        if !steps.isEmpty {
            switch mode {
            case .alone:
                stepsDone = runAlone(work, steps: steps, refusedBindings: refusedBindings)
            case .gang:
                if let done = runGang(work, steps: steps, refusedBindings: refusedBindings) {
                    stepsDone = done
                    noteGang()
                } else {
                    refused = true
                    stepsDone = runForkJoin(work, steps: steps)
                }
            case .forkJoin:
                stepsDone = runForkJoin(work, steps: steps)
            }
        }
        let report = RegionReport(
            mode: refused ? .forkJoin : mode, stepsDone: stepsDone, checkInRefused: refused,
            refusedBindings: refusedBindings.load(ordering: .relaxed))
        if refused {
            noteRefusal()
        } else if regionsBeforeRetry > 0 {
            regionsBeforeRetry -= 1
            if regionsBeforeRetry == 0 { mode = .gang }
        }
        return report
    }

    private func noteGang() {
        refusalsInARow = 0
        fallbackReason = nil
    }

    /// Two refusals in a row end the gangs for two regions, and every further one for twice as many, up to a bound.
    private func noteRefusal() {
        refusedCheckIns += 1
        refusalsInARow += 1
        let refusalsTooMany = refusalsInARow - Self.refusalsBeforeForkJoin
        guard request == .auto, refusalsTooMany >= 0 else { return }
        mode = .forkJoin
        regionsBeforeRetry = min(Self.longestPauseInRegions, 2 << min(refusalsTooMany, 16))
        fallbackReason =
            "\(refusalsInARow) times in a row, not all \(workers) workers were running in time"
    }
}
