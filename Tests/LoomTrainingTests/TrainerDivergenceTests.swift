import LoomData
import LoomKernels
import LoomModel
import LoomPlan
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

    /// Only squares are too large: predictions are finite. What lies in rows of other workers' samples, or of no sample, does
    /// not matter, whoever does the steps.
    @Test(arguments: [1, 2, 3], [nil] + GradientRoute.allCases.map { $0 })
    func theOriginIsThatOfTheStep(workers: Int, route: GradientRoute?) throws {
        var problem = FastProblem.made(layers: [3, 6, 2], output: .identity, rows: 70, seed: 5)
        problem.targets[66] = [1e30, 0]
        let trainer = try problem.trainer(
            Float.self, schedule: TrainingSchedule(batchRows: 64, epochs: 3, shuffles: false),
            team: TeamPlan(workers: workers, shardRows: 4, groups: 4, route: route))
        trainer.fillScratch(byte: 0xff)
        // In the last batch of the epoch, of six samples.
        #expect(trainer.run(steps: 10).divergedStep == 1)
        #expect(trainer.firstArrayNotFinite == "the loss function")
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
}
