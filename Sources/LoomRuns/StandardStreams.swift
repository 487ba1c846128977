import Foundation

/// Standard output: where the results of a program go.
public enum StandardOutput {
    /// Results could not be written, or not all of them.
    public struct WriteError: Error, Equatable, CustomStringConvertible {
        /// The system's reason, an `errno` value.
        public let code: Int32

        /// Whether whoever read the results has gone, as in `gradloom … | head -1`.
        public var isClosedPipe: Bool { code == EPIPE }

        /// The sentence for the user.
        public var description: String { "standard output: \(AtomicFile.systemMessage(code))" }
    }

    /// Writes all of `text` in UTF-8, at once.
    package static func write(_ text: String) throws(WriteError) {
        try write(Array(text.utf8))
    }

    /// Writes all of `bytes`, at once.
    package static func write(_ bytes: some ContiguousBytes) throws(WriteError) {
        let failure = bytes.withUnsafeBytes { writeAll($0, to: STDOUT_FILENO) }
        if let failure { throw WriteError(code: failure) }
    }
}

/// Standard error: where progress, notes and complaints go.
package enum StandardError {
    /// Writes `text` in UTF-8, at once. What cannot be written is lost: there is nowhere to say so, and no work ends for it.
    package static func write(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes { writeAll($0, to: STDERR_FILENO) }
    }
}

/// What a program does about its standard streams before all else.
package enum StandardStreams {
    /// Makes streams that cannot be written say so, and do nothing else.
    ///
    /// - A closed descriptor would be given to the next file that is opened, and text for the stream would land in that file.
    ///   It is opened on the null device for reading, so that whoever writes to it is refused with EBADF.
    /// - A write to a pipe that nobody reads is refused with EPIPE, one beyond the limit of a file's size with EFBIG, and no
    ///   signal ends the program.
    package static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // open(2) gives the lowest free number: those below are open by then.
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
        where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
            _ = open("/dev/null", O_RDONLY)
        }
    }
}

/// Writes all of `bytes`; the `errno` of a refusal, nil when everything was written.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32? {
    var written = 0
    while written < bytes.count {
        let result = write(descriptor, bytes.baseAddress! + written, bytes.count - written)
        if result >= 0 {
            written += result
        } else if errno == EAGAIN || errno == EWOULDBLOCK {
            // A parent may have left a pipe or a terminal in this mode, which is not this program's to change.
            var event = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            if poll(&event, 1, -1) < 0, errno != EINTR { return errno }
        } else if errno != EINTR {
            return errno
        }
    }
    return nil
}
