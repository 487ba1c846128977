import Foundation
import LoomHardware

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

        /// The `errno` value of the system call that failed; nil: none did.
        public let code: Int32?

        /// A refusal for a reason in words.
        public init(path: String, reason: String) {
            (self.path, self.reason, code) = (path, reason, nil)
        }

        /// A refusal with the `errno` value of a system call.
        public init(path: String, code: Int32) {
            (self.path, reason, self.code) = (path, AtomicFile.systemMessage(code), code)
        }

        /// The sentence for the user.
        public var description: String { "cannot write ‘\(path)’: \(reason)" }
    }

    /// The open temporary file that the body of `write(to:_:)` fills; not valid any more when that ends.
    public struct Output {
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

    /// Writes the file at `path` with what `body` appends; a file of that name is replaced, and keeps its permissions. A link
    /// of that name is replaced, too, and never followed. A directory, a device or a pipe is refused.
    ///
    /// When `body` throws or the system refuses, the temporary file is removed and an existing file stays as it was.
    ///
    /// - Throws: `WriteError`, or what `body` throws.
    public static func write(to path: String, _ body: (borrowing Output) throws -> Void) throws {
        try write(to: path, replaces: true, body)
    }

    /// The same. Unless it `replaces`, what has the name already, or gets it meanwhile, is left alone and named.
    package static func write(
        to path: String, replaces: Bool, _ body: (borrowing Output) throws -> Void
    ) throws {
        let permissions = try permissions(of: path, replaces: replaces)
        let directory = directory(of: path)
        // Hidden, and with a random part: two processes may write the same checkpoint name at the same time. The name's
        // beginning alone: the whole may be as long as names can be.
        let suffix = String(UInt64.random(in: 0 ... .max), radix: 36)
        let temporary = "\(directory)/.\(name(of: path).prefix(40)).\(suffix).tmp"

        // Nobody else reads it before it is whole, and nothing is written through what somebody has put there.
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw WriteError(
                path: path, reason: "cannot create a file in ‘\(directory)’: \(systemMessage(errno))")
        }
        do {
            do {
                defer { close(descriptor) }
                try body(Output(descriptor: descriptor, path: path))
                guard synchronize(descriptor) == 0, fchmod(descriptor, permissions) == 0 else {
                    throw WriteError(path: path, code: errno)
                }
            }
            guard (replaces ? rename(temporary, path) : renameOnly(temporary, path)) == 0 else {
                throw WriteError(path: path, code: errno)
            }
        } catch {
            unlink(temporary)
            throw error
        }
        if let failure = synchronizeDirectory(directory) { throw WriteError(path: path, code: failure) }
    }

    /// The permissions that the file at `path` gets: those that it has, or those of new files.
    private static func permissions(of path: String, replaces: Bool) throws(WriteError) -> mode_t {
        var status = stat()
        guard lstat(path, &status) == 0 else { return newFilePermissions }
        guard replaces else { throw WriteError(path: path, code: EEXIST) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return status.st_mode & 0o777
        case S_IFLNK: return newFilePermissions
        case S_IFDIR: throw WriteError(path: path, code: EISDIR)
        default: throw WriteError(path: path, reason: "this is a device or a pipe, expected a file")
        }
    }

    /// What the user's file creation mask leaves of "everybody reads and writes". Asking the system for the mask sets it,
    /// for other threads, too: the kernel's file says it without. Where there is none, files are the user's alone.
    private static var newFilePermissions: mode_t {
        let line = SystemFile.text("/proc/self/status")?.split(separator: "\n").first { $0.hasPrefix("Umask:") }
        let mask = line.flatMap { mode_t($0.dropFirst(6).trimmingCharacters(in: .whitespaces), radix: 8) }
        return 0o666 & ~(mask ?? 0o077)
    }

    /// rename(2) to a name that nothing has: a link never replaces anything.
    private static func renameOnly(_ temporary: String, _ path: String) -> Int32 {
        if link(temporary, path) == 0 {
            unlink(temporary)
            return 0
        }
        // A file system without links, such as FAT.
        guard [EPERM, ENOTSUP, ENOSYS].contains(errno) else { return -1 }
        var status = stat()
        if lstat(path, &status) == 0 {
            errno = EEXIST
            return -1
        }
        return rename(temporary, path)
    }

    /// The last part of `path`.
    static func name(of path: String) -> Substring {
        path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    }

    /// The directory in which `path` is.
    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
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
        let directory = directory(of: path)
        guard access(directory, W_OK | X_OK) == 0 else {
            throw WriteError(
                path: path, reason: "cannot create a file in ‘\(directory)’: \(systemMessage(errno))")
        }
    }

    /// Makes the rename itself survive a power cut; the `errno` value of a disk that failed, nil: it did not.
    ///
    /// Some file systems do not synchronise a directory (EINVAL), and some directories may not be read: the file is complete by
    /// then, so that is no reason to fail.
    private static func synchronizeDirectory(_ directory: String) -> Int32? {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard synchronize(descriptor) != 0, [EIO, ENOSPC, EDQUOT].contains(errno) else { return nil }
        return errno
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
