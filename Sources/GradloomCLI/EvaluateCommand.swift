import ArgumentParser
import Foundation
import LoomData
import LoomExperiments
import LoomKernels
import LoomReporting
import LoomTraining

/// `gradloom evaluate`
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure the loss and accuracy of a trained network.",
        discussion: """
            Without --data, on the validation part of the run's own data (all of them where there is none).

            Examples:
              gradloom evaluate runs/digits-20260102T030405Z
              gradloom evaluate runs/digits-20260102T030405Z --data more.csv --label label
            """)

    @OptionGroup var options: ModelOptions

    @Option(help: "Samples with targets, FILE.csv or FILE.npy.", completion: .file(extensions: ["csv", "npy"]))
    var data: String?

    @Option(help: "The targets for --data FILE.npy.", completion: .file(extensions: ["npy"]))
    var targets: String?

    @Option(help: "The label column of --data FILE.csv, by name or index; that of the training by default.")
    var label: String?

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

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
        if let data {
            let source = try openSamples(
                data, targets: targets, label: label.map(ColumnReference.init(argument:)) ?? settings.trainingLabel,
                for: model)
            evaluation = try model.evaluate(source)
        } else {
            evaluation = try model.evaluateOwnData()
        }
        if json {
            try JSONLines.print(
                EvaluationEvent(
                    samples: evaluation.samples, loss: evaluation.loss, accuracy: evaluation.accuracy,
                    step: model.step))
            return
        }
        var table = TextTable(columns: [.init(""), .init("", alignment: .right)])
        table.append(["samples", NumberFormat.grouped(evaluation.samples)])
        table.append(["loss", NumberFormat.number(evaluation.loss)])
        if let accuracy = evaluation.accuracy { table.append(["accuracy", NumberFormat.percentage(accuracy)]) }
        print(table.rendered(indent: 2), terminator: "")
    }
}

/// The line that `evaluate --json` prints.
private struct EvaluationEvent: Encodable {
    let event = "evaluation"
    let samples: Int
    let loss: Double
    let accuracy: Double?
    let step: Int

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(event, forKey: .event)
        try container.encode(samples, forKey: .samples)
        try container.encode(loss, forKey: .loss)
        try container.encode(accuracy, forKey: .accuracy)
        try container.encode(step, forKey: .step)
    }

    private enum CodingKeys: String, CodingKey { case event, samples, loss, accuracy, step }
}

extension Configuration {
    /// The label column of the training data, if they came from a CSV file.
    var trainingLabel: ColumnReference? {
        if case .csv(let csv) = data.source { csv.options.label } else { nil }
    }
}
