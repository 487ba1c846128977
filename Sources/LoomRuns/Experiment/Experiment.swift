import Foundation
import LoomConfiguration
import LoomData
import LoomHardware
import LoomKernels
import LoomModel
import LoomPlan
import LoomTraining

/// One training as its configuration asks for it, on this machine: data, trainer and what they are measured
/// against.
public final class Experiment<Scalar: LoomScalar> {
    /// What was asked for.
    public let configuration: Configuration
    /// The machine as it is used.
    public let machine: MachineSetup
    /// The samples.
    public let data: PreparedData<Scalar>
    /// What trains.
    public let trainer: Trainer<Scalar>
    private let evaluator: Evaluator<Scalar>
    /// What the data are known by, in checkpoints.
    private(set) lazy var dataFingerprint = DataFingerprint.text(data)

    /// The loss of the best constant prediction on the training and on the validation data.
    private lazy var constantLosses: (training: Double?, validation: Double?) = {
        guard let training = try? data.training.targets(atMost: Self.constantSamples) else { return (nil, nil) }
        let validation = try? data.validation?.targets(atMost: Self.constantSamples)
        let constant = ConstantPrediction(
            for: training, loss: configuration.loss, output: trainer.network.description.output)
        return (constant?.loss(on: training), validation.flatMap { constant?.loss(on: $0) })
    }()

    /// Samples that the best constant prediction is found from where none are kept: its loss is known to a hundredth.
    private static var constantSamples: Int { 1 << 16 }

    /// What the memory of the training is used for, as planned before it was reserved.
    public let memoryPlan: MemoryPlan

    /// Reads or makes the data, builds the network and plans the steps.
    ///
    /// - Parameters:
    ///   - configuration: What to train.
    ///   - machine: The workers and their places.
    ///   - samples: The samples, instead of those that the configuration names.
    ///   - stop: Ends the training after its current step when it is raised.
    ///   - readsInitialParameters: Whether the file of the first parameters, if there is one, is read: a training that goes on
    ///     from a checkpoint does not need it.
    ///   - willReserve: Told the memory plan before the memory is reserved.
    ///   - loading: Told how many samples of how many are read or made, from any thread.
    /// - Throws: `ConfigurationError`, `DataError`, `ModelError`, `SafetensorsError`: what does not fit
    ///   together, and where.
    public init(
        _ configuration: Configuration, machine: MachineSetup, samples: GivenSamples? = nil,
        stop: StopRequest = StopRequest(), readsInitialParameters: Bool = true,
        willReserve: (MemoryPlan) -> Void = { _ in },
        loading: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
    ) throws {
        self.configuration = configuration
        self.machine = machine
        let settings = configuration.network
        // Not kept longer than the samples take to be read: files stay mapped as long as it lives.
        let data: PreparedData<Scalar>
        do {
            let opened = try OpenedData(
                configuration.data, network: settings.description(inputs: 0), loss: configuration.loss, from: samples)
            memoryPlan = try configuration.memoryPlan(opened, machine: machine, of: Scalar.self)
            willReserve(memoryPlan)
            try memoryPlan.checkReservable()
            let (training, validation) = opened.sampleCounts
            data = try PreparedData(
                opened, progress: loading.map { report in LoadProgress { report($0, training + validation) } })
        }
        self.data = data
        trainer = try configuration.trainer(on: machine, data: data.training, stop: stop)
        evaluator = Evaluator(
            network: trainer.network, parameters: trainer.parameters, team: trainer.team,
            gemmBackend: trainer.gemmBackend)
        if readsInitialParameters { try readInitialParameters() }
    }

    /// Brings the trainer back to where it was before its first step.
    private func beginAnew() throws {
        trainer.beginAnew()
        try readInitialParameters()
    }

    /// Gives the trainer the first parameters of the file that the configuration names.
    func readInitialParameters() throws {
        guard let path = configuration.network.parametersFile else { return }
        _ = try Checkpoint.restore(Safetensors(contentsOf: path), parameters: trainer.parameters)
        try trainer.parameters.checkFinite(file: path)
    }

    /// The definition of the training's bits.
    public var numerics: NumericsIdentity { trainer.numerics }

    /// Things the user should know before training starts.
    public var notes: [String] {
        var notes = machine.notes + data.notes
        notes += trainer.program.unmetWishes(configuration.teamPlan(on: machine).stepRequest)
        if let reason = trainer.team.fallbackReason { notes.append(reason) }
        if let note = mixedPrecisionNote { notes.append(note) }
        if trainer.gemmBackend == .openBLAS {
            notes.append(
                "\(machine.blas.version) multiplies, with its \(machine.blas.coreName) kernels; gradloom peak measures how "
                    + "fast they are")
        }
        if trainer.shardCount < machine.workers {
            let smaller = trainer.bfloat16 == nil ? " or a smaller parallel.shard_rows" : ""
            notes.append(
                "a batch of \(trainer.epochs.batchRows) in shards of \(trainer.shardRows) feeds only "
                    + "\(trainer.shardCount) of \(machine.workers) workers: choose a larger training.batch\(smaller)")
        }
        return notes
    }

    /// Trains to the end, or until the trainer's `stop` is raised, and keeps checkpoints in
    /// `checkpoints`. With early stopping the trainer has the best parameters then.
    ///
    /// - Parameters:
    ///   - checkpoints: Where checkpoints go; nil: nowhere.
    ///   - history: The validations before, when a training goes on.
    ///   - report: Told what happens.
    public func train(
        checkpoints: CheckpointStore?, history: ValidationHistory = ValidationHistory(),
        report: @escaping (TrainingEvent) -> Void
    ) throws -> TrainingResult {
        try train(
            checkpoints: checkpoints, metrics: nil, history: history, clock: clock(), regionMeasured: { _ in },
            report: report)
    }

    /// A clock for a training that nobody wants single laps or steps of.
    package func clock() -> WorkerClockMemory {
        WorkerClockMemory(trainer.program, eventCapacity: 1 << 8, stepCapacity: 1 << 8)
    }

    /// The same with another clock, or without one.
    /// - Parameters:
    ///   - metrics: The file that `report` writes to: a checkpoint knows how long it was.
    ///   - configurationFile: The run's configuration as it was written: a checkpoint knows its sum.
    ///   - regionMeasured: Told of every region that the clock was with.
    package func train(
        checkpoints: CheckpointStore?, metrics: MetricsFile?, configurationFile: String? = nil,
        history: ValidationHistory, clock: WorkerClockMemory?,
        regionMeasured: @escaping (StepReport) -> Void, report: @escaping (TrainingEvent) -> Void
    ) throws -> TrainingResult {
        var run = TrainingRun(trainer: trainer)
        run.clock = clock
        run.regionMeasured = regionMeasured
        run.history = history
        if let validation = data.validation {
            run.validate = { [evaluator, configuration, trainer] in
                try evaluator.evaluate(validation, loss: configuration.loss, until: trainer.stop)
            }
        }
        run.earlyStopping = configuration.training.earlyStopping
        run.report = report
        let best = run.earlyStopping.map { _ in BestParameters(trainer) }
        if let best {
            if let epoch = history.best?.epoch, let checkpoints {
                try best.load(epoch: epoch, from: checkpoints)
            }
            run.keepBest = best.keep
            run.restoreBest = best.restore
        }
        let interval = configuration.run.checkpoint.every
        let store = interval == .never ? nil : checkpoints
        let writer = store.map { store in
            var contents = checkpointContents
            contents.configurationSum = configurationFile.map { SHA256.digits(of: $0.utf8) }
            return CheckpointWriter(
                trainer, contents: contents, to: store, best: best, metrics: metrics,
                writesBeside: interval.isBesideTraining, choosesInterval: interval == .automatic)
        }
        if configuration.training.onNaN == .rollback {
            let rollback = RollbackToCheckpoint(
                trainer: trainer, store: store, writer: writer, metrics: metrics, best: best,
                constantLoss: { [self] in constantLoss(validation: false) }, beginAnew: beginAnew,
                report: { report(.rolledBack($0)) })
            run.rollBack = rollback.perform
        }
        guard let writer else { return try run.run() }
        run.checkpoint = { try writer.write($0) }
        run.checkpointIsDue = writer.isDue
        run.finishCheckpoints = writer.finish
        switch interval {
        case .epoch: run.stepsPerCheckpoint = trainer.epochs.stepsPerEpoch
        case .steps(let count): run.stepsPerCheckpoint = count
        case .automatic, .end, .never: break
        }
        var result = try run.run()
        result.checkpointIntervalSeconds = writer.intervalSeconds
        result.longestAtRiskSeconds = writer.longestAtRiskSeconds
        return result
    }

    /// The loss of the best constant prediction for the training data, on the training data (validation: false) or the
    /// validation data, penalty excluded; nil where there are none.
    package func constantLoss(validation: Bool) -> Double? {
        validation ? constantLosses.validation : constantLosses.training
    }

    /// The loss on the data that the network is judged by, where it is not below that of the best constant prediction: the
    /// network has learnt nothing. Nil: it has.
    /// - Parameter reported: A loss on the same data; one that is small enough makes it needless to look again.
    package func lossWithoutLearning(reported: Double) throws -> (loss: Double, constant: Double)? {
        let isValidated = data.validation != nil
        guard let constant = constantLoss(validation: isValidated), !(reported < constant) else { return nil }
        var loss = configuration.loss
        loss.l2 = 0
        // The mean over an epoch's steps has those in it that had learnt nothing yet.
        let evaluation = try evaluator.evaluate(data.validation ?? data.training, loss: loss)
        return evaluation.loss < constant ? nil : (evaluation.loss, constant)
    }

    /// The network as it is now, as a checkpoint without the state of the training.
    package var savedNetwork: Safetensors {
        Checkpoint.contents(
            parameters: trainer.parameters, state: nil, step: trainer.step, numerics: numerics, metadata: metadata,
            extraTensors: ModelMetadata.tensors(data.standardization))
    }

    /// What data have to know of the network.
    private var metadata: [String: String] { ModelMetadata(data, inputs: trainer.network.inputs).metadata }

    /// What checkpoints hold beside the trainer's state.
    var checkpointContents: CheckpointContents {
        CheckpointContents(
            numerics: numerics, metadata: metadata, tensors: ModelMetadata.tensors(data.standardization),
            dataFingerprint: dataFingerprint)
    }

    /// The loss and accuracy on the training data (validation: false) or the validation data.
    public func evaluate(validation: Bool) throws -> Evaluation? {
        try (validation ? data.validation : data.training).map {
            try evaluator.evaluate($0, loss: configuration.loss)
        }
    }
}

extension Trainer {
    /// The epoch of the last step that was done, counted from 0.
    package var lastEpoch: Int { max(0, step - 1) / epochs.stepsPerEpoch }

    /// The steps of `epoch`, counted from 1. A training whose number of steps was limited may have ended after any of them.
    func steps(ofEpoch epoch: Int) -> ClosedRange<Int> {
        // An epoch that a file names may lie behind all there are.
        let (before, isTooLarge) = epoch.multipliedReportingOverflow(by: epochs.stepsPerEpoch)
        guard !isTooLarge, before < totalSteps else { return totalSteps...totalSteps }
        return before + 1...before + min(epochs.stepsPerEpoch, totalSteps - before)
    }
}

extension ParameterBuffer {
    /// Refuses parameters of a file that are NaN, or beyond this precision.
    func checkFinite(file: String) throws(ModelError) {
        guard let tensor = firstNotFinite else { return }
        throw ModelError(
            "\(file): the tensor '\(tensor)' has a value that is not finite in \(Scalar.precision.rawValue); give finite "
                + "parameters, or train in float64")
    }
}

extension Configuration {
    /// What a training on the samples of `opened` will need, on top of what the program has now.
    func memoryPlan<Scalar: LoomScalar>(
        _ opened: OpenedData, machine: MachineSetup, of _: Scalar.Type
    ) throws -> MemoryPlan {
        let samples = opened.sampleCounts
        let (kept, scratchColumns) = opened.kept(Scalar.self)
        var plan = try MemoryPlan(
            network: network.description(inputs: opened.source.featureCount), loss: loss, optimizer: optimizer,
            schedule: trainingSchedule, team: teamPlan(on: machine), samples: samples.training,
            validationSamples: samples.validation, targets: opened.targetShape,
            keepsBest: training.earlyStopping != nil, copiesState: run.checkpoint.every.isBesideTraining,
            keeps: kept, scratchColumns: scratchColumns, of: Scalar.self)
        plan.programBytes = ResidentMemory.bytes() ?? 0
        plan.loadingBytes = opened.loadingBytes(of: Scalar.self)
        return plan
    }

    /// A training step with the workers of `machine`, as it would run. The data is opened for its shape, and not read where a
    /// file's header tells it.
    /// - Throws: as `Experiment.init`.
    public func plannedStep(on machine: MachineSetup) throws -> PlannedStep {
        try plannedSteps([teamPlan(on: machine)])[0]
    }

    /// A training step with each of `teams`, as it would run.
    /// - Throws: as `plannedStep(on:)`.
    package func plannedSteps(_ teams: [TeamPlan]) throws -> [PlannedStep] {
        switch training.precision.scalar {
        case .float32: try plannedSteps(teams, of: Float.self)
        case .float64: try plannedSteps(teams, of: Double.self)
        }
    }

    private func plannedSteps<Scalar: LoomScalar>(_ teams: [TeamPlan], of _: Scalar.Type) throws -> [PlannedStep] {
        let opened = try OpenedData(data, network: network.description(inputs: 0), loss: loss)
        let network = try Network<Scalar>(network.description(inputs: opened.source.featureCount))
        let samples = opened.sampleCounts.training
        try trainingSchedule.check(samples: samples)
        return teams.map { team in
            let (program, shapes) = StepProgram.planned(
                for: network, loss: loss, optimizer: optimizer, schedule: trainingSchedule, team: team, samples: samples
            )
            return PlannedStep(
                program: program, products: program.products(shapes), text: program.text(shapes),
                notes: opened.notes + program.unmetWishes(team.stepRequest), shapes: shapes, samples: samples)
        }
    }

    /// What a training with the workers of `machine` will need, on top of what the program has now.
    /// - Throws: as `Experiment.init`.
    package func plannedMemory(on machine: MachineSetup) throws -> MemoryPlan {
        let opened = try OpenedData(data, network: network.description(inputs: 0), loss: loss)
        return switch training.precision.scalar {
        case .float32: try memoryPlan(opened, machine: machine, of: Float.self)
        case .float64: try memoryPlan(opened, machine: machine, of: Double.self)
        }
    }

    /// What trains on `data`.
    func trainer<Scalar: LoomScalar>(
        on machine: MachineSetup, data: SampleFeed<Scalar>, stop: StopRequest = StopRequest()
    ) throws -> Trainer<Scalar> {
        try trainer(data: data, schedule: trainingSchedule, team: teamPlan(on: machine), stop: stop)
    }

    /// What trains on `data` with another schedule or team.
    package func trainer<Scalar: LoomScalar>(
        data: SampleFeed<Scalar>, schedule: TrainingSchedule, team: TeamPlan, stop: StopRequest = StopRequest()
    ) throws -> Trainer<Scalar> {
        try Trainer(
            network: network.description(inputs: data.featureCount), loss: loss, optimizer: optimizer,
            schedule: schedule, team: team, feed: data, stop: stop)
    }

    /// The schedule that the trainer is given.
    package var trainingSchedule: TrainingSchedule {
        var schedule = TrainingSchedule(
            batchRows: training.batch, fitsBatch: training.fitsBatch, epochs: training.epochs,
            maximumSteps: training.steps, seed: training.seed, shuffles: data.shuffle != .none,
            dropsLast: training.dropLast)
        schedule.shufflesBlocks = data.shuffle == .blocks
        return schedule
    }

    /// The team that the trainer is given.
    package func teamPlan(on machine: MachineSetup) -> TeamPlan {
        var team = TeamPlan(
            workers: machine.workers, request: parallel.team, binding: machine.binding,
            shardRows: parallel.shardRows, sameBitsForAnyWorkers: parallel.reproducible == .anyWorkers,
            cacheBytes: machine.cacheBytes, gemmBackend: parallel.gemmBackend,
            groups: parallel.groups, route: parallel.gradientRoute)
        team.bfloat16 = bfloat16Products
        return team
    }
}

/// A training step as it would run.
public struct PlannedStep: Sendable {
    /// What every worker does.
    public let program: StepProgram
    /// The matrix products of all workers.
    public let products: [PlannedProduct]
    /// The program as text, one operation a line.
    public let text: String
    /// What was detected or decided, for the user.
    public let notes: [String]
    /// What the program was planned from.
    package let shapes: StepShapes
    /// All samples that are trained on.
    package let samples: Int
}
