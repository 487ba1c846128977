import LoomData
import LoomHardware
import LoomKernels
import LoomModel

/// How long and on what a network is trained.
public struct TrainingSchedule: Sendable, Equatable, Codable {
    /// Samples of a minibatch.
    public var batchRows: Int
    /// Passes over the training data.
    public var epochs: Int
    /// The largest number of steps, if training may end within an epoch.
    public var maximumSteps: Int?
    /// The seed of the order of the samples.
    public var seed: UInt64
    /// Whether the order is permuted anew in every epoch.
    public var shuffles: Bool
    /// Whether samples that do not fill a last batch are left out.
    public var dropsLast: Bool

    /// A schedule.
    public init(
        batchRows: Int, epochs: Int, maximumSteps: Int? = nil, seed: UInt64 = 1, shuffles: Bool = true,
        dropsLast: Bool = false
    ) {
        self.batchRows = batchRows
        self.epochs = epochs
        self.maximumSteps = maximumSteps
        self.seed = seed
        self.shuffles = shuffles
        self.dropsLast = dropsLast
    }
}

/// Who works, and where.
public struct TeamPlan: Sendable {
    /// The number of workers.
    public var workers: Int
    /// How the workers are kept together.
    public var request: TeamRequest
    /// How a worker's thread is bound to its place; nil: not at all.
    public var binding: WorkerBinding?
    /// Samples of a shard; nil: chosen from the batch.
    public var shardRows: Int?
    /// Whether results have the same bits for every number of workers.
    public var sameBitsForAnyWorkers: Bool
    /// Bytes of second-level cache of one core.
    public var cacheBytes: Int
    /// Who multiplies matrices.
    public var gemmProvider: GemmProvider
    /// The form of the gradient; nil: chosen from shapes.
    public var gradientForm: GradientForm?

    /// A team.
    public init(
        workers: Int, request: TeamRequest = .auto, binding: WorkerBinding? = nil, shardRows: Int? = nil,
        sameBitsForAnyWorkers: Bool = true, cacheBytes: Int = 1 << 20, gemmProvider: GemmProvider = .preferred,
        gradientForm: GradientForm? = nil
    ) {
        self.workers = workers
        self.request = request
        self.binding = binding
        self.shardRows = shardRows
        self.sameBitsForAnyWorkers = sameBitsForAnyWorkers
        self.cacheBytes = cacheBytes
        self.gemmProvider = gemmProvider
        self.gradientForm = gradientForm
    }
}

/// Trains one network on one data set: owns the memory of a run and runs its steps, a region at a time.
///
/// The flow of a step is in `TrainingStep`; this type prepares it, counts and times it.
public final class Trainer<Scalar: LoomScalar> {
    /// The network.
    public let network: Network<Scalar>
    /// The parameters, as of the last step.
    public let parameters: ParameterBuffer<Scalar>
    /// The optimizer's state, as of the last step.
    public let state: OptimizerState<Scalar>
    /// The gradient of the last step that kept it (when clipping, or in `gradient()`).
    public let gradients: ParameterBuffer<Scalar>
    /// The batches of an epoch.
    public let epochs: EpochLayout
    /// Steps of the whole training.
    public let totalSteps: Int
    /// Steps done.
    public private(set) var step = 0
    /// The team that runs the steps.
    public let team: WorkerTeam
    let loss: Loss<Scalar>
    let lossDescription: LossDescription
    private let memory: StepMemory<Scalar>
    private let columns: GradientColumnsMemory<Scalar>
    private let progressMemory: StepProgressMemory
    let fullBatch: StepPlan<Scalar>
    private let lastBatch: StepPlan<Scalar>
    private let work: TrainingStep<Scalar>

    /// Prepares a training: checks the shapes, plans the steps and reserves all memory.
    /// - Throws: `ModelError` when network, loss and data do not go together.
    public init(
        network description: NetworkDescription, loss lossDescription: LossDescription,
        optimizer: OptimizerDescription, schedule: TrainingSchedule, team teamPlan: TeamPlan,
        data: Dataset<Scalar>
    ) throws {
        let network = try Network<Scalar>(description)
        if let reason = network.untrainableReason { throw ModelError(reason) }
        let loss = try Loss<Scalar>(lossDescription, output: description.output)
        try Self.check(network, loss: lossDescription, schedule: schedule, data: data)
        let epochs = EpochLayout(
            samples: data.count, batchRows: schedule.batchRows, dropsLast: schedule.dropsLast)
        let totalSteps = min(schedule.epochs * epochs.stepsPerEpoch, schedule.maximumSteps ?? .max)
        let rule = Optimizer(optimizer, totalSteps: totalSteps, stepsPerEpoch: epochs.stepsPerEpoch)
        let parameters = network.initialParameters()
        let gradients = ParameterBuffer<Scalar>(layout: network.layout)
        let state = OptimizerState<Scalar>(kind: optimizer.kind, layout: network.layout)
        var planner = StepPlanner(
            network: network, workers: teamPlan.workers, requestedShardRows: teamPlan.shardRows,
            sameBitsForAnyWorkers: teamPlan.sameBitsForAnyWorkers, cacheBytes: teamPlan.cacheBytes,
            provider: teamPlan.gemmProvider, form: teamPlan.gradientForm,
            updatesAlike: optimizer.updatesAlike(l2: lossDescription.l2),
            parameters: parameters, gradients: gradients, state: state)
        let fullBatch = planner.plan(batchRows: epochs.batchRows, fullBatchRows: epochs.batchRows)
        let lastBatch =
            epochs.lastBatchRows == epochs.batchRows
            ? fullBatch : planner.plan(batchRows: epochs.lastBatchRows, fullBatchRows: epochs.batchRows)
        let columns = planner.columnsMemory!
        let order = EpochOrder(seed: schedule.seed, count: data.count, shuffle: schedule.shuffles)
        let memory = StepMemory(
            network: network, parameters: planner.parameters, state: state, optimizer: optimizer.kind,
            capacity: schedule.batchRows, team: teamPlan, usesReplicas: columns.choice.usesReplicas
        ) {
            BatchMemory(dataset: data, order: order, gathers: schedule.shuffles, capacity: schedule.batchRows)
        }
        let progressMemory = StepProgressMemory(
            shardCount: fullBatch.grid.count, unitCount: max(fullBatch.unitCount, lastBatch.unitCount))
        self.network = network
        self.loss = loss
        self.lossDescription = lossDescription
        self.parameters = parameters
        self.gradients = gradients
        self.state = state
        self.epochs = epochs
        self.totalSteps = totalSteps
        self.memory = memory
        self.progressMemory = progressMemory
        self.columns = columns
        self.fullBatch = fullBatch
        self.lastBatch = lastBatch
        team = WorkerTeam(workers: teamPlan.workers, request: teamPlan.request, binding: teamPlan.binding)
        work = TrainingStep(
            passes: memory.passes, replicas: memory.replicas, loss: loss, l2: lossDescription.l2, optimizer: rule,
            gradientUse: rule.clips ? .clipThenUpdate : .update, epochs: epochs,
            fullBatch: StepPlanPass(fullBatch), lastBatch: StepPlanPass(lastBatch),
            progress: progressMemory.progress)
        placeMemory()
    }

    /// Shards of a full batch: the largest number of workers that find work in the first phase.
    public var shardCount: Int { fullBatch.grid.count }

    /// Who multiplies matrices.
    public var gemmProvider: GemmProvider { memory.gemmProvider }

    /// The form of the gradient.
    public var gradientForm: GradientForm { gradientChoice.form }

    /// The form of the gradient, and whether two workers have their own parameters.
    var gradientChoice: GradientChoice { columns.choice }

    /// Samples of a shard.
    public var shardRows: Int { fullBatch.grid.shardRows }

    /// Whether all parameters are finite numbers. A gradient that overflows makes the update infinite, while the loss of
    /// its step is still finite: that of the next one tells.
    public var hasFiniteParameters: Bool {
        network.layout.tensors.indices.allSatisfy { index in
            let matrix = parameters.view(index)
            return (0..<matrix.rows).allSatisfy { row in
                (0..<matrix.columns).allSatisfy { matrix[row, $0].isFinite }
            }
        }
    }

    /// What was reserved, in bytes: the parameters and their gradient, the optimizer's state, the activations and deltas
    /// of a batch, and its gathered samples. A `MemoryPlan` says the same beforehand.
    public var memoryBytes: (parameters: Int, optimizer: Int, activations: Int, batch: Int) {
        (
            parameters.bytes + gradients.bytes + columns.bytes + memory.copyBytes,
            state.bytes + memory.replicaStateBytes, memory.activationBytes, memory.batchBytes
        )
    }

    /// Runs up to `count` more steps as one region, and reports them.
    ///
    /// Returns early when a loss is not finite (the parameters are then those before that step) or when the user asked
    /// to stop.
    public func run(steps count: Int) -> StepReport {
        let end = min(totalSteps, step + count)
        memory.copyFirst()
        let clock = ContinuousClock()
        let start = clock.now
        let region = withExtendedLifetime((memory, columns, fullBatch, lastBatch, progressMemory)) {
            team.run(work, steps: step..<end)
        }
        let seconds = (clock.now - start) / .seconds(1)
        let sums = progressMemory.takeSums()
        step += sums.steps
        return StepReport(
            sums, seconds: seconds, loss: loss, reduction: lossDescription.reduction,
            decisionsPerSample: loss.decisionsPerSample(outputs: network.outputs), region: region)
    }

    /// Goes on from a checkpoint: parameters, optimizer state and step.
    /// - Throws: `SafetensorsError` naming a tensor that is missing or has another shape; nothing has changed then.
    public func restore(_ checkpoint: Safetensors) throws(SafetensorsError) {
        step = try Checkpoint.restore(checkpoint, parameters: parameters, state: state)
    }

    /// The gradient of the batch that the next step would train on, penalty included, without an update, and its loss.
    public func gradient() -> (loss: Double, gradient: ParameterBuffer<Scalar>) {
        var probe = work
        probe.gradientUse = .keep
        memory.copyFirst()
        _ = team.run(probe, steps: step..<step + 1)
        return (progressMemory.takeSums().lastLoss, gradients)
    }

    /// The network over the activations and deltas of the last batch; over the first worker's part of them where each
    /// worker has its own.
    public var pass: NetworkPass<Scalar> { memory.workspace(of: 0).pass }

    /// Sets every byte of the scratch memory; results must not depend on it.
    public func fillScratch(byte: UInt8) { memory.fillBytes(byte) }

    /// The samples whose rows a worker will use are first written by it, so that their pages lie on its NUMA node.
    private func placeMemory() {
        let placement = MemoryPlacement(memory: memory, plan: fullBatch)
        _ = team.run(placement, steps: 0..<1)
    }

    private static func check(
        _ network: Network<Scalar>, loss: LossDescription, schedule: TrainingSchedule, data: Dataset<Scalar>
    ) throws {
        guard data.featureCount == network.inputs else {
            throw ModelError(
                "the data has \(data.featureCount) features, but the network expects \(network.inputs) inputs")
        }
        guard schedule.batchRows <= data.count else {
            throw ModelError(
                "training.batch is \(schedule.batchRows), but there are only \(data.count) training samples; "
                    + "choose a batch of at most \(data.count)")
        }
        let last = network.layers.last!
        switch data.targets {
        case .labels(_, let classes) where classes > network.outputs:
            throw ModelError(
                "the data has \(classes) classes, but the last layer '\(last.name)' has \(last.units) units; "
                    + "give it \(classes)")
        case .values(let values) where values.columns != network.outputs:
            throw ModelError(
                "the targets have \(values.columns) columns, but the last layer '\(last.name)' has \(last.units) "
                    + "units; both must be equal")
        case .labels where loss.kind != .crossEntropy || network.description.output != .softmax:
            throw ModelError("class indices need the output softmax and the loss cross_entropy")
        case nil:
            throw ModelError("the training data has no targets")
        default:
            break
        }
    }
}

/// Touches the rows of every worker's shards on that worker.
private struct MemoryPlacement<Scalar: LoomScalar>: PhasedWork {
    let memory: StepMemory<Scalar>
    let plan: StepPlan<Scalar>
    var phaseCount: Int { 1 }

    func perform(phase: Int, step: Int, worker: Int) {
        let run = plan.shardRuns.pointer[worker]
        memory.workspace(of: worker).touch(rows: plan.grid.rows(of: run.firstShard..<run.endShard))
    }

    func continues(after step: Int) -> Bool { false }
}
