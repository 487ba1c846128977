import Foundation

/// The runs of a search: where they are, and what they have come to.
package struct SweepRuns: Sendable {
    /// The directory of the search.
    package let path: String
    /// What is searched.
    package let plan: SweepPlan

    /// The directory in which the runs of a task are, relative to that of the search.
    package func place(of task: SweepTask) -> String {
        "runs/trial-\(task.trial)" + (task.fold.map { "/fold-\($0)" } ?? "")
    }

    /// The newest run of a task with which a training can go on, relative to the directory of the search; nil: none.
    package func run(of task: SweepTask) -> String? {
        let place = place(of: task)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path + "/" + place)) ?? []
        return names.sorted().map { place + "/" + $0 }.last { (try? RunDirectory(existing: path + "/" + $0)) != nil }
    }

    /// What a task has come to by the files of its run; nil: it is not done.
    /// - Parameter seconds: The time that its processes took.
    /// - Throws: as `RunRecord.init`.
    package func outcome(of task: SweepTask, seconds: Double) throws -> SweepOutcome? {
        guard let run = run(of: task) else { return nil }
        let record = try RunRecord(path + "/" + run)
        let asked = plan.rungs[task.rung].epochs
        let epochs = record.epochs.filter { $0.epoch <= asked }
        let end: SweepOutcome.End
        switch RunEnd(record.directory)?.end {
        case "completed": end = .completed
        case "stopped_early": end = .stoppedEarly
        case "diverged": end = .diverged
        default:
            // The last rung ends with its training.
            guard task.rung < plan.rungs.count - 1, let last = epochs.last, last.epoch >= asked else { return nil }
            end = .paused
        }
        let best = end == .diverged ? nil : plan.metric.best(of: epochs)
        let problem: String? =
            end == .diverged
            ? "diverged after \(NumberFormat.counted(record.done?.steps ?? 0, "step")): a loss was no finite number"
            : best == nil ? "no epoch has a \(plan.metric.rawValue) that is a finite number" : nil
        return SweepOutcome(
            task, end: end, score: best?.value, bestEpoch: best?.epoch,
            epochs: epochs.last?.epoch ?? 0, seconds: seconds, run: run, problem: problem)
    }
}

/// How a run says that it ended.
private struct RunEnd: Decodable {
    let end: String

    /// By the summary of `run`; nil: it has none.
    init?(_ run: RunDirectory) {
        guard let text = try? String(contentsOfFile: run.summaryPath, encoding: .utf8),
            let value = try? JSONLines.value(RunEnd.self, from: text)
        else { return nil }
        self = value
    }
}
