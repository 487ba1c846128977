import Foundation

/// The inputs of one reader, cut into parts for processes of their own. A process that dies or hangs is named with its input,
/// and another one goes on behind that.
struct Campaign {
    /// What is read.
    enum Inputs {
        case corpus
        case mutants(count: Int)
    }

    let reader: any InputReader.Type
    let inputs: Inputs
    let seed: UInt64
    let jobs: Int
    let directory: String
    /// After so many deaths nothing new is learnt.
    private let mostDeaths = 10
    /// What a process may need for one input, with the machine shared by others.
    private let hangSeconds = 60.0

    private struct Job {
        var process: Process
        let number: Int
        let end: Int
        let progress: Progress
        var index = -1
        var since = ContinuousClock.now
        var isKilled = false
    }

    /// Reads all inputs, and prints what came of it. Returns the number of failures.
    func run() throws -> Int {
        let start = ContinuousClock.now
        var failures: [String] = []
        var firstFailure: Int?
        var jobs = try (0..<count(of: jobs)).map { try begin(number: $0) }
        var running = Set(jobs.indices)
        while !running.isEmpty {
            usleep(10_000)
            for number in running {
                watch(&jobs[number])
                guard !jobs[number].process.isRunning else { continue }
                running.remove(number)
                let job = jobs[number]
                guard job.process.terminationStatus != 0 || job.process.terminationReason != .exit else { continue }
                failures.append(describeDeath(of: job))
                firstFailure = firstFailure ?? job.progress[.index]
                let next = job.progress[.index] + 1
                guard next < job.end, failures.count < mostDeaths else { continue }
                jobs[number] = try begin(number: number, from: next)
                running.insert(number)
            }
        }
        let complaints = (0..<jobs.count).flatMap { lines(of: "out-\($0)") }
        failures += complaints.prefix(20).map { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            let index = Int(parts[0]) ?? 0
            firstFailure = firstFailure ?? index
            return describe(index: index, String(parts.last ?? ""))
        }
        print(
            summary(
                jobs.map(\.progress), start: start,
                failures: failures.count - min(20, complaints.count) + complaints.count))
        for failure in failures { print("  \(failure)") }
        if let firstFailure { try printSmallest(of: firstFailure) }
        fflush(nil)
        return failures.count
    }

    /// What is left of the first input that failed, when all is left out that it does not need to fail.
    private func printSmallest(of index: Int) throws {
        guard case .mutants = inputs else { return }
        let child = try Child(reader, directory: directory + "/work-shrink")
        var random = Random(seed: seed, index: index)
        let input = child.reader.mutant(&random)
        guard let smallest = try Shrinker(reader: reader, directory: directory).smallest(of: input) else { return }
        print("    input \(index), made smaller:")
        for (name, part) in smallest.parts.sorted(by: { $0.key < $1.key }) {
            if case .file(let bytes) = part {
                print("    \(name): \(String(decoding: bytes.prefix(300), as: UTF8.self).debugDescription)")
            } else {
                print("    \(name): \(part)")
            }
        }
    }

    private func count(of jobs: Int) -> Int {
        if case .mutants(let count) = inputs { max(1, min(jobs, count)) } else { 1 }
    }

    /// Starts a process with the inputs of part `number`, from one on that is given or from its first.
    private func begin(number: Int, from: Int? = nil) throws -> Job {
        let process = Process()
        process.executableURL = Bundle.main.executableURL
        var arguments = [reader.name, "--child", directory, "--number", "\(number)"]
        let end: Int
        switch inputs {
        case .corpus:
            end = .max
            arguments += ["--corpus", "--from", "\(from ?? 0)"]
        case .mutants(let count):
            let parts = self.count(of: jobs)
            end = (number + 1) * count / parts
            let first = from ?? number * count / parts
            arguments += ["--seed", "\(seed)", "--from", "\(first)", "--count", "\(end - first)"]
        }
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try appending(to: "out-\(number)")
        process.standardError = try emptied("err-\(number)")
        let progress = try Progress(path: directory + "/progress-\(number)")
        progress[.index] = from ?? 0
        try process.run()
        return Job(process: process, number: number, end: end, progress: progress)
    }

    private func appending(to name: String) throws -> FileHandle {
        let path = directory + "/" + name
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Complaint("cannot write \(path)") }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    private func emptied(_ name: String) throws -> FileHandle {
        let handle = try appending(to: name)
        try handle.truncate(atOffset: 0)
        return handle
    }

    private func lines(of name: String) -> [String] {
        let bytes = (try? Data(contentsOf: URL(fileURLWithPath: directory + "/" + name))) ?? Data()
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Ends a process that has had one input for too long.
    private func watch(_ job: inout Job) {
        let index = job.progress[.index]
        if index != job.index {
            (job.index, job.since) = (index, .now)
        } else if !job.isKilled, ContinuousClock.now - job.since > .seconds(hangSeconds) {
            job.isKilled = true
            kill(job.process.processIdentifier, SIGKILL)
        }
    }

    private func describeDeath(of job: Job) -> String {
        let last = lines(of: "err-\(job.number)").last ?? ""
        let how =
            job.isKilled ? "no end within \(Int(hangSeconds)) s" : "ended by signal \(job.process.terminationStatus)"
        return describe(index: job.progress[.index], "\(how): \(last)")
    }

    private func describe(index: Int, _ problem: String) -> String {
        let program = Bundle.main.executableURL?.path ?? "mutated-inputs"
        let which = if case .corpus = inputs { "--corpus --only \(index)" } else { "--seed \(seed) --only \(index)" }
        return "\(problem)\n    again: \(program) \(reader.name) \(which)"
    }

    private func summary(_ progress: [Progress], start: ContinuousClock.Instant, failures: Int) -> String {
        func sum(_ field: Progress.Field) -> Int { progress.reduce(0) { $0 + $1[field] } }
        func highest(_ field: Progress.Field) -> Int { progress.map { $0[field] }.max() ?? 0 }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let count = sum(.values) + sum(.refusals) + sum(.complaints)
        let kind = if case .corpus = inputs { "kept" } else { "mutated" }
        return
            "\(reader.name): \(count) \(kind) inputs in \(round(seconds * 10) / 10) s, \(sum(.values)) read, \(sum(.refusals)) "
            + "refused; the slowest took \(Double(highest(.slowest) / 100_000) / 10) ms, the largest "
            + "\(Double(highest(.mostMemory)) / 10) % of its memory; \(failures) failures"
    }
}
