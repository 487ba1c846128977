import LoomTraining

/// What a training reports while it runs.
public enum TrainingEvent: Sendable {
    /// About ten times a second: the epoch (counted from 0), its steps so far, and the speed of the last
    /// steps.
    case progress(epoch: Int, epochSoFar: StepReport, samplesPerSecond: Double)
    /// After every epoch.
    case epochEnded(EpochResult)
    /// Training diverged, and goes on from an earlier step at a lower learning rate.
    case rolledBack(Rollback)
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
    /// The last epoch that was completed in this run; nil: none was.
    public let lastEpoch: EpochResult?
    /// The steps of the last, incomplete epoch; none when it ended at an epoch's end.
    public let unfinishedEpoch: StepReport
    /// With early stopping: the best validation, whose parameters the trainer has when the training is over, and the last.
    public let history: ValidationHistory
    /// Samples a second in training steps, warm-up excluded.
    public let samplesPerSecond: Double
    /// Seconds that training steps took.
    public let trainingSeconds: Double
    /// What the workers' time in training steps was spent on, where it was measured.
    public let activities: ActivitySeconds
    /// Seconds that validations took.
    public let validationSeconds: Double
    /// Seconds that training waited for checkpoints.
    public let checkpointSeconds: Double
    /// Seconds between two checkpoints, where they were chosen by what one costs; nil otherwise.
    package var checkpointIntervalSeconds: Double?
    /// The longest time of which steps had to be done again after a crash; nil: there are no checkpoints.
    package var longestAtRiskSeconds: Double?
}

extension TrainingResult {
    /// Whether a loss or a parameter was not finite.
    public var hasDiverged: Bool { if case .diverged = end { true } else { false } }

    /// Whether nothing follows: all is done, or early stopping has ended it.
    public var isOver: Bool {
        switch end {
        case .completed, .stoppedEarly: true
        case .interrupted, .diverged: false
        }
    }
}
