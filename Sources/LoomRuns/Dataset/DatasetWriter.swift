import Foundation
import LoomData
import LoomKernels

/// Writes data sets as directories in Gradloom's own format (``DatasetManifest``).
///
/// Shards are written side by side. Each of them appears whole or not at all, and the description comes last: a directory
/// whose writing was interrupted says so, and the same call goes on with the shards that are missing.
public struct DatasetWriter: Sendable {
    /// How samples are stored.
    public struct Settings: Sendable {
        /// The rows of all shards but the last; nil: as many as make about 64 MiB.
        public var shardRows: Int?
        /// Whether inputs and real targets are float64, not float32. Inputs that are bytes stay bytes.
        public var isDouble: Bool
        /// Whether a data set that is already in the directory is replaced.
        public var replaces: Bool

        /// How samples are stored.
        public init(shardRows: Int? = nil, isDouble: Bool = false, replaces: Bool = false) {
            (self.shardRows, self.isDouble, self.replaces) = (shardRows, isDouble, replaces)
        }
    }

    /// How far writing has come.
    public struct Progress: Sendable, Equatable {
        /// The rows of shards that were whole before, all of them.
        public var keptRows = 0
        /// The rows written.
        public var writtenRows = 0
        /// The bytes written.
        public var writtenBytes = 0
        /// All rows.
        public let rows: Int

        /// Nothing of so many rows.
        public init(rows: Int) { self.rows = rows }
    }

    /// What a shard has when its rows have no number of their own: large enough for the disk, and small enough for many
    /// cores to have one each.
    private static let shardBytes = 64 << 20

    /// The directory.
    public let path: String
    private let settings: Settings

    /// A writer of the directory at `path`, which need not exist; the directory above has to.
    public init(_ path: String, settings: Settings = Settings()) {
        (self.path, self.settings) = (path, settings)
    }

    /// Writes all samples of `source`.
    ///
    /// - Parameters:
    ///   - source: Where samples come from.
    ///   - provenance: What the description says about that. Shards that an interrupted call left are kept if it said the same.
    ///   - progress: Called after every block of rows, on any thread, one call at a time.
    /// - Returns: The description, as it stands in the directory.
    /// - Throws: `OutputFileError` for a directory that holds something else, and for one that is being written; `DataError`
    ///   for what is wrong with the samples, of which then nothing stays; `AtomicFile.WriteError` for a disk that refuses.
    @discardableResult
    public func write(
        _ source: any DataSource, provenance: DatasetManifest.Provenance,
        progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) throws -> DatasetManifest {
        guard settings.shardRows.map({ $0 > 0 }) ?? true else {
            throw DataError(
                .badConfiguration, source: "shard rows", problem: "\(settings.shardRows ?? 0), expected 1 or more",
                remedy: "leave the number out")
        }
        if let table = source as? CSVSource, table.fillsMissing {
            throw DataError(
                .badConfiguration, source: source.name,
                problem:
                    "values are missing, and their means are those of the training samples, which a training chooses",
                remedy: "set data.csv.missing to drop, or train on the CSV file itself")
        }
        let stored = DatasetRows(source, isDouble: settings.isDouble)
        var manifest = manifest(of: stored, provenance)
        let output = try DatasetOutput(path, manifest, replaces: settings.replaces)
        try output.checkSpace(for: stored.byteCount)
        do {
            manifest.shards = try writeShards(stored, manifest, to: output, progress: progress)
            try output.finish(manifest)
        } catch let error as DataError {
            output.removeAll(manifest)
            throw error
        }
        return manifest
    }

    private func manifest(of rows: DatasetRows, _ provenance: DatasetManifest.Provenance) -> DatasetManifest {
        let source = rows.source
        let shardRows = max(
            1, settings.shardRows ?? Self.shardBytes / max(1, rows.inputType.byteCount * source.featureCount))
        let columns = source.targetColumns
        return DatasetManifest(
            rows: source.count, features: source.featureCount, shardRows: min(shardRows, source.count),
            inputs: .init(element: rows.inputType.rawValue, scale: rows.scale),
            targets: rows.targetType.map { .init(columns, element: $0.rawValue) },
            featureNames: source.featureNames, provenance: provenance)
    }

    private func writeShards(
        _ rows: DatasetRows, _ manifest: DatasetManifest, to output: DatasetOutput,
        progress: @escaping @Sendable (Progress) -> Void
    ) throws -> [DatasetManifest.Shard] {
        let state = ShardStates(rows: manifest.rows, count: manifest.shardCount, progress: progress)
        DispatchQueue.concurrentPerform(iterations: manifest.shardCount) { index in
            guard state.goesOn else { return }
            do {
                let range = manifest.rows(ofShard: index)
                if let kept = output.wholeShard(index, manifest) {
                    state.end(index, kept, keptRows: range.count)
                } else {
                    let shard = try output.write(index, rows, range, manifest) { state.wrote(rows: $0, bytes: $1) }
                    state.end(index, shard, keptRows: 0)
                }
            } catch {
                state.fail(index, error)
            }
        }
        return try state.shards()
    }
}

/// What has come of the shards, on several threads.
private final class ShardStates: @unchecked Sendable {
    // Sendable: every access to the stored properties holds the lock.
    private let lock = NSLock()
    private var progress: DatasetWriter.Progress
    private let report: @Sendable (DatasetWriter.Progress) -> Void
    private var ended: [DatasetManifest.Shard?]
    private var failure: (index: Int, error: any Error)?

    init(rows: Int, count: Int, progress: @escaping @Sendable (DatasetWriter.Progress) -> Void) {
        (self.progress, report) = (DatasetWriter.Progress(rows: rows), progress)
        ended = Array(repeating: nil, count: count)
    }

    /// Whether nothing has failed.
    var goesOn: Bool { lock.withLock { failure == nil } }

    func wrote(rows: Int, bytes: Int) {
        lock.withLock {
            progress.writtenRows += rows
            progress.writtenBytes += bytes
            report(progress)
        }
    }

    func end(_ index: Int, _ shard: DatasetManifest.Shard, keptRows: Int) {
        lock.withLock {
            ended[index] = shard
            progress.keptRows += keptRows
            if keptRows > 0 { report(progress) }
        }
    }

    func fail(_ index: Int, _ error: any Error) {
        lock.withLock {
            if failure.map({ index < $0.index }) ?? true { failure = (index, error) }
        }
    }

    func shards() throws -> [DatasetManifest.Shard] {
        try lock.withLock {
            if let failure { throw failure.error }
            return ended.compactMap { $0 }
        }
    }
}
