import Foundation
import Testing

@testable import LoomRuns

/// The files of a search, and what a search that goes on finds in them.
@Suite final class SweepDirectoryTests {
    private let place = FileManager.default.temporaryDirectory.appendingPathComponent("sweep-\(UUID().uuidString)").path
    private var path: String { place + "/a/sweep" }
    private var configuration: String { place + "/c.yaml" }
    private let rungs = [SweepRung(trials: 3, epochs: 2), SweepRung(trials: 1, epochs: 6)]

    init() throws {
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try write(
            "data: {synthetic: {task: spirals, samples: 10}}\nnetwork: {layers: [{units: 2}], output: softmax}\n",
            configuration)
    }

    deinit { try? FileManager.default.removeItem(atPath: place) }

    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func made() throws -> SweepDirectory {
        try SweepDirectory.create(
            path,
            plan: .made(
                rungs: rungs, configuration: configuration, sum: SweepDirectory.sum(ofConfiguration: configuration)))
    }

    @Test func whatWasDoneIsKnownAgain() throws {
        var sweep: SweepDirectory? = try made()
        let plan = try #require(sweep?.plan)
        for trial in 1...2 { try sweep?.append(.made(SweepTask(trial: trial, fold: nil, rung: 0), 0.5, end: .paused)) }
        #expect(throws: SweepError.inUse(path)) { try SweepDirectory.existing(path) }
        sweep = nil
        // Half a line of a process that was killed.
        let lines = try String(contentsOfFile: path + "/trials.jsonl", encoding: .utf8)
        try write(lines + lines.prefix(20), path + "/trials.jsonl")
        let again = try SweepDirectory.existing(path)
        #expect(again.plan == plan)
        #expect(try again.course().tasks == [SweepTask(trial: 3, fold: nil, rung: 0)])
        #expect(try again.course().standings.map(\.score) == [0.5, 0.5, nil])
    }

    @Test func aPlaceWithSomethingInItIsLeftAlone() throws {
        withExtendedLifetime(try made()) {}
        #expect(throws: SweepError.hasSweep(path)) { try made() }
        #expect(throws: SweepError.notEmpty(place)) { try SweepDirectory.checkIsFree(place) }
        #expect(throws: SweepError.noSweep(place)) { try SweepDirectory.existing(place) }
        #expect(throws: SweepError.cannotCreate(path: configuration, reason: "Not a directory")) {
            try SweepDirectory.checkIsFree(configuration)
        }
    }

    @Test func anotherConfigurationIsRefused() throws {
        withExtendedLifetime(try made()) {}
        try write("data: {}\n", configuration)
        #expect(throws: SweepError.otherConfiguration(directory: path, path: configuration)) {
            try SweepDirectory.existing(path)
        }
    }

    @Test(arguments: [
        ("sweep.json", "{}", "no description of a sweep"), ("trials.jsonl", "{}\n", "line 1 is no outcome"),
        ("trials.jsonl", #"{"trial":9,"rung":0,"end":"failed","epochs":1,"seconds":1}"# + "\n", "line 1 is no outcome"),
        ("trials.jsonl", #"{"trial":1,"fold":1,"rung":0,"end":"failed","epochs":1,"seconds":1}"# + "\n", "line 1 is"),
    ])
    func damagedFilesAreNamed(file: String, text: String, problem: String) throws {
        withExtendedLifetime(try made()) {}
        try write(text, path + "/" + file)
        let error = #expect(throws: SweepError.self) { try SweepDirectory.existing(path).course() }
        #expect(try #require(error).description.contains(problem), "\(String(describing: error))")
    }

    @Test func plansThatCannotBeAreNamed() throws {
        let plan = try made().plan
        let damages: [(problem: String, damage: (inout SweepPlan) -> Void)] = [
            ("the number of trials", { $0.trials = [] }), ("the keys", { $0.changedKeys = ["b"] }),
            ("a trial has not as many values as there are keys", { $0.trials[1] = [] }),
            ("the number of folds", { $0.folds = 1 }), ("the rungs", { $0.rungs = [] }),
            ("the rungs", { $0.rungs.reverse() }), ("the rungs", { $0.rungs = [SweepRung(trials: 2, epochs: 2)] }),
            (
                "the keys",
                { plan in
                    plan.keys = ["a", "a"]
                    plan.trials = plan.trials.map { $0 + $0 }
                }
            ),
        ]
        #expect(plan.fault == nil)
        for (problem, damage) in damages {
            var damaged = plan
            damage(&damaged)
            #expect(damaged.fault == problem)
            try write(JSONLines.document(damaged), path + "/sweep.json")
            #expect(throws: SweepError.damaged(path: path + "/sweep.json", problem: problem)) {
                try SweepDirectory.existing(path)
            }
        }
    }

    /// A run that was killed after the epoch of its rung, before anybody noted so, is not trained again.
    @Test func anEndThatWasNotNotedIsFound() throws {
        let runs = try made().runs
        let task = SweepTask(trial: 2, fold: nil, rung: 0)
        #expect(try runs.run(of: task) == nil && runs.outcome(of: task, seconds: 1) == nil)
        let run = try RunDirectory.create(
            in: path + "/" + runs.place(of: task), name: "c",
            configuration: String(contentsOfFile: configuration, encoding: .utf8))
        let metrics = try MetricsFile(appendingTo: run.metricsPath)
        func end(_ epoch: Int, _ loss: Double) throws {
            try metrics.append(
                EpochEvent(
                    epoch: epoch, step: epoch, loss: 1, accuracy: nil, validationLoss: loss, validationAccuracy: nil,
                    samplesPerSecond: 1, seconds: 1))
        }
        try end(1, 0.5)
        #expect(try runs.outcome(of: task, seconds: 1) == nil)
        try end(2, 0.7)
        try end(3, 0.1)
        let outcome = try #require(try runs.outcome(of: task, seconds: 1))
        // What it did beyond the rung does not count.
        #expect(outcome.end == .paused && outcome.score == 0.5 && outcome.bestEpoch == 1 && outcome.epochs == 2)
        #expect(outcome.run.map { path + "/" + $0 } == run.path)
        let last = SweepTask(trial: 2, fold: nil, rung: 1)
        for epoch in 4...6 { try end(epoch, 0.05) }
        #expect(try runs.outcome(of: last, seconds: 1) == nil)
        for (end, score) in [("completed", 0.05), ("diverged", nil), ("stopped_early", 0.05)] {
            try write("{\"end\": \"\(end)\"}", run.summaryPath)
            #expect(try runs.outcome(of: last, seconds: 1)?.end.rawValue == end)
            #expect(try runs.outcome(of: last, seconds: 1)?.score == score)
        }
    }
}
