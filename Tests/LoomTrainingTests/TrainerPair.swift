import LoomKernels
import LoomModel
import LoomPlan
import TestSupport
import Testing

@testable import LoomTraining

/// The same training by one worker and by several, step by step with the same bits.
struct TrainerPair {
    var problem: FastProblem
    var optimizer: OptimizerDescription
    var schedule: TrainingSchedule
    var request = TeamRequest.auto
    var workers = 2
    var route: GradientRoute?
    var groups: Int?

    /// Runs both in regions of several steps; `expects` looks at the choice of the several workers.
    func check<Scalar: LoomScalar>(_: Scalar.Type, expects: (StepProgram) -> Bool) throws {
        func trainer(workers: Int) throws -> Trainer<Scalar> {
            try problem.trainer(
                Scalar.self, optimizer: optimizer, schedule: schedule,
                team: TeamPlan(workers: workers, request: request, groups: groups, route: workers == 1 ? nil : route))
        }
        let (alone, team) = (try trainer(workers: 1), try trainer(workers: workers))
        #expect(alone.program.route == .partition && expects(team.program))
        while alone.step < alone.totalSteps {
            // What others change between two regions, every worker learns.
            for trainer in [alone, team] {
                let values = (0..<trainer.parameters.layout.tensors[3].count).map { Scalar($0 + trainer.step) / 64 }
                for buffer in [trainer.parameters, trainer.state.first, trainer.state.second] {
                    buffer?.setValues(3, to: values)
                }
            }
            let (expected, found) = (alone.gradient(), team.gradient())
            #expect(found.loss == expected.loss && found.gradient.hash == expected.gradient.hash)
            #expect(team.hasBits(of: alone), "after the gradient of step \(alone.step)")
            let (report, other) = (alone.run(steps: 1 + alone.step), team.run(steps: 1 + team.step))
            #expect(other.loss == report.loss && other.accuracy == report.accuracy)
            #expect(team.step == alone.step && team.hasBits(of: alone), "step \(alone.step)")
        }
    }
}

extension FastProblem {
    /// Trains `team` on batches of 64, the fourth of which has an infinite loss at `sample`: the step ends the run,
    /// again and again, and leaves parameters and state as they were before it.
    func checkDivergence(
        at sample: Int, optimizer: OptimizerDescription, team: TeamPlan, expects: (StepProgram) -> Bool
    ) throws {
        var problem = self
        problem.inputs[sample] = [Double](repeating: 3e38, count: network.inputs)
        func trainer() throws -> Trainer<Float> {
            try problem.trainer(
                Float.self, optimizer: optimizer,
                schedule: TrainingSchedule(batchRows: 64, epochs: 1, shuffles: false),
                team: team)
        }
        let (before, diverging) = (try trainer(), try trainer())
        #expect(expects(diverging.program))
        #expect(before.run(steps: 3).steps == 3)
        for _ in 0..<2 {
            #expect(diverging.run(steps: 5).divergedStep == 3)
            #expect(diverging.step == 3 && diverging.hasBits(of: before))
        }
    }
}

extension Trainer {
    /// Whether parameters and state are those of `other`.
    func hasBits(of other: Trainer) -> Bool {
        parameters.hash == other.parameters.hash && state.first?.hash == other.state.first?.hash
            && state.second?.hash == other.state.second?.hash
    }
}
