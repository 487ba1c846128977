import LoomData
import LoomKernels
import LoomModel
import TestSupport
import Testing

@testable import LoomTraining

/// A loss that is not finite ends training, and nothing of that step stays.
@Suite struct TrainerDivergenceTests {
    /// 20 samples in batches of 4, in file order; in the fourth batch a sample is too large for the precision.
    private static func problem(_ output: OutputMap, largest: Double) -> FastProblem {
        var problem = FastProblem.made(layers: [3, 6, 2], output: output, rows: 20, seed: 5)
        problem.loss.l2 = 0.01
        problem.inputs[14] = [largest, -largest, largest]
        return problem
    }

    private static let schedule = TrainingSchedule(batchRows: 4, epochs: 3, shuffles: false)

    @Test(arguments: OptimizerDescription.Kind.allCases, [nil, 0.1])
    func theStepChangesNothing(kind: OptimizerDescription.Kind, clipNorm: Double?) throws {
        let optimizer = OptimizerDescription(kind: kind, clipNorm: clipNorm)
        for workers in [1, 2, 3] {
            // ∞ − ∞ or 0 · ∞ in the logits, and squares beyond the largest number.
            try check(Self.problem(.softmax, largest: 3e38), Float.self, optimizer, workers: workers)
            try check(Self.problem(.identity, largest: 1e30), Float.self, optimizer, workers: workers)
            try check(Self.problem(.sigmoid, largest: 1.7e308), Double.self, optimizer, workers: workers)
            try check(Self.problem(.identity, largest: 1e200), Double.self, optimizer, workers: workers)
        }
    }

    private func check<Scalar: LoomScalar>(
        _ problem: FastProblem, _ type: Scalar.Type, _ optimizer: OptimizerDescription, workers: Int
    ) throws {
        func trainer() throws -> Trainer<Scalar> {
            try problem.trainer(
                type, optimizer: optimizer, schedule: Self.schedule,
                team: TeamPlan(workers: workers, shardRows: 1))
        }
        let before = try trainer()
        #expect(before.run(steps: 3).steps == 3)
        let diverging = try trainer()
        let report = diverging.run(steps: 10)
        #expect(report.divergedStep == 3)
        #expect(report.steps == 3 && diverging.step == 3 && report.samples == 12)
        #expect(!report.lastLoss.isFinite)
        #expect(report.loss == (try trainer()).run(steps: 3).loss)
        func isAsBefore() -> Bool {
            diverging.parameters.hash == before.parameters.hash
                && diverging.state.first?.hash == before.state.first?.hash
                && diverging.state.second?.hash == before.state.second?.hash
        }
        #expect(isAsBefore())
        // Asked again, it diverges again: the step is not skipped.
        #expect(diverging.run(steps: 1).divergedStep == 3)
        #expect(diverging.step == 3 && isAsBefore())
    }

    /// A loss that is not finite in the last, smaller batch.
    @Test func inASmallerLastBatch() throws {
        var problem = Self.problem(.identity, largest: 1e200)
        problem.inputs.removeLast(5)
        problem.targets.removeLast(5)
        let schedule = TrainingSchedule(batchRows: 8, epochs: 3, shuffles: false)
        let trainer = try problem.trainer(Double.self, schedule: schedule)
        #expect(trainer.epochs.stepsPerEpoch == 2 && trainer.epochs.lastBatchRows == 7)
        let report = trainer.run(steps: 6)
        #expect(report.divergedStep == 1 && trainer.step == 1)
    }

    @Test func theRunKeepsTheLastGoodCheckpoint() throws {
        let trainer = try Self.problem(.identity, largest: 1e200).trainer(
            Double.self, schedule: Self.schedule)
        var run = TrainingRun(trainer: trainer)
        var checkpoints: [(step: Int, hash: String)] = []
        var progress = 0
        run.stepsPerCheckpoint = 1
        run.checkpoint = { checkpoints.append((trainer.step, trainer.parameters.hash)) }
        run.validate = {
            Issue.record("the epoch did not end")
            return Evaluation(loss: 0, accuracy: nil, samples: 1)
        }
        run.report = { event in
            if case .progress = event { progress += 1 } else { Issue.record("\(event)") }
        }
        let result = try run.run()
        #expect(result.end == .diverged(step: 3))
        #expect(result.epochs.isEmpty && result.unfinishedEpoch.steps == 3)
        #expect(progress == 3)
        #expect(checkpoints.map(\.step) == [1, 2, 3])
        #expect(checkpoints.last?.hash == trainer.parameters.hash)
    }

    /// Without checkpoints on the way there is none at the end: its parameters would be those before the failure, but
    /// a later run must not take it for the result.
    @Test func theRunWritesNoCheckpointAtTheEnd() throws {
        let trainer = try Self.problem(.identity, largest: 1e200).trainer(
            Double.self, schedule: Self.schedule)
        var run = TrainingRun(trainer: trainer)
        run.checkpoint = { Issue.record("a checkpoint after divergence") }
        #expect(try run.run().end == .diverged(step: 3))
    }
}
