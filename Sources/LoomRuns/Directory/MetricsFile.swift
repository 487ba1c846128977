import Foundation
import LoomKernels
import LoomModel
import LoomTraining

/// A run's `metrics.jsonl`: the events of a training, one JSON object a line, appended as they happen.
///
/// Every line is handed to the operating system when it is written, so a crash of the program loses none.
public final class MetricsFile {
    /// The file.
    public let path: String
    private let handle: FileHandle
    /// What the system did not take: it comes before the next line.
    private var pending: [UInt8] = []
    /// SHA-256 over what the file was given.
    private var sum = SHA256()

    /// Opens the file for appending, and creates it where it is missing.
    ///
    /// A last line without its newline, left by a crash in the middle of a write, is removed.
    ///
    /// - Throws: `AtomicFile.WriteError` when the file cannot be written.
    public init(appendingTo path: String) throws {
        self.path = path
        let descriptor = try RegularFile.open(path, O_RDWR | O_CREAT | O_APPEND)
        self.handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let contents = try handle.readToEnd() ?? Data()
        let completeBytes = contents.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        if completeBytes < contents.count {
            try handle.truncate(atOffset: UInt64(completeBytes))
        }
        sum.add([UInt8](contents.prefix(completeBytes)))
    }

    /// How long the file was at a moment; valid while the file is open.
    struct Mark: Sendable {
        fileprivate let path: String
        fileprivate let descriptor: Int32
        /// Bytes, each line whole.
        fileprivate let bytes: Int
        /// SHA-256 over them, in hexadecimal digits.
        let sum: String

        /// Makes sure that so much survives a power cut, and says how much it is. Any thread may do so.
        ///
        /// - Throws: `AtomicFile.WriteError`.
        func synchronize() throws(AtomicFile.WriteError) -> Int {
            guard LoomRuns.synchronize(descriptor) == 0 || errno == EINVAL else {
                throw AtomicFile.WriteError(path: path, code: errno)
            }
            return bytes
        }
    }

    /// How long the file is now.
    ///
    /// - Throws: `AtomicFile.WriteError`: the system has not taken all lines.
    func mark() throws(AtomicFile.WriteError) -> Mark {
        guard pending.isEmpty else {
            throw AtomicFile.WriteError(path: path, reason: "the system has not taken all lines")
        }
        var status = stat()
        guard fstat(handle.fileDescriptor, &status) == 0 else { throw AtomicFile.WriteError(path: path, code: errno) }
        return Mark(path: path, descriptor: handle.fileDescriptor, bytes: Int(status.st_size), sum: sum.digits())
    }

    /// Removes what was appended after the file had so many bytes.
    ///
    /// - Throws: `AtomicFile.WriteError`: it has fewer, or cannot be written.
    static func truncate(_ path: String, to bytes: Int) throws(AtomicFile.WriteError) {
        let descriptor: Int32
        do throws(AtomicFile.WriteError) {
            descriptor = try RegularFile.open(path, O_WRONLY)
        } catch {
            // The run ended before it had one.
            if error.code == ENOENT, bytes == 0 { return }
            throw error
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw AtomicFile.WriteError(path: path, code: errno) }
        guard status.st_size >= bytes else {
            throw AtomicFile.WriteError(
                path: path,
                reason:
                    "it has \(status.st_size) bytes, but had \(bytes) when the checkpoint was written: lines are missing"
            )
        }
        guard ftruncate(descriptor, off_t(bytes)) == 0 else {
            throw AtomicFile.WriteError(path: path, code: errno)
        }
    }

    /// Sees to it that what was appended survives a power cut, as far as the system does.
    package func synchronize() { _ = try? mark().synchronize() }

    /// Removes what was appended after the file had so many bytes; nil: after its first line, which tells how the run began.
    ///
    /// - Throws: `AtomicFile.WriteError`: it has fewer, or cannot be written.
    func truncate(to bytes: Int?) throws {
        pending = []
        let contents = try Data(contentsOf: URL(fileURLWithPath: path))
        let kept = bytes ?? contents.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        try Self.truncate(path, to: kept)
        sum = SHA256()
        sum.add([UInt8](contents.prefix(kept)))
    }

    /// Appends `event` as one line, behind those that the system has refused so far.
    ///
    /// - Throws: what `event`'s own `encode(to:)` throws; `AtomicFile.WriteError` when the disk is full or fails.
    public func append(_ event: some Encodable) throws {
        pending += Array(try JSONLines.line(event).utf8)
        while !pending.isEmpty {
            let written = pending.withUnsafeBytes { write(handle.fileDescriptor, $0.baseAddress!, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written >= 0 else { throw AtomicFile.WriteError(path: path, code: errno) }
            sum.add(Array(pending.prefix(written)))
            pending.removeFirst(written)
        }
    }
}
