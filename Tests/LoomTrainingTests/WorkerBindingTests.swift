import CHardware
import Dispatch
import Foundation
import Testing

@testable import LoomTraining

/// A binding that records what happens to every index, and can refuse.
private final class RecordingBinding: @unchecked Sendable {
    let bound: PlainSlots
    let restored: PlainSlots
    /// The calls of `restore` on another thread than that of `bind`.
    let strayed: PlainSlots
    private let threads: PlainSlots
    private let refused: Set<Int>

    init(workers: Int, refused: Set<Int> = []) {
        bound = PlainSlots(workers)
        restored = PlainSlots(workers)
        strayed = PlainSlots(workers)
        threads = PlainSlots(workers)
        self.refused = refused
    }

    private static var thread: Int { Int(bitPattern: ObjectIdentifier(Thread.current)) }

    var binding: WorkerBinding {
        WorkerBinding(
            bind: { [self] worker in
                if refused.contains(worker) { return false }
                bound[worker] += 1
                threads[worker] = Self.thread
                return true
            },
            restore: { [self] worker in
                restored[worker] += 1
                if threads[worker] != Self.thread { strayed[worker] += 1 }
            })
    }
}

@Suite(.serialized) struct WorkerBindingTests {
    private static func isFlushing() -> Bool {
        loom_mode_flushes_subnormals(loom_floating_point_mode()) != 0
    }

    @Test func flushingIsSwitchedOnAndBack() {
        let before = loom_floating_point_mode()
        let half: Float = 0.5
        let tiny = Float.leastNormalMagnitude
        #expect(Self.multiply(tiny, half) != 0)
        let flushed = flushingSubnormals {
            (product: Self.multiply(tiny, half), isFlushing: Self.isFlushing())
        }
        #expect(flushed.isFlushing)
        #expect(flushed.product == 0)
        #expect(loom_floating_point_mode() == before)
        #expect(!Self.isFlushing())
        #expect(Self.multiply(tiny, half) != 0)
    }

    @inline(never) private static func multiply(_ first: Float, _ second: Float) -> Float { first * second }

    @Test(arguments: [1, 2, 3], TeamRequest.allCases)
    func threadsAreAsBeforeAfterwards(workers: Int, request: TeamRequest) {
        let before = loom_floating_point_mode()
        let team = WorkerTeam(workers: workers, request: request)
        let work = NeighbourSums(workers: workers)
        for region in 0..<20 {
            _ = team.run(work, steps: 3 * region..<3 * region + 3)
            #expect(loom_floating_point_mode() == before)
        }
        let flushing = PlainSlots(16)
        DispatchQueue.concurrentPerform(iterations: 16) { flushing[$0] = Self.isFlushing() ? 1 : 0 }
        #expect(flushing.values == Array(repeating: 0, count: 16))
    }

    @Test(arguments: TeamRequest.allCases)
    func aCallerThatFlushesStillDoesAfterwards(request: TeamRequest) {
        let before = loom_flush_subnormals()
        defer { loom_set_floating_point_mode(before) }
        _ = WorkerTeam(workers: 2, request: request).run(NeighbourSums(workers: 2), steps: 0..<3)
        #expect(Self.isFlushing())
    }

    @Test(arguments: [1, 2])
    func everyIndexIsBoundAndRestoredOncePerRegionOnItsThread(workers: Int) {
        let recording = RecordingBinding(workers: workers)
        let team = WorkerTeam(workers: workers, request: .gang, binding: recording.binding)
        let work = NeighbourSums(workers: workers)
        let regions = 100
        for region in 0..<regions {
            #expect(team.run(work, steps: region..<region + 1).refusedBindings == 0)
        }
        let once = Array(repeating: regions - team.refusedCheckIns, count: workers)
        #expect(recording.bound.values == once)
        #expect(recording.restored.values == once)
        #expect(recording.strayed.values == Array(repeating: 0, count: workers))
    }

    @Test func aRefusedBindingIsCountedAndTheWorkIsDone() {
        let recording = RecordingBinding(workers: 1, refused: [0])
        let team = WorkerTeam(workers: 1, binding: recording.binding)
        let work = NeighbourSums(workers: 1)
        let report = team.run(work, steps: 0..<4)
        #expect(report.refusedBindings == 1)
        #expect(report.stepsDone == 4)
        #expect(recording.restored.values == [0])
        #expect(work.unflushedCalls.values == [0])
        #expect(work.result == NeighbourSums.expectedResult(steps: 0..<4))
    }

    /// Two of them may share a processor. Not observed: beside the threads of other tests, who yields has no time to sleep.
    @Test func unboundWorkersSoonMakeWay() {
        let barrier = WorkerTeam(workers: 2, request: .gang).barrier
        #expect(barrier.spinNanoseconds == 20_000)
        #expect(barrier.yieldNanoseconds == 220_000)
    }

    #if os(Linux)
        /// A worker with a processor of its own stays awake while others are late.
        @Test func aBoundWorkerWaitsAwake() {
            let steps = 40
            let team = WorkerTeam(workers: 2, request: .gang, binding: RecordingBinding(workers: 2).binding)
            for _ in 0..<50 {
                let work = LateWorker()
                let report = team.run(work, steps: 0..<steps)
                if report.checkInRefused { continue }
                #expect(work.sleeps < steps / 4, "\(work.sleeps) sleeps")
                return
            }
            Issue.record("two workers did not run at the same time")
        }

        /// Worker 1 is 1.5 ms late in every step.
        private final class LateWorker: PhasedWork, @unchecked Sendable {
            let phaseCount = 2
            let endsWithBarrier = false
            private var sleepsBefore = 0
            private var sleepsAfter = 0

            /// How often worker 0 slept while it waited.
            var sleeps: Int { sleepsAfter - sleepsBefore }

            func perform(phase: Int, step: Int, worker: Int) {
                if worker == 1 {
                    if phase == 0 { usleep(1500) }
                } else if phase == 1 {
                    sleepsAfter = Self.sleepsOfThread()
                } else if step == 0 {
                    sleepsBefore = Self.sleepsOfThread()
                }
            }

            func endFirstPhase(step: Int) -> Bool { true }

            private static func sleepsOfThread() -> Int {
                var usage = rusage()
                // RUSAGE_THREAD, which Swift does not import.
                let status = getrusage(__rusage_who_t(1), &usage)
                return status == 0 ? usage.ru_nvcsw : 0
            }
        }
    #endif

    private typealias GetAffinity = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> CInt
    private typealias SetAffinity = @convention(c) (pid_t, Int, UnsafeRawPointer) -> CInt

    private static let maskBytes = 128

    /// The calling thread's affinity mask. Called by name: Swift does not import functions that need
    /// _GNU_SOURCE.
    private static func affinityMask() -> [UInt8] {
        let get = unsafeBitCast(dlsym(nil, "sched_getaffinity"), to: GetAffinity.self)
        var mask = [UInt8](repeating: 0, count: maskBytes)
        #expect(get(0, maskBytes, &mask) >= 0)
        return mask
    }

    private static func setAffinityMask(_ mask: [UInt8]) -> Bool {
        let set = unsafeBitCast(dlsym(nil, "sched_setaffinity"), to: SetAffinity.self)
        return set(0, maskBytes, mask) == 0
    }

    @Test(arguments: [1, 2], TeamRequest.allCases)
    func theCallersAffinityMaskIsAsBeforeAfterwards(workers: Int, request: TeamRequest) throws {
        let before = Self.affinityMask()
        let allowed = (0..<8 * Self.maskBytes).filter { before[$0 / 8] & (1 << UInt8($0 % 8)) != 0 }
        let processor = try #require(allowed.last)
        let saved = SavedMasks(workers: workers)
        let binding = WorkerBinding(
            bind: { worker in
                saved[worker] = Self.affinityMask()
                var mask = [UInt8](repeating: 0, count: Self.maskBytes)
                mask[processor / 8] = 1 << UInt8(processor % 8)
                return Self.setAffinityMask(mask)
            },
            restore: { _ = Self.setAffinityMask(saved[$0]) })
        let team = WorkerTeam(workers: workers, request: request, binding: binding)
        let work = NeighbourSums(workers: workers)
        for region in 0..<10 {
            _ = team.run(work, steps: region..<region + 1)
            #expect(Self.affinityMask() == before)
        }
        #expect(work.result == NeighbourSums.expectedResult(steps: 0..<10))
    }

    private final class SavedMasks: @unchecked Sendable {
        private let masks: UnsafeMutablePointer<[UInt8]>
        private let workers: Int

        init(workers: Int) {
            self.workers = workers
            masks = .allocate(capacity: workers)
            masks.initialize(repeating: [], count: workers)
        }

        deinit {
            masks.deinitialize(count: workers)
            masks.deallocate()
        }

        subscript(worker: Int) -> [UInt8] {
            get { masks[worker] }
            set { masks[worker] = newValue }
        }
    }
}
