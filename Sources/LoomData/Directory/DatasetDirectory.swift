import Foundation
import LoomKernels

/// A data set in Gradloom's own format: a directory with `dataset.json` and npy files (``DatasetManifest``).
///
/// The files are mapped: nothing is copied before samples are asked for.
public struct DatasetDirectory: Sendable {
    /// The directory as the user gave it.
    public let path: String
    /// What it holds.
    public let manifest: DatasetManifest
    private let inputs: [NumberArray]
    private let targets: [NumberArray]

    /// Opens the directory at `path`, and compares the sizes, headers and shapes of all its files with the manifest; their
    /// contents are compared by `verify`.
    ///
    /// - Throws: `DataError` for a directory that is missing, incomplete or from a newer version, and for a shard that is
    ///   missing, truncated, too many, or another one.
    public init(path: String) throws(DataError) {
        self.path = path
        manifest = try Self.readManifest(path)
        try Self.refuseOthers(in: path, manifest)
        var (inputs, targets): ([NumberArray], [NumberArray]) = ([], [])
        for (index, shard) in manifest.shards.enumerated() {
            inputs.append(
                try Self.open(
                    shard.inputs, in: path, kind: "inputs", shard: index, shape: [shard.rows, manifest.features],
                    element: manifest.inputs.element))
            if let file = shard.targets, let columns = manifest.targets {
                targets.append(
                    try Self.open(
                        file, in: path, kind: "targets", shard: index, shape: [shard.rows, columns.columns],
                        element: columns.element))
            }
        }
        (self.inputs, self.targets) = (inputs, targets)
    }

    /// Whether there is such a directory at `path`, whole or not.
    package static func isAt(_ path: String) -> Bool {
        [DatasetManifest.fileName, DatasetManifest.incompleteFileName].contains {
            access("\(path)/\($0)", F_OK) == 0
        }
    }

    /// The samples.
    /// - Throws: `DataError`.
    package func source() throws(DataError) -> ArraySource {
        try ArraySource(
            inputs: DatasetArray(self, inputs, manifest.shards.map(\.inputs)),
            targets: targets.isEmpty
                ? nil : DatasetArray(self, targets, manifest.shards.compactMap(\.targets)),
            scale: manifest.inputs.scale, featureNames: manifest.featureNames,
            declared: manifest.targets?.targetColumns ?? TargetColumns.none)
    }

    /// Reads all files and compares their checksums.
    ///
    /// - Parameter progress: Called with the number of bytes of every file that was compared, on any thread.
    /// - Returns: What is wrong, file by file.
    public func problems(progress: @escaping @Sendable (_ bytes: Int) -> Void = { _ in }) -> [DataError] {
        let files = manifest.shards.map(\.inputs) + manifest.shards.compactMap(\.targets)
        return DatasetArray.problems(Array(zip(inputs + targets, files)), progress: progress)
    }
}

// MARK: Opening

extension DatasetDirectory {
    private static func readManifest(_ path: String) throws(DataError) -> DatasetManifest {
        let name = "\(path)/\(DatasetManifest.fileName)"
        guard access(name, F_OK) == 0 else { throw noManifest(path) }
        let file = try InputFile(path: name)
        let text = file.withBytes { bytes in Data(bytes) }
        let manifest: DatasetManifest
        do {
            manifest = try JSONDecoder().decode(DatasetManifest.self, from: text)
        } catch {
            throw DataError(
                .badData, source: name, problem: "this is no description of a data set: \(words(error, of: text))",
                remedy: "make the directory again with gradloom convert or gradloom generate")
        }
        if let problem = problem(of: manifest) {
            throw DataError(
                .badData, source: name, problem: problem,
                remedy: manifest.version > DatasetManifest.currentVersion
                    ? "use a newer Gradloom" : "make the directory again with gradloom convert or gradloom generate")
        }
        return manifest
    }

    private static func noManifest(_ path: String) -> DataError {
        if access("\(path)/\(DatasetManifest.incompleteFileName)", F_OK) == 0 {
            return DataError(
                .badData, source: path, problem: "the data set is not complete: writing it was interrupted",
                remedy: "run the same command again, which goes on where it stopped")
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            return DataError(
                .missingInput, source: path, problem: "there is no such directory",
                remedy: "check the path; relative paths start at \(FileManager.default.currentDirectoryPath)")
        }
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        return DataError(
            .missingInput, source: path,
            problem: isDirectory
                ? "the directory has no \(DatasetManifest.fileName)"
                : "this is a file, expected a data set's directory",
            remedy: "name a directory that gradloom convert or gradloom generate has made")
    }

    private static func words(_ error: any Error, of text: Data) -> String {
        func place(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
            (context.codingPath + [key].compactMap { $0 }).map { $0.intValue.map(String.init) ?? $0.stringValue }
                .joined(separator: ".")
        }
        return switch error as? DecodingError {
        case .keyNotFound(let key, let context)?: "the key \(place(context, key)) is missing"
        case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?:
            "the value of \(place(context)) has another type than expected"
        // The decoder says the same of a number that does not fit as of what is no JSON at all.
        default:
            (try? JSONSerialization.jsonObject(with: text)) == nil
                ? "it is not JSON" : "a number is out of range, or should be whole"
        }
    }

    /// What a manifest says that cannot be; nil: nothing.
    private static func problem(of manifest: DatasetManifest) -> String? {
        guard manifest.format == DatasetManifest.formatName else {
            return "the format is \(manifest.format), expected \(DatasetManifest.formatName)"
        }
        guard manifest.version == DatasetManifest.currentVersion else {
            return "the version is \(manifest.version), known is \(DatasetManifest.currentVersion)"
        }
        guard manifest.rows > 0, manifest.features > 0, manifest.shardRows > 0 else {
            return "rows, features and shard_rows are above 0"
        }
        guard manifest.inputs.scale.isFinite, manifest.inputs.scale != 0 else { return "the scale is a number, not 0" }
        if let names = manifest.featureNames, names.count != manifest.features {
            return "\(names.count) names of \(manifest.features) features"
        }
        if let targets = manifest.targets, targets.targetColumns == nil {
            return "the form of the targets, \(targets.form), does not go with its other keys"
        }
        guard manifest.shards.count == manifest.shardCount else {
            return "\(manifest.shards.count) shards are listed, but \(manifest.rows) rows make \(manifest.shardCount)"
        }
        for (index, shard) in manifest.shards.enumerated() {
            guard shard.rows == manifest.rows(ofShard: index).count else {
                return "shard \(index) has \(shard.rows) rows, expected \(manifest.rows(ofShard: index).count)"
            }
            guard (shard.targets == nil) == (manifest.targets == nil) else {
                return "shard \(index) has \(shard.targets == nil ? "no targets" : "targets")"
            }
        }
        return nil
    }

    /// Refuses shards that the manifest does not know: they are of another data set.
    private static func refuseOthers(in path: String, _ manifest: DatasetManifest) throws(DataError) {
        let known = Set(manifest.shards.flatMap { $0.files.map(\.file) })
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        guard let other = names.filter({ DatasetManifest.isShardName($0) && !known.contains($0) }).min() else { return }
        throw DataError(
            .badData, source: "\(path)/\(other)",
            problem: "\(DatasetManifest.fileName) does not know this shard",
            remedy: "remove it if it is of another data set, or make the directory again")
    }

    private static func open(
        _ file: DatasetManifest.File, in path: String, kind: String, shard: Int, shape: [Int], element: String
    ) throws(DataError) -> NumberArray {
        guard file.file == DatasetManifest.fileName(kind, shard: shard) else {
            throw DataError(
                .badData, source: "\(path)/\(DatasetManifest.fileName)",
                problem: "the file of shard \(shard)'s \(kind) is called \(file.file), expected "
                    + DatasetManifest.fileName(kind, shard: shard), remedy: "make the directory again")
        }
        let name = "\(path)/\(file.file)"
        let stored = try InputFile.stored(name)
        guard stored.bytes.count == file.bytes else {
            throw DataError(
                .badData, source: name,
                problem: "the shard is \(stored.bytes.count < file.bytes ? "truncated" : "too long"): "
                    + "\(stored.bytes.count) bytes, \(DatasetManifest.fileName) says \(file.bytes)",
                remedy: "copy it again, or make the directory again")
        }
        let array = try NumberArray(
            npy: InputFile(path: name, data: stored, range: 0..<stored.bytes.count), takesImages: false)
        guard array.shape == shape, array.element.rawValue == element.dropFirst() else {
            throw DataError(
                .badData, source: name,
                problem: "the shard has shape \(array.shape) of \(array.element.rawValue), "
                    + "\(DatasetManifest.fileName) says \(shape) of \(element)",
                remedy: "copy it again, or make the directory again")
        }
        return array
    }
}

/// The inputs, or the targets, of a data set's directory.
private struct DatasetArray: RowArray {
    let name: String
    private let rowsInShards: ShardedArray
    private let shards: [(array: NumberArray, file: DatasetManifest.File)]

    init(_ directory: DatasetDirectory, _ arrays: [NumberArray], _ files: [DatasetManifest.File]) throws(DataError) {
        name = directory.path
        rowsInShards = try ShardedArray(name: directory.path, arrays)
        shards = Array(zip(arrays, files))
    }

    var shape: [Int] { rowsInShards.shape }
    var element: ElementType { rowsInShards.element }

    func read(rows: ArraySlice<UInt64>, into destination: MatrixView<Double>) throws(DataError) {
        try rowsInShards.read(rows: rows, into: destination)
    }

    var mappedParts: [MappedRows.Part]? { rowsInShards.mappedParts }

    func verify() throws(DataError) {
        if let problem = Self.problems(shards, progress: { _ in }).first { throw problem }
    }

    /// Reads all files, several at a time, and compares their checksums.
    static func problems(
        _ shards: [(array: NumberArray, file: DatasetManifest.File)], progress: @escaping @Sendable (Int) -> Void
    ) -> [DataError] {
        let found = FoundProblems()
        DispatchQueue.concurrentPerform(iterations: shards.count) { index in
            let (array, file) = shards[index]
            let sum = array.file.digits()
            progress(file.bytes)
            guard sum != file.sha256 else { return }
            found.add(
                DataError(
                    .badData, source: array.name,
                    problem: "the shard was changed or damaged: its SHA-256 is \(sum.prefix(16))…, "
                        + "\(DatasetManifest.fileName) says \(file.sha256.prefix(16))…",
                    remedy: "copy it again, or make the directory again"), index: index)
        }
        return found.inOrder
    }
}

/// What several threads have found, by the number of the file.
private final class FoundProblems: @unchecked Sendable {
    // Sendable: every access to the stored property holds the lock.
    private let lock = NSLock()
    private var problems: [(index: Int, error: DataError)] = []

    func add(_ error: DataError, index: Int) { lock.withLock { problems.append((index, error)) } }

    var inOrder: [DataError] { lock.withLock { problems.sorted { $0.index < $1.index }.map(\.error) } }
}

extension InputFile {
    /// SHA-256 of the content, in hexadecimal digits.
    func digits() -> String {
        let sum = SHA256()
        forEachPiece(sum.add)
        return sum.digits()
    }
}

/// Shards of a data set that is not complete.
package enum DatasetShard {
    /// The description of the npy file at `path` if its header says what is given here, and all of it is there.
    package static func whole(
        _ path: String, name: String, element: String, rows: Int, columns: Int
    ) -> DatasetManifest.File? {
        let header = NpyWriter.header(element, shape: "(\(rows), \(columns))")
        guard let stored = try? InputFile.stored(path), stored.bytes.starts(with: header),
            let content = NumberArray.byteCount(
                [rows, columns], ElementType(rawValue: String(element.dropFirst())) ?? .float64),
            stored.bytes.count == header.count + content
        else { return nil }
        let file = InputFile(path: path, data: stored, range: 0..<stored.bytes.count)
        return DatasetManifest.File(file: name, bytes: file.byteCount, sha256: file.digits())
    }
}
