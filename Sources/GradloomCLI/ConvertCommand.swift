import ArgumentParser
import Foundation
import LoomConfiguration
import LoomData
import LoomReporting
import LoomRuns

/// `gradloom convert`
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Bring data of any format into a directory that is read fastest.",
        discussion: """
            The input is a configuration, whose data are converted, or a file: CSV, npy, npz, \
            IDX, LIBSVM or HDF5, recognised by what it begins with, compressed with gzip \
            or not. The directory has npy files and their description, dataset.json; a \
            configuration names it in data.dataset.path. After an interruption, the same \
            command goes on.

            Examples:
              gradloom convert configs/digits.yaml digits
              gradloom convert table.csv.gz table --label class
              gradloom convert train-images-idx3-ubyte.gz mnist \\
                --targets train-labels-idx1-ubyte.gz --scale 1/255
              gradloom convert mnist.npz mnist --inputs x_train --targets y_train
              gradloom convert --describe mnist
              gradloom convert --verify mnist
              gradloom convert --parquet-script >parquet.py
            """)

    @Argument(help: "The configuration or the data file.", completion: .file())
    var input: String?

    @Argument(help: "The directory to write.", completion: .directory)
    var output: String?

    // A negative number counts from the end, and must not be taken for an option.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "CSV: the column of labels, by name or by number from 0.", valueName: "column"))
    var label: String?

    @Option(
        help: ArgumentHelp("npz, HDF5: the name of the inputs' array.", valueName: "name"))
    var inputs: String?

    @Option(
        help: ArgumentHelp(
            "npy, IDX: the file of the targets; npz, HDF5: the name of their array.", valueName: "file|name"),
        completion: .file())
    var targets: String?

    @Option(
        help: ArgumentHelp(
            "npy, npz, IDX, HDF5: what inputs are multiplied with, such as 1/255.", valueName: "x"))
    var scale: Factor?

    @Option(help: ArgumentHelp("LIBSVM: the number of features.", valueName: "n"))
    var features: Int?

    @Option(
        help: ArgumentHelp("The rows of every file but the last; as many as make 64 MiB by default.", valueName: "n"))
    var shardRows: Int?

    @Flag(help: "Write inputs and real targets in float64 rather than float32.")
    var float64 = false

    @Option(help: ArgumentHelp("Print what a directory holds.", valueName: "dir"), completion: .directory)
    var describe: String?

    @Option(
        help: ArgumentHelp("Compare a directory's files with their checksums.", valueName: "dir"),
        completion: .directory)
    var verify: String?

    @Flag(help: "Print a Python program that brings Parquet and Arrow files into such a directory.")
    var parquetScript = false

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    @OptionGroup var overrides: OverrideOptions

    @Flag(help: "Replace a data set that the directory holds.")
    var force = false

    func validate() throws {
        let others = [describe != nil, verify != nil, parquetScript].filter { $0 }.count
        guard others == 0 else {
            guard others == 1, input == nil else {
                throw ValidationError("--describe DIR, --verify DIR and --parquet-script go alone.")
            }
            return
        }
        guard input != nil, output != nil else {
            throw ValidationError("Give an input and a directory to write, or --describe or --verify with a directory.")
        }
        if let shardRows, shardRows < 1 { throw ValidationError("--shard-rows must be at least 1.") }
        if let features, features < 1 { throw ValidationError("--features must be at least 1.") }
    }

    func run() throws {
        try reportingFailures {
            if let describe {
                try DatasetReport.printDescription(of: describe, json: json)
            } else if let verify {
                try DatasetReport.verify(verify, json: json)
            } else if parquetScript {
                try StandardOutput.write(ParquetScript.text + "\n")
            } else if let input, let output {
                try convert(input, to: output)
            }
        }
    }

    private func convert(_ input: String, to output: String) throws {
        if isSameFile(input, output) {
            throw ValidationError("The directory to write, \(output), is the input; give another one.")
        }
        let (source, provenance) = try open(input)
        if isSameFile(source.name, output) {
            throw ValidationError("The directory to write, \(output), is the data of \(input); give another one.")
        }
        for note in source.notes { printNote(note) }
        try source.verifyContent()
        try DatasetWriter(output, settings: .init(shardRows: shardRows, isDouble: float64, replaces: force))
            .writeAndReport(source, provenance: provenance, directory: output, json: json)
    }

    private func open(_ input: String) throws -> (any DataSource, DatasetManifest.Provenance) {
        let kind = try DataFileKind.of(input)
        var file = DataFileDescription(path: input)
        (file.inputs, file.targets, file.scale, file.features) = (inputs, targets, scale?.value, features)
        file.label = label.map(ColumnReference.init(argument:))
        do {
            guard kind != .configuration else {
                try file.checkOptions(of: kind)
                return try openConfigured(input)
            }
            if !overrides.values.isEmpty {
                guard kind == .csv else { throw ValidationError("--set belongs to a configuration or a CSV file.") }
                try file.checkOptions(of: kind)
                return try openTable(input)
            }
            let options = [
                "inputs": inputs, "targets": targets, "label": label, "scale": scale.map { "\($0.value)" },
                "features": features.map { "\($0)" },
            ].compactMapValues { $0 }
            return (try file.open(as: kind), try .init(file, as: kind, details: options))
        } catch let mismatch as DataFileDescription.Mismatch {
            throw ValidationError(mismatch.message)
        }
    }

    /// A CSV file with keys of `data.csv`.
    private func openTable(_ input: String) throws -> (any DataSource, DatasetManifest.Provenance) {
        var table = ["path": URL(fileURLWithPath: input).path]
        table["label"] = label
        let yaml = String(decoding: try JSONEncoder().encode(["data": ["csv": table]]), as: UTF8.self)
        let settings = try Configuration(
            yaml: yaml, file: input, overrides: overrides.values, isDataAlone: true, note: printNote)
        let source = try settings.data.source.open()
        return (source, try .init(settings, name: source.name))
    }

    private func openConfigured(_ input: String) throws -> (any DataSource, DatasetManifest.Provenance) {
        let settings = try Configuration.load(
            path: input, overrides: overrides.values, isDataAlone: true, note: printNote)
        if case .source = settings.data.validation {
            printNote("the validation data are not converted: convert them on their own")
        }
        let source = try settings.data.source.open()
        return (source, try .init(settings, name: source.name))
    }
}

/// A number, or a fraction such as 1/255.
struct Factor: ExpressibleByArgument {
    let value: Double

    init?(argument: String) {
        guard let value = Configuration.factor(argument) else { return nil }
        self.value = value
    }
}
