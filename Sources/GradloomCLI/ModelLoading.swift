import ArgumentParser
import Foundation
import LoomData
import LoomExperiments
import LoomKernels
import LoomReporting
import LoomTraining

/// The options of commands that use the model of a run.
struct ModelOptions: ParsableArguments {
    @Argument(help: "The run directory.", completion: .directory)
    var run: String

    @Option(help: "A checkpoint to use instead of the run's newest one.", completion: .file(extensions: ["safetensors"]))
    var checkpoint: String?

    @Option(help: "The number of workers; one per allowed core by default.")
    var workers: Int?

    /// The configuration of the run.
    func settings() throws -> Configuration {
        try Configuration.load(path: RunDirectory(existing: run).configurationPath)
    }

    /// The model in the precision that it was trained in.
    func model<Scalar: LoomScalar>(_ settings: Configuration, _: Scalar.Type) throws -> SavedModel<Scalar> {
        let directory = try RunDirectory(existing: run)
        guard let path = checkpoint ?? CheckpointStore(directory: directory.checkpointsPath, keep: 1).newest else {
            throw RunDirectoryError.incomplete(path: run, missing: "checkpoints/step-….safetensors")
        }
        let machine = try MachineSetup(workers: workers, policy: settings.parallel.placement)
        return try SavedModel(settings, checkpoint: Safetensors(contentsOf: path), machine: machine)
    }
}

/// The samples in a CSV or npy file given on the command line.
///
/// - Parameters:
///   - path: `FILE.csv` or `FILE.npy`.
///   - targets: The npy file of the targets, for `path` an npy file.
///   - label: The label column of a CSV file: a name or an index from 0.
///   - model: Its feature columns are found by name where the file has them; otherwise all columns are features.
func openSamples<Scalar>(
    _ path: String, targets: String? = nil, label: ColumnReference?, for model: SavedModel<Scalar>
) throws -> any DataSource {
    if path.lowercased().hasSuffix(".npy") {
        return try NpySource(inputs: path, targets: targets)
    }
    var options = CSVOptions(label: label, classNames: model.classNames)
    guard let names = model.featureNames else { return try CSVSource(path: path, options: options) }
    options.features = names.map { .name($0) }
    do {
        return try CSVSource(path: path, options: options)
    } catch let named {
        options.features = nil
        guard let all = try? CSVSource(path: path, options: options), all.featureCount == names.count else { throw named }
        return all
    }
}

extension ColumnReference {
    /// A whole number is an index, anything else a name.
    init(argument: String) {
        self = Int(argument).map(ColumnReference.index) ?? .name(argument)
    }
}
