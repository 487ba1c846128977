import Foundation
import Synchronization
import Testing

@testable import LoomRuns

/// Writing all of some bytes, whatever the system takes at a time.
@Suite struct StandardStreamTests {
    private static let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }

    private static func pipe() -> (reader: Int32, writer: Int32) {
        var ends: [Int32] = [0, 0]
        precondition(Foundation.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    /// Everything up to the end, a little at a time.
    private static func contents(of reader: Int32) -> [UInt8] {
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 10_000)
        while true {
            let count = read(reader, &part, part.count)
            guard count > 0 else { return all }
            all += part[..<count]
        }
    }

    /// Writes the bytes to `writer`, on a thread of its own that `began` is told of, and closes it.
    private static func write(to writer: Int32, began: @escaping @Sendable (pthread_t) -> Void = { _ in }) -> Writing {
        let writing = Writing()
        Thread.detachNewThread {
            began(pthread_self())
            let failure = bytes.withUnsafeBytes { writeAll($0, to: writer) }
            close(writer)
            writing.failure.withLock { $0 = .some(failure) }
            writing.ended.signal()
        }
        return writing
    }

    private final class Writing: Sendable {
        let failure = Mutex<Int32??>(nil)
        let ended = DispatchSemaphore(value: 0)
    }

    @Test func aDescriptorThatDoesNotWaitIsWaitedFor() {
        let (reader, writer) = Self.pipe()
        defer { close(reader) }
        #expect(fcntl(writer, F_SETFL, O_NONBLOCK) == 0)
        let writing = Self.write(to: writer)
        let isWhole = Self.contents(of: reader) == Self.bytes
        #expect(isWhole)
        writing.ended.wait()
        #expect(writing.failure.withLock { $0 } == .some(nil))
    }

    @Test func signalsDoNotEndAWrite() {
        // Without SA_RESTART, so that system calls end with EINTR.
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        var before = sigaction()
        sigaction(SIGURG, &action, &before)
        defer { sigaction(SIGURG, &before, nil) }
        let (reader, writer) = Self.pipe()
        defer { close(reader) }
        // Full, so that the write has nothing done when the signal comes.
        #expect(fcntl(writer, F_SETFL, O_NONBLOCK) == 0)
        var filling: [UInt8] = []
        while Foundation.write(writer, Self.bytes, 1) == 1 { filling.append(Self.bytes[0]) }
        #expect(fcntl(writer, F_SETFL, 0) == 0)

        let thread = Mutex<pthread_t?>(nil)
        let began = DispatchSemaphore(value: 0)
        let writing = Self.write(to: writer) { value in
            // Threads of Dispatch block all signals, and those that they start inherit it.
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGURG)
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            thread.withLock { $0 = value }
            began.signal()
        }
        began.wait()
        usleep(50_000)
        thread.withLock { _ = pthread_kill($0!, SIGURG) }
        // A write that finds room when it wakes up does not end.
        usleep(50_000)
        let isWhole = Self.contents(of: reader) == filling + Self.bytes
        #expect(isWhole)
        writing.ended.wait()
        #expect(writing.failure.withLock { $0 } == .some(nil))
    }

    @Test func refusalsHaveTheirReason() throws {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        #expect(Self.bytes.withUnsafeBytes { writeAll($0, to: full) } == ENOSPC)
        let readable = open("/dev/null", O_RDONLY)
        defer { close(readable) }
        #expect(Self.bytes.withUnsafeBytes { writeAll($0, to: readable) } == EBADF)
        #expect("\(StandardOutput.WriteError(code: ENOSPC))" == "standard output: No space left on device")
        #expect(
            StandardOutput.WriteError(code: EPIPE).isClosedPipe && !StandardOutput.WriteError(code: EIO).isClosedPipe)
    }
}
