import Dispatch
import Synchronization

/// The three ways to run a region. They are generic over the work, so that the compiler makes a copy of each
/// for the work at hand: no existential call and no reference count stands between two phases.
extension WorkerTeam {
    /// All phases on the calling thread; returns the steps done.
    func runAlone<Work: PhasedWork>(
        _ work: Work, steps: Range<Int>, refusedBindings: borrowing Atomic<Int>
    ) -> Int {
        bound(to: binding, worker: 0, refusedBindings: refusedBindings) {
            work.beginRegion(worker: 0)
            defer { work.endRegion(worker: 0) }
            let phaseCount = work.phaseCount
            for step in steps {
                work.perform(phase: 0, step: step, worker: 0)
                let continues = work.endFirstPhase(step: step)
                for phase in 1..<max(1, phaseCount) {
                    work.perform(phase: phase, step: step, worker: 0)
                }
                if !continues { return step - steps.lowerBound + 1 }
            }
            return steps.count
        }
    }

    /// All workers at the same time, with a barrier after every phase; returns the steps done, or nil, with
    /// nothing done, when the check-in was refused.
    func runGang<Work: PhasedWork>(
        _ work: Work, steps: Range<Int>, refusedBindings: borrowing Atomic<Int>
    ) -> Int? {
        let refused = -1
        let stepsDone = Atomic(refused)
        let (binding, checkIn, barrier) = (binding, checkIn, barrier)
        checkIn.reset()
        DispatchQueue.concurrentPerform(iterations: workers) { worker in
            guard checkIn.arrive() else { return }
            let done = bound(to: binding, worker: worker, refusedBindings: refusedBindings) {
                Self.runGangMember(work, steps: steps, worker: worker, barrier: barrier)
            }
            if worker == 0 { stepsDone.store(done, ordering: .releasing) }
        }
        let done = stepsDone.load(ordering: .acquiring)
        return done == refused ? nil : done
    }

    private static func runGangMember<Work: PhasedWork>(
        _ work: Work, steps: Range<Int>, worker: Int, barrier: Barrier
    ) -> Int {
        work.beginRegion(worker: worker)
        defer { work.endRegion(worker: worker) }
        let (phaseCount, endsWithBarrier) = (work.phaseCount, work.endsWithBarrier)
        for step in steps {
            work.perform(phase: 0, step: step, worker: worker)
            // One worker asks for all, so that a flag which changes at the wrong time cannot part them.
            let continues = barrier.wait(deciding: { work.endFirstPhase(step: step) })
            for phase in 1..<max(1, phaseCount) {
                work.perform(phase: phase, step: step, worker: worker)
                if phase < phaseCount - 1 || endsWithBarrier { barrier.wait() }
            }
            if !continues { return step - steps.lowerBound + 1 }
        }
        return steps.count
    }

    /// One `concurrentPerform` a phase; returns the steps done. A last phase without a barrier runs along with the first one
    /// of the next step, and in the last step on the calling thread: a fork would cost more than the phase.
    ///
    /// Workers are not bound to their places here: an index runs on another thread in every phase, so that
    /// most bindings would move one. On two cores of AMD Zen 5, binding and restoring made a fork and join
    /// cost 58 µs instead of about 15.
    func runForkJoin<Work: PhasedWork>(_ work: Work, steps: Range<Int>) -> Int {
        let joinedPhases = work.phaseCount > 1 && !work.endsWithBarrier ? work.phaseCount - 1 : work.phaseCount
        @Sendable func finish(_ step: Int, worker: Int) {
            if joinedPhases < work.phaseCount { work.perform(phase: joinedPhases, step: step, worker: worker) }
        }
        var stepsDone = 0
        var continues = true
        while continues, stepsDone < steps.count {
            let step = steps.lowerBound + stepsDone
            for phase in 0..<joinedPhases {
                DispatchQueue.concurrentPerform(iterations: workers) { worker in
                    flushingSubnormals {
                        work.beginRegion(worker: worker)
                        defer { work.endRegion(worker: worker) }
                        if phase == 0, step > steps.lowerBound { finish(step - 1, worker: worker) }
                        work.perform(phase: phase, step: step, worker: worker)
                    }
                }
                if phase == 0 { continues = flushingSubnormals { work.endFirstPhase(step: step) } }
            }
            stepsDone += 1
        }
        flushingSubnormals {
            work.beginRegion(worker: 0)
            defer { work.endRegion(worker: 0) }
            for worker in 0..<workers { finish(steps.lowerBound + stepsDone - 1, worker: worker) }
        }
        return stepsDone
    }
}
