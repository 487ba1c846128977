import LoomHardware
import LoomTraining
import Synchronization

/// Counts what happens to each worker's thread while it works: context switches, migrations, faults and, where the kernel
/// allows, cycles and instructions.
///
/// Counters belong to threads, and a region may give a worker another one, so they are opened where a worker is bound to its
/// place and read where it is let go.
final class WorkerCounters: Sendable {
    private struct State: ~Copyable {
        var counters: ThreadCounters?
        var before: CounterSample?
        var sum: CounterReading?
    }
    /// Each is locked by its own worker only, twice a region.
    private final class Worker: Sendable {
        let state = Mutex(State())
    }

    private let workers: [Worker]

    init(workers: Int) {
        self.workers = (0..<workers).map { _ in Worker() }
    }

    /// `binding`, with counters around the work.
    func counting(_ binding: WorkerBinding) -> WorkerBinding {
        WorkerBinding(
            bind: { [workers] worker in
                // A worker that is refused is not restored, either.
                guard binding.bind(worker) else { return false }
                // Behind the binding, which may move the thread.
                workers[worker].state.withLock { state in
                    let counters = ThreadCounters()
                    state.before = counters.read()
                    state.counters = consume counters
                }
                return true
            },
            restore: { [workers] worker in
                workers[worker].state.withLock { state in
                    guard let before = state.before, let after = state.counters?.read() else { return }
                    let reading = after.since(before)
                    state.sum = state.sum.map { $0 + reading } ?? reading
                    state.counters = nil
                    state.before = nil
                }
                binding.restore(worker)
            })
    }

    /// What was counted, by worker; nil where workers are not bound.
    func readings() -> [CounterReading?] {
        workers.map { $0.state.withLock { $0.sum } }
    }
}
