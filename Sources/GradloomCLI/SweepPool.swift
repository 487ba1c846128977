import Foundation
import LoomHardware
import LoomRuns
import Synchronization

/// Trainings of a rung, several at once: a thread for each of them at a time, which starts one process after another on its own
/// cores.
final class SweepPool: Sendable {
    /// A training that goes on.
    struct Running: Sendable {
        let process: Int32
        /// The epochs that it has done.
        var epochs: Int
    }

    private struct State: Sendable {
        var waiting: ArraySlice<SweepTask>
        var running: [SweepTask: Running] = [:]
        var outcomes: [SweepOutcome] = []
        var notes: [String] = []
        var threads = 0
        var isEnding = false
        var wasInterrupted = false
        var failure: (any Error)?
    }

    private let runs: SweepRuns
    private let state: Mutex<State>

    /// Trainings of `tasks`, in their order as far as several at once have one.
    init(_ tasks: [SweepTask], of runs: SweepRuns) {
        self.runs = runs
        state = Mutex(State(waiting: tasks[...]))
    }

    /// Starts a thread for each of `shares`.
    /// - Returns: The threads, to be joined.
    func start(on shares: [CoreShare]) -> [BackgroundThread] {
        state.withLock { $0.threads = shares.count }
        return shares.compactMap { share in
            let thread = BackgroundThread { self.work(on: share) }
            if thread == nil { state.withLock { $0.threads -= 1 } }
            return thread
        }
    }

    /// Asks every training to end after its step, with a checkpoint; no other one begins.
    func end() {
        state.withLock { state in
            guard !state.isEnding else { return }
            state.isEnding = true
            // Each is in a process group of its own: Ctrl-C in a terminal does not reach it.
            for training in state.running.values { kill(training.process, SIGINT) }
        }
    }

    /// What has happened since the last call: outcomes and notes.
    func news() -> (outcomes: [SweepOutcome], notes: [String]) {
        state.withLock { state in
            defer { (state.outcomes, state.notes) = ([], []) }
            return (state.outcomes, state.notes)
        }
    }

    /// The trainings that go on.
    var running: [SweepTask: Running] { state.withLock(\.running) }
    /// Whether all threads have ended.
    var isDone: Bool { state.withLock { $0.threads == 0 } }
    /// Whether a signal has ended a training that nobody here has asked to end.
    var wasInterrupted: Bool { state.withLock(\.wasInterrupted) }
    /// Why trainings could not be started; nil: they could.
    var failure: (any Error)? { state.withLock { $0.failure } }

    // MARK: Threads

    private func work(on share: CoreShare) {
        do {
            try ThreadAffinity.bind(to: share.cpus)
        } catch {
            state.withLock { $0.notes.append("\(error): trainings choose their CPUs by themselves") }
        }
        while let task = next() {
            do {
                try carryOut(task, on: share)
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
                end()
            }
        }
        state.withLock { $0.threads -= 1 }
    }

    private func next() -> SweepTask? { state.withLock { $0.isEnding ? nil : $0.waiting.popFirst() } }

    private func carryOut(_ task: SweepTask, on share: CoreShare) throws {
        // The sweep may have ended between a training's end and its line.
        if let outcome = try? runs.outcome(of: task, seconds: 0) { return add(outcome) }
        let begin = ContinuousClock.now
        var end = SweepTraining.End.inUse
        while case .inUse = end {
            end = try SweepTraining(task, of: runs, share: share).run { process in
                state.withLock { state in
                    state.running[task] = Running(process: process, epochs: 0)
                    if state.isEnding { kill(process, SIGINT) }
                }
            } epoch: { event in
                state.withLock { $0.running[task]?.epochs = event.epoch }
            }
            state.withLock { $0.running[task] = nil }
            guard case .inUse = end else { break }
            // That of a sweep which was killed: it ends after its epoch.
            if state.withLock(\.isEnding) { return }
            Thread.sleep(forTimeInterval: 0.5)
        }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        switch end {
        case .done: add(outcome(of: task, seconds: seconds))
        case .failed(let why): add(failure(of: task, seconds: seconds, why))
        case .interrupted, .inUse:
            state.withLock { $0.wasInterrupted = $0.wasInterrupted || !$0.isEnding }
            self.end()
        }
    }

    private func outcome(of task: SweepTask, seconds: Double) -> SweepOutcome {
        do {
            return try runs.outcome(of: task, seconds: seconds)
                ?? failure(of: task, seconds: seconds, "the training ended before its last epoch")
        } catch {
            return failure(of: task, seconds: seconds, "\(error)")
        }
    }

    private func failure(of task: SweepTask, seconds: Double, _ why: String) -> SweepOutcome {
        SweepOutcome(
            task, end: .failed, score: nil, bestEpoch: nil, epochs: 0,
            seconds: seconds, run: runs.run(of: task), problem: why)
    }

    private func add(_ outcome: SweepOutcome) { state.withLock { $0.outcomes.append(outcome) } }
}
