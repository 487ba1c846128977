import Foundation
import LoomTraining
import Synchronization
import Testing

@testable import LoomRuns

@Suite final class RunDirectoryTests {
    private let parent: String
    // 2026-11-21 09:49:05 UTC
    private let date = Date(timeIntervalSince1970: 1_795_254_545)

    init() throws {
        parent = NSTemporaryDirectory() + "/loom-runs-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: parent)
    }

    private func contents(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    @Test func makesEverythingARunNeeds() throws {
        let run = try RunDirectory.create(
            in: parent + "/deep/runs", name: "digits", configuration: "a: 1\n", date: date)
        #expect(run.path == parent + "/deep/runs/digits-20261121T094905Z")
        #expect(try contents(run.path) == ["checkpoints", "config.yaml", "metrics.jsonl"])
        #expect(try String(contentsOfFile: run.configurationPath, encoding: .utf8) == "a: 1\n")
        try run.writeSummary(["loss": 0.5])
        #expect(try String(contentsOfFile: run.summaryPath, encoding: .utf8) == "{\n  \"loss\" : 0.5\n}\n")
        #expect(try RunDirectory(existing: run.path) == run)
    }

    @Test func aSlashAtTheEndOfTheParentChangesNothing() throws {
        let run = try RunDirectory.create(in: parent + "/runs/", name: "a", configuration: "", date: date)
        #expect(run.path == parent + "/runs/a-20261121T094905Z")
    }

    @Test func clashingNamesGetASuffix() throws {
        let names = try (0..<3).map { _ in
            URL(
                fileURLWithPath: try RunDirectory.create(in: parent, name: "a", configuration: "", date: date)
                    .path
            )
            .lastPathComponent
        }
        #expect(names == ["a-20261121T094905Z", "a-20261121T094905Z-2", "a-20261121T094905Z-3"])
    }

    @Test func manyRunsAtOnceGetDifferentDirectories() {
        // Threads and many rounds: the window between looking for a parent and making it is short.
        for round in 0..<50 {
            let runs = parent + "/\(round)/x/y"
            let paths = Mutex(Set<String>())
            DispatchQueue.concurrentPerform(iterations: 8) { [date] _ in
                let run = try? RunDirectory.create(in: runs, name: "a", configuration: "", date: date)
                paths.withLock { if let run { _ = $0.insert(run.path) } }
            }
            #expect(paths.withLock { $0.count } == 8)
        }
    }

    @Test func refusesAParentThatIsAFile() throws {
        let file = parent + "/file"
        try Data().write(to: URL(fileURLWithPath: file))
        let error = #expect(throws: RunDirectoryError.self) {
            try RunDirectory.create(in: file, name: "a", configuration: "", date: self.date)
        }
        #expect(
            error == .cannotCreate(path: file + "/a-20261121T094905Z", reason: "Not a directory"))
        #expect(error?.description.contains("--set run.directory=DIRECTORY") == true)
        #expect(try contents(parent) == ["file"])
    }

    @Test func leavesNothingWhenItFailsHalfway() throws {
        // The run's own path just fits into the system's bound, and that of its checkpoints does not.
        let parentBytes = Int(PATH_MAX) - 6 - "/a-20261121T094905Z".utf8.count
        var deep = parent + "/new"
        while parentBytes - deep.utf8.count > 1 {
            let rest = parentBytes - deep.utf8.count - 1
            // Never leave room for a slash alone.
            deep += "/" + String(repeating: "d", count: rest > 200 ? 100 : rest)
        }
        #expect(throws: (any Error).self) {
            try RunDirectory.create(in: deep, name: "a", configuration: "", date: self.date)
        }
        #expect(try contents(parent) == [])
    }

    @Test(arguments: [
        ("digits", "digits"), ("my run/v2", "my-run-v2"), ("", "run"), ("../..", "run"), ("ü層", "run"),
        ("a.b_c-1", "a.b_c-1"), ("-rf", "rf"),
    ])
    func namesNeedNoQuoting(name: String, portable: String) {
        #expect(RunDirectory.portableName(name) == portable)
    }

    @Test func recognisesWhatIsNoRun() throws {
        #expect(throws: RunDirectoryError.notFound(path: parent + "/none")) {
            try RunDirectory(existing: self.parent + "/none")
        }
        #expect(throws: RunDirectoryError.incomplete(path: parent, missing: "config.yaml")) {
            try RunDirectory(existing: self.parent)
        }
        try Data().write(to: URL(fileURLWithPath: parent + "/config.yaml"))
        #expect(throws: RunDirectoryError.incomplete(path: parent, missing: "checkpoints")) {
            try RunDirectory(existing: self.parent)
        }
    }

    /// Reading a pipe would wait for whoever writes it.
    @Test func aPipeIsNoConfiguration() throws {
        try FileManager.default.createDirectory(atPath: parent + "/checkpoints", withIntermediateDirectories: true)
        #expect(mkfifo(parent + "/config.yaml", 0o600) == 0)
        #expect(throws: RunDirectoryError.noFile(parent + "/config.yaml")) { try RunDirectory(existing: self.parent) }
    }

    @Test func metricsAreAppendedAndVisibleAtOnce() throws {
        let path = parent + "/metrics.jsonl"
        let metrics = try MetricsFile(appendingTo: path)
        try metrics.append(["a": 1])
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "{\"a\":1}\n")
        try metrics.append(["a": 2])
        try MetricsFile(appendingTo: path).append(["a": 3])
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n")
    }

    @Test func twoWritersDoNotOverwriteEachOther() throws {
        let path = parent + "/metrics.jsonl"
        let writers = try (0..<2).map { _ in try MetricsFile(appendingTo: path) }
        for value in 0..<4 { try writers[value % 2].append([value]) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "[0]\n[1]\n[2]\n[3]\n")
    }

    @Test(arguments: [
        ("{\"a\":1}\n{\"a", "{\"a\":1}\n"), ("{\"a", ""), ("", ""), ("{\"a\":1}\n", "{\"a\":1}\n"),
    ])
    func aTornLastLineIsRemoved(before: String, kept: String) throws {
        let path = parent + "/metrics.jsonl"
        try before.write(toFile: path, atomically: true, encoding: .utf8)
        try MetricsFile(appendingTo: path).append(["b": 2])
        #expect(try String(contentsOfFile: path, encoding: .utf8) == kept + "{\"b\":2}\n")
    }

    @Test func metricsNameAPlaceThatCannotBeWritten() {
        #expect(throws: AtomicFile.WriteError(path: parent + "/no/m", code: ENOENT)) {
            try MetricsFile(appendingTo: self.parent + "/no/m")
        }
    }
}
