import ArgumentParser
import Foundation
import LoomConfiguration
import LoomData
import LoomHardware
import LoomKernels
import LoomReporting
import LoomRuns
import LoomTraining

/// The options of commands that use the model of a run.
struct ModelOptions: ParsableArguments {
    @Argument(help: "The run directory.", completion: .directory)
    var run: String

    @Option(
        help: ArgumentHelp(
            "A checkpoint to use instead of the run's best one, if it stops early, or its newest.", valueName: "file"),
        completion: .file(extensions: ["safetensors"]))
    var checkpoint: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The number of workers; one per allowed core by default.", valueName: "n"))
    var workers: Int?

    func validate() throws {
        try GradloomCLI.validate(workers: workers)
    }

    /// The configuration of the run.
    func settings() throws -> Configuration {
        try Configuration.load(path: RunDirectory(existing: run).configurationPath)
    }

    /// The run's newest checkpoint; nil: there is none.
    var newestCheckpoint: String? {
        (try? RunDirectory(existing: run)).flatMap { CheckpointStore(directory: $0.checkpointsPath, keep: 1).newest }
    }

    /// The model in the precision that it was trained in.
    func model<Scalar: LoomScalar>(_ settings: Configuration, _: Scalar.Type) throws -> SavedModel<Scalar> {
        let checkpoints = CheckpointStore(directory: try RunDirectory(existing: run).checkpointsPath, keep: 1)
        guard let path = checkpoint ?? checkpoints.best ?? checkpoints.newest else {
            throw RunError.noCheckpoint(run: run)
        }
        // Where the training was placed, and with which instructions, was that machine's: no result depends on either.
        let policy =
            if case .cpus = settings.parallel.placement { PlacementPolicy.auto } else { settings.parallel.placement }
        let machine = try MachineSetup(workers: workers, policy: policy, provider: settings.parallel.gemmBackend)
        return try SavedModel(settings, checkpoint: Safetensors(contentsOf: path), machine: machine)
    }
}

/// Samples in a file given on the command line.
enum SampleFile {
    static func isNpy(_ path: String) -> Bool { path.lowercased().hasSuffix(".npy") }

    /// The samples of `path` with their targets: those of the npy file `targets`, or the columns of the CSV
    /// file that were the targets in training, or its column `label`.
    static func labelled<Scalar>(
        _ path: String, targets: String?, label: ColumnReference?, for model: SavedModel<Scalar>
    ) throws -> any DataSource {
        if isNpy(path) { return try NpySource(inputs: path, targets: targets) }
        var options = model.configuration.trainingOptions
        if let label {
            options.label = label
            options.targets = []
        }
        return try CSVSource(path: path, options: options, matching: model.knownColumns, readsTargets: true)
    }

    /// The samples of `path` to predict on. Columns that were labels or targets in training may be there or
    /// not.
    static func unlabelled<Scalar>(_ path: String, for model: SavedModel<Scalar>) throws -> any DataSource {
        if isNpy(path) { return try NpySource(inputs: path, targets: nil) }
        return try CSVSource(
            path: path, options: model.configuration.trainingOptions, matching: model.knownColumns,
            readsTargets: false)
    }
}

extension Configuration {
    /// How the training data were read, if they came from a CSV file.
    fileprivate var trainingOptions: CSVOptions {
        if case .csv(let csv) = data.source { csv.options } else { CSVOptions() }
    }
}

extension ColumnReference {
    /// A whole number is an index, anything else a name.
    init(argument: String) {
        self = Int(argument).map(ColumnReference.index) ?? .name(argument)
    }
}
