import LoomKernels
import LoomTraining

/// The epochs of a training: runs regions of steps, reports, validates, writes checkpoints and ends in time.
public struct TrainingRun<Scalar: LoomScalar> {
    /// What trains.
    public let trainer: Trainer<Scalar>
    /// The validation after every epoch.
    public var validate: (() throws -> Evaluation)?
    /// When to end early.
    public var earlyStopping: EarlyStopping?
    /// The validation of the epochs before, when a training goes on: an interruption changes nothing.
    public var history = ValidationHistory()
    /// Writes a checkpoint of the trainer's state, to which the validation so far belongs, or takes the state in order to write
    /// it beside the next steps.
    public var checkpoint: ((ValidationHistory) throws -> Void)?
    /// With `earlyStopping`: told that the parameters are the best ones so far.
    public var keepBest: (() -> Void)?
    /// With `earlyStopping`: gives the trainer the best parameters, when the training ended and its last state was written.
    public var restoreBest: (() -> Void)?
    /// Steps between two checkpoints; nil: none but the one at the end.
    public var stepsPerCheckpoint: Int?
    /// Whether a checkpoint is due beside those of `stepsPerCheckpoint`; asked between regions of steps. Throws what kept an
    /// earlier one from being written.
    package var checkpointIsDue: (() throws -> Bool)?
    /// Brings the trainer back to an earlier step when the loss of a step is not finite, and returns the validations before
    /// it; nil: training ends.
    package var rollBack: ((_ divergedStep: Int) throws -> ValidationHistory?)?
    /// Waits until all checkpoints are written.
    package var finishCheckpoints: (() throws -> Void)?
    /// Told what happens.
    public var report: (TrainingEvent) -> Void = { _ in }
    /// Measures what the steps' time is spent on, so seldom that it costs no more than 0.8 % of the speed; nil: nobody does.
    package var clock: WorkerClockMemory?
    /// Told of every region that the clock was with.
    package var regionMeasured: (StepReport) -> Void = { _ in }

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
        var (validation, checkpoints) = (Stopwatch(), Stopwatch())
        var lastEpoch: EpochResult?
        var unfinished = StepReport()
        var (trainingSeconds, activities) = (0.0, ActivitySeconds())
        var history = history
        var end =
            earlyStopping?.bestEpoch(ending: history).map { TrainingEnd.stoppedEarly(bestEpoch: $0) } ?? .completed
        if trainer.step > 0, trainer.step == trainer.totalSteps || end != .completed {
            // It ended before it could say so; its last epoch was reported.
            lastEpoch = EpochResult(
                epoch: trainer.lastEpoch, step: trainer.step,
                training: trainer.epochReport, validation: try validation.time { try validate?() })
        }
        while end == .completed, trainer.step < trainer.totalSteps {
            let epoch = trainer.step / trainer.epochs.stepsPerEpoch
            unfinished = try runEpoch(epoch, history: history, speed: &speed, checkpoints: &checkpoints)
            trainingSeconds += unfinished.seconds
            activities += unfinished.activities
            if let step = divergedStep(unfinished) {
                if let earlier = try checkpoints.time({ try rollBack?(step) }) {
                    history = earlier
                    unfinished = StepReport()
                    if let last = lastEpoch, last.step > trainer.step { lastEpoch = nil }
                    continue
                }
                end = .diverged(step: step)
                break
            }
            let isInterrupted = unfinished.interrupted
            if isInterrupted, !epochEnds(at: trainer.step) {
                end = .interrupted
                break
            }
            let result = EpochResult(
                epoch: epoch, step: trainer.step, training: unfinished,
                validation: try validation.time { try validate?() })
            unfinished = StepReport()
            lastEpoch = result
            report(.epochEnded(result))
            if let best = add(result, to: &history) {
                end = .stoppedEarly(bestEpoch: best)
                break
            }
            // After the epoch's validation: going on later does not validate it again.
            if isInterrupted, trainer.step < trainer.totalSteps {
                end = .interrupted
                break
            }
            try writeIfDue(history, &checkpoints)
        }
        if !trainer.hasFiniteParameters { end = .diverged(step: trainer.step) }
        if case .diverged = end {} else { try checkpoints.time { try checkpoint?(history) } }
        try checkpoints.time { try finishCheckpoints?() }
        let result = TrainingResult(
            end: end, lastEpoch: lastEpoch, unfinishedEpoch: unfinished, history: history,
            samplesPerSecond: speed.samplesPerSecond, trainingSeconds: trainingSeconds, activities: activities,
            validationSeconds: validation.seconds,
            checkpointSeconds: checkpoints.seconds)
        // An interrupted training goes on with the parameters that it has.
        if result.isOver, history.best != nil { restoreBest?() }
        return result
    }

    /// Adds the validation of an epoch; the best epoch where training has to end.
    private func add(_ result: EpochResult, to history: inout ValidationHistory) -> Int? {
        guard let earlyStopping, let loss = result.validation?.loss else { return nil }
        if history.add(ValidationLoss(epoch: result.epoch, loss: loss), by: earlyStopping) { keepBest?() }
        return earlyStopping.bestEpoch(ending: history)
    }

    /// The step whose loss was not finite, or would be if there were another one.
    private func divergedStep(_ epoch: StepReport) -> Int? {
        epoch.divergedStep ?? (trainer.step == trainer.totalSteps && !trainer.hasFiniteParameters ? trainer.step : nil)
    }

    private func epochEnds(at step: Int) -> Bool {
        step % trainer.epochs.stepsPerEpoch == 0 || step == trainer.totalSteps
    }

    /// Writes the checkpoint of this step, unless it is the last one, which is written in any case.
    private func writeIfDue(_ history: ValidationHistory, _ checkpoints: inout Stopwatch) throws {
        let isOften = stepsPerCheckpoint.map { trainer.step % $0 == 0 } ?? false
        try checkpoints.time {
            let isDue = try checkpointIsDue?() ?? false
            guard isOften || isDue, trainer.step < trainer.totalSteps, trainer.hasFiniteParameters else { return }
            try checkpoint?(history)
        }
    }

    private func runEpoch(
        _ epoch: Int, history: ValidationHistory, speed: inout SpeedMeter, checkpoints: inout Stopwatch
    ) throws -> StepReport {
        let end = min(trainer.totalSteps, (epoch + 1) * trainer.epochs.stepsPerEpoch)
        var total = StepReport()
        while trainer.step < end {
            var count = min(end - trainer.step, speed.steps(inSeconds: Self.regionSeconds))
            if let stepsPerCheckpoint {
                count = min(count, stepsPerCheckpoint - trainer.step % stepsPerCheckpoint)
            }
            if Task.isCancelled { trainer.stop.raise() }
            // What one step costs is known by then.
            let stepSeconds = speed.fastestStepSeconds
            if let stepSeconds { clock?.limitCost(stepSeconds: stepSeconds) }
            let regionClock = stepSeconds == nil ? nil : clock
            let region = trainer.run(steps: count, clock: regionClock)
            if regionClock != nil { regionMeasured(region) }
            total.add(region)
            if region.steps > 0 { total.setLosses(trainer.epochSums) }
            speed.add(region)
            guard region.divergedStep == nil, !region.interrupted else { break }
            report(.progress(epoch: epoch, epochSoFar: total, samplesPerSecond: speed.latest))
            // The checkpoint at an epoch's end comes after its validation.
            if trainer.step < end { try writeIfDue(history, &checkpoints) }
        }
        return total
    }
}

/// Adds up how long something takes.
private struct Stopwatch {
    private(set) var seconds = 0.0

    mutating func time<Result>(_ body: () throws -> Result) rethrows -> Result {
        let start = ContinuousClock.now
        defer { seconds += (ContinuousClock.now - start) / .seconds(1) }
        return try body()
    }
}
