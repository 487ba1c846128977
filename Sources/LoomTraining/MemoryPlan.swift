import LoomKernels
import LoomModel
import LoomPlan

/// What the memory of a training will be used for, in bytes: known from shapes before any of it is reserved.
public struct MemoryPlan: Sendable, Equatable {
    /// The program, its libraries and what it had read when the plan was made.
    public var programBytes = 0
    /// The samples to train on.
    public var dataBytes = 0
    /// The samples to validate on.
    public var validationBytes = 0
    /// The parameters, and the copies of workers that have their own.
    public var parameterBytes = 0
    /// The gradient, the partial gradients of groups of samples, and what workers send each other.
    public var gradientBytes = 0
    /// The optimizer's state.
    public var optimizerBytes = 0
    /// Activations and deltas of a batch, and the scratch memory of products.
    public var activationBytes = 0
    /// The gathered samples of a batch.
    public var batchBytes = 0
    /// Activations of an evaluation and the scratch memory of its products, of all workers.
    public var evaluationBytes = 0
    /// The best parameters so far, and copies of the state while it is written to a checkpoint.
    public var checkpointBytes = 0
    /// Needed only while the data are read, before the network is made.
    public var loadingBytes = 0
    /// Needed only while the steps are planned: operands and results of the self-test of products.
    public var planningBytes = 0

    /// A plan for nothing.
    public init() {}

    /// The most that is in use at a time.
    public var totalBytes: Int {
        let model = parameterBytes + gradientBytes + optimizerBytes + checkpointBytes
        let steps = activationBytes + batchBytes + evaluationBytes
        return programBytes + dataBytes + validationBytes + max(loadingBytes, model + max(planningBytes, steps))
    }
}

/// The targets that a sample of a data set has.
public enum TargetShape: Sendable, Equatable {
    /// One class index.
    case label
    /// This many numbers.
    case values(columns: Int)
}

/// What of the samples is in memory while a training runs.
public enum KeptSamples: Sendable {
    /// Inputs and targets.
    case all
    /// Targets: inputs stay in files.
    case targets
    /// Nothing: samples are made when they are needed.
    case nothing
}

extension MemoryPlan {
    /// The plan of a training that is to be validated on `validationSamples`, with everything but the program and the
    /// loading of data.
    ///
    /// - Parameters:
    ///   - keepsBest: Whether the best parameters are kept beside those in training.
    ///   - copiesState: Whether parameters and optimizer state are copied for checkpoints.
    ///   - keeps: What of the samples is kept in memory.
    ///   - scratchColumns: Elements of float32 memory for each row of a batch, in which samples are made.
    /// - Throws: `ModelError` when the network's description contradicts itself.
    public init<Scalar: LoomScalar>(
        network description: NetworkDescription, loss: LossDescription, optimizer: OptimizerDescription,
        schedule: TrainingSchedule, team: TeamPlan, samples: Int, validationSamples: Int, targets: TargetShape,
        keepsBest: Bool = false, copiesState: Bool = false, keeps: KeptSamples = .all, scratchColumns: Int = 0,
        of _: Scalar.Type
    ) throws {
        let network = try Network<Scalar>(description)
        let scalarBytes = MemoryLayout<Scalar>.stride
        let capacity = min(schedule.batchRows, samples)
        try Self.checkSizes(
            of: network, samples: keeps == .all ? samples + validationSamples : 0, batchRows: capacity, targets: targets
        )
        func rowBytes(_ columns: Int) -> Int { Padding.stride(columns: columns, of: Scalar.self) * scalarBytes }

        let plan = StepPlanner(
            shapes: StepShapes(network), update: optimizer.traits(l2: loss.l2), fullBatchRows: capacity,
            request: team.stepRequest
        ).buffers
        let bufferBytes = network.layout.elementCount * scalarBytes
        parameterBytes = plan.parameterCopies * bufferBytes
        gradientBytes = (1 + plan.partials + plan.messages(workers: team.workers)) * bufferBytes
        optimizerBytes = plan.stateCopies * optimizer.kind.stateBuffers * bufferBytes
        let stateBuffers = 1 + optimizer.kind.stateBuffers
        checkpointBytes = ((keepsBest ? 1 : 0) + (copiesState ? stateBuffers + (keepsBest ? 1 : 0) : 0)) * bufferBytes
        let sampleActivationBytes =
            team.bfloat16 == nil
            ? Workspace.bytesPerSample(of: network) : Workspace.bytesPerSample(besidePacked: network)
        activationBytes = sampleActivationBytes * capacity
        let scratchBytes = scratchColumns * MemoryLayout<Float>.stride
        batchBytes =
            (schedule.shuffles || keeps != .all ? rowBytes(network.inputs) : 0) * capacity + scratchBytes * capacity
        batchBytes += MemoryLayout<UInt64>.stride * capacity
        switch targets {
        case .label: batchBytes += MemoryLayout<Int32>.stride * capacity
        case .values(let columns): batchBytes += rowBytes(columns) * capacity
        }
        let targetBytes =
            switch targets {
            case .label: MemoryLayout<Int32>.stride
            case .values(let columns): columns * scalarBytes
            }
        let sampleBytes =
            switch keeps {
            case .all: network.inputs * scalarBytes + targetBytes
            case .targets: targetBytes
            case .nothing: 0
            }
        dataBytes = samples * sampleBytes
        validationBytes = validationSamples * sampleBytes
        if validationSamples > 0 {
            let outputs = network.layers.reduce(0) {
                $0 + rowBytes($1.units) + ($1.components > 1 ? rowBytes($1.preActivations) : 0)
            }
            let made = keeps == .all ? 0 : rowBytes(network.inputs) + scratchBytes
            evaluationBytes =
                team.workers * min(Evaluator<Scalar>.chunkRows, validationSamples) * (outputs + made)
                + GemmMemory<Scalar>.bytes(backend: team.gemmBackend, workers: team.workers)
        }
        activationBytes *= plan.activationCopies
        batchBytes *= plan.activationCopies
        activationBytes += GemmMemory<Scalar>.bytes(backend: team.gemmBackend, workers: team.workers)
        if team.bfloat16 != nil, let network = network as? Network<Float> {
            activationBytes += MixedPrecisionMemory.bytes(of: network, capacity: capacity, workers: team.workers)
        }
        if team.sameBitsForAnyWorkers, team.bfloat16 == nil, !team.gemmBackend.isPartitionInvariant {
            planningBytes = Self.planningBytes(network, batchRows: capacity)
        }
    }

    /// Refuses samples and batches whose bytes are too many to plan with.
    private static func checkSizes<Scalar: LoomScalar>(
        of network: Network<Scalar>, samples: Int, batchRows: Int, targets: TargetShape
    ) throws(ModelError) {
        let scalarBytes = MemoryLayout<Scalar>.stride
        let columns = if case .values(let columns) = targets { columns } else { 1 }
        let largest = MemorySize.words(MemorySize.largestPart)
        guard columns < MemorySize.largestPart, network.inputs < MemorySize.largestPart,
            MemorySize.product(samples, network.inputs + columns, scalarBytes) != nil
        else {
            throw ModelError(
                "\(samples) samples of \(network.inputs) features and \(columns) target\(columns == 1 ? "" : "s") are more "
                    + "than \(largest); choose fewer samples")
        }
        guard MemorySize.product(batchRows, Workspace.bytesPerSample(of: network)) != nil else {
            throw ModelError(
                "the activations of a batch of \(batchRows) are more than \(largest); choose a smaller training.batch or "
                    + "fewer units")
        }
    }

    /// Refuses a training whose memory the system would not give, before any of it is reserved.
    /// - Throws: `ModelError` that names what needs most.
    package func checkReservable(
        canBeReserved: (Int) -> Bool = MemorySize.canBeReserved
    ) throws(ModelError) {
        let needed = totalBytes - programBytes
        guard !canBeReserved(needed) else { return }
        let parts = [
            (dataBytes + validationBytes + loadingBytes, "the samples", "fewer samples or features"),
            (
                parameterBytes + gradientBytes + optimizerBytes + checkpointBytes,
                "the parameters and what updates them", "fewer units"
            ),
            (activationBytes + batchBytes + evaluationBytes, "a batch", "a smaller training.batch"),
        ]
        let (bytes, what, remedy) = parts.max { $0.0 < $1.0 }!
        throw ModelError(
            "the training needs \(MemorySize.words(needed)) of memory, which the system does not give; \(what) "
                + "\(what == "the samples" || what.hasPrefix("the param") ? "need" : "needs") "
                + "\(MemorySize.words(bytes)) of it: choose \(remedy)")
    }

    /// The largest self-test of one product: its operands, and its result as a whole and in parts.
    private static func planningBytes<Scalar>(_ network: Network<Scalar>, batchRows: Int) -> Int {
        let elements = network.layout.tensors.filter { $0.role == .weights }.map { weights in
            let samples = batchRows * (weights.rows + weights.columns)
            let gradient = 2 * weights.count + samples
            let forward = weights.count + batchRows * (weights.columns + 2 * weights.rows)
            let backward = weights.count + batchRows * (weights.rows + 2 * weights.columns)
            return max(gradient, forward, backward)
        }
        return (elements.max() ?? 0) * MemoryLayout<Scalar>.stride
    }
}

extension OptimizerDescription.Kind {
    /// Buffers in the layout of the parameters that the rule keeps from step to step.
    package var stateBuffers: Int {
        switch self {
        case .sgd: 0
        case .momentum, .nesterov: 1
        case .adam, .adamw: 2
        }
    }
}
