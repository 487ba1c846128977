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
        abstract: "Measure the loss and accuracy of a trained network.",
        discussion: """
            Without --data, on the validation part of the run's own data, or on all of them \
            where no part was kept for validation.

            Examples:
              gradloom evaluate runs/digits-20260102T030405Z
              gradloom evaluate runs/digits-20260102T030405Z --data more.csv
              gradloom evaluate runs/wine-20260102T030405Z \\
                --data x.npy --targets y.npy
            """)

    @OptionGroup var options: ModelOptions

    @Option(
        help: ArgumentHelp("Samples with targets, CSV or npy.", valueName: "file"),
        completion: .file(extensions: ["csv", "npy"]))
    var data: String?

    @Option(
        help: ArgumentHelp("The targets of --data FILE.npy.", valueName: "file.npy"),
        completion: .file(extensions: ["npy"]))
    var targets: String?

    // A negative number counts from the end, and must not be taken for an option.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The label column of --data FILE.csv, by name or by number from 0; that of the training by "
                + "default.",
            valueName: "column"))
    var label: String?

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    func validate() throws {
        let isNpy = data.map(SampleFile.isNpy)
        if targets != nil, isNpy != true { throw ValidationError("--targets belongs to --data FILE.npy.") }
        if label != nil, isNpy != false { throw ValidationError("--label belongs to --data FILE.csv.") }
        if isNpy == true, targets == nil {
            throw ValidationError("--data FILE.npy needs --targets FILE.npy.")
        }
    }

    func run() throws {
        try reportingFailures {
            let settings = try options.settings()
            switch settings.training.precision {
            case .float32: try evaluate(settings, Float.self)
            case .float64: try evaluate(settings, Double.self)
            }
        }
    }

    private func evaluate<Scalar: LoomScalar>(_ settings: Configuration, _ type: Scalar.Type) throws {
        let model = try options.model(settings, type)
        let evaluation: Evaluation
        let name: String
        if let data {
            let source = try SampleFile.labelled(
                data, targets: targets, label: label.map(ColumnReference.init(argument:)), for: model)
            if let csv = source as? CSVSource, let note = csv.leftOutNote { printNote(note) }
            evaluation = try model.evaluate(source)
            name = data
        } else {
            let own = try model.evaluateOwnData()
            evaluation = own.evaluation
            name = own.isValidation ? "validation" : "training"
        }
        if json {
            try JSONLines.print(
                EvaluationEvent(
                    data: name, samples: evaluation.samples, loss: evaluation.loss,
                    accuracy: evaluation.accuracy,
                    step: model.step, checkpoint: model.checkpointPath))
            return
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
        try StandardOutput.write(table.rendered(indent: 2))
    }
}

/// The line that `evaluate --json` prints.
private struct EvaluationEvent: Encodable {
    let event = "evaluation"
    /// "validation" or "training" for the run's own data, otherwise the file
    let data: String
    let samples: Int
    let loss: Double
    let accuracy: Double?
    let step: Int
    let checkpoint: String?

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(event, forKey: .event)
        try container.encode(data, forKey: .data)
        try container.encode(samples, forKey: .samples)
        try container.encode(loss, forKey: .loss)
        try container.encode(accuracy, forKey: .accuracy)
        try container.encode(step, forKey: .step)
        try container.encode(checkpoint, forKey: .checkpoint)
    }

    private enum CodingKeys: String, CodingKey { case event, data, samples, loss, accuracy, step, checkpoint }
}
