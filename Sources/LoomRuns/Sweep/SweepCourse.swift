/// One training of a search, or a part of it: a trial on a fold until the end of a rung.
package struct SweepTask: Sendable, Hashable {
    /// The trial, counted from 1.
    package let trial: Int
    /// The fold, counted from 1; nil without cross-validation.
    package let fold: Int?
    /// The rung, counted from 0.
    package let rung: Int

    /// A task.
    package init(trial: Int, fold: Int?, rung: Int) {
        (self.trial, self.fold, self.rung) = (trial, fold, rung)
    }
}

/// What a task came to: a line of `trials.jsonl`.
package struct SweepOutcome: Sendable, Equatable, Codable {
    /// Why the training ended.
    package enum End: String, Sendable, Codable {
        /// all of its epochs or steps are done
        case completed
        /// early stopping ended it
        case stoppedEarly = "stopped_early"
        /// the epochs of its rung are done
        case paused
        /// a loss was no finite number
        case diverged
        /// it could not be trained
        case failed
    }
    /// The trial, counted from 1.
    package var trial: Int
    /// The fold, counted from 1; null without cross-validation.
    package var fold: Int?
    /// The rung, counted from 0.
    package var rung: Int
    /// Why the training ended.
    package var end: End
    /// The best measure of its epochs so far; null: there is none.
    package var score: Double?
    /// The epoch that had it, counted from 1.
    package var bestEpoch: Int?
    /// The epochs done.
    package var epochs: Int
    /// Seconds that its process took, with loading and checkpoints.
    package var seconds: Double
    /// The run's directory, relative to that of the search; null: it has none.
    package var run: String?
    /// Why there is no score.
    package var problem: String?

    /// An outcome.
    package init(
        _ task: SweepTask, end: End, score: Double?, bestEpoch: Int?, epochs: Int, seconds: Double, run: String?,
        problem: String?
    ) {
        (trial, fold, rung) = (task.trial, task.fold, task.rung)
        (self.end, self.score, self.bestEpoch) = (end, score, bestEpoch)
        (self.epochs, self.seconds, self.run, self.problem) = (epochs, seconds, run, problem)
    }

    enum CodingKeys: String, CodingKey {
        case trial, fold, rung, end, score, epochs, seconds, run, problem
        case bestEpoch = "best_epoch"
    }

    /// What it is the outcome of.
    package var task: SweepTask { SweepTask(trial: trial, fold: fold, rung: rung) }
    /// Whether nothing follows.
    var isOver: Bool { end == .completed || end == .stoppedEarly }
}

/// How far a search has come, and what is to be done next. It depends on the plan and on the outcomes alone, not on their order.
package struct SweepCourse: Sendable {
    /// What is searched.
    package let plan: SweepPlan
    private var outcomes: [SweepTask: SweepOutcome] = [:]

    /// The beginning of a search.
    package init(_ plan: SweepPlan) { self.plan = plan }

    /// Notes what a task came to.
    package mutating func add(_ outcome: SweepOutcome) { outcomes[outcome.task] = outcome }

    /// All outcomes of a trial, in the order of rungs and folds.
    package func outcomes(of trial: Int) -> [SweepOutcome] {
        plan.rungs.indices.flatMap { rung in
            plan.trialFolds.compactMap { outcomes[SweepTask(trial: trial, fold: $0, rung: rung)] }
        }
    }

    /// The tasks that can be done now: what is left of the first rung that is not done. None: the search is over.
    package var tasks: [SweepTask] {
        for rung in plan.rungs.indices {
            let open = survivors(of: rung).flatMap { trial in
                plan.trialFolds.map { SweepTask(trial: trial, fold: $0, rung: rung) }
            }.filter { outcome(of: $0) == nil && !hasFailed($0) }
            if !open.isEmpty { return open }
        }
        return []
    }

    /// The trials that take part in `rung`, in the order of their numbers; the rungs before it are done.
    private func survivors(of rung: Int) -> [Int] {
        guard rung > 0 else { return Array(1...plan.trials.count) }
        let scored = survivors(of: rung - 1).compactMap { trial in score(of: trial, after: rung - 1).map { (trial, $0) }
        }
        return scored.sorted(by: isBefore).prefix(plan.rungs[rung].trials).map(\.0).sorted()
    }

    /// Better scores first; of equal ones the trial with the lower number.
    private func isBefore(_ first: (Int, Double), _ second: (Int, Double)) -> Bool {
        first.1 == second.1 ? first.0 < second.0 : plan.metric.isBetter(first.1, than: second.1)
    }

    /// What `task` came to: a training that was over in an earlier rung has nothing left to do.
    private func outcome(of task: SweepTask) -> SweepOutcome? {
        if let outcome = outcomes[task] { return outcome }
        guard task.rung > 0 else { return nil }
        return outcome(of: SweepTask(trial: task.trial, fold: task.fold, rung: task.rung - 1)).flatMap {
            $0.isOver ? $0 : nil
        }
    }

    /// Whether another fold of its trial has failed: then nothing that this one could come to counts.
    private func hasFailed(_ task: SweepTask) -> Bool {
        plan.trialFolds.contains { fold in
            outcome(of: SweepTask(trial: task.trial, fold: fold, rung: task.rung)).map { $0.score == nil } ?? false
        }
    }

    /// The mean of the scores of a trial's folds after `rung`; nil: it failed, or was not trained so far.
    private func score(of trial: Int, after rung: Int) -> Double? {
        let scores = plan.trialFolds.map { outcome(of: SweepTask(trial: trial, fold: $0, rung: rung))?.score }
        let known = scores.compactMap { $0 }
        return known.count == scores.count ? known.reduce(0, +) / Double(known.count) : nil
    }

    /// How a trial stands.
    package struct Standing: Sendable, Equatable {
        /// The trial, counted from 1.
        package let trial: Int
        /// The score after the last rung that it has done; nil: it has failed, or has done none.
        package let score: Double?
        /// The epoch whose measure is the score, counted from 1; nil with several folds, each of which has its own.
        package let bestEpoch: Int?
        /// The epochs that each fold has done; the most of them.
        package let epochs: Int
        /// Seconds of all of its trainings.
        package let seconds: Double
        /// The directories of its runs, relative to that of the search.
        package let runs: [String]
        /// Why it diverged or failed; nil: it did not.
        package let problem: String?
    }

    /// All trials: those with a score by their scores, and then the others by their numbers.
    package var standings: [Standing] {
        let all = plan.trials.indices.map { standing(of: $0 + 1) }
        let scored = all.filter { $0.score != nil }.sorted { isBefore(($0.trial, $0.score!), ($1.trial, $1.score!)) }
        return scored + all.filter { $0.score == nil }
    }

    private func standing(of trial: Int) -> Standing {
        let own = outcomes(of: trial)
        let problem = own.first { $0.score == nil }.map { outcome in
            (outcome.fold.map { "fold \($0): " } ?? "") + (outcome.problem ?? outcome.end.rawValue)
        }
        let rung = plan.rungs.indices.last { score(of: trial, after: $0) != nil }
        var runs: [String] = []
        for run in own.compactMap(\.run) where !runs.contains(run) { runs.append(run) }
        return Standing(
            trial: trial, score: problem == nil ? rung.flatMap { score(of: trial, after: $0) } : nil,
            bestEpoch: plan.folds == nil ? own.last?.bestEpoch : nil, epochs: own.map(\.epochs).max() ?? 0,
            seconds: own.map(\.seconds).reduce(0, +), runs: runs, problem: problem)
    }
}
