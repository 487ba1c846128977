import Foundation
import LoomTraining

/// A run's `metrics.jsonl`: the events of a training, one JSON object a line, appended as they happen.
///
/// Every line is handed to the operating system when it is written, so a crash of the program loses none.
public final class MetricsFile {
    /// The file.
    public let path: String
    private let handle: FileHandle

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

    /// Appends `event` as one line.
    ///
    /// - Throws: what `event`'s own `encode(to:)` throws; the system's error when the disk is full or fails.
    public func append(_ event: some Encodable) throws {
        try handle.write(contentsOf: Data(try JSONLines.line(event).utf8))
    }
}
