import CHardware
import LoomKernels
import Synchronization

/// A request to end a training after its current step. Any thread may raise it at any time, a signal handler too.
///
/// Every trainer has one of its own, so that a request ends one training, not those that follow in the same process.
public final class StopRequest: @unchecked Sendable {
    // Sendable: the word is read and written by atomic operations only.

    /// The word of a request as a step sees it; valid while the request lives.
    struct Flag: BitwiseCopyable {
        fileprivate let word: UnsafeMutablePointer<Atomic<Int32>>
        @inline(__always) var isRaised: Bool { word.pointee.load(ordering: .relaxed) != 0 }
    }

    // A cache line of its own: all that a step reads of it.
    private let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
    private let word: UnsafeMutablePointer<Atomic<Int32>>

    /// A request that is not raised.
    public init() {
        word = memory.bindMemory(to: Atomic<Int32>.self, capacity: 1)
        word.initialize(to: Atomic(0))
    }

    deinit {
        loom_forget_stop_signals(word)
        word.deinitialize(count: 1)
        memory.deallocate()
    }

    var flag: Flag { Flag(word: word) }

    /// Asks the training to end after its current step.
    public func raise() { word.pointee.store(-1, ordering: .relaxed) }

    /// Takes the request back: training may go on.
    public func reset() { word.pointee.store(0, ordering: .relaxed) }

    /// Whether training was asked to end.
    public var isRaised: Bool { flag.isRaised }

    /// The signal that asked; nil: none.
    public var signal: Int32? {
        let number = word.pointee.load(ordering: .relaxed)
        return number > 0 ? number : nil
    }

    /// From now on the first SIGINT (Ctrl-C), SIGTERM, SIGHUP (unless the program was told to ignore it) or SIGUSR1 (which
    /// batch systems send before a job's time is over) raises this request; the same one again ends the program as usual. To
    /// be called on the main thread. The last request that asked for signals gets them.
    public func raiseOnSignals() { loom_note_stop_signals(word) }

    /// From now on, as long as no request asks for them, these signals end the program at once, unless it was told to ignore
    /// them: also where whoever started it had blocked them, and in a container whose first process it is. To be called on
    /// the main thread, before all else.
    package static func endProgramOnSignals() { loom_end_on_signals() }
}
