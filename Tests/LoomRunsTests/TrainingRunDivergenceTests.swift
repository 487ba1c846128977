import LoomModel
import LoomRuns
import TestSupport
import Testing

@testable import LoomTraining

/// A run whose loss is not finite ends, and keeps what was good.
@Suite struct TrainingRunDivergenceTests {
    /// 20 samples in batches of 4, in file order; a sample of the fourth batch is too large for float64.
    private static func trainer() throws -> Trainer<Double> {
        var problem = FastProblem.made(layers: [3, 6, 2], output: .identity, rows: 20, seed: 5)
        problem.loss.l2 = 0.01
        problem.inputs[14] = [1e200, -1e200, 1e200]
        return try problem.trainer(
            Double.self, schedule: TrainingSchedule(batchRows: 4, epochs: 3, shuffles: false))
    }

    @Test func theRunKeepsTheLastGoodCheckpoint() throws {
        let trainer = try Self.trainer()
        var run = TrainingRun(trainer: trainer)
        var checkpoints: [(step: Int, hash: String)] = []
        var progress = 0
        run.stepsPerCheckpoint = 1
        run.checkpoint = { _ in checkpoints.append((trainer.step, trainer.parameters.hash)) }
        run.validate = {
            Issue.record("the epoch did not end")
            return Evaluation(loss: 0, accuracy: nil, samples: 1)
        }
        run.report = { event in
            if case .progress = event { progress += 1 } else { Issue.record("\(event)") }
        }
        let result = try run.run()
        #expect(result.end == .diverged(step: 3))
        #expect(result.lastEpoch == nil && result.unfinishedEpoch.steps == 3)
        #expect(progress == 3)
        #expect(checkpoints.map(\.step) == [1, 2, 3])
        #expect(checkpoints.last?.hash == trainer.parameters.hash)
    }

    /// Without checkpoints on the way there is none at the end: its parameters would be those before the failure, but
    /// a later run must not take it for the result.
    @Test func theRunWritesNoCheckpointAtTheEnd() throws {
        let trainer = try Self.trainer()
        var run = TrainingRun(trainer: trainer)
        run.checkpoint = { _ in Issue.record("a checkpoint after divergence") }
        #expect(try run.run().end == .diverged(step: 3))
    }
}
