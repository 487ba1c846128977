import ArgumentParser
import Foundation
import LoomData
import LoomExperiments
import LoomKernels
import LoomModel
import LoomTraining

/// `gradloom predict`
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Predict with a trained network.",
        discussion: """
            A CSV output has one row per sample: the predicted class and the probability of each class, or the outputs
            of a regression. An npy output is the array of outputs, samples × units.

            Examples:
              gradloom predict runs/digits-20260102T030405Z --input x.csv --output y.csv
              gradloom predict runs/digits-20260102T030405Z --input x.npy --output y.npy
            """)

    @OptionGroup var options: ModelOptions

    @Option(help: "The samples, FILE.csv or FILE.npy.", completion: .file(extensions: ["csv", "npy"]))
    var input: String

    @Option(help: "Where the predictions go, FILE.csv or FILE.npy.", completion: .file(extensions: ["csv", "npy"]))
    var output: String

    func validate() throws {
        guard output.lowercased().hasSuffix(".csv") || output.lowercased().hasSuffix(".npy") else {
            throw ValidationError("--output must end in .csv or .npy.")
        }
    }

    func run() throws {
        try reportingFailures {
            let settings = try options.settings()
            switch settings.training.precision {
            case .float32: try predict(settings, Float.self)
            case .float64: try predict(settings, Double.self)
            }
        }
    }

    private func predict<Scalar: LoomScalar & NpyElement>(_ settings: Configuration, _ type: Scalar.Type) throws {
        let model = try options.model(settings, type)
        let source = try openSamples(input, label: nil, for: model)
        let predictions = try model.predict(source)
        let matrix = MatrixView(
            pointer: predictions.pointer, rows: source.count, columns: model.network.outputs,
            stride: model.network.outputs)
        if output.lowercased().hasSuffix(".npy") {
            try NpyWriter.write(matrix, to: output)
        } else {
            let table = PredictionTable(
                output: model.network.description.output, classNames: model.classNames, labelBase: model.labelBase)
            try AtomicFile.write(to: output) { file in
                try file.append(table.header(columns: matrix.columns))
                for row in 0..<matrix.rows {
                    try file.append(table.line((0..<matrix.columns).map { Double(matrix[row, $0]) }))
                }
            }
        }
        withExtendedLifetime(predictions) {}
    }
}

/// Predictions as CSV lines.
private struct PredictionTable {
    let output: OutputMap
    let classNames: [String]?
    let labelBase: LabelBase

    /// A class as the training labels wrote it.
    private func className(_ index: Int) -> String {
        classNames?[index] ?? String(index + (labelBase == .one ? 1 : 0))
    }

    func header(columns: Int) -> String {
        let names: [String] =
            switch output {
            case .softmax: ["class"] + (0..<columns).map { "p_" + className($0) }
            case .sigmoid: (0..<columns).flatMap { ["decision_\($0)", "p_\($0)"] }
            case .identity, .threshold: (0..<columns).map { "y\($0)" }
            }
        return names.map(quoted).joined(separator: ",") + "\n"
    }

    func line(_ values: [Double]) -> String {
        let cells: [String] =
            switch output {
            case .softmax:
                // The lowest index on a tie, as in training's accuracy.
                [quoted(className(values.indices.max { values[$0] < values[$1] || (values[$0] == values[$1] && $0 > $1) }!))]
                    + values.map { "\($0)" }
            case .sigmoid: values.flatMap { [$0 >= 0.5 ? "1" : "0", "\($0)"] }
            case .identity, .threshold: values.map { "\($0)" }
            }
        return cells.joined(separator: ",") + "\n"
    }

    /// RFC 4180: a cell with a separator, quote or line break stands in quotes.
    private func quoted(_ text: String) -> String {
        guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
