import Foundation
import LoomData
import LoomHardware
import LoomKernels
import LoomMeasurement
import LoomReporting
import LoomRuns
import LoomTraining

/// What a training shows and writes down: progress, JSON lines, metrics, the summary.
final class TrainingOutput<Scalar: LoomScalar> {
    private let experiment: Experiment<Scalar>
    /// The arithmetic peak of all workers, which the training's speed is held against.
    private(set) var ceiling: ArithmeticPeak
    private let ceilings: CeilingCache?
    private let name: String
    private let directory: RunDirectory
    private let json: Bool
    private let quiet: Bool
    private let firstStep: Int
    private let progress: ProgressLine
    /// The events of the run.
    let metrics: MetricsFile
    private var companions: RunCompanions
    private var latestValidation: Evaluation?
    private var latestOverhead: TimeShare?
    private var failure: (any Error)?
    /// Why a file beside the metrics is not whole.
    private var companionFailure: (any Error)?
    /// Why standard output ends before its time. Nothing is written there any more: a gap would pass for the whole.
    private var lost: StandardOutput.WriteError?
    private let throttlingBefore = CPUThrottling.current()
    private let contention: CPUContention

    init(
        experiment: Experiment<Scalar>, ceiling: ArithmeticPeak, ceilings: CeilingCache?, name: String,
        directory: RunDirectory, json: Bool, quiet: Bool
    ) throws {
        self.experiment = experiment
        self.ceiling = ceiling
        self.ceilings = ceilings
        self.name = name
        self.directory = directory
        self.json = json
        self.quiet = quiet
        firstStep = experiment.trainer.step
        progress = ProgressLine(quiet: quiet)
        metrics = try MetricsFile(appendingTo: directory.metricsPath)
        companions = try RunCompanions(experiment.configuration.run, directory: directory, step: firstStep)
        contention = experiment.machine.contention()
    }

    /// Notes and the first event.
    func begin() throws {
        if !quiet {
            for note in experiment.notes { progress.note("note: " + note) }
        }
        try emit(runEvent)
        // Nothing is lost yet.
        if let failure { throw failure }
    }

    /// Progress and epoch events.
    func report(_ event: TrainingEvent) {
        let trainer = experiment.trainer
        let epochs = experiment.configuration.training.epochs
        switch event {
        case .progress(let epoch, let sum, let speed):
            // Where an epoch is so short that none of its steps was measured, the one before tells.
            latestOverhead = TimeShare(largestOf: sum.activities) ?? latestOverhead
            progress.update(
                TrainingProgress(
                    epoch: epoch + 1, epochs: epochs, step: trainer.step, steps: trainer.totalSteps,
                    loss: sum.loss,
                    validationAccuracy: latestValidation?.accuracy, samplesPerSecond: speed,
                    ceilingFraction: ceilingFraction(samplesPerSecond: speed), largestOverhead: latestOverhead))
        case .epochEnded(let result):
            latestValidation = result.validation
            let event = epochEvent(result)
            progress.epochEnded(event, of: epochs)
            do { try emit(event) } catch { failure = error }
            do { try companions.add(event, of: trainer) } catch { companionFailure = error }
        case .rolledBack(let rollback):
            if !quiet {
                progress.note(
                    "warning: the loss of step \(NumberFormat.grouped(rollback.divergedStep + 1)) is not a finite number, which "
                        + "began in \(rollback.origin): going on after step \(NumberFormat.grouped(rollback.step)) at "
                        + "\(NumberFormat.number(rollback.learningRateFactor)) × optimizer.learning_rate")
            }
            do { try emit(RollbackEvent(rollback)) } catch { failure = error }
            do { companions = try companions.rolledBack(to: rollback.step) } catch { companionFailure = error }
        }
    }

    /// Leaves a clean line behind when training fails.
    func abandon() {
        progress.finish()
    }

    /// The summary file, the last event and the table; no table for a training that diverged, because an
    /// error follows.
    /// - Returns: What kept results from standard output; nil: they are there.
    func end(
        _ result: TrainingResult, seconds: Double, loadingSeconds: Double
    ) throws -> StandardOutput.WriteError? {
        progress.finish()
        let summary = summary(
            of: result, time: TrainingTime(result, seconds: seconds, loadingSeconds: loadingSeconds))
        let done = DoneEvent(
            steps: experiment.trainer.step, loss: summary.loss, samplesPerSecond: summary.samplesPerSecond,
            gflops: summary.gflops, ceilingGflops: summary.ceilingGflops, ceilingFraction: summary.ceilingFraction,
            otherWorkFraction: summary.otherWorkFraction, time: summary.time,
            stepFractions: summary.stepShares.isEmpty
                ? nil : Dictionary(uniqueKeysWithValues: summary.stepShares.map { ($0.name, $0.fraction) }),
            largestOverhead: summary.largestOverhead, parameterHash: experiment.trainer.parameters.hash,
            peakResidentBytes: summary.peakResidentBytes, runDirectory: directory.path)
        // A run that has its summary is over, and has all its lines.
        note(done)
        metrics.synchronize()
        try directory.writeSummary(
            RunSummary(
                done: done, run: runEvent, summary: summary, bestPossible: result.isOver ? bestPossible : nil,
                end: result.end, machine: experiment.machine))
        try show(done)
        if !json && !quiet && !result.hasDiverged {
            try writingResults { try StandardOutput.write(trainingSummary(summary)) }
        }
        if let failure = failure ?? companionFailure { throw failure }
        return lost
    }

    private func emit(_ event: some Encodable) throws {
        note(event)
        try show(event)
    }

    /// A file of metrics that cannot be written is told of at the end: the model and the summary are worth more. Later lines
    /// bring those along that were refused.
    private func note(_ event: some Encodable) {
        do {
            try metrics.append(event)
            failure = nil
        } catch {
            failure = error
        }
    }

    private func show(_ event: some Encodable) throws {
        guard json else { return }
        // Both may go to one terminal.
        progress.finish()
        try writingResults { try JSONLines.print(event) }
    }

    /// A training outlives a full disk: its model and its metrics are worth more than lines. Where a pipe was closed, nobody
    /// waits for more of it: it ends after its step, as by Ctrl-C.
    private func writingResults(_ write: () throws -> Void) throws {
        guard lost == nil else { return }
        do {
            try write()
        } catch let error as StandardOutput.WriteError {
            lost = error
            let stop = experiment.trainer.stop
            // A signal that came first keeps its exit code.
            if error.isClosedPipe, !stop.isRaised { stop.raise() }
        }
    }

    private var runEvent: RunEvent {
        let machine = experiment.machine
        return RunEvent(
            parameters: experiment.trainer.network.layout.parameterCount, workers: machine.workers,
            placement: machine.workerCPUs, route: experiment.trainer.program.route.rawValue,
            groups: experiment.trainer.program.sum.groups,
            products: experiment.trainer.bfloat16?.name ?? experiment.trainer.gemmBackend.rawValue,
            numerics: experiment.numerics.rawValue,
            instructionSet: machine.instructionSet.rawValue,
            ceilingGflops: ceiling.gflops,
            ceilingIsCached: ceiling.isCached,
            blas: .init(library: machine.blas.version, core: machine.blas.coreName),
            machine: .init(
                cpu: machine.machine.processor, cores: machine.machine.cores,
                hardwareThreads: machine.machine.hardwareThreads, numaNodes: machine.machine.numaNodes,
                allowedCPUs: machine.allowance.allowedCPUs, quotaCPUs: machine.allowance.quota?.cpus,
                niceness: CPUContention.niceness),
            memory: PlannedMemory(experiment.memoryPlan), runDirectory: directory.path)
    }

    /// Known before the training's end, when the ceiling is raised if need be: never above 1.
    private func ceilingFraction(samplesPerSecond: Double) -> Double? {
        guard ceiling.gflops > 0 else { return nil }
        return min(1, samplesPerSecond * experiment.trainer.network.operationsPerSample / 1e9 / ceiling.gflops)
    }

    private func epochEvent(_ result: EpochResult) -> EpochEvent {
        var event = EpochEvent(result)
        event.ceilingFraction = ceilingFraction(samplesPerSecond: event.samplesPerSecond)
        return event
    }

    private func summary(of result: TrainingResult, time: TrainingTime) -> TrainingSummary {
        // The unfinished epoch speaks for itself when it is all there is.
        let last = result.lastEpoch
        let epochsDone =
            last.map { $0.epoch + 1 } ?? experiment.trainer.step / experiment.trainer.epochs.stepsPerEpoch
        let training = result.unfinishedEpoch.steps > 0 ? result.unfinishedEpoch : last?.training
        // With early stopping the parameters are the best ones, and so is the validation.
        let validation = result.isOver && result.history.best != nil ? try? experiment.evaluate(validation: true) : nil
        let gflops = result.samplesPerSecond * experiment.trainer.network.operationsPerSample / 1e9
        let others = (fraction: contention.fraction(), niced: contention.nicedFraction())
        let earlierCeiling = ceiling.gflops
        let isRaised = ceiling.raise(toReach: gflops, in: experiment, cache: ceilings)
        return TrainingSummary(
            name: name, epochs: epochsDone, steps: experiment.trainer.step,
            loss: training?.loss ?? experiment.trainer.epochReport.loss, accuracy: training?.accuracy,
            validationLoss: (validation ?? last?.validation)?.loss,
            validationAccuracy: (validation ?? last?.validation)?.accuracy,
            constantLoss: experiment.constantLoss(validation: false),
            constantValidationLoss: experiment.constantLoss(validation: true),
            samplesPerSecond: result.samplesPerSecond, gflops: gflops,
            ceilingGflops: ceiling.gflops, ceilingInstructions: ceiling.instructions.title,
            precision: (ceiling.instructions.multipliesBF16 ? OperandFormat.bfloat16 : OperandFormat(Scalar.precision))
                .rawValue,
            placement: experiment.machine.workerCPUs, plannedMemoryBytes: experiment.memoryPlan.totalBytes,
            peakResidentBytes: ResidentMemory.peakBytes(), otherWorkFraction: others.fraction,
            time: time, stepShares: TimeShare.all(of: result.activities),
            largestOverhead: time.largestOverhead(result.activities),
            checkpointIntervalSeconds: result.checkpointIntervalSeconds,
            longestAtRiskSeconds: result.longestAtRiskSeconds, runDirectory: directory.path,
            notes: notes(
                result, loss: (validation ?? last?.validation)?.loss ?? training?.loss,
                raisedFrom: isRaised ? earlierCeiling : nil, others: others))
    }

    /// What nobody can do better on a synthetic task; nil where it is not known.
    private lazy var bestPossible: BestPossible? = {
        guard case .synthetic(let task) = experiment.configuration.data.source else { return nil }
        return try? task.bestPossible()
    }()

    private func notes(
        _ result: TrainingResult, loss: Double?, raisedFrom earlierCeiling: Double?,
        others: (fraction: Double?, niced: Double?)
    ) -> [String] {
        var notes: [String] = []
        if result.isOver, let best = bestPossible?.note { notes.append(best) }
        if let earlierCeiling {
            notes.append(
                "faster than the arithmetic peak of \(NumberFormat.gigaflops(earlierCeiling)) GFLOP/s that was known "
                    + "before: this machine can do more than it could then, and the peak was corrected")
        }
        if firstStep > 0 { notes.append("resumed after step \(NumberFormat.grouped(firstStep))") }
        if experiment.trainer.learningRateFactor < 1 {
            notes.append(
                "training diverged, and went back: it ended at "
                    + "\(NumberFormat.number(experiment.trainer.learningRateFactor)) × optimizer.learning_rate")
        }
        switch result.end {
        case .completed:
            if let best = result.history.best, best.epoch < experiment.trainer.lastEpoch {
                notes.append("the parameters are those of epoch \(best.epoch + 1), whose validation loss was best")
            }
        case .stoppedEarly(let best):
            notes.append("stopped early: the parameters are those of epoch \(best + 1), whose validation loss was best")
        case .interrupted:
            notes.append(
                experiment.configuration.run.checkpoint.every == .never
                    ? "interrupted, without a checkpoint because run.checkpoint.every is never"
                    : "interrupted; go on with: gradloom train --resume \(directory.path)")
        case .diverged: break
        }
        if result.isOver, let loss, let (loss, constant) = try? experiment.lossWithoutLearning(reported: loss) {
            notes.append(
                "the network has learnt nothing: its loss after the last step, \(NumberFormat.number(loss)), is not below "
                    + "\(NumberFormat.number(constant)), that of the best constant prediction; try another "
                    + "optimizer.learning_rate, more epochs, data.standardize: true, or look at the data")
        }
        let region = result.lastEpoch?.training.region ?? result.unfinishedEpoch.region
        if let region, region.mode == .forkJoin {
            notes.append("the workers forked and joined in every phase, which costs speed")
        }
        if let region, region.refusedBindings > 0 {
            notes.append("\(region.refusedBindings) workers could not be bound to their CPUs and ran unbound")
        }
        if let before = throttlingBefore, let after = CPUThrottling.current() {
            let throttled = after.since(before).throttledPeriods
            if throttled > 0 { notes.append("the CPU quota stopped this process in \(throttled) periods") }
        }
        if let fraction = others.fraction, CPUContention.isDisturbing(fraction) {
            notes.append("others had \(share(fraction, niced: others.niced)), which costs speed")
        }
        return notes
    }
}

/// "24 % of the time of the workers' cores, 20 % at low priority": the second where it is worth a word.
func share(_ fraction: Double, niced: Double?) -> String {
    let share = "\(NumberFormat.percentage(fraction)) of the time of the workers' cores"
    guard let niced, CPUContention.isDisturbing(niced) else { return share }
    return share + ", \(NumberFormat.percentage(niced)) at low priority"
}
