import CHardware
import Synchronization

/// How worker *n* is bound to its place on the machine, for as long as it works.
///
/// Whatever has to be remembered between the two calls belongs to the worker's index, not to the thread:
/// between two regions the system gives an index to another thread, and a thread to another index.
public struct WorkerBinding: Sendable {
    /// Binds the calling thread to the place of a worker, and remembers under that index what to restore.
    /// False: the system refused, and nothing was changed.
    public let bind: @Sendable (_ worker: Int) -> Bool
    /// Gives the calling thread back what it had before `bind` returned true for the same index.
    public let restore: @Sendable (_ worker: Int) -> Void

    /// A binding made of its two halves.
    public init(
        bind: @escaping @Sendable (_ worker: Int) -> Bool,
        restore: @escaping @Sendable (_ worker: Int) -> Void
    ) {
        self.bind = bind
        self.restore = restore
    }
}

/// Runs `body` on the calling thread as `worker`: bound to its place, with subnormal numbers flushed to zero.
/// Afterwards the thread is as it was before. A binding that is refused is counted, and `body` runs unbound.
@inline(__always)
func bound<Result>(
    to binding: WorkerBinding?, worker: Int, refusedBindings: borrowing Atomic<Int>, _ body: () -> Result
) -> Result {
    guard let binding else { return flushingSubnormals(body) }
    guard binding.bind(worker) else {
        refusedBindings.add(1, ordering: .relaxed)
        return flushingSubnormals(body)
    }
    defer { binding.restore(worker) }
    return flushingSubnormals(body)
}

/// Runs `body` with subnormal numbers flushed to zero on the calling thread, and then sets the thread's
/// floating-point mode back to what it was.
@inline(__always)
func flushingSubnormals<Result>(_ body: () -> Result) -> Result {
    let before = loom_flush_subnormals()
    defer { loom_set_floating_point_mode(before) }
    return body()
}
