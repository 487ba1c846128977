import ArgumentParser
import Foundation
import LoomConfiguration
import LoomData
import LoomKernels
import LoomModel
import LoomRuns
import LoomTraining

/// `gradloom predict`
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Predict with a trained network.",
        discussion: """
            A CSV output has one row per sample: the predicted class and the probability of every \
            class, or the outputs of a regression. An npy output is the array of outputs, \
            samples × units. Label columns of a CSV input are not read.

            Examples:
              gradloom predict runs/digits-20260102T030405Z \\
                --input x.csv --output y.csv
              gradloom predict runs/digits-20260102T030405Z \\
                --input x.npy --output y.npy
            """)

    @OptionGroup var options: ModelOptions

    @Option(
        help: ArgumentHelp("The samples, CSV or npy.", valueName: "file"),
        completion: .file(extensions: ["csv", "npy"]))
    var input: String

    @Option(
        help: ArgumentHelp(
            "Where the predictions go, FILE.csv or FILE.npy; - for CSV on standard output.", valueName: "file"),
        completion: .file(extensions: ["csv", "npy"]))
    var output: String

    @OptionGroup var outputs: OutputOptions

    func validate() throws {
        // What a device or a pipe is called says nothing of what it is for.
        let isNamed = output.lowercased().hasSuffix(".csv") || SampleFile.isNpy(output)
        guard isNamed || (try? OutputFile(output, replaces: true))?.isStream == true else {
            throw ValidationError("--output must end in .csv or .npy.")
        }
        try GradloomCLI.validate("--output", output, replacesNot: input, called: "input")
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

    private func predict<Scalar: LoomScalar & NpyElement>(_ settings: Configuration, _ type: Scalar.Type)
        throws
    {
        let file = try OutputFile(output, replaces: outputs.force)
        let model = try options.model(settings, type)
        let source = try SampleFile.unlabelled(input, for: model)
        if options.checkpoint == nil, let path = model.checkpointPath, path != options.newestCheckpoint {
            printNote("the parameters are the best ones, \(path)")
        }
        let predictions = try model.predict(source)
        defer { withExtendedLifetime(predictions) {} }
        let matrix = MatrixView(
            pointer: predictions.pointer, rows: source.count, columns: model.network.outputs,
            stride: model.network.outputs)
        if SampleFile.isNpy(output) {
            return try file.write { output in try NpyWriter.forEachPiece(of: matrix) { try output.append($0) } }
        }
        let table = PredictionTable(model, columns: matrix.columns)
        try file.write { output in
            try output.append(table.header)
            for row in 0..<matrix.rows {
                try output.append(table.line((0..<matrix.columns).map { matrix[row, $0] }))
            }
        }
    }
}

/// Predictions as CSV lines.
private struct PredictionTable {
    /// What the outputs of a row are.
    private enum Form {
        /// the probability of every class
        case classes
        /// the probability of the second of two classes
        case secondClass
        /// the probability of a yes, for every unit
        case decisions
        /// numbers
        case values
    }
    private let form: Form
    /// A class as the training labels wrote it.
    private let className: (Int) -> String
    private let columns: Int

    init<Scalar>(_ model: SavedModel<Scalar>, columns: Int) {
        form =
            switch model.network.description.output {
            case .softmax: .classes
            case .sigmoid: columns == 1 ? .secondClass : .decisions
            case .identity, .threshold, .softmaxWeighted: .values
            }
        let (names, base) = (model.classNames, model.labelBase == .one ? 1 : 0)
        // A network may have more units than the training labels had names.
        className = { index in
            guard let names else { return String(index + base) }
            return index < names.count ? names[index] : "class_\(index)"
        }
        self.columns = columns
    }

    var header: String {
        let names: [String] =
            switch form {
            case .classes: ["class"] + (0..<columns).map { "p_" + className($0) }
            case .secondClass: ["class", "p_" + className(1)]
            case .decisions: (0..<columns).flatMap { ["decision_\($0)", "p_\($0)"] }
            case .values: (0..<columns).map { "y\($0)" }
            }
        return names.map(quoted).joined(separator: ",") + "\n"
    }

    /// One row; numbers have the fewest digits that read back to the same value.
    func line<Scalar: LoomScalar>(_ values: [Scalar]) -> String {
        let numbers = values.map { "\($0)" }
        let cells: [String] =
            switch form {
            case .classes: [quoted(className(indexOfLargest(values)))] + numbers
            case .secondClass: [quoted(className(values[0] >= 0.5 ? 1 : 0))] + numbers
            case .decisions: zip(values, numbers).flatMap { [$0 >= 0.5 ? "1" : "0", $1] }
            case .values: numbers
            }
        return cells.joined(separator: ",") + "\n"
    }

    /// The lowest index on a tie, as in training's accuracy.
    private func indexOfLargest<Scalar: LoomScalar>(_ values: [Scalar]) -> Int {
        values.indices.dropFirst().reduce(0) { values[$1] > values[$0] ? $1 : $0 }
    }

    /// RFC 4180: a cell with a separator, quote or line break stands in quotes.
    private func quoted(_ text: String) -> String {
        guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
