import Foundation
import LoomConfiguration
import LoomData
import LoomKernels
import Synchronization
import Testing

@testable import LoomRuns

@Suite struct DatasetWriterTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.path + "/d" }
    private let provenance = DatasetManifest.Provenance(source: "made here", details: ["seed": "7"])

    /// Seven samples of two features and a label.
    private static let inputs = (0..<7).map { [Double($0) + 0.5, -Double($0)] }
    private static let labels = (0..<7).map { [Double($0 % 3)] }

    private func source() throws -> InlineSource { try InlineSource(inputs: Self.inputs, targets: Self.labels) }

    @discardableResult
    private func write(
        _ source: (any DataSource)? = nil, shardRows: Int = 3, isDouble: Bool = false, replaces: Bool = false,
        progress: @escaping @Sendable (DatasetWriter.Progress) -> Void = { _ in }
    ) throws -> DatasetManifest {
        try DatasetWriter(path, settings: .init(shardRows: shardRows, isDouble: isDouble, replaces: replaces))
            .write(source ?? self.source(), provenance: provenance, progress: progress)
    }

    private func read() throws -> (inputs: [[Double]], targets: [[Double]]) {
        let source = try DatasetDirectory(path: path).source()
        try source.verifyContent()
        let rows = { (matrix: MatrixView<Double>) in
            (0..<matrix.rows).map { row in (0..<matrix.columns).map { matrix[row, $0] } }
        }
        return try source.withSamples(0..<source.count) { (rows($0), rows($1)) }
    }

    private var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }
    private func file(_ name: String) -> URL { URL(fileURLWithPath: "\(path)/\(name)") }

    private func failure(_ body: () throws -> Void) -> DataError? {
        do {
            try body()
            return nil
        } catch {
            return error as? DataError
        }
    }

    // MARK: Writing and reading

    @Test func whatIsWrittenIsRead() throws {
        let manifest = try write()
        #expect(
            try names == [
                "dataset.json", "inputs-00000.npy", "inputs-00001.npy", "inputs-00002.npy", "targets-00000.npy",
                "targets-00001.npy", "targets-00002.npy",
            ])
        #expect(try read().inputs == Self.inputs)
        #expect(try read().targets == Self.labels)
        let opened = try DatasetDirectory(path: path)
        #expect(opened.manifest == manifest)
        #expect(manifest.shards.map(\.rows) == [3, 3, 1])
        #expect(manifest.inputs == .init(element: "<f4", scale: 1))
        #expect(manifest.targets?.element == "<i4")
        #expect(try opened.source().targetColumns.form == .integers(smallest: 0, largest: 2))
        #expect(manifest.provenance == provenance)
        #expect(opened.problems().isEmpty)
        // 128 bytes of header, and 3 × 2 float32.
        #expect(manifest.shards[0].inputs.bytes == 128 + 24)
    }

    @Test func formsAndNamesAreKept() throws {
        let csv = directory.path + "/d.csv"
        try "a,b,class\n1,2,red\n0.1,4,blue\n5,6,red\n".write(toFile: csv, atomically: true, encoding: .utf8)
        let source = try CSVSource(path: csv, options: CSVOptions(label: .name("class")))
        try write(source, isDouble: true)
        let kept = try DatasetDirectory(path: path).source()
        #expect(kept.featureNames == ["a", "b"])
        #expect(kept.targetColumns.classNames == ["blue", "red"])
        #expect(kept.targetColumns.form == .classIndices(classes: 2))
        #expect(kept.targetColumns.names == ["class"])
        #expect(try read().inputs[1] == [0.1, 4])
        #expect(try read().targets == [[1], [0], [1]])
        let forms: [([[Double]], TargetForm)] = [
            ([[0.25], [1.5]], .real(columns: 1)), ([[1, 0], [0, 1]], .oneHot(columns: 2)),
            ([[1, 1], [0, 1]], .decisions(columns: 2)), ([[0.5, 0.5], [0.25, 0.75]], .shares(columns: 2)),
            ([[-1, 2], [3, 4]], .real(columns: 2)), ([[-5], [9]], .integers(smallest: -5, largest: 9)),
        ]
        for (targets, form) in forms {
            try write(try InlineSource(inputs: [[1], [2]], targets: targets), replaces: true)
            #expect(try DatasetDirectory(path: path).source().targetColumns.form == form)
            #expect(try read().targets == targets)
        }
        try write(try InlineSource(inputs: [[1], [2]]), replaces: true)
        #expect(try DatasetDirectory(path: path).source().targetColumns == .none)
        #expect(try names == ["dataset.json", "inputs-00000.npy"])
    }

    @Test func bytesStayBytes() throws {
        let images = directory.path + "/i"
        try Data([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 255, 128, 1]).write(to: URL(fileURLWithPath: images))
        try write(try ArraySource(idxInputs: images, targets: nil, scale: 1.0 / 255))
        let opened = try DatasetDirectory(path: path)
        #expect(opened.manifest.inputs == .init(element: "|u1", scale: 1.0 / 255))
        #expect(opened.manifest.shards[0].inputs.bytes == 128 + 4)
        #expect(try read().inputs == [[0, 255.0 * (1.0 / 255)], [128.0 * (1.0 / 255), 1.0 / 255]])
    }

    @Test func whatFloat32DoesNotHoldIsNamed() throws {
        let large = try InlineSource(inputs: [[1, 2], [3, 1e39], [.nan, 0]], targets: [[0], [1], [0]])
        let failure = failure { try write(large) }
        #expect(failure?.place == "row 1 (counted from 0), column 1 (counted from 0)")
        #expect(failure?.problem == "the input is NaN, infinite, or too large for <f4")
        // Nothing of it stays.
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    // MARK: Interruptions

    /// Fails when a row is read.
    private struct Failing: DataSource {
        let rows: InlineSource
        let failsAt: UInt64
        let read: Collected<UInt64>

        var name: String { rows.name }
        var count: Int { rows.count }
        var featureCount: Int { rows.featureCount }
        var featureNames: [String]? { nil }
        var targetColumns: TargetColumns { rows.targetColumns }

        func fill(
            rows ids: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
        ) throws(DataError) {
            read.add(Array(ids))
            if ids.contains(failsAt) {
                throw DataError(.inputOutput, source: "disk", problem: "broken", remedy: "none")
            }
            try rows.fill(rows: ids, inputs: inputs, targets: targets)
        }
    }

    @Test func anInterruptedWritingGoesOn() throws {
        try write()
        // As an interruption leaves it: the description is not there, a shard is missing, another one is damaged.
        let manifest = try DatasetDirectory(path: path).manifest
        var unfinished = manifest
        unfinished.shards = []
        try JSONLines.document(unfinished).write(
            to: file(DatasetManifest.incompleteFileName), atomically: true, encoding: .utf8)
        try FileManager.default.removeItem(at: file("dataset.json"))
        try FileManager.default.removeItem(at: file("targets-00001.npy"))
        try Data(contentsOf: file("inputs-00002.npy")).dropLast(1).write(to: file("inputs-00002.npy"))
        try Data([1]).write(to: file(".inputs-00001.npy.abc.tmp"))
        let opened = failure { _ = try DatasetDirectory(path: path) }
        #expect(opened?.problem == "the data set is not complete: writing it was interrupted")
        #expect(opened?.exitCode == 65)

        let read = Collected<UInt64>()
        let progress = Collected<DatasetWriter.Progress>()
        let again = try write(Failing(rows: source(), failsAt: .max, read: read)) { progress.add([$0]) }
        #expect(again == manifest)
        #expect(read.all.sorted() == [3, 4, 5, 6])
        #expect(progress.all.last?.keptRows == 3)
        #expect(progress.all.last?.writtenRows == 4)
        #expect(try self.read().inputs == Self.inputs)
        #expect(try !names.contains { $0.hasPrefix(".") || $0 == DatasetManifest.incompleteFileName })
    }

    @Test func otherSamplesDoNotGoOnWithWhatIsThere() throws {
        try write()
        var unfinished = try DatasetDirectory(path: path).manifest
        unfinished.shards = []
        unfinished.provenance.details["seed"] = "8"
        try FileManager.default.removeItem(at: file("dataset.json"))
        try JSONLines.document(unfinished).write(
            to: file(DatasetManifest.incompleteFileName), atomically: true, encoding: .utf8)
        #expect(throws: OutputFileError(path, "holds a part of another data set: --force replaces it")) { try write() }
        try write(replaces: true)
        #expect(try read().inputs == Self.inputs)
    }

    @Test func aFailureLeavesNothingThatLooksWhole() throws {
        let failing = Failing(rows: try source(), failsAt: 4, read: .init())
        #expect(failure { try write(failing) }?.exitCode == 74)
        #expect(failure { _ = try DatasetDirectory(path: path) } != nil)
    }

    @Test func whatIsThereIsNotReplacedUnasked() throws {
        try write()
        #expect(throws: OutputFileError(path, "holds a data set: --force replaces it")) { try write() }
        try write(shardRows: 7, replaces: true)
        #expect(try names == ["dataset.json", "inputs-00000.npy", "targets-00000.npy"])
        try Data().write(to: file("notes.txt"))
        let refusal = OutputFileError(path, "holds other files, such as notes.txt: name a new directory")
        #expect(throws: refusal) { try write(replaces: true) }
        #expect(try read().inputs == Self.inputs)
        try FileManager.default.removeItem(atPath: path)
        try Data().write(to: URL(fileURLWithPath: path))
        #expect(throws: OutputFileError(path, "is a file, expected a directory: give another name")) { try write() }
    }

    @Test func oneDirectoryHasOneWriter() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let descriptor = open(path, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        #expect(flock(descriptor, LOCK_EX) == 0)
        #expect(throws: OutputFileError(path, "is being written by another process: wait for its end")) { try write() }
    }

    // MARK: Damage

    private func reopened(_ change: () throws -> Void) throws -> DataError? {
        try write(replaces: true)
        try change()
        return failure { _ = try DatasetDirectory(path: path) }
    }

    @Test func everyDamageIsNamed() throws {
        let missing = try reopened { try FileManager.default.removeItem(at: file("inputs-00001.npy")) }
        #expect(missing?.source == "\(path)/inputs-00001.npy")
        #expect(missing?.exitCode == 66)
        let truncated = try reopened {
            try Data(contentsOf: file("targets-00002.npy")).dropLast(1).write(to: file("targets-00002.npy"))
        }
        #expect(truncated?.source == "\(path)/targets-00002.npy")
        #expect(truncated?.problem == "the shard is truncated: 131 bytes, dataset.json says 132")
        #expect(truncated?.exitCode == 65)
        let extra = try reopened { try Data([1]).write(to: file("inputs-00003.npy")) }
        #expect(extra?.source == "\(path)/inputs-00003.npy")
        #expect(extra?.problem == "dataset.json does not know this shard")
        // As many bytes, but another shape: 3 × 2 float32 and 6 × 1.
        let shape = try reopened {
            try NpyWriter.bytes([Float](repeating: 1, count: 6), shape: [6, 1]).write(to: file("inputs-00000.npy"))
        }
        #expect(shape?.problem == "the shard has shape [6, 1] of f4, dataset.json says [3, 2] of <f4")
    }

    @Test func aChangedByteIsFoundWhenAllIsRead() throws {
        try write()
        var bytes = try Data(contentsOf: file("inputs-00001.npy"))
        bytes[140] ^= 1
        try bytes.write(to: file("inputs-00001.npy"))
        let directory = try DatasetDirectory(path: path)
        let problems = directory.problems()
        #expect(problems.map(\.source) == ["\(path)/inputs-00001.npy"])
        #expect(problems.first?.problem.hasPrefix("the shard was changed or damaged") == true)
        #expect(failure { try directory.source().verifyContent() }?.source == "\(path)/inputs-00001.npy")
    }

    @Test(arguments: [
        ("\"rows\" : 7", "\"rows\" : 8", "shard 2 has 1 rows, expected 2"),
        ("\"rows\" : 7", "\"rows\" : 1000000000000000000", "3 shards are listed, but"),
        ("\"version\" : 1", "\"version\" : 2", "the version is 2, known is 1"),
        ("gradloom-dataset", "other", "the format is other, expected gradloom-dataset"),
        ("\"features\" : 2", "\"features\" : 3", "the shard has shape [3, 2] of f4, dataset.json says [3, 3] of <f4"),
        ("\"features\" : 2", "\"features\" : \"2\"", "the value of features has another type"),
        ("\"features\" : 2", "\"features\" : 2.5", "a number is out of range, or should be whole"),
        ("\"features\" : 2", "\"features\" : 1e30", "a number is out of range, or should be whole"),
        ("\"shard_rows\" : 3", "\"shard_rows\" : 0", "rows, features and shard_rows are above 0"),
        ("\"form\" : \"integers\"", "\"form\" : \"shares\"", "the form of the targets, shares, does not go"),
        ("inputs-00001.npy", "../inputs-00001.npy", "does not know this shard"),
        ("\"provenance\"", "\"origin\"", "the key provenance is missing"), ("{", "[", "it is not JSON"),
        ("\"scale\" : 1", "\"scale\" : 0", "the scale is a number, not 0"),
    ])
    func descriptionsThatCannotBeAreRefused(before: String, after: String, problem: String) throws {
        try write()
        let text = try String(contentsOf: file("dataset.json"), encoding: .utf8)
        #expect(text.contains(before))
        try text.replacing(before, with: after).write(to: file("dataset.json"), atomically: true, encoding: .utf8)
        let failure = failure { _ = try DatasetDirectory(path: path) }
        #expect(failure?.problem.contains(problem) == true, "\(failure?.problem ?? "")")
        #expect(failure?.exitCode == 65)
    }

    /// Two shards, of which the second would end beyond what can be counted if it were as long as the first.
    @Test func asManyRowsAsCanBeCounted() {
        let manifest = DatasetManifest(
            rows: .max, features: 1, shardRows: .max - 1, inputs: .init(element: "<f4", scale: 1), targets: nil,
            featureNames: nil, provenance: provenance)
        #expect(manifest.shardCount == 2)
        #expect(manifest.rows(ofShard: 0) == 0..<Int.max - 1)
        #expect(manifest.rows(ofShard: 1) == Int.max - 1..<Int.max)
    }

    @Test func classesOfOtherNumbersAreNotMistaken() throws {
        func source(_ name: String, _ text: String) throws -> DatasetDescription {
            let csv = "\(directory.path)/\(name).csv"
            try text.write(toFile: csv, atomically: true, encoding: .utf8)
            let folder = "\(directory.path)/\(name)"
            try DatasetWriter(folder).write(
                CSVSource(path: csv, options: CSVOptions(label: .name("class"))), provenance: provenance)
            return DatasetDescription(path: folder)
        }
        let training = try DataSourceDescription.dataset(source("t", "a,class\n1,red\n2,blue\n")).open()
        let other = DataSourceDescription.dataset(try source("v", "a,class\n1,red\n2,red\n"))
        let classes = failure { _ = try other.open(beside: training) }
        #expect(classes?.problem == "the classes are red, but those of the training data are blue, red")
        let renamed = DataSourceDescription.dataset(try source("f", "b,class\n1,red\n2,blue\n"))
        let features = failure { _ = try renamed.open(beside: training) }
        #expect(features?.problem.hasPrefix("the features are b, but") == true)
        let same = DataSourceDescription.dataset(try source("s", "a,class\n1,blue\n2,red\n"))
        #expect(failure { _ = try same.open(beside: training) } == nil)
    }

    @Test func whatIsNoDataSetIsNamed() throws {
        #expect(failure { _ = try DatasetDirectory(path: path) }?.problem == "there is no such directory")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let empty = failure { _ = try DatasetDirectory(path: path) }
        #expect(empty?.problem == "the directory has no dataset.json")
        #expect(empty?.exitCode == 66)
    }
}

/// Values that closures of other threads add.
private final class Collected<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])

    var all: [Value] { values.withLock { $0 } }

    func add(_ more: [Value]) { values.withLock { $0 += more } }
}
