import Foundation
import Testing

@testable import LoomRuns

extension SweepPlan {
    /// A search of so many trials, which differ in one key.
    static func made(
        rungs: [SweepRung], metric: SweepMetric = .validationLoss, folds: Int? = nil, configuration: String = "/c.yaml",
        sum: String = ""
    ) -> SweepPlan {
        SweepPlan(
            configurationPath: configuration, configurationSum: sum, workingDirectory: "/", settings: [], search: .grid,
            seed: 1, metric: metric, folds: folds, rungs: rungs, keys: ["a"], changedKeys: ["a"],
            trials: (1...rungs[0].trials).map { ["\($0)"] })
    }
}

extension SweepOutcome {
    /// What a task came to; without a score it failed.
    static func made(_ task: SweepTask, _ score: Double?, end: End = .completed) -> SweepOutcome {
        SweepOutcome(
            task, end: score == nil ? .failed : end, score: score, bestEpoch: 1,
            epochs: 2, seconds: 0.5, run: "runs/\(task.trial)", problem: score == nil ? "no reason" : nil)
    }
}

/// What a search does next, and which trial is best.
@Suite struct SweepCourseTests {
    @Test(
        arguments: [
            (27, 27, 3, [(27, 1), (9, 3), (3, 9), (1, 27)]), (10, 10, 3, [(10, 1), (3, 3), (1, 10)]),
            (27, 5, 3, [(27, 1), (9, 5)]), (5, 100, 2, [(5, 25), (2, 50), (1, 100)]), (4, 60, 4, [(4, 15), (1, 60)]),
        ] as [(Int, Int, Int, [(Int, Int)])])
    func halvingHasRungs(trials: Int, epochs: Int, reduction: Int, rungs: [(Int, Int)]) throws {
        let made = try HalvingSchedule.rungs(trials: trials, epochs: epochs, reduction: reduction)
        #expect(made == rungs.map { SweepRung(trials: $0.0, epochs: $0.1) })
    }

    @Test func halvingNeedsTrialsAndEpochs() {
        for (trials, epochs) in [(2, 9), (9, 2), (1, 1)] {
            #expect(throws: SweepError.noHalving(trials: trials, epochs: epochs, reduction: 3)) {
                try HalvingSchedule.rungs(trials: trials, epochs: epochs, reduction: 3)
            }
        }
    }

    private static let halving = [
        SweepRung(trials: 6, epochs: 1), SweepRung(trials: 3, epochs: 2), SweepRung(trials: 1, epochs: 4),
    ]

    /// Does all tasks, those of a rung in an order by `seed`, with scores by `score`.
    private func done(_ plan: SweepPlan, seed: UInt64 = 1, score: (SweepTask) -> SweepOutcome) -> SweepCourse {
        var course = SweepCourse(plan)
        while !course.tasks.isEmpty {
            for task in course.tasks.sorted(by: { $0.hashValue &* Int(seed) < $1.hashValue &* Int(seed) }) {
                course.add(score(task))
            }
        }
        return course
    }

    @Test func theBestGoOn() {
        var course = SweepCourse(.made(rungs: Self.halving))
        #expect(course.tasks.map(\.trial) == [1, 2, 3, 4, 5, 6] && course.tasks.allSatisfy { $0.rung == 0 })
        let scores = [0.5, 0.2, 0.9, 0.2, 0.3, 0.4]
        for task in course.tasks.dropLast() { course.add(.made(task, scores[task.trial - 1], end: .paused)) }
        // The rung is not done: none is chosen yet.
        #expect(course.tasks == [SweepTask(trial: 6, fold: nil, rung: 0)])
        course.add(.made(course.tasks[0], scores[5], end: .paused))
        #expect(course.tasks.map(\.trial) == [2, 4, 5] && course.tasks.allSatisfy { $0.rung == 1 })
        course.add(.made(course.tasks[0], 0.19, end: .paused))
        course.add(.made(course.tasks[0], 0.1, end: .paused))
        course.add(.made(course.tasks[0], 0.3, end: .paused))
        #expect(course.tasks == [SweepTask(trial: 4, fold: nil, rung: 2)])
        course.add(.made(course.tasks[0], 0.05))
        #expect(course.tasks == [])
        // Of equal scores the lower number is first.
        #expect(course.standings.map(\.trial) == [4, 2, 5, 6, 1, 3])
        #expect(course.standings[0].score == 0.05 && course.standings[0].seconds == 1.5)
        #expect(course.standings[0].runs == ["runs/4"])
    }

    @Test func nothingDependsOnTheOrder() {
        let plan = SweepPlan.made(rungs: Self.halving, folds: 3)
        func score(_ task: SweepTask) -> SweepOutcome {
            .made(task, Double((task.trial * 7 + (task.fold ?? 0) * 5) % 11) / Double(task.rung + 1), end: .paused)
        }
        let expected = done(plan, score: score).standings
        for seed in 2..<6 { #expect(done(plan, seed: UInt64(seed), score: score).standings == expected) }
    }

    @Test func theMeanOverFoldsCounts() {
        let plan = SweepPlan.made(rungs: [SweepRung(trials: 2, epochs: 4)], metric: .validationAccuracy, folds: 2)
        let course = done(plan) { .made($0, $0.trial == 1 ? ($0.fold == 1 ? 0.9 : 0.5) : 0.75) }
        #expect(course.standings.map(\.trial) == [2, 1] && course.standings.map(\.score) == [0.75, 0.7])
        #expect(course.standings[0].bestEpoch == nil)
    }

    @Test func whatFailsNeverWins() {
        let course = done(.made(rungs: Self.halving)) { task in
            if task.trial == 1 { return .made(task, task.rung == 0 ? 0.1 : nil, end: .paused) }
            return .made(task, task.trial == 3 ? nil : Double(task.trial), end: .paused)
        }
        // The first one was best until it failed in its second rung; the third one failed at once.
        #expect(course.standings.map(\.trial) == [2, 4, 5, 6, 1, 3])
        #expect(course.standings.map { $0.score == nil } == [false, false, false, false, true, true])
        #expect(course.standings[4].problem == "no reason" && course.standings[0].problem == nil)
        #expect(course.outcomes(of: 2).map(\.rung) == [0, 1, 2])
        // All of them: the search ends.
        let failed = done(.made(rungs: Self.halving)) { .made($0, nil) }
        #expect(failed.standings.allSatisfy { $0.score == nil } && failed.outcomes(of: 1).count == 1)
    }

    @Test func aFailedFoldEndsItsTrial() {
        var course = SweepCourse(.made(rungs: [SweepRung(trials: 2, epochs: 4)], folds: 3))
        course.add(.made(SweepTask(trial: 1, fold: 2, rung: 0), nil))
        #expect(course.tasks.map(\.trial) == [2, 2, 2])
        #expect(course.standings.map(\.problem) == ["fold 2: no reason", nil])
    }

    @Test func whatStoppedEarlyGoesOnWithoutTraining() {
        var course = SweepCourse(.made(rungs: [SweepRung(trials: 3, epochs: 2), SweepRung(trials: 1, epochs: 6)]))
        for task in course.tasks {
            course.add(.made(task, Double(task.trial), end: task.trial == 1 ? .stoppedEarly : .paused))
        }
        #expect(course.tasks == [] && course.standings[0].trial == 1)
    }

    @Test func theBestEpochIsTheScore() {
        func epoch(_ number: Int, _ loss: Double?, _ accuracy: Double?) -> EpochEvent {
            EpochEvent(
                epoch: number, step: number, loss: 1 / Double(number), accuracy: nil, validationLoss: loss,
                validationAccuracy: accuracy, samplesPerSecond: 1, seconds: 1)
        }
        let epochs = [
            epoch(1, 0.5, 0.1), epoch(2, 0.3, 0.9), epoch(3, 0.3, 0.9), epoch(4, .nan, .nan), epoch(5, 0.4, 0.2),
        ]
        #expect(SweepMetric.validationLoss.best(of: epochs)! == (2, 0.3))
        #expect(SweepMetric.validationAccuracy.best(of: epochs)! == (2, 0.9))
        #expect(SweepMetric.trainingLoss.best(of: epochs)! == (5, 0.2))
        #expect(SweepMetric.trainingAccuracy.best(of: epochs) == nil)
    }
}
