import Foundation
import Testing

@testable import LoomRuns

/// What is read of a run's directory, while it goes on or afterwards.
@Suite struct RunRecordTests {
    private static let configuration = """
        data: {synthetic: {task: spirals, samples: 10}}
        network: {layers: [{units: 2}], output: softmax}

        """

    private func epoch(_ number: Int, step: Int, loss: Double = 1) throws -> String {
        try JSONLines.line(
            EpochEvent(
                epoch: number, step: step, loss: loss, accuracy: nil, validationLoss: nil, validationAccuracy: nil,
                samplesPerSecond: 1, seconds: 1))
    }

    private func record(_ metrics: String) throws -> RunRecord {
        let parent = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: parent) }
        let run = try RunDirectory.create(in: parent, name: "r", configuration: Self.configuration)
        try metrics.write(toFile: run.metricsPath, atomically: true, encoding: .utf8)
        return try RunRecord(run.path)
    }

    /// Trials of a sweep begin in the same second.
    @Test func namesTellRunsApart() throws {
        let parent = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: parent) }
        var records: [RunRecord] = []
        for folder in ["trial-1", "trial-2"] {
            let run = try RunDirectory.create(in: "\(parent)/\(folder)", name: "r", configuration: Self.configuration)
            try FileManager.default.moveItem(atPath: run.path, toPath: "\(parent)/\(folder)/r")
            records.append(try RunRecord("\(parent)/\(folder)/r/"))
        }
        #expect(RunRecord.names(of: records) == ["trial-1/r", "trial-2/r"])
        #expect(RunRecord.names(of: [records[0]]) == ["r"])
        #expect(RunRecord.names(of: [records[0], records[0]]).count == 2 && RunRecord.names(of: []).isEmpty)
    }

    /// Epochs after the step that a training went back to are not those of its parameters.
    @Test func rollbacksTakeEpochsBack() throws {
        let rollback = try JSONLines.line(
            RollbackEvent(Rollback(divergedStep: 35, origin: "the loss function", step: 20, learningRateFactor: 0.5)))
        let lines = try [
            epoch(1, step: 10), epoch(2, step: 20), epoch(3, step: 30), rollback, epoch(3, step: 30, loss: 0.5),
        ]
        let record = try record(lines.joined())
        #expect(record.epochs.map(\.step) == [10, 20, 30] && record.epochs[2].loss == 0.5)
        #expect(record.run == nil && record.done == nil)
    }

    /// An epoch belongs to the start that ended it, also where a training went back to before it.
    @Test func epochsHaveTheirStarts() throws {
        func start(_ workers: Int) throws -> String {
            var event = EventTests.run
            event.workers = workers
            return try JSONLines.line(event)
        }
        let lines = try [start(1), epoch(1, step: 10), start(2), epoch(2, step: 20), epoch(3, step: 30)]
        let record = try record(lines.joined())
        #expect(record.starts.map(\.workers) == [1, 2] && record.run?.workers == 2)
        #expect(record.epochs.map(\.epoch) == [1, 2, 3] && record.epochStarts == [0, 1, 1])
        let rollback = try JSONLines.line(
            RollbackEvent(Rollback(divergedStep: 25, origin: "the loss", step: 0, learningRateFactor: 0.5)))
        let again = try self.record((lines + [rollback, epoch(1, step: 10)]).joined())
        #expect(again.epochStarts == [1])
    }

    /// Losses that are no numbers are read, a line that is being written is not, and events of later versions are passed over.
    @Test func anyLines() throws {
        let nan = try record(epoch(1, step: 10, loss: .nan) + "{\"event\":\"later\",\"x\":1}\n" + "{\"event\":\"epo")
        #expect(nan.epochs.count == 1 && nan.epochs[0].loss.isNaN)
        #expect(try record("").epochs.isEmpty)
        let error = #expect(throws: RunRecordError.self) { try record(epoch(1, step: 10) + "\n{}\n") }
        #expect(error?.line == 2)
    }
}
