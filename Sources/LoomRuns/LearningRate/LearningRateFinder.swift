import LoomConfiguration
import LoomKernels
import LoomTraining

/// Runs a learning rate range test: a training from the first parameters on, whose learning rate grows from step to step.
package struct LearningRateFinder<Scalar: LoomScalar> {
    private let experiment: Experiment<Scalar>
    /// The rates.
    package let range: LearningRateRange

    /// The configuration with which an experiment has as many steps as a test may need, and nothing that ends it earlier.
    package static func configuration(_ configuration: Configuration) -> Configuration {
        var configuration = configuration
        let most = LearningRateRange(stepsPerEpoch: .max).steps
        // An epoch has a step at least.
        configuration.training.epochs = most
        configuration.training.steps = most
        configuration.training.earlyStopping = nil
        return configuration
    }

    /// A test with the trainer of `experiment`, which was made of such a configuration, and has done no step.
    package init(_ experiment: Experiment<Scalar>) {
        self.experiment = experiment
        range = LearningRateRange(stepsPerEpoch: experiment.trainer.epochs.stepsPerEpoch)
    }

    /// Trains until the loss diverges, or the largest rate is reached.
    /// - Parameter progress: Told the number of steps done.
    package func run(progress: (Int) -> Void = { _ in }) -> LearningRateCurve {
        let trainer = experiment.trainer
        var losses: [Double] = []
        while losses.count < range.steps, !LearningRateCurve.hasDiverged(losses) {
            trainer.fixedLearningRate = range.rate(losses.count)
            let report = trainer.run(steps: 1)
            losses.append(report.divergedStep == nil ? report.lastLoss : .nan)
            progress(losses.count)
        }
        return LearningRateCurve(losses: losses, range: range)
    }
}
