import Foundation
import LoomKernels
import LoomModel
import LoomTraining
import TestSupport
import Testing

@testable import LoomRuns

/// Checkpoints that are written while training goes on.
@Suite struct CheckpointWriterTests {
    private func trainer() throws -> Trainer<Float> {
        try FastProblem.made(layers: [20, 100, 5], output: .softmax, rows: 64, seed: 3).trainer(
            Float.self, optimizer: OptimizerDescription(kind: .adam, learningRate: 0.01),
            schedule: TrainingSchedule(batchRows: 16, epochs: 1000), team: TeamPlan(workers: 2))
    }

    private func writer(
        _ trainer: Trainer<Float>, to store: CheckpointStore, best: BestParameters<Float>? = nil,
        metrics: MetricsFile? = nil, writesBeside: Bool = true, choosesInterval: Bool = false
    ) -> CheckpointWriter<Float> {
        CheckpointWriter(
            trainer,
            contents: CheckpointContents(
                numerics: .fma1, metadata: ["inputs": "20"], tensors: [], dataFingerprint: "data"), to: store,
            best: best, metrics: metrics, writesBeside: writesBeside, choosesInterval: choosesInterval)
    }

    private func inTemporaryDirectory(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(directory.path)
    }

    /// What is written is the state when it was taken, however far training has come: parameters, optimizer and sums.
    @Test(arguments: [true, false]) func theStateIsThatOfItsStep(writesBeside: Bool) throws {
        try inTemporaryDirectory { directory in
            let trainer = try trainer()
            let store = CheckpointStore(directory: directory, keep: 100)
            let best = BestParameters(trainer)
            let writer = writer(trainer, to: store, best: best, writesBeside: writesBeside)
            var expected:
                [(step: Int, parameters: String, first: String, second: String, sums: LossSums, best: String)] = []
            for round in 0..<20 {
                _ = trainer.run(steps: 3)
                if round % 3 == 0 { best.keep() }
                let state = trainer.state
                expected.append(
                    (
                        trainer.step, trainer.parameters.hash, state.first!.hash, state.second!.hash, trainer.epochSums,
                        best.buffer.hash
                    ))
                try writer.write(ValidationHistory())
                // Beside the thread.
                _ = trainer.run(steps: 40)
                best.buffer.fill(Float(round))
                if round % 3 == 0 { best.keep() }
            }
            try writer.finish()
            #expect(store.all.count == 20)
            for (path, expected) in zip(store.all, expected) {
                let file = try Safetensors(contentsOf: path)
                let other = try self.trainer()
                try other.restore(file)
                #expect(other.step == expected.step && other.epochSums == expected.sums)
                #expect(other.parameters.hash == expected.parameters)
                #expect(other.state.first!.hash == expected.first && other.state.second!.hash == expected.second)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory).allSatisfy { !$0.hasPrefix(".") })
            let newest = try Safetensors(contentsOf: #require(store.best))
            let buffer = ParameterBuffer<Float>(layout: trainer.network.layout)
            let step = try Checkpoint.restore(newest, parameters: buffer)
            let wanted = try #require(expected.first { $0.step == step } ?? expected.last)
            #expect(buffer.hash == wanted.best || step == best.step)
        }
    }

    /// What a thread could not write is told of at the next occasion, and once.
    @Test func aFailureIsTold() throws {
        try inTemporaryDirectory { directory in
            let trainer = try trainer()
            let store = CheckpointStore(directory: directory + "/missing", keep: 2)
            let writer = writer(trainer, to: store)
            try writer.write(ValidationHistory())
            #expect(throws: AtomicFile.WriteError.self) { try writer.finish() }
            #expect(throws: Never.self) { try writer.finish() }
            try writer.write(ValidationHistory())
            #expect(throws: AtomicFile.WriteError.self) {
                for _ in 0..<10_000 {
                    _ = try writer.isDue()
                    usleep(1000)
                }
            }
            try writer.write(ValidationHistory())
            #expect(throws: AtomicFile.WriteError.self) { try writer.write(ValidationHistory()) }
        }
    }

    /// A training ends soon after a checkpoint could not be written, not only at its end.
    @Test func aTrainingEndsWithTheFailure() throws {
        try inTemporaryDirectory { directory in
            let trainer = try trainer()
            let writer = writer(trainer, to: CheckpointStore(directory: directory + "/missing", keep: 2))
            var run = TrainingRun(trainer: trainer)
            run.stepsPerCheckpoint = 2
            run.checkpoint = { try writer.write($0) }
            run.checkpointIsDue = writer.isDue
            run.finishCheckpoints = writer.finish
            #expect(throws: AtomicFile.WriteError.self) { try run.run() }
            #expect(trainer.step < trainer.totalSteps)
        }
    }

    /// A checkpoint knows the metrics of its moment, not those that were appended before it was on disk.
    @Test func metricsAreThoseOfTheMoment() throws {
        try inTemporaryDirectory { directory in
            let metrics = try MetricsFile(appendingTo: directory + "/metrics.jsonl")
            let trainer = try trainer()
            let store = CheckpointStore(directory: directory, keep: 1)
            let writer = writer(trainer, to: store, metrics: metrics)
            for length in 1...20 {
                try metrics.append(["a": 1])
                try writer.write(ValidationHistory())
                try metrics.append(["later": 1])
                try writer.finish()
                let state = try #require(try TrainingState(Safetensors(contentsOf: store.newest!)))
                #expect(state.metricsBytes == 8 * length + 12 * (length - 1))
            }
        }
    }

    // MARK: Which stay

    /// Each checkpoint that stays finds the best parameters that it speaks of.
    @Test func theBestParametersOfEachCheckpointStay() throws {
        try inTemporaryDirectory { directory in
            let trainer = try trainer()
            let store = CheckpointStore(directory: directory, keep: 2)
            let best = BestParameters(trainer)
            let writer = writer(trainer, to: store, best: best)
            for step in 1...6 {
                _ = trainer.run(steps: 1)
                if step != 4 { best.keep() }
                try writer.write(ValidationHistory())
            }
            try writer.finish()
            #expect(
                store.best(after: 5...5) != nil && store.best(after: 6...6) != nil && store.best(after: 1...3) == nil)
            #expect(store.all.count == 2)
            store.removeAll(after: 5)
            #expect(store.all.count == 1 && store.best(after: 1...9)?.step == 5)
            store.removeAll(after: -1)
            #expect(store.all.isEmpty && store.best == nil)
        }
    }

    // MARK: When

    /// A hundred times what a checkpoint costs, and at least ten seconds.
    @Test func theIntervalFollowsTheCost() {
        let start = ContinuousClock.now
        var pacing = CheckpointPacing(start: start)
        #expect(!pacing.isDue(at: start + .seconds(9.9)) && !pacing.isInUse)
        #expect(pacing.isDue(at: start + .seconds(10)) && pacing.isInUse)
        pacing.begin(at: start + .seconds(11))
        pacing.add(costSeconds: 0.01)
        #expect(pacing.intervalSeconds == 10)
        #expect(!pacing.isDue(at: start + .seconds(20.9)) && pacing.isDue(at: start + .seconds(21)))
        pacing.begin(at: start + .seconds(21))
        pacing.add(costSeconds: 0.5)
        #expect(pacing.intervalSeconds == 50)
        #expect(!pacing.isDue(at: start + .seconds(70.9)) && pacing.isDue(at: start + .seconds(71)))
    }

    /// From the state that is on disk to the moment at which a later one is.
    @Test(arguments: [true, false]) func whatACrashWouldHaveLost(writesBeside: Bool) throws {
        try inTemporaryDirectory { directory in
            let start = ContinuousClock.now
            let writer = writer(
                try trainer(), to: CheckpointStore(directory: directory, keep: 1), writesBeside: writesBeside)
            for milliseconds in [100, 300, 50] {
                usleep(1000 * UInt32(milliseconds))
                try writer.write(ValidationHistory())
            }
            try writer.finish()
            let all = (ContinuousClock.now - start) / .seconds(1)
            #expect(writer.longestAtRiskSeconds >= 0.3 && writer.longestAtRiskSeconds < all - 0.1)
        }
    }

    /// Copying and writing are the cost.
    @Test func theCostIsMeasured() throws {
        try inTemporaryDirectory { directory in
            let trainer = try FastProblem.made(layers: [200, 1000, 5], output: .softmax, rows: 8, seed: 3).trainer(
                Float.self, optimizer: OptimizerDescription(kind: .adam, learningRate: 0.01))
            let writer = writer(trainer, to: CheckpointStore(directory: directory, keep: 1), choosesInterval: true)
            #expect(try !writer.isDue() && writer.intervalSeconds == nil)
            try writer.write(ValidationHistory())
            try writer.finish()
            // 2.4 MB in a debug build: more than a tenth of a millisecond of a processor, less than ten seconds.
            #expect((0.0001...10).contains(writer.lastCostSeconds))
        }
    }
}
