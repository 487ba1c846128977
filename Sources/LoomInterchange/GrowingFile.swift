import Foundation
import LoomRuns

/// A file beside a run's metrics to which something is added at times; what an interruption made wrong is cut off.
final class GrowingFile {
    private let handle: FileHandle
    private let path: String
    /// Whether nothing was kept.
    let isEmpty: Bool

    /// Opens the file, makes it where there is none, and keeps as many bytes of what is there as `prefix` says.
    /// - Throws: `AtomicFile.WriteError`.
    init(_ path: String, keeping prefix: (Data) -> Int) throws {
        self.path = path
        handle = FileHandle(
            fileDescriptor: try RegularFile.open(path, O_RDWR | O_CREAT | O_APPEND), closeOnDealloc: true)
        do {
            let kept = prefix(try handle.readToEnd() ?? Data())
            isEmpty = kept == 0
            try handle.truncate(atOffset: UInt64(kept))
        } catch {
            throw AtomicFile.WriteError(path: path, reason: error.localizedDescription)
        }
    }

    /// Appends bytes.
    /// - Throws: `AtomicFile.WriteError`.
    func append(_ bytes: [UInt8]) throws {
        do {
            try handle.write(contentsOf: bytes)
        } catch {
            throw AtomicFile.WriteError(path: path, reason: error.localizedDescription)
        }
    }
}
