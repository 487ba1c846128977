import Foundation
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

    /// Opens the file for appending, and creates it where it is missing.
    ///
    /// A last line without its newline, left by a crash in the middle of a write, is removed.
    ///
    /// - Throws: `AtomicFile.WriteError` when the file cannot be written.
    public init(appendingTo path: String) throws {
        self.path = path
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw AtomicFile.WriteError(path: path, code: errno)
        }
        self.handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let contents = try handle.readToEnd() ?? Data()
        let completeBytes = contents.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        if completeBytes < contents.count {
            try handle.truncate(atOffset: UInt64(completeBytes))
        }
    }

    /// Makes sure that what was appended survives a power cut, and says how many bytes there are.
    ///
    /// - Throws: `AtomicFile.WriteError`.
    func synchronizedBytes() throws(AtomicFile.WriteError) -> Int {
        let descriptor = handle.fileDescriptor
        guard pending.isEmpty else {
            throw AtomicFile.WriteError(path: path, reason: "the system has not taken all lines")
        }
        var status = stat()
        guard synchronize(descriptor) == 0 || errno == EINVAL, fstat(descriptor, &status) == 0 else {
            throw AtomicFile.WriteError(path: path, code: errno)
        }
        return Int(status.st_size)
    }

    /// Removes what was appended after the file had so many bytes.
    ///
    /// - Throws: `AtomicFile.WriteError`: it has fewer, or cannot be written.
    static func truncate(_ path: String, to bytes: Int) throws(AtomicFile.WriteError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw AtomicFile.WriteError(path: path, code: errno) }
        guard status.st_size >= bytes else {
            throw AtomicFile.WriteError(
                path: path,
                reason:
                    "it has \(status.st_size) bytes, but had \(bytes) when the checkpoint was written: lines are missing"
            )
        }
        guard Foundation.truncate(path, off_t(bytes)) == 0 else {
            throw AtomicFile.WriteError(path: path, code: errno)
        }
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
            pending.removeFirst(written)
        }
    }
}
