import Foundation
import LoomConfiguration
import LoomKernels

/// The directory of a search.
///
///     DIR/
///       sweep.json          what is searched: a `SweepPlan`
///       trials.jsonl        one line a training that ended, or a part of it: a `SweepOutcome`
///       runs/trial-3/…      the run directory of a trial, with cross-validation below fold-1, fold-2, …
///       best.yaml           the best configuration, written at the end
package final class SweepDirectory {
    /// The runs.
    package let runs: SweepRuns
    private let outcomes: MetricsFile
    private let lock: DirectoryLock

    /// The directory.
    package var path: String { runs.path }
    /// What is searched.
    package var plan: SweepPlan { runs.plan }
    /// Where the best configuration is written.
    package var bestPath: String { path + "/best.yaml" }
    private static func planPath(_ path: String) -> String { path + "/sweep.json" }
    private static func outcomesPath(_ path: String) -> String { path + "/trials.jsonl" }

    private init(path: String, plan: SweepPlan) throws {
        guard let lock = DirectoryLock(path) else { throw SweepError.inUse(path) }
        self.lock = lock
        runs = SweepRuns(path: path, plan: plan)
        outcomes = try MetricsFile(appendingTo: Self.outcomesPath(path))
    }

    /// Refuses a place that has something already.
    /// - Throws: `SweepError.hasSweep`, `.notEmpty`, or `.cannotCreate` for what is no directory.
    package static func checkIsFree(_ path: String) throws {
        if access(planPath(path), F_OK) == 0 { throw SweepError.hasSweep(path) }
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return }
        guard isDirectory.boolValue else {
            throw SweepError.cannotCreate(path: path, reason: AtomicFile.systemMessage(ENOTDIR))
        }
        guard try FileManager.default.contentsOfDirectory(atPath: path).isEmpty else { throw SweepError.notEmpty(path) }
    }

    /// Makes the directory of a new search, with the directories above it.
    /// - Throws: as `checkIsFree`; `AtomicFile.WriteError`.
    package static func create(_ path: String, plan: SweepPlan) throws -> SweepDirectory {
        try checkIsFree(path)
        do {
            var made: [String] = []
            try RunDirectory.makeParents(path, made: &made)
        } catch RunDirectoryError.cannotCreate(let path, let reason) {
            throw SweepError.cannotCreate(path: path, reason: reason)
        }
        try AtomicFile.write(JSONLines.document(plan), to: planPath(path))
        return try SweepDirectory(path: path, plan: plan)
    }

    /// Opens the directory of a search that goes on.
    /// - Throws: `SweepError.noSweep`, `.damaged`, `.otherConfiguration`, `.inUse`.
    package static func existing(_ path: String) throws -> SweepDirectory {
        guard let text = try? String(contentsOfFile: planPath(path), encoding: .utf8) else {
            throw SweepError.noSweep(path)
        }
        guard let plan = try? JSONLines.value(SweepPlan.self, from: text) else {
            throw SweepError.damaged(path: planPath(path), problem: "it is no description of a sweep")
        }
        if let fault = plan.fault { throw SweepError.damaged(path: planPath(path), problem: fault) }
        guard try sum(ofConfiguration: plan.configurationPath) == plan.configurationSum else {
            throw SweepError.otherConfiguration(directory: path, path: plan.configurationPath)
        }
        return try SweepDirectory(path: path, plan: plan)
    }

    /// SHA-256 over the bytes of a configuration's file, in hexadecimal digits.
    /// - Throws: `CocoaError` where it cannot be read.
    package static func sum(ofConfiguration path: String) throws -> String {
        try SHA256.digits(of: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// How far the search has come.
    /// - Throws: `SweepError.damaged` for lines that are no outcomes of it.
    package func course() throws -> SweepCourse {
        var course = SweepCourse(plan)
        let file = Self.outcomesPath(path)
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        for (index, line) in text.split(separator: "\n").enumerated() {
            guard let outcome = try? JSONLines.value(SweepOutcome.self, from: String(line)),
                plan.trials.indices.contains(outcome.trial - 1), plan.rungs.indices.contains(outcome.rung),
                plan.trialFolds.contains(outcome.fold)
            else {
                throw SweepError.damaged(path: file, problem: "line \(index + 1) is no outcome of this sweep")
            }
            course.add(outcome)
        }
        return course
    }

    /// Notes what a task came to.
    /// - Throws: `AtomicFile.WriteError`.
    package func append(_ outcome: SweepOutcome) throws { try outcomes.append(outcome) }
}
