import Foundation
import LoomConfiguration
import LoomTraining
import Testing

@testable import LoomRuns

@Suite struct OutputFileTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.path + "/file" }

    private func link(to destination: String) throws -> String {
        let path = directory.path + "/link"
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: destination)
        return path
    }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test func aFileIsReplacedOnlyByForce() throws {
        let file = try OutputFile(path, replaces: false)
        try file.write("first")
        // A place is looked at again when it is written.
        #expect(throws: AtomicFile.WriteError(path: path, code: EEXIST)) { try file.write("second") }
        let refusal = #expect(throws: OutputFileError.self) { try OutputFile(path, replaces: false) }
        #expect(refusal?.description == "‘\(path)’ exists: --force replaces it")
        #expect(try text(path) == "first")
        try OutputFile(path, replaces: true).write("second")
        #expect(try text(path) == "second")
        #expect(try directory.contents() == ["file"])
    }

    @Test(arguments: ["file", "nothing", "."], [false, true])
    func linksToFilesAreRefused(name: String, force: Bool) throws {
        try OutputFile(path, replaces: false).write("first")
        let link = try link(to: directory.path + "/" + name)
        let refusal = #expect(throws: OutputFileError.self) { try OutputFile(link, replaces: force) }
        #expect(
            refusal?.description
                == "‘\(link)’ is a link to ‘\(directory.path)/\(name)’: name the file itself, or remove the link")
        #expect(try text(path) == "first")
    }

    /// A link that comes when nobody looks any more is replaced itself.
    @Test func aLinkThatComesLaterIsNotFollowed() throws {
        let other = directory.path + "/other"
        try OutputFile(other, replaces: false).write("untouched")
        let (careful, forced) = (try OutputFile(path, replaces: false), try OutputFile(path, replaces: true))
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: other)
        #expect(throws: AtomicFile.WriteError(path: path, code: EEXIST)) { try careful.write("new") }
        try forced.write("new")
        #expect(try text(path) == "new" && text(other) == "untouched")
    }

    @Test func devicesAndPipesAreWrittenTo() throws {
        for name in ["/dev/null", try link(to: "/dev/null")] {
            let file = try OutputFile(name, replaces: false)
            #expect(file.isStream && !file.isStandardOutput)
            try file.write("gone")
        }
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link(to: "/dev/null")) == "/dev/null")
        #expect(throws: AtomicFile.WriteError(path: "/dev/full", code: ENOSPC)) {
            try OutputFile("/dev/full", replaces: false).write("x")
        }
        #expect(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        try OutputFile(path, replaces: false).write("through")
        var bytes = [UInt8](repeating: 0, count: 16)
        #expect(read(reader, &bytes, bytes.count) == 7 && String(decoding: bytes.prefix(7), as: UTF8.self) == "through")
        #expect(try directory.contents() == ["file", "link"])
    }

    /// What was a device when the command began is not one any more.
    @Test func aStreamThatBecomesAFileIsLeftAlone() throws {
        #expect(mkfifo(path, 0o600) == 0)
        let file = try OutputFile(path, replaces: true)
        try FileManager.default.removeItem(atPath: path)
        try "theirs".write(toFile: path, atomically: false, encoding: .utf8)
        #expect(throws: AtomicFile.WriteError(path: path, reason: "this is no device or pipe any more")) {
            try file.write("x")
        }
        #expect(try text(path) == "theirs")
    }

    @Test func descriptorsHaveNames() throws {
        #expect(OutputFile.descriptor(named: "-") == 1)
        #expect(OutputFile.descriptor(named: "/dev/stdout") == 1 && OutputFile.descriptor(named: "/dev/stderr") == 2)
        #expect(OutputFile.descriptor(named: "/dev/fd/63") == 63)
        #expect(OutputFile.descriptor(named: "/proc/self/fd/7") == 7)
        #expect(try OutputFile.descriptor(named: link(to: "/dev/stdout")) == 1)
        #expect(try OutputFile.descriptor(named: link(to: "link")) == nil)
        #expect(OutputFile.descriptor(named: path) == nil && OutputFile.descriptor(named: "/proc/1/fd/1") == nil)
        #expect(OutputFile.descriptor(named: "fd/1") == nil)

        // Behind what is there: the descriptor itself is used, and not its file opened again.
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        #expect(write(descriptor, "a ", 2) == 2)
        try OutputFile("/dev/fd/\(descriptor)", replaces: false).write("b")
        #expect(try text(path) == "a b")
    }

    @Test func placesThatCannotBeWritten() throws {
        #expect(throws: OutputFileError.self) { try OutputFile(directory.path, replaces: true) }
        #expect(throws: AtomicFile.WriteError.self) { try OutputFile(directory.path + "/no/file", replaces: true) }
    }
}

/// Links in a run directory, at the names of files that a training writes.
@Suite struct PlantedLinkTests {
    private let directory = TemporaryDirectory()
    private var other: String { directory.path + "/other" }

    private func run() throws -> RunDirectory {
        try AtomicFile.write("untouched\n", to: other)
        return try RunDirectory.create(in: directory.path, name: "a", configuration: "a: 1\n")
    }

    private func plant(_ path: String, to destination: String) throws {
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: destination)
    }

    private func expectOtherUntouched() throws {
        #expect(try String(contentsOfFile: other, encoding: .utf8) == "untouched\n")
    }

    @Test func wholeFilesReplaceThem() throws {
        let run = try run()
        let store = CheckpointStore(directory: run.checkpointsPath, keep: 1)
        try plant(run.summaryPath, to: other)
        try plant(run.checkpointsPath + "/step-00000001.safetensors", to: other)
        try plant(run.checkpointsPath + "/step-00000002.safetensors", to: other)
        try run.writeSummary(["loss": 0.5])
        try store.write(Safetensors(tensors: []), step: 2)
        try expectOtherUntouched()
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: run.checkpointsPath) == ["step-00000002.safetensors"])
    }

    @Test(arguments: ["other", "nothing"]) func metricsAreRefused(name: String) throws {
        let run = try run()
        try plant(run.metricsPath, to: directory.path + "/" + name)
        let isLink = AtomicFile.WriteError(path: run.metricsPath, reason: "this is a link, expected a file")
        #expect(throws: isLink) { try MetricsFile(appendingTo: run.metricsPath) }
        #expect(throws: isLink) { try MetricsFile.truncate(run.metricsPath, to: 0) }
        try expectOtherUntouched()
        #expect(!FileManager.default.fileExists(atPath: directory.path + "/nothing"))
    }

    @Test func metricsThatAreAPipeAreRefused() throws {
        let run = try run()
        try FileManager.default.removeItem(atPath: run.metricsPath)
        #expect(mkfifo(run.metricsPath, 0o600) == 0)
        let isPipe = AtomicFile.WriteError(
            path: run.metricsPath, reason: "this is a device or a pipe, expected a file")
        #expect(throws: isPipe) { try MetricsFile(appendingTo: run.metricsPath) }
    }

    /// What is called as a checkpoint is removed as a file, never with what is in it.
    @Test func aDirectoryOfACheckpointsNameIsNotEmptied() throws {
        let run = try run()
        let kept = run.checkpointsPath + "/step-00000001.safetensors/kept"
        try FileManager.default.createDirectory(atPath: kept, withIntermediateDirectories: true)
        try CheckpointStore(directory: run.checkpointsPath, keep: 1).write(Safetensors(tensors: []), step: 2)
        #expect(FileManager.default.fileExists(atPath: kept))
    }

    @Test func cachesReplaceThem() throws {
        _ = try run()
        let cache = TuningCache(path: directory.path + "/tuned.json")
        try plant(cache.path, to: other)
        let choice = TuningCache.Choice(
            workers: 1, placement: "none", shardRows: 32, route: .partition, date: "2026-01-31")
        let configuration = try Configuration(
            yaml: """
                data: {synthetic: {task: teacher, samples: 100, inputs: 7, classes: 3}}
                network: {layers: [{units: 3}], output: softmax}
                """, file: "a.yaml")
        let key = try TuningCache.Key(configuration, inputs: 7)
        #expect(cache.keep(choice, for: key))
        try expectOtherUntouched()
    }

    /// The name of a file with the best parameters follows from the epoch that a checkpoint tells.
    @Test(arguments: [-1, 1 << 31, Int.max]) func noTrainingHasSuchAnEpoch(epoch: Int) throws {
        var state = TrainingState()
        state.history.best = ValidationLoss(epoch: epoch, loss: 0.5)
        let text = try #require(state.metadata["training_state"])
        #expect(throws: DecodingError.self) { try JSONLines.value(TrainingState.self, from: text) }
        state.history.best = ValidationLoss(epoch: 7, loss: 0.5)
        #expect(try JSONLines.value(TrainingState.self, from: #require(state.metadata["training_state"])) == state)
    }
}
