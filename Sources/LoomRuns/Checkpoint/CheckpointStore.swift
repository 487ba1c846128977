import Foundation

/// The checkpoints of a run: `step-00001200.safetensors` and so on in one directory, the newest few; with early stopping
/// beside them `best-00000900.safetensors`.
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
        let path = path(Self.prefix, step: step)
        try write(path)
        // Each checkpoint speaks of one of the best parameters at most, later ones of later ones.
        for old in all.dropLast(keep) + files(Self.bestPrefix).dropLast(keep) {
            unlink(old)
        }
        return path
    }

    /// Writes the parameters that were best after `step`, as `best-STEP.safetensors`, beside older ones.
    func writeBest(step: Int, by write: (_ path: String) throws -> Void) throws {
        try write(path(Self.bestPrefix, step: step))
    }

    /// The parameters that were best after one of `steps`, the last such ones, and that step; nil: none were kept.
    func best(after steps: ClosedRange<Int>) -> (path: String, step: Int)? {
        files(Self.bestPrefix).reversed().lazy.compactMap { path in Self.step(of: path).map { (path, $0) } }
            .first { steps.contains($0.1) }
    }

    /// Where the parameters are kept that were best after `step`.
    func bestPath(step: Int) -> String { path(Self.bestPrefix, step: step) }

    /// Removes what belongs to later steps, when training has gone back to `step`: the newest first, so that a run that ends
    /// meanwhile goes on from one of them.
    func removeAll(after step: Int) {
        for path in files(Self.prefix).reversed() + files(Self.bestPrefix).reversed()
        where Self.step(of: path) ?? step > step { unlink(path) }
    }

    /// The step in a file's name; nil: it is none of these.
    static func step(of path: String) -> Int? {
        path.split(separator: "-").last.flatMap { Int($0.dropLast(suffix.count)) }
    }

    private static let prefix = "step-"
    private static let bestPrefix = "best-"
    private static let suffix = ".safetensors"

    private func path(_ prefix: String, step: Int) -> String {
        let digits = String(step)
        return "\(directory)/\(prefix)\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits)\(Self.suffix)"
    }

    private func files(_ prefix: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasPrefix(prefix) && $0.hasSuffix(Self.suffix) }
            .sorted { ($0.count, $0) < ($1.count, $1) }.map { "\(directory)/\($0)" }
    }

    /// The paths of all checkpoints, the oldest first.
    public var all: [String] { files(Self.prefix) }

    /// The newest checkpoint.
    public var newest: String? { all.last }

    /// The best parameters of a training with early stopping, the latest ones; nil: it had none.
    public var best: String? { files(Self.bestPrefix).last }
}
