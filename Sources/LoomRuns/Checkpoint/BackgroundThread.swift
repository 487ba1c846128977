import Foundation

/// A thread for one piece of work. Dispatch's threads are left to the workers.
package final class BackgroundThread: Sendable {
    /// The work of a thread that has not begun.
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private let thread: pthread_t

    /// Begins to do `body`; nil: the system gives no more threads.
    package init?(_ body: @escaping @Sendable () -> Void) {
        let work = Unmanaged.passRetained(Work(body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, work.toOpaque())
        guard code == 0 else {
            work.release()
            return nil
        }
        self.thread = thread
    }

    /// Does `body` on a thread that nobody waits for; false: the system gives no more threads.
    package static func detach(_ body: @escaping @Sendable () -> Void) -> Bool {
        guard let thread = BackgroundThread(body)?.thread else { return false }
        pthread_detach(thread)
        return true
    }

    /// Waits until the work is done. To be called exactly once.
    package func join() { pthread_join(thread, nil) }

    /// Seconds of processor time that the calling thread has had.
    static func processorSeconds() -> Double {
        var time = timespec()
        guard clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
}
