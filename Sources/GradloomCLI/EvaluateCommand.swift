import ArgumentParser
import Foundation
import LoomConfiguration
import LoomData
import LoomKernels
import LoomReporting
import LoomRuns
import LoomTraining

/// `gradloom evaluate`
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure the predictions of a trained network.",
        discussion: """
            Without --data, on the validation part of the run's own data, or on all of them \
            where no part was kept for validation. Prints loss and accuracy; for classes \
            precision, recall, F1 and who is taken for whom; for two classes also ROC AUC, \
            average precision, log loss, Brier score and calibration; for a regression MAE, \
            RMSE and R². All with the definitions of scikit-learn.

            --data is CSV, npy, npz, IDX, LIBSVM or HDF5, recognised by what it begins with, \
            compressed with gzip or not, a directory of gradloom convert, or a configuration, \
            whose data are taken.

            Examples:
              gradloom evaluate runs/digits-20260102T030405Z
              gradloom evaluate runs/digits-20260102T030405Z --data more.csv
              gradloom evaluate runs/wine-20260102T030405Z \\
                --data x.npy --targets y.npy
            """)

    @OptionGroup var options: ModelOptions

    @Option(
        help: ArgumentHelp("Samples with targets.", valueName: "file|dir"), completion: .file())
    var data: String?

    @Option(
        help: ArgumentHelp(
            "npy, IDX: the file of the targets; npz, HDF5: the name of their array.", valueName: "file|name"),
        completion: .file())
    var targets: String?

    // A negative number counts from the end, and must not be taken for an option.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "CSV: the column of labels, by name or by number from 0; that of the training by default.",
            valueName: "column"))
    var label: String?

    @OptionGroup var file: SampleFileOptions

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    func validate() throws {
        let given = [
            ("--targets", targets != nil), ("--label", label != nil), ("--inputs", file.inputs != nil),
            ("--scale", file.scale != nil),
        ]
        if data == nil, let option = given.first(where: \.1)?.0 {
            throw ValidationError("\(option) belongs to --data FILE.")
        }
    }

    func run() throws {
        try reportingFailures {
            let stored = try options.modelFile()
            switch stored.configuration.training.precision.scalar {
            case .float32: try evaluate(stored, Float.self)
            case .float64: try evaluate(stored, Double.self)
            }
        }
    }

    private func evaluate<Scalar: LoomScalar>(_ stored: ModelFile, _ type: Scalar.Type) throws {
        let model = try options.model(stored, type)
        let measures: PredictionMeasures
        let name: String
        if let data {
            let source = try SampleFile(path: data, options: file).labelled(
                targets: targets, label: label.map(ColumnReference.init(argument:)), for: model)
            if let csv = source as? CSVSource, let note = csv.leftOutNote { printNote(note) }
            measures = try model.measure(source)
            name = data
        } else {
            let own = try model.measureOwnData()
            measures = own.measures
            name = EvaluationEvent.ownData(isValidation: own.isValidation)
        }
        if let note = measures.unrankedNote { printNote(note) }
        let evaluation = measures.evaluation
        if json {
            return try JSONLines.print(EvaluationEvent(model, data: name, measures: measures))
        }
        var table = TextTable(columns: [.init(""), .init("", alignment: .right)])
        table.append(["data", name])
        if let path = model.checkpointPath {
            table.append(["checkpoint", URL(fileURLWithPath: path).lastPathComponent])
        }
        table.append(["samples", NumberFormat.grouped(evaluation.samples)])
        table.append(["loss", NumberFormat.number(evaluation.loss)])
        if let accuracy = evaluation.accuracy {
            table.append(["accuracy", NumberFormat.percentage(accuracy)])
        }
        let parts = [table.rendered(indent: 2)] + MeasuresReport(measures: measures, names: OutputNames(model)).parts
        try StandardOutput.write(parts.joined(separator: "\n"))
    }
}
