import Synchronization

/// Counts samples as they are read or made, on whichever thread.
public final class LoadProgress: Sendable {
    private let done = Atomic(0)
    private let report: @Sendable (_ done: Int) -> Void

    /// - Parameter report: Told how many samples are done after every block of them, from any thread.
    public init(report: @escaping @Sendable (_ done: Int) -> Void) { self.report = report }

    /// `samples` more are done.
    package func add(_ samples: Int) { report(done.add(samples, ordering: .relaxed).newValue) }
}
