import Foundation
import LoomConfiguration
import LoomKernels
import LoomTraining

/// A run to go on with.
package struct ResumedRun {
    /// The run's files.
    package let directory: RunDirectory
    /// The validation losses of its epochs before the checkpoint, in their order.
    package let losses: [ValidationLoss]

    /// The directory's name.
    package var name: String { URL(fileURLWithPath: directory.path).lastPathComponent }

    /// Brings `experiment` to where the run in `path` was at its newest checkpoint.
    ///
    /// - Parameters:
    ///   - acceptsNumerics: Whether the steps to come may have another definition of their bits than those before.
    ///   - changed: The configuration with which it goes on, if that is no longer the run's: the run then keeps it.
    /// - Throws: `RunError`, `RunDirectoryError`, `SafetensorsError`, `AtomicFile.WriteError`.
    package init<Scalar: LoomScalar>(
        path: String, experiment: Experiment<Scalar>, acceptsNumerics: Bool, changed: Configuration?
    ) throws {
        directory = try RunDirectory(existing: path)
        guard let newest = CheckpointStore(directory: directory.checkpointsPath, keep: 1).newest else {
            throw RunError.noCheckpoint(run: path)
        }
        let trainer = experiment.trainer
        let checkpoint = try Safetensors(contentsOf: newest)
        let (its, ours) = (Checkpoint.numerics(of: checkpoint), experiment.numerics)
        guard its == ours || acceptsNumerics else {
            throw RunError.otherNumerics(run: path, its: its, ours: ours)
        }
        try trainer.restore(checkpoint)
        guard trainer.step < trainer.totalSteps else {
            let training = experiment.configuration.training
            let isLimited = trainer.totalSteps < training.epochs * trainer.epochs.stepsPerEpoch
            throw RunError.complete(
                run: path, steps: trainer.totalSteps, key: isLimited ? "training.steps" : "training.epochs")
        }
        losses = try Self.losses(in: directory.metricsPath, until: trainer.step)
        if let best = experiment.configuration.training.earlyStopping?.bestEpoch(endingAfter: losses) {
            throw RunError.stoppedEarly(run: path, bestEpoch: best + 1)
        }
        if let changed { try AtomicFile.write(changed.yaml(), to: directory.configurationPath) }
    }

    /// The validation losses of the epochs up to `step`. An epoch that was trained again after a crash counts
    /// once.
    private static func losses(in path: String, until step: Int) throws -> [ValidationLoss] {
        let text = (try? String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)) ?? ""
        let epochs = text.split(separator: "\n").compactMap {
            try? JSONLines.value(EpochEvent.self, from: String($0))
        }
        let losses = epochs.filter { $0.step <= step }.map { ($0.epoch - 1, $0.validationLoss) }
        return Dictionary(losses) { $1 }.compactMap { epoch, loss in
            loss.map { ValidationLoss(epoch: epoch, loss: $0) }
        }.sorted { $0.epoch < $1.epoch }
    }
}
