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
    @Argument(help: "The run directory, or a file that a program saved a model in.", completion: .file())
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

    /// The model as it was stored.
    func modelFile() throws -> ModelFile { try ModelFile(run, checkpoint: checkpoint) }

    /// The run's newest checkpoint; nil: there is none.
    var newestCheckpoint: String? {
        (try? RunDirectory(existing: run)).flatMap { CheckpointStore(directory: $0.checkpointsPath, keep: 1).newest }
    }

    /// The model of `file`, in the precision that it was trained in.
    func model<Scalar: LoomScalar>(_ file: ModelFile, _: Scalar.Type) throws -> SavedModel<Scalar> {
        try file.model(workers: workers)
    }
}

/// What a file of samples needs to be known beside its name; as in training, where it is not given.
struct SampleFileOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "npz, HDF5: the name of the inputs' array; that of the training by default.", valueName: "name"))
    var inputs: String?

    @Option(
        help: ArgumentHelp(
            "npy, npz, IDX, HDF5: what inputs are multiplied with, such as 1/255; as in training by default.",
            valueName: "x"))
    var scale: Factor?
}

/// Samples in a file given on the command line.
struct SampleFile {
    /// The file or the directory.
    let path: String
    let options: SampleFileOptions

    static func isNpy(_ path: String) -> Bool { path.lowercased().hasSuffix(".npy") }

    /// The samples with their targets: those of `targets`, a file or an array, or the columns of a CSV file that were the
    /// targets in training, or its column `label`.
    func labelled<Scalar>(
        targets: String?, label: ColumnReference?, for model: SavedModel<Scalar>
    ) throws -> any DataSource {
        try open(targets: targets, label: label, for: model, readsTargets: true)
    }

    /// The samples to predict on. Columns of a CSV file that were labels or targets in training may be there or not.
    func unlabelled<Scalar>(for model: SavedModel<Scalar>) throws -> any DataSource {
        try open(targets: nil, label: nil, for: model, readsTargets: false)
    }

    private func open<Scalar>(
        targets: String?, label: ColumnReference?, for model: SavedModel<Scalar>, readsTargets: Bool
    ) throws -> any DataSource {
        let kind = try Self.kind(of: path)
        let known = model.configuration.data.source
        var file = DataFileDescription(path: path)
        (file.inputs, file.targets, file.scale, file.label) = (options.inputs, targets, options.scale?.value, label)
        do {
            switch kind {
            case .csv:
                try file.checkOptions(of: kind)
                var columns = known.csvOptions ?? CSVOptions()
                if let label {
                    (columns.label, columns.targets) = (label, [])
                } else if readsTargets, known.csvOptions == nil {
                    throw ValidationError(
                        "The training read no CSV file: give the column of \(path) that has the targets with --label COLUMN."
                    )
                }
                return try CSVSource(
                    path: path, options: columns, matching: model.knownColumns, readsTargets: readsTargets)
            case .configuration:
                try file.checkOptions(of: kind)
                let source = try Configuration.load(path: path).data.source
                guard case .csv(let csv) = source else { return try source.open() }
                return try CSVSource(
                    path: csv.path, options: csv.options, matching: model.knownColumns, readsTargets: readsTargets)
            case .libsvm: file.features = model.network.inputs
            case .npz, .hdf5:
                file.inputs = file.inputs ?? known.arrayNames?.inputs
                if readsTargets { file.targets = file.targets ?? known.arrayNames?.targets }
            case .dataset, .npy, .idx: break
            }
            if kind.isArray, file.scale == nil, let scale = known.scale, scale != 1 {
                printNote("the numbers of \(path) are multiplied with \(NumberFormat.number(scale)), as in training")
                file.scale = scale
            }
            let source = try readsTargets ? file.open(as: kind) : file.openInputs(as: kind)
            try source.verifyContent()
            return source
        } catch let mismatch as DataFileDescription.Mismatch {
            throw ValidationError(mismatch.message)
        }
    }

    /// The kind by content. What is read only once, such as a pipe, is known by its name.
    private static func kind(of path: String) throws -> DataFileKind {
        var status = stat()
        guard stat(path, &status) == 0, ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else {
            return try .of(path)
        }
        return isNpy(path) ? .npy : .csv
    }
}

extension DataFileKind {
    /// Whether it has arrays, whose numbers can be scaled.
    fileprivate var isArray: Bool { [.npy, .npz, .idx, .hdf5].contains(self) }
}

extension DataSourceDescription {
    /// How a CSV file is read.
    fileprivate var csvOptions: CSVOptions? {
        if case .csv(let csv) = self { csv.options } else { nil }
    }

    /// The names of arrays in one file.
    fileprivate var arrayNames: (inputs: String, targets: String)? {
        switch self {
        case .npz(let file), .hdf5(let file): (file.inputs, file.targets)
        default: nil
        }
    }
}

extension ColumnReference {
    /// A whole number is an index, anything else a name.
    init(argument: String) {
        self = Int(argument).map(ColumnReference.index) ?? .name(argument)
    }
}
