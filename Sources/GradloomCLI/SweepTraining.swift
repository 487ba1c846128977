import Foundation
import LoomConfiguration
import LoomHardware
import LoomRuns
import Synchronization

/// A training of a sweep: a process of this program that writes a run directory.
struct SweepTraining {
    /// What a process came to.
    enum End: Sendable {
        /// It ended as it was told to.
        case done
        /// A signal ended it before its time: it can go on.
        case interrupted
        /// Another process writes its run.
        case inUse
        /// It could not be trained; why.
        case failed(String)
    }

    private let plan: SweepPlan
    private let directory: String
    private let place: String
    private let task: SweepTask
    private let run: String?
    private let share: CoreShare

    /// The training that brings `task` to its end on the cores of `share`, from where its run is.
    init(_ task: SweepTask, of runs: SweepRuns, share: CoreShare) {
        (self.task, self.share) = (task, share)
        plan = runs.plan
        directory = URL(fileURLWithPath: runs.path).path
        place = runs.place(of: task)
        run = runs.run(of: task)
    }

    /// Held while a pipe is made and given to its process: no other process inherits an end of it.
    private static let starting = Mutex(())

    /// The command line, without the program's name.
    private func arguments() throws -> [String] {
        let rung = plan.rungs[task.rung]
        var words = ["train"]
        if let run {
            words += ["--resume", directory + "/" + run]
        } else {
            words += [plan.configurationPath]
            words += plan.overrides(of: task.trial).flatMap { ["--set", $0] }
            // In quotation marks, which YAML reads as JSON does.
            words += ["--set", "run.directory=\(try JSONLines.text(directory + "/" + place))"]
            if let fold = task.fold, let folds = plan.folds { words += ["--fold", "\(fold)/\(folds)"] }
        }
        words += ["--set", "parallel.workers=\(share.cores)", "--set", "parallel.placement=auto", "--json", "--quiet"]
        if task.rung < plan.rungs.count - 1 { words += ["--until-epoch", "\(rung.epochs)"] }
        return words
    }

    /// Trains until the task is done, or a signal ends the process. The calling thread's affinity becomes the process's.
    ///
    /// - Parameters:
    ///   - started: Told the process's number as soon as there is one.
    ///   - epoch: Told of epochs that have ended, where several end at once of the latest one.
    /// - Throws: What keeps a process from being started.
    func run(started: (Int32) -> Void, epoch: (EpochEvent) -> Void) throws -> End {
        let messages = directory + "/" + place + "/messages.txt"
        try FileManager.default.createDirectory(
            atPath: directory + "/" + place, withIntermediateDirectories: true)
        let errors = try RegularFile.open(messages, O_WRONLY | O_CREAT | O_TRUNC)
        defer { close(errors) }
        let process = Process()
        process.executableURL = Bundle.main.executableURL
        process.arguments = try arguments()
        process.currentDirectoryURL = URL(fileURLWithPath: plan.workingDirectory)
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle(fileDescriptor: errors)
        let lines = try Self.starting.withLock { _ in
            let lines = try LinePipe()
            process.standardOutput = FileHandle(fileDescriptor: lines.writing)
            try process.run()
            return lines
        }
        started(process.processIdentifier)
        // As soon as this program is gone, nobody reads the lines, and the training ends after its step.
        lines.closeWriting()
        lines.followLines { line in
            if let event = try? JSONLines.value(EpochEvent.self, from: line) { epoch(event) }
        }
        process.waitUntilExit()
        return end(of: process, messages: messages)
    }

    private func end(of process: Process, messages: String) -> End {
        let status = process.terminationStatus
        let isEnded = process.terminationReason == .uncaughtSignal
        let signals = [SIGINT, SIGTERM, SIGHUP, SIGUSR1]
        if signals.contains(isEnded ? status : status - 128) { return .interrupted }
        // The run itself says that it diverged.
        if !isEnded, status == 0 || status == ExitStatus.diverged { return .done }
        if !isEnded, status == ExitStatus.temporaryFailure { return .inUse }
        let text = (try? String(contentsOfFile: messages, encoding: .utf8)) ?? ""
        let error = text.split(separator: "\n").first { $0.hasPrefix("error: ") }
        let code =
            isEnded ? "the signal \(status) ended the training" : "the training ended with the exit code \(status)"
        return .failed(error.map { String($0.dropFirst("error: ".count)) } ?? code)
    }
}

/// A pipe for the lines of one process.
private final class LinePipe {
    private let reading: Int32
    private(set) var writing: Int32

    /// - Throws: `POSIXError`.
    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EMFILE) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        closeWriting()
        close(reading)
    }

    func closeWriting() {
        if writing >= 0 { close(writing) }
        writing = -1
    }

    /// Reads until nobody writes any more, and tells of the latest whole line each time: a training that writes faster than
    /// this program reads does not wait for every line to be understood.
    func followLines(_ body: (String) -> Void) {
        let newline = UInt8(ascii: "\n")
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(reading, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes += buffer[..<count]
            guard let end = bytes.lastIndex(of: newline) else { continue }
            let begin = bytes[..<end].lastIndex(of: newline).map { $0 + 1 } ?? 0
            body(String(decoding: bytes[begin..<end], as: UTF8.self))
            bytes.removeSubrange(...end)
        }
    }
}
