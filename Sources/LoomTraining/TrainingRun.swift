import LoomData
import LoomKernels

/// When training ends before its last epoch.
public struct EarlyStopping: Sendable, Equatable, Codable {
    /// Epochs without a better validation loss after which training ends.
    public var patience: Int
    /// By how much a validation loss must be smaller than the best one before, to be better.
    public var minimumImprovement: Double

    /// Ends training after `patience` epochs without an improvement.
    public init(patience: Int, minimumImprovement: Double = 0) {
        self.patience = patience
        self.minimumImprovement = minimumImprovement
    }
}

/// The validation loss after an epoch.
public struct ValidationLoss: Sendable, Equatable {
    /// The epoch, counted from 0.
    public let epoch: Int
    /// The loss.
    public let loss: Double

    /// The validation loss `loss` after `epoch`.
    public init(epoch: Int, loss: Double) {
        self.epoch = epoch
        self.loss = loss
    }
}

extension EarlyStopping {
    /// The epoch with the best of `losses`, when training has to end after the last of them; nil while it
    /// goes on.
    public func bestEpoch(endingAfter losses: [ValidationLoss]) -> Int? {
        guard var best = losses.first else { return nil }
        for next in losses.dropFirst() {
            // Any loss is better than one that is no number, which compares with nothing.
            if next.loss < best.loss - minimumImprovement || (best.loss.isNaN && !next.loss.isNaN) {
                best = next
            } else if next.epoch - best.epoch >= patience {
                return best.epoch
            }
        }
        return nil
    }
}

/// What a training reports while it runs.
public enum TrainingEvent: Sendable {
    /// About ten times a second: the epoch (counted from 0), its steps so far, and the speed of the last
    /// steps.
    case progress(epoch: Int, epochSoFar: StepReport, samplesPerSecond: Double)
    /// After every epoch.
    case epochEnded(EpochResult)
}

/// What an epoch came to.
public struct EpochResult: Sendable {
    /// The epoch, counted from 0.
    public let epoch: Int
    /// Steps since the start of training.
    public let step: Int
    /// Its steps.
    public let training: StepReport
    /// The validation after its last step.
    public let validation: Evaluation?
}

/// Why a training ended.
public enum TrainingEnd: Sendable, Equatable {
    /// All epochs or steps are done.
    case completed
    /// The validation loss has not improved for too long; the epoch with the best one, counted from 0.
    case stoppedEarly(bestEpoch: Int)
    /// The user asked to stop.
    case interrupted
    /// The loss of a step, counted from 0, was not finite.
    case diverged(step: Int)
}

/// What a training came to.
public struct TrainingResult: Sendable {
    /// Why it ended.
    public let end: TrainingEnd
    /// Epochs that were completed in this run.
    public let epochs: [EpochResult]
    /// The steps of the last, incomplete epoch; none when it ended at an epoch's end.
    public let unfinishedEpoch: StepReport
    /// Samples a second in training steps, warm-up excluded.
    public let samplesPerSecond: Double
}

/// The epochs of a training: runs regions of steps, reports, validates, writes checkpoints and ends in time.
public struct TrainingRun<Scalar: LoomScalar> {
    /// What trains.
    public let trainer: Trainer<Scalar>
    /// The validation after every epoch.
    public var validate: (() throws -> Evaluation)?
    /// When to end early.
    public var earlyStopping: EarlyStopping?
    /// The validation losses of the epochs before, in their order, when a training goes on: they count for
    /// early stopping, so that an interruption changes nothing.
    public var earlierLosses: [ValidationLoss] = []
    /// Writes a checkpoint of the trainer's state.
    public var checkpoint: (() throws -> Void)?
    /// Steps between two checkpoints; nil: none but the one at the end.
    public var stepsPerCheckpoint: Int?
    /// Told what happens.
    public var report: (TrainingEvent) -> Void = { _ in }

    /// A training of `trainer`.
    public init(trainer: Trainer<Scalar>) {
        self.trainer = trainer
    }

    /// Seconds of a region: long against a fork, short for a user who watches or interrupts.
    private static var regionSeconds: Double { 0.1 }

    /// Trains from the trainer's step to the end. A checkpoint is written at the end, however the training
    /// ended, unless it diverged: then the last good one stays the newest.
    ///
    /// Ends early, as `interrupted`, when the trainer's `stop` is raised, for example in `report`, or when the task that calls
    /// this is cancelled.
    public func run() throws -> TrainingResult {
        var speed = SpeedMeter()
        var epochs: [EpochResult] = []
        var unfinished = StepReport()
        var losses = earlierLosses
        var end = TrainingEnd.completed
        while trainer.step < trainer.totalSteps {
            let epoch = trainer.step / trainer.epochs.stepsPerEpoch
            unfinished = try runEpoch(epoch, speed: &speed)
            if let step = unfinished.divergedStep {
                end = .diverged(step: step)
                break
            }
            let isInterrupted = unfinished.interrupted
            if isInterrupted, !epochEnds(at: trainer.step) {
                end = .interrupted
                break
            }
            let result = EpochResult(
                epoch: epoch, step: trainer.step, training: unfinished, validation: try validate?())
            unfinished = StepReport()
            epochs.append(result)
            report(.epochEnded(result))
            if let loss = result.validation?.loss {
                losses.append(ValidationLoss(epoch: epoch, loss: loss))
                if let best = earlyStopping?.bestEpoch(endingAfter: losses) {
                    end = .stoppedEarly(bestEpoch: best)
                    break
                }
            }
            // After the epoch's validation: going on later does not validate it again.
            if isInterrupted, trainer.step < trainer.totalSteps {
                end = .interrupted
                break
            }
        }
        if !trainer.hasFiniteParameters { end = .diverged(step: trainer.step) }
        if case .diverged = end {} else { try checkpoint?() }
        return TrainingResult(
            end: end, epochs: epochs, unfinishedEpoch: unfinished, samplesPerSecond: speed.samplesPerSecond)
    }

    private func epochEnds(at step: Int) -> Bool {
        step % trainer.epochs.stepsPerEpoch == 0 || step == trainer.totalSteps
    }

    private func runEpoch(_ epoch: Int, speed: inout SpeedMeter) throws -> StepReport {
        let end = min(trainer.totalSteps, (epoch + 1) * trainer.epochs.stepsPerEpoch)
        var total = StepReport()
        while trainer.step < end {
            var count = min(end - trainer.step, speed.steps(inSeconds: Self.regionSeconds))
            if let stepsPerCheckpoint {
                count = min(count, stepsPerCheckpoint - trainer.step % stepsPerCheckpoint)
            }
            if Task.isCancelled { trainer.stop.raise() }
            let region = trainer.run(steps: count)
            total.add(region)
            speed.add(region)
            guard region.divergedStep == nil, !region.interrupted else { break }
            report(.progress(epoch: epoch, epochSoFar: total, samplesPerSecond: speed.latest))
            if let stepsPerCheckpoint, trainer.step % stepsPerCheckpoint == 0,
                trainer.step < trainer.totalSteps, trainer.hasFiniteParameters
            {
                try checkpoint?()
            }
        }
        return total
    }
}

/// Samples a second over regions, and how many steps fit into a time.
private struct SpeedMeter {
    /// Caches, branch predictors and clocks settle in the first tenth of a second.
    private static let warmupSeconds = 0.1
    private var warmup = StepReport()
    private var measured = StepReport()
    private(set) var latest = 0.0
    private var secondsPerStep: Double?

    mutating func add(_ region: StepReport) {
        guard region.steps > 0, region.seconds > 0 else { return }
        if warmup.seconds < Self.warmupSeconds {
            warmup.add(region)
        } else {
            measured.add(region)
        }
        latest = Double(region.samples) / region.seconds
        secondsPerStep = region.seconds / Double(region.steps)
    }

    /// A first region of one step tells how long a step takes. It includes a fork and cold caches, so the next region is too
    /// short rather than too long.
    func steps(inSeconds seconds: Double) -> Int {
        guard let secondsPerStep else { return 1 }
        return max(1, Int(min(seconds / secondsPerStep, 1e9)))
    }

    /// After warm-up, unless the training was over before.
    var samplesPerSecond: Double {
        let report = measured.seconds > 0 ? measured : warmup
        return report.seconds > 0 ? Double(report.samples) / report.seconds : 0
    }
}
