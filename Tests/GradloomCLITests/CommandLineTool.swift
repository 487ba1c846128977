import Foundation
import Testing

/// What a run of the program came to.
struct Outcome {
    let exitCode: Int32
    let output: String
    let errors: String

    /// Standard error but for the memory plan, whose figures are the machine's.
    var complaints: String { errors.replacing(/note: memory: .*\n/, with: "") }

    /// The JSON objects on standard output, which must have nothing else.
    func events() throws -> [[String: Any]] {
        try output.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    /// The last event.
    func lastEvent() throws -> [String: Any] { try #require(try events().last) }
}

/// A temporary directory in which the built program runs; it disappears with the value.
final class Workplace {
    let path: String

    init() throws {
        let directory = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent(
            "gradloom-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        // As the program sees it, which may be another name for the same directory.
        path = directory.resolvingSymlinksInPath().path
        try FileManager.default.createDirectory(atPath: runtimePath, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
        try? FileManager.default.removeItem(atPath: cachePath)
        try? FileManager.default.removeItem(atPath: runtimePath)
    }

    /// The directory of the program's caches: not the user's, and beside this one, whose files tests list.
    var cachePath: String { path + "-cache" }

    /// Where the program leaves word which CPUs it works on: tests at the same time do not see each other.
    var runtimePath: String { path + "-runtime" }

    /// What the program finds in its environment.
    var environment: [String: String] {
        // Help texts are as wide as the terminal.
        ProcessInfo.processInfo.environment.merging([
            "COLUMNS": "80", "XDG_CACHE_HOME": cachePath, "XDG_RUNTIME_DIR": runtimePath,
        ]) { $1 }
    }

    /// The program beside the test bundle.
    static var program: URL {
        Bundle.main.executableURL!.resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("gradloom")
    }

    func url(_ name: String) -> URL { URL(fileURLWithPath: path).appendingPathComponent(name) }

    func write(_ text: String, to name: String) throws { try write(Data(text.utf8), to: name) }

    func write(_ bytes: Data, to name: String) throws {
        let file = url(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try bytes.write(to: file)
    }

    func read(_ name: String) throws -> String { try String(contentsOf: url(name), encoding: .utf8) }

    /// The names in a directory, in their order; those of the outputs that `start` catches excepted.
    func names(in directory: String = ".") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: url(directory).path).filter {
            !$0.hasPrefix(RunningTool.prefix)
        }.sorted()
    }

    /// Runs the program in this directory to its end.
    func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

    /// Runs the program in this directory to its end.
    func run(_ arguments: [String]) throws -> Outcome { try start(arguments).wait() }

    /// Starts the program in this directory, with `environment` on top of the workplace's own.
    func start(_ arguments: [String], environment: [String: String] = [:]) throws -> RunningTool {
        try RunningTool(arguments, in: self, environment: environment)
    }

    /// Runs another program to its end, however long it takes, and returns all that it printed.
    func printed(by process: Process) throws -> String {
        try write("", to: "log")
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: url("log"))
        process.standardError = process.standardOutput
        try process.run()
        process.waitUntilExit()
        return try read("log")
    }

    /// Runs a training that must succeed, and returns its run directory.
    func train(_ arguments: String...) throws -> String {
        let outcome = try run(["train", "--json"] + arguments)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        return try #require(try outcome.lastEvent()["run_directory"] as? String)
    }
}

/// The program while it runs. Its output goes to files, so that no pipe can fill.
final class RunningTool {
    static let prefix = "caught-"
    private let process = Process()
    private let output: URL
    private let errors: URL

    init(
        _ arguments: [String], of program: URL = Workplace.program, in workplace: Workplace,
        environment: [String: String]
    ) throws {
        let name = Self.prefix + UUID().uuidString
        output = workplace.url(name + ".out")
        errors = workplace.url(name + ".err")
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: workplace.path)
        process.environment = workplace.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.file(output)
        process.standardError = try Self.file(errors)
        try process.run()
    }

    private static func file(_ url: URL) throws -> FileHandle {
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    /// What is on standard output so far.
    var outputSoFar: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

    /// What is on standard error so far.
    var errorsSoFar: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }

    var processIdentifier: Int32 { process.processIdentifier }

    func send(signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits until standard output has `text`.
    func wait(forOutput text: String) throws {
        for _ in 0..<6000 {
            if outputSoFar.contains(text) { return }
            try #require(process.isRunning, "the program ended before it said \(text)")
            usleep(10_000)
        }
        Issue.record("the program did not say \(text) within a minute")
    }

    /// Waits for the end. A program that a signal ended has the negative number of the signal as its code.
    func wait() throws -> Outcome {
        let id = process.processIdentifier
        let watchdog = DispatchWorkItem { kill(id, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: watchdog)
        process.waitUntilExit()
        watchdog.cancel()
        let status = process.terminationStatus
        return Outcome(
            exitCode: process.terminationReason == .exit ? status : -status, output: outputSoFar,
            errors: try String(contentsOf: errors, encoding: .utf8))
    }
}
