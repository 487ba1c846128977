import LoomModel

/// What a number of steps came to.
public struct StepReport: Sendable {
    /// Steps done.
    public private(set) var steps = 0
    /// Samples trained on.
    public private(set) var samples = 0
    /// Seconds from the start of the region to its end.
    public private(set) var seconds = 0.0
    /// The loss of the last step: reduced over its batch, penalty included.
    public private(set) var lastLoss = Double.nan
    /// The step whose loss was not finite.
    public private(set) var divergedStep: Int?
    /// Whether the user asked to stop.
    public private(set) var interrupted = false
    /// How the team ran; nil before the first region.
    public private(set) var region: RegionReport?
    /// What the workers' time was spent on, where it was measured.
    public private(set) var activities = ActivitySeconds()
    private var losses = LossSums()
    private var reduction = LossDescription.Reduction.mean
    private var decisionsPerSample = 0

    /// Nothing done yet.
    public init() {}

    init<Scalar>(
        _ sums: StepSums, seconds: Double, loss: Loss<Scalar>, reduction: LossDescription.Reduction,
        decisionsPerSample: Int, region: RegionReport?, activities: ActivitySeconds = ActivitySeconds()
    ) {
        steps = sums.losses.steps
        samples = sums.losses.samples
        self.seconds = seconds
        lastLoss = sums.lastLoss
        divergedStep = sums.divergedStep < 0 ? nil : sums.divergedStep
        interrupted = sums.interrupted
        self.region = region
        self.activities = activities
        losses = sums.losses
        self.reduction = reduction
        self.decisionsPerSample = decisionsPerSample
    }

    /// The loss over all samples of these steps, each with the parameters of its step: the sum or the mean, as the
    /// reduction says, plus the mean of the steps' penalties.
    public var loss: Double {
        guard losses.steps > 0 else { return lastLoss }
        return (reduction == .mean ? losses.lossSum / Double(losses.samples) : losses.lossSum)
            + losses.penaltySum / Double(losses.steps)
    }

    /// The share of right decisions, if the task has any.
    public var accuracy: Double? {
        guard decisionsPerSample > 0, losses.samples > 0 else { return nil }
        return Double(losses.correct) / Double(losses.samples * decisionsPerSample)
    }

    /// Loss and accuracy become those of the epoch's steps so far, of which these are the last: others may have been done
    /// before an interruption.
    package mutating func setLosses(_ epoch: LossSums) { losses = epoch }

    /// Adds the steps of a later region.
    public mutating func add(_ other: StepReport) {
        steps += other.steps
        samples += other.samples
        seconds += other.seconds
        lastLoss = other.lastLoss
        divergedStep = divergedStep ?? other.divergedStep
        interrupted = interrupted || other.interrupted
        region = other.region
        activities += other.activities
        losses.add(other.losses)
        reduction = other.reduction
        decisionsPerSample = other.decisionsPerSample
    }
}
