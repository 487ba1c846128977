import Foundation

/// Files that appear whole or not at all.
///
/// The bytes go to a temporary file in the same directory, which is synchronised with the disk and then renamed over
/// the target: a reader, or a restart after a power cut, sees the old file or the new one, never half of one.
public enum AtomicFile {
    /// Why a file could not be written.
    public struct WriteError: Error, CustomStringConvertible, Equatable {
        /// The file that was to be written.
        public let path: String
        /// What failed, for example "cannot create a file in ‘runs’: Permission denied".
        public let reason: String

        /// A refusal for a reason in words.
        public init(path: String, reason: String) {
            self.path = path
            self.reason = reason
        }

        /// A refusal with the `errno` value of a system call.
        public init(path: String, code: Int32) {
            self.init(path: path, reason: AtomicFile.systemMessage(code))
        }

        /// The sentence for the user.
        public var description: String { "cannot write ‘\(path)’: \(reason)" }
    }

    /// The open temporary file that the body of `write(to:_:)` fills.
    public struct Output: ~Copyable {
        let descriptor: Int32
        let path: String

        /// Appends the elements' bytes in memory order (little-endian on every supported machine).
        ///
        /// - Throws: `WriteError` when the disk is full or fails.
        public func append<Element: BitwiseCopyable>(_ elements: [Element]) throws(WriteError) {
            let failure = elements.withUnsafeBytes { writeAll($0, to: descriptor) }
            if let failure { throw WriteError(path: path, code: failure) }
        }

        /// Appends the bytes.
        ///
        /// - Throws: `WriteError` when the disk is full or fails.
        public func append(_ bytes: UnsafeRawBufferPointer) throws(WriteError) {
            if let failure = writeAll(bytes, to: descriptor) { throw WriteError(path: path, code: failure) }
        }

        /// Appends the text in UTF-8.
        ///
        /// - Throws: `WriteError` when the disk is full or fails.
        public func append(_ text: String) throws(WriteError) {
            try append(Array(text.utf8))
        }
    }

    /// Writes the file at `path` with what `body` appends; an existing file is replaced, and a link's target where the path
    /// is one of a link. What is no file, such as a device or a pipe, is written to as it is.
    ///
    /// When `body` throws or the system refuses, the temporary file is removed and an existing file stays as it was.
    ///
    /// - Throws: `WriteError`, or what `body` throws.
    public static func write(to path: String, _ body: (borrowing Output) throws -> Void) throws {
        guard let resolved = realpath(path, nil) else { return try replace(path, calledBy: path, body) }
        defer { free(resolved) }
        var status = stat()
        let isFile = stat(resolved, &status) != 0 || [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
        if isFile { return try replace(String(cString: resolved), calledBy: path, body) }
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw WriteError(path: path, code: errno) }
        defer { close(descriptor) }
        try body(Output(descriptor: descriptor, path: path))
    }

    /// Replaces `file`, which the user calls `path`.
    private static func replace(
        _ file: String, calledBy path: String, _ body: (borrowing Output) throws -> Void
    ) throws {
        let target = URL(fileURLWithPath: file)
        let directory = target.deletingLastPathComponent().path
        // Hidden, and with a random part: two processes may write the same checkpoint name at the same time.
        let suffix = String(UInt64.random(in: 0 ... .max), radix: 36)
        let temporary = "\(directory)/.\(target.lastPathComponent).\(suffix).tmp"

        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw WriteError(
                path: path, reason: "cannot create a file in ‘\(directory)’: \(systemMessage(errno))")
        }
        do {
            do {
                defer { close(descriptor) }
                try body(Output(descriptor: descriptor, path: path))
                guard synchronize(descriptor) == 0 else {
                    throw WriteError(path: path, code: errno)
                }
            }
            guard rename(temporary, file) == 0 else {
                throw WriteError(path: path, code: errno)
            }
        } catch {
            unlink(temporary)
            throw error
        }
        synchronizeDirectory(directory)
    }

    /// Writes `text` in UTF-8 as the whole file at `path`.
    ///
    /// - Throws: `WriteError`.
    public static func write(_ text: String, to path: String) throws {
        try write(to: path) { output in try output.append(text) }
    }

    /// Removes what writers that were killed left in `directories`, in which nobody else writes.
    static func removeLeftovers(in directories: [String]) {
        for directory in directories {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
            where name.wholeMatch(of: /\..+\.[0-9a-z]{1,13}\.tmp/) != nil {
                unlink("\(directory)/\(name)")
            }
        }
    }

    /// Finds out at once what would be found out when the file at `path` is written.
    ///
    /// - Throws: `WriteError` where its directory does not exist or may not be written.
    package static func checkDirectory(of path: String) throws(WriteError) {
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard access(directory, W_OK | X_OK) == 0 else {
            throw WriteError(
                path: path, reason: "cannot create a file in ‘\(directory)’: \(systemMessage(errno))")
        }
    }

    /// Makes the rename itself survive a power cut.
    ///
    /// Some file systems refuse to synchronise a directory (EINVAL). The file is complete by then, so a refusal
    /// is no reason to fail.
    private static func synchronizeDirectory(_ directory: String) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// The system's words for an `errno` value.
    static func systemMessage(_ code: Int32) -> String {
        String(cString: strerror(code))
    }
}

/// fsync(2), again where a signal has interrupted it.
func synchronize(_ descriptor: Int32) -> Int32 {
    while true {
        let result = fsync(descriptor)
        if result == 0 || errno != EINTR { return result }
    }
}
