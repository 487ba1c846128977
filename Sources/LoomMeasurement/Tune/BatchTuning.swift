import LoomConfiguration
import LoomData
import LoomKernels
import LoomRuns
import LoomTraining

/// Which batch reaches a training loss first, each with the team that is fastest for it.
///
/// How many steps a batch needs does not depend on the team, as the bits do not: so each is trained once, and the time is that
/// of its steps with the best team. The learning rate stays as it is for all of them.
public struct BatchTuning: Sendable {
    /// One batch.
    public struct Batch: Sendable {
        /// The configuration with this batch.
        public let configuration: Configuration
        /// Its best team.
        public let tuning: TuneMeasurement
        /// Samples that were trained on until the loss was reached; nil: it was not, within the budget.
        public let samplesToTarget: Int?
        /// Steps of these samples.
        public let stepsToTarget: Int?
        /// The lowest loss of a window.
        public let lowestLoss: Double

        /// Samples of a batch.
        public var batch: Int { configuration.training.batch }
        /// Seconds to the target with the best team.
        public var secondsToTarget: Double? { samplesToTarget.map { Double($0) / tuning.choice.speed.median } }
    }

    /// The batches, ascending.
    public let batches: [Batch]
    /// The loss that is to be reached.
    public let targetLoss: Double
    /// Samples of a window: a loss counts when it is the mean of so many.
    public let windowSamples: Int
    /// The first one to reach it.
    public let best: Batch

    /// The part of the budget that goes into finding teams; trainings have the rest.
    private static let tuningFraction = 0.5
    /// A window has so many of the largest batches, or all samples where they are fewer.
    private static let batchesOfWindow = 4
    private static let fewestWindowSamples = 4096

    /// Tunes and trains `configuration` with each of `batches`.
    /// - Throws: `TuneError`; `ModelError` for a batch that is larger than the data.
    package init<Scalar: LoomScalar>(
        _ configuration: Configuration, _ request: TuneMeasurement.Request, batches sizes: [Int], targetLoss: Double,
        data: SampleFeed<Scalar>, machine: MachineSetup, report: (TuneMeasurement.Progress, _ batch: Int) -> Void
    ) throws {
        let configurations = try sizes.map { size in
            var result = configuration
            result.training.batch = size
            try result.trainingSchedule.check(samples: data.sampleCount)
            return result
        }
        let window = min(data.sampleCount, max(Self.fewestWindowSamples, Self.batchesOfWindow * (sizes.max() ?? 1)))
        var share = request
        share.budgetSeconds = request.budgetSeconds * Self.tuningFraction / Double(sizes.count)
        let trainingSeconds = request.budgetSeconds * (1 - Self.tuningFraction) / Double(sizes.count)
        batches = try configurations.map { configuration in
            let tuning = try TuneMeasurement(configuration, share, data: data, machine: machine) {
                report($0, configuration.training.batch)
            }
            let run = try Self.train(
                configuration.applying(tuning.choice.candidate), data: data, machine: machine, targetLoss: targetLoss,
                windowSamples: window, seconds: trainingSeconds)
            return Batch(
                configuration: configuration, tuning: tuning, samplesToTarget: run.samples, stepsToTarget: run.steps,
                lowestLoss: run.lowest)
        }
        self.targetLoss = targetLoss
        windowSamples = window
        guard
            let best = batches.filter({ $0.secondsToTarget != nil }).min(by: {
                $0.secondsToTarget! < $1.secondsToTarget!
            })
        else {
            throw TuneError.targetNotReached(loss: batches.map(\.lowestLoss).min() ?? .nan, target: targetLoss)
        }
        self.best = best
    }

    private static func train<Scalar: LoomScalar>(
        _ configuration: Configuration, data: SampleFeed<Scalar>, machine: MachineSetup, targetLoss: Double,
        windowSamples: Int, seconds: Double
    ) throws -> (samples: Int?, steps: Int?, lowest: Double) {
        let candidate = configuration.candidate(workers: configuration.parallel.workers ?? 1)
        let placed = try machine.placing(workers: candidate.workers, policy: candidate.placement)
        let trainer = try configuration.trainer(
            data: data, schedule: configuration.trainingSchedule, team: configuration.teamPlan(on: placed))
        let steps = max(1, (windowSamples + configuration.training.batch - 1) / configuration.training.batch)
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var samples = 0
        var lowest = Double.infinity
        while trainer.step < trainer.totalSteps, clock.now < end {
            let report = trainer.run(steps: steps)
            guard report.divergedStep == nil else { break }
            samples += report.samples
            lowest = min(lowest, report.loss)
            if report.loss <= targetLoss { return (samples, trainer.step, lowest) }
        }
        return (nil, nil, lowest)
    }
}
