import Foundation
import LoomReporting
import LoomRuns

/// What `gradloom sweep` prints.
struct SweepReport {
    let plan: SweepPlan
    let standings: [SweepCourse.Standing]
    /// The directory of the sweep, as it was named.
    let directory: String
    /// The most trainings at once.
    let jobs: Int
    /// Seconds from the beginning of this command to its end.
    let seconds: Double
    /// Whether nothing is left to do.
    let isOver: Bool
    /// The best configuration's file; nil: there is none.
    var bestPath: String?

    private static let mostRows = 25
    private static let mostProblems = 10

    /// The name of a key as short as it is clear: `learning_rate`.
    static func shortName(_ key: String, in plan: SweepPlan) -> String {
        func last(_ path: String) -> String { path.split(separator: ".").last.map(String.init) ?? path }
        return plan.changedKeys.count { last($0) == last(key) } == 1 ? last(key) : key
    }

    private var scored: [SweepCourse.Standing] { standings.filter { $0.score != nil } }
    private var failed: [SweepCourse.Standing] { standings.filter { $0.problem != nil } }

    // MARK: Text

    var text: String {
        [summary, table, problems, next].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// "digits: 9 trials by validation_loss in 12.3 s"
    private var summary: String {
        let name = URL(fileURLWithPath: plan.configurationPath).deletingPathExtension().lastPathComponent
        let folds = plan.folds.map { ", each the mean of \($0) folds," } ?? ""
        let done = isOver ? "" : "\(NumberFormat.grouped(scored.count + failed.count)) of "
        return
            "\(name): \(done)\(NumberFormat.counted(plan.trials.count, "trial"))\(folds) by \(plan.metric.rawValue) in "
            + "\(NumberFormat.duration(seconds: seconds))\n"
    }

    private var table: String {
        guard !scored.isEmpty else { return "" }
        let number = TextTable.Column.Alignment.right
        var table = TextTable(
            columns: [.init("rank", alignment: number), .init("trial", alignment: number)]
                + plan.changedKeys.map { .init(Self.shortName($0, in: plan), alignment: number) }
                + [
                    .init(plan.metric.rawValue, alignment: number), .init("best epoch", alignment: number),
                    .init("epochs", alignment: number), .init("seconds", alignment: number), .init("run"),
                ])
        for (index, standing) in scored.prefix(Self.mostRows).enumerated() {
            table.append(
                ["\(index + 1)", "\(standing.trial)"] + plan.changes(of: standing.trial).map(\.value) + [
                    NumberFormat.number(standing.score!), standing.bestEpoch.map(String.init) ?? NumberFormat.missing,
                    "\(standing.epochs)", String(format: "%.1f", standing.seconds), place(of: standing),
                ])
        }
        let left = scored.count - Self.mostRows
        return table.rendered() + (left > 0 ? "\(NumberFormat.grouped(left)) more with --json\n" : "")
    }

    /// The run, or the directory of the runs of all folds.
    private func place(of standing: SweepCourse.Standing) -> String {
        if plan.folds == nil, let run = standing.runs.last { return directory + "/" + run }
        return directory + "/runs/trial-\(standing.trial)"
    }

    private var problems: String {
        guard !failed.isEmpty else { return "" }
        let lines = failed.prefix(Self.mostProblems).map { standing in
            let changes = plan.changes(of: standing.trial).map { "\(Self.shortName($0.key, in: plan))=\($0.value)" }
            return "- \((["trial \(standing.trial)"] + changes).joined(separator: " ")): \(standing.problem ?? "")\n"
        }
        let left = failed.count - Self.mostProblems
        return "Without a score:\n" + lines.joined()
            + (left > 0 ? "- \(NumberFormat.grouped(left)) more with --json\n" : "")
    }

    private var next: String {
        if isOver, bestPath == nil { return "" }
        if let bestPath { return "Next: \(ShellText.joined(["gradloom", "train", bestPath]))\n" }
        return "Interrupted; go on with: \(ShellText.joined(["gradloom", "sweep", "--resume", directory]))\n"
    }

    // MARK: The best configuration

    /// The best configuration as YAML, below a line that says where it comes from.
    /// - Throws: `ConfigurationError`.
    func bestConfigurationText() throws -> String? {
        guard let best = scored.first, let score = best.score else { return nil }
        let name = URL(fileURLWithPath: plan.configurationPath).lastPathComponent
        let day = String(Date.now.formatted(.iso8601).prefix(10))
        let changes = plan.changes(of: best.trial).map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        return """
            # \(name), the best of \(NumberFormat.counted(plan.trials.count, "trial")) of gradloom sweep \
            \(GradloomCommand.version) on \(day): trial \(best.trial),
            # \(plan.metric.rawValue) \(NumberFormat.number(score))\(changes.isEmpty ? "" : ", with \(changes)").
            \(try plan.configuration(of: best.trial).yaml())
            """
    }
}

// MARK: JSON

extension SweepReport: Encodable {
    private struct TrialRecord: Encodable {
        let standing: SweepCourse.Standing
        let rank: Int?
        let values: [String: String]

        enum CodingKeys: String, CodingKey {
            case trial, rank, values, score, epochs, seconds, runs, problem
            case bestEpoch = "best_epoch"
        }

        /// Writes every key; absent values are null.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(standing.trial, forKey: .trial)
            try container.encode(rank, forKey: .rank)
            try container.encode(values, forKey: .values)
            try container.encode(standing.score, forKey: .score)
            try container.encode(standing.bestEpoch, forKey: .bestEpoch)
            try container.encode(standing.epochs, forKey: .epochs)
            try container.encode(standing.seconds, forKey: .seconds)
            try container.encode(standing.runs, forKey: .runs)
            try container.encode(standing.problem, forKey: .problem)
        }
    }

    enum CodingKeys: String, CodingKey {
        case event, search, seed, metric, folds, rungs, trials, jobs, seconds, directory
        case isOver = "is_over"
        case bestConfiguration = "best_configuration"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("swept", forKey: .event)
        try container.encode(plan.search, forKey: .search)
        try container.encode(plan.seed, forKey: .seed)
        try container.encode(plan.metric, forKey: .metric)
        try container.encode(plan.folds, forKey: .folds)
        try container.encode(plan.rungs, forKey: .rungs)
        let trials = standings.enumerated().map { index, standing in
            TrialRecord(
                standing: standing, rank: standing.score == nil ? nil : index + 1,
                values: Dictionary(uniqueKeysWithValues: zip(plan.keys, plan.trials[standing.trial - 1])))
        }
        try container.encode(trials, forKey: .trials)
        try container.encode(jobs, forKey: .jobs)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(directory, forKey: .directory)
        try container.encode(isOver, forKey: .isOver)
        try container.encode(bestPath, forKey: .bestConfiguration)
    }
}
