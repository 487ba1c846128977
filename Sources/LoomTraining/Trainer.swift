import LoomData
import LoomKernels
import LoomModel
import LoomPlan

/// Trains one network on one data set: owns the memory of a run and runs its steps, a region at a time.
///
/// What a step does is in its `StepProgram`, how it is carried out in `TrainingStep`; this type prepares both, counts and
/// times.
public final class Trainer<Scalar: LoomScalar> {
    /// The network.
    public let network: Network<Scalar>
    /// The optimizer's state, as of the last step.
    public var state: OptimizerState<Scalar> { memory.states[0] }
    /// The parameters, as of the last step.
    public var parameters: ParameterBuffer<Scalar> { memory.parameters[0] }
    /// The gradient of the last step that kept it (when clipping, or in `gradient()`).
    public var gradients: ParameterBuffer<Scalar> { memory.gradient }
    /// The batches of an epoch.
    public let epochs: EpochLayout
    /// Steps of the whole training.
    public let totalSteps: Int
    /// Steps done.
    public package(set) var step = 0
    /// What the steps of the epoch in progress have come to; of the last one at its end.
    package var epochSums: LossSums {
        get { controlMemory.epochSums }
        set { controlMemory.epochSums = newValue }
    }
    /// How often the configured learning rate is halved; kept in checkpoints.
    package var learningRateHalvings: Int {
        get { setting.pointer.pointee.optimizer.learningRateHalvings }
        set { setting.pointer.pointee.optimizer.learningRateHalvings = newValue }
    }
    /// What the configured learning rate is multiplied by.
    package var learningRateFactor: Double { setting.pointer.pointee.optimizer.learningRateFactor }
    /// The learning rate of the steps to come, instead of the optimizer's with its schedule; nil: that one.
    package var fixedLearningRate: Double? {
        get {
            let rate = setting.pointer.pointee.optimizer.fixedLearningRate
            return rate.isNaN ? nil : rate
        }
        set { setting.pointer.pointee.optimizer.fixedLearningRate = newValue ?? .nan }
    }
    /// The learning rate of the last step, or of the first one before there was any.
    package var learningRate: Double { setting.pointer.pointee.optimizer.learningRate(step: max(0, step - 1)) }
    /// The team that runs the steps.
    public let team: WorkerTeam
    /// Ends a run after its current step when it is raised.
    public let stop: StopRequest
    /// What a step on a full batch does.
    public let program: StepProgram
    /// What the last step of an epoch does.
    let lastProgram: StepProgram
    let loss: Loss<Scalar>
    let lossDescription: LossDescription
    let memory: StepMemory<Scalar>
    private let controlMemory: StepControlMemory
    private let operands: StepOperands
    private let programs: [BoundProgramMemory<Scalar>]
    private let boundPrograms: AlignedBuffer<BoundProgram<Scalar>>
    private let setting: AlignedBuffer<StepSetting<Scalar>>
    /// The shapes that the program was made from.
    package let shapes: StepShapes

    /// Prepares a training: checks the shapes, plans the steps and reserves all memory.
    /// - Throws: `ModelError` when network, loss and data do not go together.
    public init(
        network description: NetworkDescription, loss lossDescription: LossDescription,
        optimizer: OptimizerDescription, schedule: TrainingSchedule, team teamPlan: TeamPlan,
        feed: SampleFeed<Scalar>, stop: StopRequest = StopRequest()
    ) throws {
        let network = try Network<Scalar>(description)
        if let reason = network.untrainableReason { throw ModelError(reason) }
        if let products = teamPlan.bfloat16 {
            let reason = products.kernels == nil ? "this processor is no x86-64" : network.mixedPrecisionReason
            if let reason {
                throw ModelError("training.precision is mixed_bfloat16, but \(reason); train it in float32")
            }
        }
        let loss = try Loss<Scalar>(lossDescription, output: description.output)
        try Self.check(network, loss: lossDescription, schedule: schedule, feed: feed)
        let epochs = EpochLayout(
            samples: feed.sampleCount, batchRows: schedule.batchRows(samples: feed.sampleCount),
            dropsLast: schedule.dropsLast)
        let plan = TrainingPlan(
            StepShapes(network, operands: teamPlan.operands), update: optimizer.traits(l2: lossDescription.l2),
            epochs: epochs,
            request: teamPlan.stepRequest, separatesLayers: teamPlan.separatesLayers)
        let memory = StepMemory(
            network: network, plan: plan.fullBatch.buffers, optimizer: optimizer.kind, capacity: epochs.batchRows,
            workers: teamPlan.workers, gemmBackend: teamPlan.gemmBackend, bfloat16: teamPlan.bfloat16
        ) {
            FeedMemory(
                feed,
                order: SampleOrder(
                    seed: schedule.seed, count: feed.sampleCount, shuffle: schedule.shuffles,
                    blockRows: schedule.shufflesBlocks ? SampleOrder.blockRows(features: feed.featureCount) : nil),
                capacity: epochs.batchRows)
        }
        let controlMemory = StepControlMemory(
            shardCount: plan.fullBatch.sum.shards.count, sliceCount: plan.sliceCount, stop: stop)
        let operands = StepOperands()
        programs = plan.all.flatMap { program in
            [false, true].map {
                StepBinding(program, memory: memory, shapes: plan.shapes, inOddSteps: $0, operands: operands).bind()
            }
        }
        boundPrograms = AlignedBuffer(programs.map(\.bound))
        totalSteps = schedule.totalSteps(stepsPerEpoch: epochs.stepsPerEpoch)
        setting = AlignedBuffer(
            count: 1,
            repeating: StepSetting(
                workers: memory.workerHandles, loss: loss, l2: lossDescription.l2,
                optimizer: Optimizer(optimizer, totalSteps: totalSteps, stepsPerEpoch: epochs.stepsPerEpoch),
                epochs: epochs, control: controlMemory.control))
        self.operands = operands
        self.network = network
        self.loss = loss
        self.lossDescription = lossDescription
        self.epochs = epochs
        self.stop = stop
        self.memory = memory
        self.controlMemory = controlMemory
        program = plan.fullBatch
        lastProgram = plan.lastBatch
        shapes = plan.shapes
        team = WorkerTeam(
            workers: teamPlan.workers, request: teamPlan.request, binding: teamPlan.binding, tuning: teamPlan.tuning)
        placeMemory()
    }

    /// Who multiplies matrices.
    public var gemmBackend: GemmBackend { memory.gemmBackend }

    /// The definition of the training's bits.
    public var numerics: NumericsIdentity {
        memory.mixedPrecision?.products.definition.numerics ?? gemmBackend.numerics
    }

    /// What multiplies in mixed precision; nil: factors have the precision of the parameters.
    public var bfloat16: BFloat16Products? { memory.mixedPrecision?.products }

    /// Shards of a full batch: the largest number of workers that find work in the first phase.
    public var shardCount: Int { program.sum.shards.count }

    /// Samples of a shard.
    public var shardRows: Int { program.shardRows }

    /// The matrix products of a step on a full batch, in the order of the layers.
    public var plannedProducts: [PlannedProduct] { program.products(shapes) }

    /// What was reserved, in bytes. A `MemoryPlan` says the same beforehand.
    public var memoryBytes: (parameters: Int, gradient: Int, optimizer: Int, activations: Int, batch: Int) {
        memory.bytes
    }

    /// Prepares a training on samples in memory.
    /// - Throws: `ModelError` when network, loss and data do not go together.
    public convenience init(
        network: NetworkDescription, loss: LossDescription, optimizer: OptimizerDescription,
        schedule: TrainingSchedule, team: TeamPlan, data: Dataset<Scalar>, stop: StopRequest = StopRequest()
    ) throws {
        try self.init(
            network: network, loss: loss, optimizer: optimizer, schedule: schedule, team: team, feed: .resident(data),
            stop: stop)
    }

    /// Runs up to `count` more steps as one region, and reports them.
    ///
    /// Returns early when a loss is not finite (the parameters are then those before that step) or when `stop` is raised.
    /// - Parameter clock: Adds up what the workers' time is spent on; nil: nobody measures.
    package func run(steps count: Int, clock: WorkerClockMemory?) -> StepReport {
        let end = min(totalSteps, step + count)
        memory.copyFirst()
        let work = work(.update, clock: clock)
        let clockOfRegion = ContinuousClock()
        let start = clockOfRegion.now
        let region = withExtendedLifetime((self, clock)) {
            team.run(work, steps: step..<end)
        }
        let seconds = (clockOfRegion.now - start) / .seconds(1)
        clock?.stop()
        let sums = controlMemory.takeSums()
        step += sums.losses.steps
        return StepReport(
            sums, seconds: seconds, loss: loss, reduction: lossDescription.reduction,
            decisionsPerSample: loss.decisionsPerSample(outputs: network.outputs), region: region,
            activities: clock.map { ActivitySeconds(seconds: seconds, ticks: $0.takeActivityTicks()) }
                ?? ActivitySeconds())
    }

    /// Loss and accuracy of the steps of the epoch in progress, or of the last one at its end, whoever ran them.
    package var epochReport: StepReport { report(of: epochSums) }

    /// The loss that steps came to, without their penalties.
    package func loss(of sums: LossSums) -> Double {
        var sums = sums
        sums.penaltySum = 0
        return report(of: sums).loss
    }

    private func report(of sums: LossSums) -> StepReport {
        var report = StepReport(
            StepSums(), seconds: 0, loss: loss, reduction: lossDescription.reduction,
            decisionsPerSample: loss.decisionsPerSample(outputs: network.outputs), region: nil)
        report.setLosses(sums)
        return report
    }

    /// Runs up to `count` more steps as one region, and reports them.
    ///
    /// Returns early when a loss is not finite (the parameters are then those before that step) or when `stop` is raised.
    public func run(steps count: Int) -> StepReport { run(steps: count, clock: nil) }

    /// The steps with an update, or those that keep the gradient; valid while this object lives.
    private func work(_ use: GradientUse, clock: WorkerClockMemory?) -> TrainingStep<Scalar> {
        TrainingStep(
            setting: UnsafePointer(setting.pointer),
            programs: UnsafePointer(boundPrograms.pointer + (use == .keep ? 4 : 0)), clock: clock?.clock)
    }

    /// The gradient of the batch that the next step would train on, penalty included, without an update, and its loss.
    public func gradient() -> (loss: Double, gradient: ParameterBuffer<Scalar>) {
        memory.copyFirst()
        withExtendedLifetime(self) {
            _ = team.run(work(.keep, clock: nil), steps: step..<step + 1)
        }
        return (controlMemory.takeSums().lastLoss, gradients)
    }

    /// The network over the activations and deltas of the last batch; over the first worker's part of them where each
    /// worker has its own.
    public var handle: NetworkHandle<Scalar> { memory.workspace(of: 0).handle }

    /// Sets every byte of the scratch memory; results must not depend on it.
    public func fillScratch(byte: UInt8) { memory.fillBytes(byte) }

    /// The samples whose rows a worker will use are first written by it, so that their pages lie on its NUMA node.
    private func placeMemory() {
        _ = team.run(MemoryPlacement(memory: memory, rows: program.gatheredRows), steps: 0..<1)
    }
}

extension StepProgram {
    /// The rows of the batch that each worker takes through the network.
    var gatheredRows: [[Range<Int>]] {
        phases[0].operations.map { operations in
            operations.compactMap { if case .gather(let rows) = $0 { rows } else { nil } }
        }
    }
}

/// Touches the rows that each worker gathers on that worker.
private struct MemoryPlacement<Scalar: LoomScalar>: PhasedWork {
    let memory: StepMemory<Scalar>
    let rows: [[Range<Int>]]
    var phaseCount: Int { 1 }

    func perform(phase: Int, step: Int, worker: Int) {
        for rows in rows[worker] { memory.workspace(of: worker).touch(rows: rows) }
    }

    func endFirstPhase(step: Int) -> Bool { false }
}
