import LoomConfiguration
import LoomData
import LoomKernels
import LoomModel
import LoomRuns
import LoomTraining

/// A candidate at work: a training of its own on the data of all, a region at a time.
final class TuneTrial<Scalar: LoomScalar> {
    private let makeTrainer: () throws -> Trainer<Scalar>
    private var trainer: Trainer<Scalar>
    private var stepsPerRegion = 1
    /// SHA-256 of the parameters after the first steps: equal for candidates that keep the bits.
    let hash: String
    /// Bytes of its memory.
    var bytes: Int {
        let bytes = trainer.memoryBytes
        return bytes.parameters + bytes.gradient + bytes.optimizer + bytes.activations + bytes.batch
    }

    /// Steps after which parameters are compared.
    private static var hashedSteps: Int { 2 }
    /// Regions are as long as that or as two steps, whichever is longer: forks and binding at their ends would be seen.
    static var shortestRegionSeconds: Double { 0.02 }

    /// Prepares a candidate, and finds out how many steps a region has.
    /// - Throws: `TuneError.diverges`.
    init(
        _ configuration: Configuration, data: SampleFeed<Scalar>, machine: MachineSetup,
        regionSeconds: Double = TuneTrial.shortestRegionSeconds
    ) throws {
        makeTrainer = {
            // A trial ends by time.
            var schedule = configuration.trainingSchedule
            schedule.epochs = 1 << 40 / max(1, data.sampleCount / schedule.batchRows)
            schedule.maximumSteps = nil
            return try configuration.trainer(data: data, schedule: schedule, team: configuration.teamPlan(on: machine))
        }
        trainer = try makeTrainer()
        guard trainer.run(steps: Self.hashedSteps).divergedStep == nil else { throw TuneError.diverges }
        hash = trainer.parameters.hash
        stepsPerRegion = try max(2, RegionLength(seconds: regionSeconds) { try run($0) }.steps)
    }

    /// Seconds of a step in the latest region.
    private(set) var stepSeconds = 0.0

    /// The speed of one more region, in samples a second.
    func measure() throws -> Double {
        let report = try run(stepsPerRegion)
        return Double(report.samples) / report.seconds
    }

    /// A training whose loss became infinite begins again: how fast steps are does not depend on how far it is.
    private func run(_ count: Int) throws -> StepReport {
        var report = trainer.run(steps: count)
        if report.divergedStep != nil {
            trainer = try makeTrainer()
            report = trainer.run(steps: min(count, max(1, report.steps)))
            guard report.divergedStep == nil else { throw TuneError.diverges }
        }
        stepSeconds = report.seconds / Double(max(1, report.steps))
        return report
    }
}

/// Why a training cannot be tuned.
public enum TuneError: Error, Equatable, CustomStringConvertible {
    /// The loss is not finite after a few steps.
    case diverges
    /// The target loss is never reached.
    case targetNotReached(loss: Double, target: Double)

    /// What happened, and what to do.
    public var description: String {
        switch self {
        case .diverges:
            "the training diverges in its first steps; try a smaller optimizer.learning_rate, optimizer.clip_norm, or "
                + "data.standardize: true"
        case .targetNotReached(let loss, let target):
            "no batch reached the target loss \(NumberFormat.number(target)) within the budget and training.epochs; the lowest "
                + "was \(NumberFormat.number(loss)): give a higher --target-loss, a larger --budget or more epochs"
        }
    }
}
