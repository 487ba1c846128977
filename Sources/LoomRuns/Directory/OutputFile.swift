import Foundation

/// Why a command does not write the file that it was told to.
package struct OutputFileError: Error, CustomStringConvertible, Equatable {
    /// The file as the user has named it.
    package let path: String
    private let reason: String

    init(_ path: String, _ reason: String) {
        (self.path, self.reason) = (path, reason)
    }

    /// The sentence for the user.
    package var description: String { "‘\(path)’ \(reason)" }
}

/// A place that a user has named for results: a file, which appears whole or not at all, or a stream.
///
/// A file that exists is replaced only when that was asked for. A device, such as `/dev/null`, and a named pipe are written
/// to, and so are open descriptors by their names in `/dev/fd`, of which `/dev/stdout` is one, and `-`, which is standard
/// output. A link to one of these is followed. Other links are refused: to replace the link and to replace what it leads to
/// are different wishes.
package struct OutputFile: Sendable {
    /// As the user has named it.
    package let path: String
    private let target: Target
    private let replaces: Bool

    private enum Target: Equatable {
        case file
        case descriptor(Int32)
        /// A device or a pipe, by its own name.
        case stream(String)
    }

    /// Finds out at once what would be found out when the file at `path` is written.
    ///
    /// - Parameters:
    ///   - replaces: Whether a file that exists is replaced.
    ///   - remedy: What a user can do about one that exists.
    /// - Throws: `OutputFileError`; `AtomicFile.WriteError` where its directory does not exist or may not be written.
    package init(_ path: String, replaces: Bool, remedy: String = "--force replaces it") throws {
        self.path = path
        self.replaces = replaces
        if let descriptor = Self.descriptor(named: path) {
            target = .descriptor(descriptor)
            return
        }
        var (own, status) = (stat(), stat())
        guard lstat(path, &own) == 0 else {
            target = .file
            try AtomicFile.checkDirectory(of: path)
            return
        }
        let isLink = own.st_mode & S_IFMT == S_IFLNK
        let leads = stat(path, &status) == 0
        switch leads ? status.st_mode & S_IFMT : S_IFLNK {
        case S_IFCHR, S_IFIFO, S_IFSOCK:
            guard let name = realpath(path, nil) else { throw AtomicFile.WriteError(path: path, code: errno) }
            defer { free(name) }
            target = .stream(String(cString: name))
        case _ where isLink:
            throw OutputFileError(path, "is a link\(Self.destination(path)): name the file itself, or remove the link")
        case S_IFREG:
            guard replaces else { throw OutputFileError(path, "exists: \(remedy)") }
            target = .file
            try AtomicFile.checkDirectory(of: path)
        default:
            throw OutputFileError(path, "is a directory or a disk: name a file")
        }
    }

    /// Whether it is the program's own standard output.
    package var isStandardOutput: Bool { target == .descriptor(STDOUT_FILENO) }

    /// Whether it is no file.
    package var isStream: Bool { target != .file }

    /// Writes what `body` appends.
    ///
    /// - Throws: `AtomicFile.WriteError`, `StandardOutput.WriteError`, or what `body` throws.
    package func write(_ body: (borrowing AtomicFile.Output) throws -> Void) throws {
        switch target {
        case .file:
            try AtomicFile.write(to: path, replaces: replaces, body)
        case .descriptor(let descriptor):
            do {
                try body(AtomicFile.Output(descriptor: descriptor, path: path))
            } catch let error as AtomicFile.WriteError {
                guard isStandardOutput, let code = error.code else { throw error }
                throw StandardOutput.WriteError(code: code)
            }
        case .stream(let name):
            let descriptor = try open(name)
            defer { close(descriptor) }
            try body(AtomicFile.Output(descriptor: descriptor, path: path))
        }
    }

    /// Writes `text` in UTF-8.
    ///
    /// - Throws: as `write(_:)`.
    package func write(_ text: String) throws {
        try write { try $0.append(text) }
    }

    /// Opens a stream, for which a pipe waits until somebody reads. What has become a file meanwhile stays as it is.
    private func open(_ name: String) throws -> Int32 {
        while true {
            let descriptor = Foundation.open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW)
            if descriptor < 0, errno == EINTR { continue }
            guard descriptor >= 0 else { throw AtomicFile.WriteError(path: path, code: errno) }
            var status = stat()
            if fstat(descriptor, &status) == 0, [S_IFCHR, S_IFIFO].contains(status.st_mode & S_IFMT) {
                return descriptor
            }
            close(descriptor)
            throw AtomicFile.WriteError(path: path, reason: "this is no device or pipe any more")
        }
    }

    private static func destination(_ path: String) -> String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: path)).map { " to ‘\($0)’" } ?? ""
    }

    /// The descriptor whose name `path` is, through links, as bash and awk take it. Opening such a name would begin again at
    /// the start of the file that standard output was redirected to.
    static func descriptor(named path: String) -> Int32? {
        if path == "-" { return STDOUT_FILENO }
        let own = resolved("/proc/self/fd")
        var path = path
        // As many links as the kernel follows.
        for _ in 0..<40 {
            let directory = AtomicFile.directory(of: path)
            if let own, resolved(directory) == own { return Int32(AtomicFile.name(of: path)) }
            guard let next = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else { return nil }
            path = next.hasPrefix("/") ? next : "\(directory)/\(next)"
        }
        return nil
    }

    private static func resolved(_ path: String) -> String? {
        guard let name = realpath(path, nil) else { return nil }
        defer { free(name) }
        return String(cString: name)
    }
}
