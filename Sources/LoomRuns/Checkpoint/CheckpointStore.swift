import Foundation

/// The checkpoints of a run: `step-00001200.safetensors` and so on in one directory, the newest few.
public struct CheckpointStore: Sendable {
    /// The directory.
    public let directory: String
    /// How many are kept.
    public let keep: Int

    /// The checkpoints in `directory`, of which the `keep` newest stay.
    public init(directory: String, keep: Int) {
        precondition(keep >= 1, "a run keeps at least its newest checkpoint")
        self.directory = directory
        self.keep = keep
    }

    /// Writes a checkpoint, whole or not at all, and then removes those that are too many.
    /// - Returns: Its path.
    /// - Throws: `AtomicFile.WriteError`.
    @discardableResult
    public func write(_ contents: Safetensors, step: Int) throws -> String {
        try write(step: step) { try contents.write(to: $0) }
    }

    /// As above, of a checkpoint that `write` writes to the path that it is given.
    @discardableResult
    public func write(step: Int, by write: (_ path: String) throws -> Void) throws -> String {
        let digits = String(step)
        let padded = String(repeating: "0", count: max(0, 8 - digits.count)) + digits
        let path = "\(directory)/step-\(padded).safetensors"
        try write(path)
        for old in all.dropLast(keep) {
            try? FileManager.default.removeItem(atPath: old)
        }
        return path
    }

    /// The paths of all checkpoints, the oldest first.
    public var all: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasPrefix("step-") && $0.hasSuffix(".safetensors") }
            .sorted { ($0.count, $0) < ($1.count, $1) }.map { "\(directory)/\($0)" }
    }

    /// The newest checkpoint.
    public var newest: String? { all.last }
}
