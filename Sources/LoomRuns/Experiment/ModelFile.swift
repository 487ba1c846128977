import Foundation
import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomModel

/// A trained network as it was stored: in a run directory, or in one file, which is a checkpoint without the state of its
/// training, and with its configuration.
package struct ModelFile: Sendable {
    /// What was trained.
    package let configuration: Configuration
    /// The parameters, and what data have to know of them.
    package let checkpoint: Safetensors

    private static let configurationKey = "configuration"

    /// The network that `checkpoint` holds, trained as `configuration` says.
    package init(_ configuration: Configuration, _ checkpoint: Safetensors) {
        (self.configuration, self.checkpoint) = (configuration, checkpoint)
    }

    /// Reads one that was written to the file `path`, or the run in the directory `path`.
    /// - Parameter checkpointPath: The checkpoint of the run; nil: its best one, if it stops early, or its newest.
    /// - Throws: `RunDirectoryError`, `RunError`, `ConfigurationError`, `ModelError`, `SafetensorsError`: what it lacks, or
    ///   what is damaged.
    package init(_ path: String, checkpoint checkpointPath: String? = nil) throws {
        if checkpointPath == nil, RegularFile.isThere(path) {
            try self.init(file: path)
        } else {
            let run = try RunDirectory(existing: path)
            let checkpoints = CheckpointStore(directory: run.checkpointsPath, keep: 1)
            guard let checkpoint = checkpointPath ?? checkpoints.best ?? checkpoints.newest else {
                throw RunError.noCheckpoint(run: path)
            }
            self.init(try Configuration.load(path: run.configurationPath), try Safetensors(contentsOf: checkpoint))
        }
    }

    private init(file path: String) throws {
        checkpoint = try Self.tensors(path)
        guard let yaml = checkpoint.metadata[Self.configurationKey] else {
            throw ModelError(
                "\(path) has no configuration in its metadata, so it is no saved model; of a checkpoint, name the run "
                    + "directory that it is in")
        }
        configuration = try Configuration(yaml: yaml, file: path)
    }

    private static func tensors(_ path: String) throws -> Safetensors {
        do {
            return try Safetensors(contentsOf: path)
        } catch {
            guard !path.hasSuffix(".safetensors") else { throw error }
            throw ModelError("‘\(path)’ is neither a run directory nor a file with a saved model (\(error))")
        }
    }

    /// The network, to be used by `workers`; nil: one per allowed core.
    /// - Parameter policy: Where they are; nil: as in the training, unless that names CPUs, which were that machine's. No result
    ///   depends on it, nor on the training's instructions.
    /// - Throws: as `SavedModel` and `MachineSetup`.
    package func model<Scalar: LoomScalar>(
        workers: Int? = nil, policy: PlacementPolicy? = nil
    ) throws -> SavedModel<Scalar> {
        let settings = configuration.parallel
        let usual = if case .cpus = settings.placement { PlacementPolicy.auto } else { settings.placement }
        let machine = try MachineSetup(workers: workers, policy: policy ?? usual, provider: settings.gemmBackend)
        return try SavedModel(configuration, checkpoint: checkpoint, machine: machine)
    }

    /// Writes it into one file, whole or not at all.
    /// - Throws: `AtomicFile.WriteError`; `ModelError`, `SafetensorsError`: this is no network of a training.
    package func write(to path: String) throws {
        var metadata = try ModelMetadata(checkpoint).metadata
        metadata[Self.configurationKey] = configuration.yaml()
        try Checkpoint.withoutState(checkpoint, metadata: metadata).write(to: path, withChecksums: true)
    }
}
