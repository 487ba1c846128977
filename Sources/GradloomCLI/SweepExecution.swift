import Foundation
import LoomHardware
import LoomReporting
import LoomRuns
import LoomTraining

/// Carries a search out, rung by rung, until all is done or a signal ends it.
struct SweepExecution {
    private let sweep: SweepDirectory
    private let topology: Topology
    private let allowance: CPUAllowance
    private let jobs: Int?
    private let stop: StopRequest
    private let progress: SweepProgress
    /// How far the search is.
    private(set) var course: SweepCourse
    /// The most trainings that went on at the same time.
    private(set) var mostJobs = 0
    /// The signal that ended it; nil: none.
    private(set) var signal: Int32?

    /// The search of `sweep` on this machine, with at most `jobs` trainings at once (nil: one a core).
    /// - Throws: `SweepError.tooManyJobs`, `.damaged`, `TopologyError`.
    init(_ sweep: SweepDirectory, jobs: Int?, stop: StopRequest, progress: SweepProgress) throws {
        self.sweep = sweep
        (topology, allowance) = try Self.machine(jobs: jobs)
        (self.jobs, self.stop, self.progress) = (jobs, stop, progress)
        course = try sweep.course()
    }

    /// This machine.
    /// - Throws: `SweepError.tooManyJobs` where each of `jobs` cannot have a core; `TopologyError`.
    static func machine(jobs: Int?) throws -> (Topology, CPUAllowance) {
        let topology = try Topology.machine()
        let allowance = try CPUAllowance.current(topology: topology)
        let cores = CoreShare.coreCount(topology: topology, allowance: allowance)
        if let jobs, jobs > cores { throw SweepError.tooManyJobs(jobs: jobs, cores: cores) }
        return (topology, allowance)
    }

    /// Trains until nothing is left to do.
    /// - Throws: What keeps trainings from being started, or their outcomes from being written.
    mutating func run() throws {
        while signal == nil {
            let tasks = course.tasks
            guard let first = tasks.first else { return }
            try carryOut(tasks, rung: first.rung)
        }
    }

    private mutating func carryOut(_ tasks: [SweepTask], rung: Int) throws {
        let cores = CoreShare.coreCount(topology: topology, allowance: allowance)
        let shares = try CoreShare.all(min(jobs ?? cores, tasks.count), topology: topology, allowance: allowance)
        mostJobs = max(mostJobs, shares.count)
        progress.began(tasks, rung: rung, shares: shares)
        // A thread that starts and reads a process, and what the system has of it.
        try ProcessLimits.check(threads: 2 * shares.count, files: 16 * shares.count)
        let pool = SweepPool(tasks, of: sweep.runs)
        let threads = pool.start(on: shares)
        guard !threads.isEmpty else { throw POSIXError(.EAGAIN) }
        defer { threads.forEach { $0.join() } }
        do {
            while !pool.isDone {
                if stop.isRaised { pool.end() }
                try note(pool.news())
                progress.show(pool.running)
                // Short against a training, and long against what looking costs.
                Thread.sleep(forTimeInterval: 0.02)
            }
            try note(pool.news())
        } catch {
            pool.end()
            throw error
        }
        if let failure = pool.failure { throw failure }
        if stop.isRaised || pool.wasInterrupted { signal = stop.signal ?? SIGTERM }
    }

    private mutating func note(_ news: (outcomes: [SweepOutcome], notes: [String])) throws {
        news.notes.forEach(progress.note)
        for outcome in news.outcomes {
            try sweep.append(outcome)
            course.add(outcome)
            progress.ended(outcome)
        }
    }
}

/// How far a sweep is, on standard error: a line for each training that has ended, and on a terminal one below them, which is
/// rewritten, of those that go on.
final class SweepProgress {
    private let plan: SweepPlan
    private let isQuiet: Bool
    private let terminal = Terminal.standardError
    private var (left, total) = (0, 0)
    private var visible = ""
    private var nextDraw = ContinuousClock.now

    /// The progress of `plan`; nothing where it `isQuiet`.
    init(_ plan: SweepPlan, isQuiet: Bool) {
        (self.plan, self.isQuiet) = (plan, isQuiet)
    }

    /// Says what is trained now.
    func began(_ tasks: [SweepTask], rung: Int, shares: [CoreShare]) {
        (left, total) = (tasks.count, tasks.count)
        let trials = Set(tasks.map(\.trial)).count
        let folds = plan.folds.map { " on \($0) folds" } ?? ""
        let until = plan.rungs.count > 1 ? " until epoch \(plan.rungs[rung].epochs)" : ""
        let cores = Set(shares.map(\.cores)).sorted().map(String.init).joined(separator: " or ")
        let each = "\(cores) core\(cores == "1" ? "" : "s")"
        write(
            "\(NumberFormat.counted(trials, "trial"))\(folds)\(until): "
                + (shares.count == 1
                    ? "one training at a time, on \(each)"
                    : "\(shares.count) trainings at a time, each on \(each) of its own"))
    }

    /// Says what a training came to.
    func ended(_ outcome: SweepOutcome) {
        left -= 1
        let changes = plan.changes(of: outcome.trial).map { "\(SweepReport.shortName($0.key, in: plan))=\($0.value)" }
        let name = (["trial \(outcome.trial)"] + changes).joined(separator: " ")
        let fold = outcome.fold.map { ", fold \($0)" } ?? ""
        let result =
            outcome.score.map {
                "\(plan.metric.rawValue) \(NumberFormat.number($0)) (epoch \(outcome.bestEpoch ?? 0) of \(outcome.epochs))"
            } ?? outcome.problem ?? outcome.end.rawValue
        write("\(total - left)/\(total)  \(name)\(fold)  \(result)  \(NumberFormat.duration(seconds: outcome.seconds))")
    }

    /// Says what the user should know.
    func note(_ text: String) { write("note: " + text) }

    /// Shows which trainings go on.
    func show(_ running: [SweepTask: SweepPool.Running]) {
        guard !isQuiet, terminal.canRewriteLines else { return }
        let parts = running.sorted { ($0.key.trial, $0.key.fold ?? 0) < ($1.key.trial, $1.key.fold ?? 0) }.map {
            task, training in
            "trial \(task.trial)\(task.fold.map { " fold \($0)" } ?? ""): \(training.epochs)/\(plan.rungs[task.rung].epochs) epochs"
        }
        let line = String(parts.joined(separator: ", ").prefix(max(1, Terminal.standardErrorColumns() - 1)))
        // A terminal faster than ten times a second only flickers.
        guard line != visible, ContinuousClock.now >= nextDraw else { return }
        StandardError.write("\r\u{1B}[K" + line)
        visible = line
        nextDraw = .now + .milliseconds(100)
    }

    /// Leaves a clean line behind.
    func finish() {
        if !visible.isEmpty { StandardError.write("\r\u{1B}[K") }
        visible = ""
    }

    private func write(_ line: String) {
        finish()
        if !isQuiet { StandardError.write(line + "\n") }
    }
}
