import LoomKernels
import LoomModel
import LoomTraining
import Synchronization

/// Writes the checkpoints of a training beside its steps: between two of them the state is copied, and a thread of its own
/// writes the copy while training goes on. One is written at a time.
final class CheckpointWriter<Scalar: LoomScalar> {
    /// What a thread came to.
    private enum Outcome {
        case written(processorSeconds: Double, end: ContinuousClock.Instant)
        case failed(any Error)
    }

    private let trainer: Trainer<Scalar>
    private let contents: CheckpointContents
    private let store: CheckpointStore
    private let metrics: MetricsFile?
    private let best: BestParameters<Scalar>?
    /// Belongs to the thread as long as there is one.
    private let copy: StateCopy<Scalar>?
    private var thread: BackgroundThread?
    private let outcome = SharedValue<Outcome?>(nil)
    private var copySeconds = 0.0
    /// Seconds of processor time that the last checkpoint took, copying included.
    private(set) var lastCostSeconds = 0.0
    /// The longest time of which steps had to be done again, if the program had ended at the worst moment: from when a state
    /// was taken, or training began, until a later one was on disk.
    private(set) var longestAtRiskSeconds = 0.0
    /// When the state was taken that is on disk, or training began, and that of the state that is being written.
    private var (safe, taken) = (ContinuousClock.now, ContinuousClock.now)
    /// With an interval that is chosen here.
    private var pacing: CheckpointPacing?

    /// - Parameters:
    ///   - contents: What checkpoints hold beside the trainer's state.
    ///   - best: The best parameters, which a checkpoint speaks of and which are written before it.
    ///   - metrics: The file of metrics: a checkpoint knows how long it was.
    ///   - writesBeside: Whether training goes on meanwhile, which takes memory for a copy of the state.
    ///   - choosesInterval: Whether `isDue` ever says so.
    init(
        _ trainer: Trainer<Scalar>, contents: CheckpointContents, to store: CheckpointStore,
        best: BestParameters<Scalar>?, metrics: MetricsFile?, writesBeside: Bool, choosesInterval: Bool
    ) {
        self.trainer = trainer
        self.contents = contents
        self.store = store
        self.best = best
        self.metrics = metrics
        copy = writesBeside ? StateCopy(trainer, keepsBest: best != nil) : nil
        pacing = choosesInterval ? CheckpointPacing() : nil
    }

    deinit { thread?.join() }

    /// Seconds between two checkpoints where they are chosen here and training was so long.
    var intervalSeconds: Double? { pacing.flatMap { $0.isInUse ? $0.intervalSeconds : nil } }

    /// Whether so much time has passed that a checkpoint is worth its cost.
    /// - Throws: What kept the last one from being written.
    func isDue() throws -> Bool {
        if thread != nil, outcome.value != nil { try finish() }
        return thread == nil && pacing?.isDue() == true
    }

    /// Takes the trainer's state, to which `history` belongs, and begins to write it; the one before is finished first.
    /// - Parameter isRetry: Whether training diverged from this very state before.
    /// - Throws: `AtomicFile.WriteError`, of the one before too.
    func write(_ history: ValidationHistory, isRetry: Bool = false) throws {
        try finish()
        pacing?.begin()
        taken = .now
        let newBest = best.flatMap { best in best.isWritten ? nil : best.step.map { (best.buffer, $0) } }
        let copied = copy?.take(trainer, best: newBest?.0)
        let state = SavedState(
            parameters: copied?.parameters ?? trainer.parameters, optimizer: copied?.optimizer ?? trainer.state,
            step: trainer.step, epochSums: trainer.epochSums, history: history,
            learningRateHalvings: trainer.learningRateHalvings, isRetry: isRetry, metrics: try? metrics?.mark(),
            newBest: newBest.map { (copied?.best ?? $0, $1) })
        best?.isWritten = true
        guard copied != nil else { return try writeAtOnce(state) }
        copySeconds = (ContinuousClock.now - taken) / .seconds(1)
        thread = BackgroundThread { [contents, store, outcome] in
            do {
                try contents.write(state, to: store)
                outcome.value = .written(processorSeconds: BackgroundThread.processorSeconds(), end: .now)
            } catch {
                outcome.value = .failed(error)
            }
        }
        // Without a thread there is nobody but this one.
        if thread == nil { try writeAtOnce(state) }
    }

    private func writeAtOnce(_ state: SavedState<Scalar>) throws {
        try contents.write(state, to: store)
        wasWritten(at: .now)
    }

    private func wasWritten(at end: ContinuousClock.Instant) {
        longestAtRiskSeconds = max(longestAtRiskSeconds, (end - safe) / .seconds(1))
        safe = taken
    }

    /// Waits until what was begun is on disk.
    /// - Throws: `AtomicFile.WriteError`.
    func finish() throws {
        guard let thread else { return }
        thread.join()
        self.thread = nil
        let result = outcome.value
        outcome.value = nil
        switch result {
        case .written(let seconds, let end):
            wasWritten(at: end)
            lastCostSeconds = copySeconds + seconds
            pacing?.add(costSeconds: lastCostSeconds)
        case .failed(let error): throw error
        case nil: break
        }
    }
}

/// A value that two threads share.
private final class SharedValue<Value: Sendable>: Sendable {
    private let stored: Mutex<Value>

    init(_ value: Value) { stored = Mutex(value) }

    var value: Value {
        get { stored.withLock { $0 } }
        set { stored.withLock { $0 = newValue } }
    }
}

/// The state of a training between two steps, apart from the trainer's own memory.
private final class StateCopy<Scalar: LoomScalar>: Sendable {
    let parameters: ParameterBuffer<Scalar>
    let optimizer: OptimizerState<Scalar>
    let best: ParameterBuffer<Scalar>?

    init(_ trainer: Trainer<Scalar>, keepsBest: Bool) {
        let layout = trainer.network.layout
        parameters = ParameterBuffer(layout: layout)
        optimizer = OptimizerState(like: trainer.state, layout: layout)
        best = keepsBest ? ParameterBuffer(layout: layout) : nil
    }

    func take(_ trainer: Trainer<Scalar>, best newBest: ParameterBuffer<Scalar>?) -> StateCopy {
        parameters.copy(from: trainer.parameters)
        optimizer.copy(from: trainer.state)
        if let newBest { best?.copy(from: newBest) }
        return self
    }
}

/// What a checkpoint is written from; nobody changes it before it is written.
struct SavedState<Scalar: LoomScalar>: Sendable {
    let parameters: ParameterBuffer<Scalar>
    let optimizer: OptimizerState<Scalar>
    let step: Int
    let epochSums: LossSums
    let history: ValidationHistory
    let learningRateHalvings: Int
    let isRetry: Bool
    /// How long the file of metrics was; nil: there is none, or it has failed, which is told of at the end and costs no
    /// checkpoint.
    let metrics: MetricsFile.Mark?
    /// The best parameters so far and their step, where they are not on disk.
    let newBest: (ParameterBuffer<Scalar>, step: Int)?
}

/// What the checkpoints of a training hold beside its state: all that is needed to go on, and to use the model elsewhere.
struct CheckpointContents: Sendable {
    let numerics: NumericsIdentity
    let metadata: [String: String]
    let tensors: [Safetensors.Tensor]
    let dataFingerprint: String
    /// SHA-256 over the run's configuration file; nil: there is none.
    var configurationSum: String?

    /// Writes first the best parameters, which the checkpoint speaks of, and then the checkpoint.
    func write<Scalar: LoomScalar>(_ state: SavedState<Scalar>, to store: CheckpointStore) throws {
        if let (parameters, step) = state.newBest {
            try store.writeBest(step: step) {
                try write(parameters, nil, step: step, TrainingState(dataFingerprint: dataFingerprint), to: $0)
            }
        }
        let metricsBytes = try? state.metrics?.synchronize()
        let training = TrainingState(
            epochSums: state.epochSums, history: state.history, metricsBytes: metricsBytes,
            metricsSum: metricsBytes == nil ? nil : state.metrics?.sum, configurationSum: configurationSum,
            learningRateHalvings: state.learningRateHalvings, isRetry: state.isRetry, dataFingerprint: dataFingerprint)
        try store.write(step: state.step) {
            try write(state.parameters, state.optimizer, step: state.step, training, to: $0)
        }
    }

    private func write<Scalar: LoomScalar>(
        _ parameters: ParameterBuffer<Scalar>, _ optimizer: OptimizerState<Scalar>?, step: Int,
        _ training: TrainingState,
        to path: String
    ) throws {
        try Checkpoint.write(
            parameters: parameters, state: optimizer, step: step, numerics: numerics,
            metadata: metadata.merging(training.metadata) { $1 }, extraTensors: tensors, to: path)
    }
}
