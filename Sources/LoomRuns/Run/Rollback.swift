import LoomConfiguration
import LoomKernels
import LoomModel
import LoomTraining

/// A training that diverged has gone back to an earlier step, in order to go on at half of its learning rate.
public struct Rollback: Sendable, Equatable {
    /// The step, counted from 0, whose loss was not finite.
    public let divergedStep: Int
    /// Where such a number was first: "the activations of layer 'hidden'".
    public let origin: String
    /// The steps done from which it goes on.
    public let step: Int
    /// What the configured learning rate is multiplied by from now on.
    public let learningRateFactor: Double

    /// A training that goes on after `step` steps.
    package init(divergedStep: Int, origin: String, step: Int, learningRateFactor: Double) {
        self.divergedStep = divergedStep
        self.origin = origin
        self.step = step
        self.learningRateFactor = learningRateFactor
    }
}

/// Brings trainings that diverged back to their last good checkpoint, at half of the learning rate.
///
/// What it decides follows from checkpoints alone, and is in the next one: a run that ends meanwhile, and goes on later, does
/// the same.
struct RollbackToCheckpoint<Scalar: LoomScalar> {
    /// A thousandth of the learning rate: what does not help is not tried for ever.
    static var mostHalvings: Int { 10 }
    /// A network that has just been initialised may be some times worse than the best constant; one that diverges is soon
    /// worse than that.
    private static var largestLossOverConstant: Double { 10 }

    let trainer: Trainer<Scalar>
    let store: CheckpointStore?
    let writer: CheckpointWriter<Scalar>?
    let metrics: MetricsFile?
    let best: BestParameters<Scalar>?
    /// The loss of the best constant prediction, penalty excluded; nil: there is none.
    let constantLoss: () -> Double?
    /// Gives the trainer its first parameters and state.
    let beginAnew: () throws -> Void
    /// Told where training goes on.
    let report: (Rollback) -> Void

    /// Brings the trainer back and returns the validations before; nil: it has been tried too often.
    ///
    /// A checkpoint is good when its loss had not exploded yet, and training diverged from it no more than once. Otherwise it
    /// is the one before, and at last the beginning.
    func perform(from divergedStep: Int) throws -> ValidationHistory? {
        guard trainer.learningRateHalvings < Self.mostHalvings else { return nil }
        let (halvings, origin) = (trainer.learningRateHalvings + 1, trainer.firstArrayNotFinite)
        try writer?.finish()
        let state = try restore()
        trainer.learningRateHalvings = halvings
        let history = state?.history ?? ValidationHistory()
        if let best { try reload(best, history) }
        if let metrics { try metrics.truncate(to: state?.metricsBytes) }
        report(
            Rollback(
                divergedStep: divergedStep, origin: origin, step: trainer.step,
                learningRateFactor: trainer.learningRateFactor))
        try writer?.write(history, isRetry: true)
        try writer?.finish()
        return history
    }

    /// The state of the newest good checkpoint; later ones are removed. Nil: the beginning.
    private func restore() throws -> TrainingState? {
        for path in (store?.all ?? []).reversed() {
            let checkpoint = try? Safetensors(contentsOf: path)
            let state = try? checkpoint.flatMap { try TrainingState($0) }
            guard let checkpoint, let state, !state.isRetry, !hasExploded(state.epochSums) else { continue }
            try trainer.restore(checkpoint)
            store?.removeAll(after: trainer.step)
            return state
        }
        try beginAnew()
        store?.removeAll(after: -1)
        return nil
    }

    private func hasExploded(_ epoch: LossSums) -> Bool {
        guard epoch.samples > 0, let constantLoss = constantLoss(), constantLoss > 0 else { return false }
        return trainer.loss(of: epoch) > Self.largestLossOverConstant * constantLoss
    }

    private func reload(_ best: BestParameters<Scalar>, _ history: ValidationHistory) throws {
        best.forget()
        if let epoch = history.best?.epoch, let store {
            try best.load(epoch: epoch, from: store)
        }
    }
}
