import Foundation
import LoomConfiguration
import LoomKernels
import LoomModel
import LoomTraining

/// A run to go on with.
package struct ResumedRun<Scalar: LoomScalar> {
    /// What a user accepts that makes the run another one than an uninterrupted training.
    package struct Acceptance: Sendable {
        /// The steps to come may have another definition of their bits than those before.
        package var numerics = false
        /// Settings and data may be others.
        package var settings = false

        package init(numerics: Bool = false, settings: Bool = false) {
            self.numerics = numerics
            self.settings = settings
        }
    }

    /// The run's files.
    package let directory: RunDirectory
    /// Keeps other trainings away from them.
    package let lock: RunLock
    /// The validations before the checkpoint.
    package let history: ValidationHistory
    /// What the user should know.
    package let notes: [String]

    /// The directory's name.
    package var name: String { URL(fileURLWithPath: directory.path).lastPathComponent }

    /// Brings `experiment` to where the run in `path` was at its newest whole checkpoint, or to the beginning where there is
    /// none, and removes what the run has noted of later steps.
    ///
    /// - Parameters:
    ///   - accepted: What may differ from the run so far.
    ///   - original: The run's configuration.
    ///   - settings: The configuration with which it goes on: the run then keeps it.
    /// - Throws: `RunError`, `RunDirectoryError`, `SafetensorsError`, `AtomicFile.WriteError`; the run is as it was then.
    package init(
        path: String, experiment: Experiment<Scalar>, accepted: Acceptance, original: Configuration,
        settings: Configuration
    ) throws {
        directory = try RunDirectory(existing: path)
        try directory.checkIsWhole()
        lock = try RunLock(directory)
        AtomicFile.removeLeftovers(in: [directory.path, directory.checkpointsPath])
        var notes: [String] = []
        let differences = original.differencesInMeaning(from: settings)
        guard differences.isEmpty || accepted.settings else {
            throw RunError.otherSettings(run: path, differences: differences)
        }
        let store = CheckpointStore(directory: directory.checkpointsPath, keep: 1)
        let checkpoint = try Self.newest(
            in: store, run: directory, restoring: experiment.trainer,
            needsBest: experiment.configuration.training.earlyStopping != nil && !accepted.settings, notes: &notes)
        if checkpoint == nil { try experiment.readInitialParameters() }
        let state = try checkpoint.flatMap { try TrainingState($0) }
        if let checkpoint {
            let (its, ours) = (Checkpoint.numerics(of: checkpoint), experiment.numerics)
            guard its == ours || accepted.numerics else {
                throw RunError.otherNumerics(run: path, its: its, ours: ours)
            }
        }
        if let its = state?.dataFingerprint, !accepted.settings {
            let ours = experiment.dataFingerprint
            guard its == ours else { throw RunError.otherData(run: path, its: its, ours: ours) }
        }
        let trainer = experiment.trainer
        history = try state?.history ?? Self.history(in: directory.metricsPath, until: trainer.step, experiment)
        try Self.refuseFinished(directory, experiment, history: history)
        if let state { notes += Self.changedFiles(of: directory, since: state) }
        if let bytes = checkpoint == nil ? 0 : state?.metricsBytes {
            try MetricsFile.truncate(directory.metricsPath, to: bytes)
        }
        // Those of later steps were damaged.
        if checkpoint != nil { store.removeAll(after: trainer.step) }
        // It tells of an end that was none.
        try? FileManager.default.removeItem(atPath: directory.summaryPath)
        if original != settings { try AtomicFile.write(settings.yaml(), to: directory.configurationPath) }
        self.notes = notes
    }

    /// The newest checkpoint that is whole, from which `trainer` then goes on; nil where none was written.
    private static func newest(
        in store: CheckpointStore, run directory: RunDirectory, restoring trainer: Trainer<Scalar>,
        needsBest: Bool, notes: inout [String]
    ) throws -> Safetensors? {
        var damage: SafetensorsError?
        for path in store.all.reversed() {
            do throws(SafetensorsError) {
                let checkpoint = try Safetensors(contentsOf: path)
                if let step = checkpoint.metadata["step"].flatMap({ Int($0) }), step != CheckpointStore.step(of: path) {
                    throw SafetensorsError(path: path, tensor: nil, problem: .metadata(key: "step"))
                }
                if let best = try TrainingState(checkpoint)?.history.best, needsBest {
                    // It speaks of them: without them another model would be the best one.
                    let steps = trainer.steps(ofEpoch: best.epoch)
                    let file = store.best(after: steps)?.path ?? store.bestPath(step: steps.upperBound)
                    try Checkpoint.check(Safetensors(contentsOf: file), holds: trainer.network.layout)
                }
                try trainer.restore(checkpoint)
                if let damage { notes.append("\(damage); going on from \(path), the checkpoint before") }
                return checkpoint
            } catch {
                guard error.isDamage else { throw error }
                damage = damage ?? error
            }
        }
        if let damage { throw damage }
        notes.append("the run ‘\(directory.path)’ ended before its first checkpoint: it begins anew")
        return nil
    }

    /// A sentence for each file that is not what the checkpoint knows: it was edited, or damaged.
    private static func changedFiles(of directory: RunDirectory, since state: TrainingState) -> [String] {
        func contents(_ path: String) -> Data? { try? Data(contentsOf: URL(fileURLWithPath: path)) }
        var notes: [String] = []
        if let its = state.configurationSum, let ours = contents(directory.configurationPath),
            SHA256.digits(of: ours) != its
        {
            notes.append(
                "‘\(directory.configurationPath)’ was changed since the last checkpoint; what it says now counts")
        }
        if let its = state.metricsSum, let bytes = state.metricsBytes, let ours = contents(directory.metricsPath),
            ours.count >= bytes, SHA256.digits(of: ours.prefix(bytes)) != its
        {
            notes.append(
                "‘\(directory.metricsPath)’ was changed since the last checkpoint: its lines are not what was written")
        }
        return notes
    }

    /// A run that has its summary is over; one that ended before it was written gets it.
    private static func refuseFinished(
        _ directory: RunDirectory, _ experiment: Experiment<Scalar>, history: ValidationHistory
    ) throws {
        guard FileManager.default.fileExists(atPath: directory.summaryPath) else { return }
        let (trainer, training) = (experiment.trainer, experiment.configuration.training)
        guard trainer.step < trainer.totalSteps else {
            let isLimited = trainer.totalSteps < training.epochs * trainer.epochs.stepsPerEpoch
            throw RunError.complete(
                run: directory.path, steps: trainer.totalSteps, key: isLimited ? "training.steps" : "training.epochs")
        }
        if let best = training.earlyStopping?.bestEpoch(ending: history) {
            throw RunError.stoppedEarly(run: directory.path, bestEpoch: best + 1)
        }
    }

    /// The validations up to `step` by the metrics, for checkpoints of earlier versions. An epoch that was trained again
    /// after a crash counts once.
    private static func history(
        in path: String, until step: Int, _ experiment: Experiment<Scalar>
    ) throws -> ValidationHistory {
        var history = ValidationHistory()
        guard let rule = experiment.configuration.training.earlyStopping else { return history }
        let text = (try? String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)) ?? ""
        let epochs = text.split(separator: "\n").compactMap {
            try? JSONLines.value(EpochEvent.self, from: String($0))
        }
        // Every epoch has a step; a line of which that is not true is damaged.
        let losses = epochs.filter { $0.step <= step && $0.epoch >= 1 && $0.epoch <= $0.step }
            .map { ($0.epoch - 1, $0.validationLoss) }
        for (epoch, loss) in Dictionary(losses, uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }) {
            if let loss { _ = history.add(ValidationLoss(epoch: epoch, loss: loss), by: rule) }
        }
        return history
    }
}

extension SafetensorsError {
    /// Whether the file is not what was written, rather than that of another network.
    var isDamage: Bool {
        switch problem {
        case .missing, .otherShape: false
        default: true
        }
    }
}
