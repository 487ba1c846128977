import LoomKernels
import LoomTraining

/// The epochs of a training: runs regions of steps, reports, validates, writes checkpoints and ends in time.
public struct TrainingRun<Scalar: LoomScalar> {
    /// What trains.
    public let trainer: Trainer<Scalar>
    /// The validation after every epoch; nil where it was interrupted.
    public var validate: (() throws -> Evaluation?)?
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
        var course = Course(history: history)
        if let best = earlyStopping?.bestEpoch(ending: history) { course.end = .stoppedEarly(bestEpoch: best) }
        if trainer.step > 0, trainer.step == trainer.totalSteps || course.end != .completed, !history.isPending {
            // It ended before it could say so; its last epoch was reported.
            course.lastEpoch = EpochResult(
                epoch: trainer.lastEpoch, step: trainer.step, training: trainer.epochReport,
                validation: try course.validation.time { try validate?() })
        }
        while course.end == .completed, course.history.isPending || trainer.step < trainer.totalSteps {
            try trainEpoch(&course)
        }
        if !trainer.hasFiniteParameters { course.end = .diverged(step: trainer.step) }
        try course.checkpoints.time {
            if case .diverged = course.end {} else { try checkpoint?(course.history) }
            try finishCheckpoints?()
        }
        let result = course.result
        // An interrupted training goes on with the parameters that it has.
        if result.isOver, result.history.best != nil { restoreBest?() }
        return result
    }

    /// What a training has come to so far.
    private struct Course {
        var end = TrainingEnd.completed
        var history: ValidationHistory
        var lastEpoch: EpochResult?
        var unfinished = StepReport()
        var trainingSeconds = 0.0
        var activities = ActivitySeconds()
        var speed = SpeedMeter()
        var validation = Stopwatch()
        var checkpoints = Stopwatch()

        init(history: ValidationHistory) { self.history = history }

        var result: TrainingResult {
            TrainingResult(
                end: end, lastEpoch: lastEpoch, unfinishedEpoch: unfinished, history: history,
                samplesPerSecond: speed.samplesPerSecond, trainingSeconds: trainingSeconds, activities: activities,
                validationSeconds: validation.seconds, checkpointSeconds: checkpoints.seconds)
        }
    }

    /// Trains to the end of the epoch, or of the training, or back to an earlier step.
    private func trainEpoch(_ course: inout Course) throws {
        if course.history.isPending {
            return try endEpoch(trainer.lastEpoch, training: trainer.epochReport, &course)
        }
        let epoch = trainer.step / trainer.epochs.stepsPerEpoch
        let training = try runEpoch(epoch, &course)
        course.trainingSeconds += training.seconds
        course.activities += training.activities
        course.unfinished = training
        if let step = divergedStep(training) { return try endOrRollBack(from: step, &course) }
        if training.interrupted, !epochEnds(at: trainer.step) {
            course.end = .interrupted
            return
        }
        try endEpoch(epoch, training: training, &course)
    }

    /// Validates and reports an epoch whose steps are done.
    private func endEpoch(_ epoch: Int, training: StepReport, _ course: inout Course) throws {
        let validation = try course.validation.time { try validate?() }
        course.history.isPending = validate != nil && validation == nil
        if course.history.isPending {
            course.unfinished = training
            course.end = .interrupted
            return
        }
        let result = EpochResult(epoch: epoch, step: trainer.step, training: training, validation: validation)
        course.unfinished = StepReport()
        course.lastEpoch = result
        report(.epochEnded(result))
        if let best = add(result, to: &course.history) {
            course.end = .stoppedEarly(bestEpoch: best)
        } else if training.interrupted || trainer.stop.isRaised, trainer.step < trainer.totalSteps {
            // After the epoch's validation: going on later does not validate it again.
            course.end = .interrupted
        } else {
            try writeIfDue(&course)
        }
    }

    private func endOrRollBack(from step: Int, _ course: inout Course) throws {
        guard let earlier = try course.checkpoints.time({ try rollBack?(step) }) else {
            course.end = .diverged(step: step)
            return
        }
        course.history = earlier
        course.unfinished = StepReport()
        if let last = course.lastEpoch, last.step > trainer.step { course.lastEpoch = nil }
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
    private func writeIfDue(_ course: inout Course) throws {
        let isOften = stepsPerCheckpoint.map { trainer.step % $0 == 0 } ?? false
        let history = course.history
        try course.checkpoints.time {
            let isDue = try checkpointIsDue?() ?? false
            guard isOften || isDue, trainer.step < trainer.totalSteps, trainer.hasFiniteParameters else { return }
            try checkpoint?(history)
        }
    }

    private func runEpoch(_ epoch: Int, _ course: inout Course) throws -> StepReport {
        let end = min(trainer.totalSteps, (epoch + 1) * trainer.epochs.stepsPerEpoch)
        var total = StepReport()
        while trainer.step < end {
            var count = min(end - trainer.step, course.speed.steps(inSeconds: Self.regionSeconds))
            if let stepsPerCheckpoint {
                count = min(count, stepsPerCheckpoint - trainer.step % stepsPerCheckpoint)
            }
            if Task.isCancelled { trainer.stop.raise() }
            // What one step costs is known by then.
            let stepSeconds = course.speed.fastestStepSeconds
            if let stepSeconds { clock?.limitCost(stepSeconds: stepSeconds) }
            let regionClock = stepSeconds == nil ? nil : clock
            let region = trainer.run(steps: count, clock: regionClock)
            if regionClock != nil { regionMeasured(region) }
            total.add(region)
            if region.steps > 0 { total.setLosses(trainer.epochSums) }
            course.speed.add(region)
            guard region.divergedStep == nil, !region.interrupted else { break }
            report(.progress(epoch: epoch, epochSoFar: total, samplesPerSecond: course.speed.latest))
            // The checkpoint at an epoch's end comes after its validation.
            if trainer.step < end { try writeIfDue(&course) }
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
