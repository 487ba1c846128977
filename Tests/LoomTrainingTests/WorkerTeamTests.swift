import CHardware
import Dispatch
import LoomPlan
import Synchronization
import Testing

@testable import LoomTraining

/// Wrapping sums of neighbours, then a reversal: every element of every phase depends on what other workers
/// wrote in the phase before, so that a missing barrier changes the result.
final class NeighbourSums: PhasedWork, @unchecked Sendable {
    static let size = 257
    let phaseCount = 2
    private let workers: Int
    private let stopAfter: Int?
    private let even = UnsafeMutablePointer<UInt64>.allocate(capacity: size)
    private let odd = UnsafeMutablePointer<UInt64>.allocate(capacity: size)
    /// How often `continues` was asked.
    private(set) var questions = 0
    let stepsOfWorker: PlainSlots
    /// The calls of each worker whose thread did not flush subnormal numbers.
    let unflushedCalls: PlainSlots

    init(workers: Int, stopAfter: Int? = nil) {
        self.workers = workers
        self.stopAfter = stopAfter
        stepsOfWorker = PlainSlots(workers)
        unflushedCalls = PlainSlots(workers)
        for index in 0..<Self.size {
            (even + index).initialize(to: UInt64(index) &* 0x9e37_79b9_7f4a_7c15)
            (odd + index).initialize(to: 0)
        }
    }

    deinit {
        even.deallocate()
        odd.deallocate()
    }

    func perform(phase: Int, step: Int, worker: Int) {
        let size = Self.size
        let range = Partition.range(of: worker, parts: workers, count: size)
        if phase == 0 {
            for index in range {
                odd[index] = even[(index + size - 1) % size] &+ 3 &* even[index] &+ even[(index + 1) % size]
            }
        } else {
            for index in range {
                even[index] = odd[size - 1 - index] &+ UInt64(step)
            }
            stepsOfWorker[worker] += 1
        }
        if loom_mode_flushes_subnormals(loom_floating_point_mode()) == 0 { unflushedCalls[worker] += 1 }
    }

    func endFirstPhase(step: Int) -> Bool {
        questions += 1
        return step != stopAfter
    }

    var result: [UInt64] { (0..<Self.size).map { even[$0] } }

    static func expectedResult(steps: Range<Int>) -> [UInt64] {
        let work = NeighbourSums(workers: 1)
        for step in steps {
            work.perform(phase: 0, step: step, worker: 0)
            work.perform(phase: 1, step: step, worker: 0)
        }
        return work.result
    }
}

/// Every worker adds up, by itself, what all have written in the first phase of a step, in two buffers in turn: no barrier is
/// needed after that.
final class SumsOfAll: PhasedWork, @unchecked Sendable {
    let phaseCount = 2
    let endsWithBarrier = false
    private let workers: Int
    private let stopAfter: Int?
    private let written: [PlainSlots]
    let sums: PlainSlots
    /// The steps that each worker has begun or finished, as digits of a number: a missing or repeated call changes it.
    let calls: PlainSlots

    init(workers: Int, stopAfter: Int?) {
        self.workers = workers
        self.stopAfter = stopAfter
        written = [PlainSlots(workers), PlainSlots(workers)]
        sums = PlainSlots(workers)
        calls = PlainSlots(workers)
    }

    func perform(phase: Int, step: Int, worker: Int) {
        if phase == 0 {
            written[step & 1][worker] = (step + 1) * (worker + 1)
        } else {
            sums[worker] += written[step & 1].values.reduce(0, +)
        }
        calls[worker] = calls[worker] &* 31 &+ 2 * step + phase
    }

    func endFirstPhase(step: Int) -> Bool { step != stopAfter }
}

@Suite(.serialized) struct WorkerTeamTests {
    /// More workers than Dispatch can run at the same time: whatever the machine, they cannot form a gang.
    private static let tooManyWorkers = WorkerTeam.dispatchWidth + 1

    private static func teamThatCannotForm(_ request: TeamRequest) -> WorkerTeam {
        var tuning = StepTuning()
        tuning.checkInNanoseconds = 5_000_000
        return WorkerTeam(
            workers: tooManyWorkers, request: request, binding: nil, dispatchWidth: tooManyWorkers, tuning: tuning)
    }

    @Test(arguments: 1...8, TeamRequest.allCases)
    func resultsDoNotDependOnWorkersOrMode(workers: Int, request: TeamRequest) {
        let team = WorkerTeam(workers: workers, request: request)
        let work = NeighbourSums(workers: workers)
        // Two regions: what the first leaves behind must not disturb the second.
        #expect(team.run(work, steps: 5..<305).stepsDone == 300)
        #expect(team.run(work, steps: 305..<405).stepsDone == 100)
        #expect(work.result == NeighbourSums.expectedResult(steps: 5..<405))
        #expect(work.stepsOfWorker.values == Array(repeating: 400, count: workers))
        #expect(work.questions == 400)
        #expect(work.unflushedCalls.values == Array(repeating: 0, count: workers))
    }

    /// A last phase without a barrier comes after all have met, and before the worker begins another step; in the last step
    /// too.
    @Test(arguments: 1...8, TeamRequest.allCases) func lastPhasesWithoutABarrier(workers: Int, request: TeamRequest) {
        let team = WorkerTeam(workers: workers, request: request)
        for lastStep in [250, 299] {
            let work = SumsOfAll(workers: workers, stopAfter: lastStep)
            #expect(team.run(work, steps: 0..<200).stepsDone == 200)
            #expect(team.run(work, steps: 200..<300).stepsDone == lastStep - 199)
            let steps = lastStep + 1
            let sum = steps * (steps + 1) / 2 * (workers * (workers + 1) / 2)
            #expect(work.sums.values == Array(repeating: sum, count: workers))
            let calls = (0..<2 * steps).reduce(0) { $0 &* 31 &+ $1 }
            #expect(work.calls.values == Array(repeating: calls, count: workers))
        }
    }

    @Test func modes() {
        #expect(WorkerTeam(workers: 1, request: .gang).mode == .alone)
        #expect(WorkerTeam(workers: 2, request: .forkJoin).mode == .forkJoin)
        #expect(WorkerTeam(workers: 2, request: .forkJoin).fallbackReason == nil)
        let wide = WorkerTeam(workers: Self.tooManyWorkers, request: .gang)
        #expect(wide.mode == .forkJoin)
        #expect(wide.fallbackReason?.contains("\(WorkerTeam.dispatchWidth) processors") == true)
    }

    /// Other tests use the same threads of Dispatch, so that a region may be refused now and then; but 1,000
    /// must form.
    @Test(.enabled(if: WorkerTeam.dispatchWidth >= 2, "needs two processors"))
    func twoWorkersFormAGangAThousandTimes() {
        let team = WorkerTeam(workers: 2, request: .gang)
        let work = NeighbourSums(workers: 2)
        let start = loom_monotonic_nanoseconds()
        var formed = 0
        var regions = 0
        while formed < 1_000, loom_monotonic_nanoseconds() - start < 30_000_000_000 {
            let report = team.run(work, steps: 2 * regions..<2 * regions + 2)
            #expect(report.stepsDone == 2)
            regions += 1
            if report.mode == .gang { formed += 1 }
        }
        #expect(formed == 1_000)
        #expect(team.refusedCheckIns == regions - formed)
        #expect(work.result == NeighbourSums.expectedResult(steps: 0..<2 * regions))
    }

    /// Between two tries of a team that cannot form lie 0, 2, 4, 8, 16, 32, 64, 64, 64 … regions.
    @Test func refusalsLengthenThePauseBeforeTheNextTry() {
        let team = Self.teamThatCannotForm(.auto)
        let work = NeighbourSums(workers: Self.tooManyWorkers)
        var tries: [Int] = []
        let regions = 270
        for region in 0..<regions {
            let willTry = team.mode == .gang
            let report = team.run(work, steps: region..<region + 1)
            #expect(report.mode == .forkJoin)
            #expect(report.checkInRefused == willTry)
            #expect(report.stepsDone == 1)
            if willTry { tries.append(region) }
        }
        #expect(tries == [0, 1, 4, 9, 18, 35, 68, 133, 198, 263])
        #expect(team.refusedCheckIns == tries.count)
        #expect(team.fallbackReason?.hasPrefix("10 times in a row") == true)
        #expect(work.result == NeighbourSums.expectedResult(steps: 0..<regions))
    }

    /// Dispatch's threads are at work elsewhere for two regions, and free again for all that follow.
    @Test(.enabled(if: WorkerTeam.dispatchWidth >= 2, "needs two processors"))
    func aTeamThatWasHeldUpReturnsToGangs() {
        let steps = PlainSlots(1)
        let work = NeighbourSums(workers: 2)
        // A thread of its own, or this test would itself run on one of the threads that it occupies.
        let ended = runOnThreads(1, seconds: 60) { _ in
            let team = WorkerTeam(workers: 2)
            func runRegion() -> RegionReport {
                defer { steps[0] += 1 }
                return team.run(work, steps: steps[0]..<steps[0] + 1)
            }
            Self.occupyingDispatch {
                #expect(runRegion().checkInRefused)
                #expect(runRegion().checkInRefused)
            }
            #expect(team.mode == .forkJoin)
            #expect(team.fallbackReason != nil)
            // Other tests may hold up a region now and then.
            while runRegion().mode != .gang {}
            #expect(team.mode == .gang)
            #expect(team.fallbackReason == nil)
        }
        #expect(ended)
        if ended { #expect(work.result == NeighbourSums.expectedResult(steps: 0..<steps[0])) }
    }

    /// Runs `body` while all threads that Dispatch has for it are at work elsewhere.
    private static func occupyingDispatch(_ body: () -> Void) {
        let occupied = Occupation()
        let group = DispatchGroup()
        for _ in 0..<WorkerTeam.dispatchWidth {
            DispatchQueue.global().async(group: group) {
                occupied.begun.add(1, ordering: .relaxed)
                while !occupied.hasEnded.load(ordering: .relaxed) { loom_spin_pause() }
            }
        }
        while occupied.begun.load(ordering: .relaxed) < WorkerTeam.dispatchWidth { loom_yield_processor() }
        body()
        occupied.hasEnded.store(true, ordering: .relaxed)
        group.wait()
    }

    private final class Occupation: Sendable {
        let begun = Atomic<Int>(0)
        let hasEnded = Atomic<Bool>(false)
    }

    @Test func anInsistentTeamTriesEveryRegion() {
        let team = Self.teamThatCannotForm(.gang)
        let work = NeighbourSums(workers: Self.tooManyWorkers)
        for region in 0..<4 {
            #expect(team.run(work, steps: region..<region + 1).checkInRefused)
        }
        #expect(team.refusedCheckIns == 4)
        #expect(team.mode == .gang)
        #expect(team.fallbackReason == nil)
        #expect(work.result == NeighbourSums.expectedResult(steps: 0..<4))
    }

    @Test(arguments: 1...4, TeamRequest.allCases)
    func allWorkersStopAfterTheSameStep(workers: Int, request: TeamRequest) {
        let team = WorkerTeam(workers: workers, request: request)
        let work = NeighbourSums(workers: workers, stopAfter: 107)
        #expect(team.run(work, steps: 100..<200).stepsDone == 8)
        #expect(work.stepsOfWorker.values == Array(repeating: 8, count: workers))
        #expect(work.questions == 8)
        #expect(work.result == NeighbourSums.expectedResult(steps: 100..<108))
    }

    @Test(arguments: TeamRequest.allCases)
    func noStepsNoWork(request: TeamRequest) {
        let team = WorkerTeam(workers: 2, request: request)
        let work = NeighbourSums(workers: 2)
        #expect(team.run(work, steps: 3..<3).stepsDone == 0)
        #expect(work.questions == 0)
    }
}
