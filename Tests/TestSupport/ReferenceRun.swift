import LoomData
import LoomModel
import LoomReference
import LoomTraining

/// The reference trainer on the very batches that a schedule gives the fast one.
public struct ReferenceRun: Sendable {
    /// The reference, as of the last step.
    public private(set) var trainer: ReferenceTrainer
    /// Steps of one epoch.
    public let stepsPerEpoch: Int
    private let problem: FastProblem
    private let schedule: TrainingSchedule

    /// A training of `problem`, whose weights are given, as `schedule` says.
    public init(_ problem: FastProblem, optimizer: OptimizerDescription, schedule: TrainingSchedule) throws {
        self.problem = problem
        self.schedule = schedule
        let samples = problem.inputs.count
        stepsPerEpoch =
            schedule.dropsLast
            ? samples / schedule.batchRows : (samples + schedule.batchRows - 1) / schedule.batchRows
        trainer = try ReferenceTrainer(
            network: problem.network, loss: problem.loss, optimizer: optimizer,
            totalSteps: min(schedule.epochs * stepsPerEpoch, schedule.maximumSteps ?? .max),
            stepsPerEpoch: stepsPerEpoch)
    }

    /// The samples of `step`, counted from 0, in the order of the batch.
    public func samples(of step: Int) -> [Int] {
        let count = problem.inputs.count
        let order = SampleOrder(seed: schedule.seed, count: count, shuffle: schedule.shuffles)
        var all = [UInt64](repeating: 0, count: count)
        order.indices(epoch: step / stepsPerEpoch, start: 0, count: count, into: &all)
        let start = step % stepsPerEpoch * schedule.batchRows
        return all[start..<min(count, start + schedule.batchRows)].map { Int($0) }
    }

    /// The loss and gradient of the batch of `step` at the parameters of now.
    public func gradients(of step: Int) throws -> ReferenceGradients {
        let batch = samples(of: step)
        return try trainer.gradients(
            inputs: batch.map { problem.inputs[$0] }, targets: .values(batch.map { problem.targets[$0] }),
            weights: problem.weights.map { all in batch.map { all[$0] } })
    }

    /// The next step; its loss and gradient are those from before it.
    @discardableResult
    public mutating func step() throws -> ReferenceGradients {
        let batch = samples(of: trainer.completedSteps)
        return try trainer.step(
            inputs: batch.map { problem.inputs[$0] }, targets: .values(batch.map { problem.targets[$0] }),
            weights: problem.weights.map { all in batch.map { all[$0] } })
    }
}
