import Foundation
import LoomData
import LoomKernels

/// A directory that a data set is written to.
final class DatasetOutput: Sendable {
    private let path: String
    /// Held while the directory is written: its lock ends with the process.
    private let descriptor: Int32
    /// Whether shards of an interrupted writing may be there.
    private let mayHaveShards: Bool

    /// Makes the directory, or takes one whose writing was interrupted.
    ///
    /// - Throws: `OutputFileError` for one that holds something else, or is being written; `AtomicFile.WriteError`.
    init(_ path: String, _ manifest: DatasetManifest, replaces: Bool) throws {
        self.path = path
        var status = stat()
        if lstat(path, &status) == 0 {
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw OutputFileError(path, "is a file, expected a directory: give another name")
            }
        } else if mkdir(path, 0o777) != 0 {
            throw AtomicFile.WriteError(path: path, code: errno)
        }
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw AtomicFile.WriteError(path: path, code: errno) }
        do {
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
                throw OutputFileError(path, "is being written by another process: wait for its end")
            }
            mayHaveShards = try Self.prepare(path, manifest, replaces: replaces)
            if !mayHaveShards {
                try AtomicFile.write(JSONLines.document(manifest), to: Self.incomplete(path))
            }
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    private static func incomplete(_ path: String) -> String { "\(path)/\(DatasetManifest.incompleteFileName)" }
    private static func complete(_ path: String) -> String { "\(path)/\(DatasetManifest.fileName)" }

    /// Looks at what is in the directory, and removes what is to be replaced; whether an interrupted writing goes on.
    private static func prepare(_ path: String, _ manifest: DatasetManifest, replaces: Bool) throws -> Bool {
        AtomicFile.removeLeftovers(in: [path])
        let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        let own = [DatasetManifest.fileName, DatasetManifest.incompleteFileName]
        let isOwn = { (name: String) in own.contains(name) || DatasetManifest.isShardName(name) }
        if let other = names.first(where: { !isOwn($0) }) {
            throw OutputFileError(path, "holds other files, such as \(other): name a new directory")
        }
        if !names.contains(own[0]), let text = try? String(contentsOfFile: incomplete(path), encoding: .utf8),
            text == (try JSONLines.document(manifest))
        {
            return true
        }
        guard names.isEmpty || replaces else {
            let what = names.contains(own[0]) ? "holds a data set" : "holds a part of another data set"
            throw OutputFileError(path, "\(what): --force replaces it")
        }
        // The description first: what is left of the rest does not look whole.
        for name in own + names.filter({ !own.contains($0) }) where names.contains(name) {
            guard unlink("\(path)/\(name)") == 0 else { throw AtomicFile.WriteError(path: path, code: errno) }
        }
        return false
    }

    /// The description of shard `index`, if an interrupted writing has left it whole.
    func wholeShard(_ index: Int, _ manifest: DatasetManifest) -> DatasetManifest.Shard? {
        guard mayHaveShards else { return nil }
        let rows = manifest.rows(ofShard: index).count
        func file(_ kind: String, _ element: String, columns: Int) -> DatasetManifest.File? {
            let name = DatasetManifest.fileName(kind, shard: index)
            return DatasetShard.whole("\(path)/\(name)", name: name, element: element, rows: rows, columns: columns)
        }
        guard let inputs = file("inputs", manifest.inputs.element, columns: manifest.features) else { return nil }
        guard let columns = manifest.targets else { return .init(rows: rows, inputs: inputs) }
        guard let targets = file("targets", columns.element, columns: columns.columns) else { return nil }
        return .init(rows: rows, inputs: inputs, targets: targets)
    }

    /// Finds out at once what would be found out when the disk is full. Files that are there already are a part of `bytes`.
    func checkSpace(for bytes: Double) throws {
        var space = statvfs()
        guard statvfs(path, &space) == 0 else { return }
        let free = Double(space.f_bavail) * Double(space.f_frsize)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        let kept = names.reduce(0.0) { sum, name in
            var status = stat()
            return stat("\(path)/\(name)", &status) == 0 ? sum + Double(status.st_size) : sum
        }
        guard bytes - kept > free else { return }
        let words = { (bytes: Double) in MemorySize.words(Int(min(bytes, 0x1p62))) }
        let reason = "the samples need \(words(bytes - kept)), and \(words(free)) are free there"
        if names.allSatisfy({ $0 == DatasetManifest.incompleteFileName }) { removeDescription() }
        throw AtomicFile.WriteError(path: path, reason: reason)
    }

    /// Removes the directory, in which nothing but the description is.
    private func removeDescription() {
        unlink(Self.incomplete(path))
        rmdir(path)
    }

    /// Writes the samples `range` as shard `index`.
    func write(
        _ index: Int, _ rows: DatasetRows, _ range: Range<Int>, _ manifest: DatasetManifest,
        progress: (_ rows: Int, _ bytes: Int) -> Void
    ) throws -> DatasetManifest.Shard {
        let inputName = DatasetManifest.fileName("inputs", shard: index)
        var inputs = HashedFile(inputName)
        guard let columns = manifest.targets else {
            try AtomicFile.write(to: "\(path)/\(inputName)") { output in
                try inputs.begin(manifest.inputs.element, rows: range.count, columns: manifest.features, output)
                try rows.forEachBlock(range) { count, bytes, _ in
                    try inputs.append(bytes, output)
                    progress(count, bytes.count)
                }
            }
            return .init(rows: range.count, inputs: inputs.description)
        }
        let targetName = DatasetManifest.fileName("targets", shard: index)
        var targets = HashedFile(targetName)
        try AtomicFile.write(to: "\(path)/\(inputName)") { inputOutput in
            let inputOutput = copy inputOutput
            try inputs.begin(manifest.inputs.element, rows: range.count, columns: manifest.features, inputOutput)
            try AtomicFile.write(to: "\(path)/\(targetName)") { targetOutput in
                try targets.begin(columns.element, rows: range.count, columns: columns.columns, targetOutput)
                try rows.forEachBlock(range) { count, inputBytes, targetBytes in
                    try inputs.append(inputBytes, inputOutput)
                    try targets.append(targetBytes, targetOutput)
                    progress(count, inputBytes.count + targetBytes.count)
                }
            }
        }
        return .init(rows: range.count, inputs: inputs.description, targets: targets.description)
    }

    /// Writes the description, with which the directory is whole.
    func finish(_ manifest: DatasetManifest) throws {
        try AtomicFile.write(JSONLines.document(manifest), to: Self.complete(path))
        unlink(Self.incomplete(path))
    }

    /// Removes all that was written, and the directory.
    func removeAll(_ manifest: DatasetManifest) {
        for index in 0..<manifest.shardCount {
            for kind in ["inputs", "targets"] { unlink("\(path)/\(DatasetManifest.fileName(kind, shard: index))") }
        }
        unlink(Self.incomplete(path))
        rmdir(path)
    }
}

/// A file being written, with the sum over its bytes.
private struct HashedFile {
    private let name: String
    private let sum = SHA256()
    private var byteCount = 0

    init(_ name: String) { self.name = name }

    mutating func begin(_ element: String, rows: Int, columns: Int, _ output: borrowing AtomicFile.Output) throws {
        let header = NpyWriter.header(element, shape: "(\(rows), \(columns))")
        try header.withUnsafeBytes { bytes in try append(bytes, output) }
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer, _ output: borrowing AtomicFile.Output) throws {
        try output.append(bytes)
        sum.add(bytes)
        byteCount += bytes.count
    }

    var description: DatasetManifest.File { .init(file: name, bytes: byteCount, sha256: sum.digits()) }
}
