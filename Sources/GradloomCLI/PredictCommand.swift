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
            class, or the outputs of a regression, under their names. An npy output is the array \
            of outputs, samples × units.

            The input is CSV, npy, npz, IDX, LIBSVM or HDF5, recognised by what it begins with, \
            compressed with gzip or not, a directory of gradloom convert, or a configuration, \
            whose data are taken. Labels in it are not read.

            Examples:
              gradloom predict runs/digits-20260102T030405Z \\
                --input x.csv --output y.csv
              gradloom predict runs/digits-20260102T030405Z \\
                --input x.npy --output y.npy
            """)

    @OptionGroup var options: ModelOptions

    @Option(
        help: ArgumentHelp("The samples.", valueName: "file|dir"), completion: .file())
    var input: String

    @Option(
        help: ArgumentHelp(
            "Where the predictions go, FILE.csv or FILE.npy; - for CSV on standard output.", valueName: "file"),
        completion: .file(extensions: ["csv", "npy"]))
    var output: String

    @OptionGroup var file: SampleFileOptions

    @OptionGroup var outputs: OutputOptions

    func validate() throws {
        // What a device or a pipe is called says nothing of what it is for.
        let isNamed = output.lowercased().hasSuffix(".csv") || SampleFile.isNpy(output)
        guard isNamed || (try? OutputFile(output, replaces: true))?.isStream == true else {
            throw ValidationError("--output must end in .csv or .npy.")
        }
        if output != "-" { try GradloomCLI.validate("--output", output, replacesNot: input, called: "input") }
    }

    func run() throws {
        try reportingFailures {
            let stored = try options.modelFile()
            switch stored.configuration.training.precision.scalar {
            case .float32: try predict(stored, Float.self)
            case .float64: try predict(stored, Double.self)
            }
        }
    }

    private func predict<Scalar: LoomScalar & NpyElement>(_ stored: ModelFile, _ type: Scalar.Type)
        throws
    {
        let destination = try OutputFile(output, replaces: outputs.force)
        let model = try options.model(stored, type)
        let source = try SampleFile(path: input, options: file).unlabelled(for: model)
        if options.checkpoint == nil, let newest = options.newestCheckpoint,
            let path = model.checkpointPath, path != newest
        {
            printNote("the parameters are the best ones, \(path)")
        }
        let predictions = try model.predict(source)
        defer { withExtendedLifetime(predictions) {} }
        let matrix = MatrixView(
            pointer: predictions.pointer, rows: source.count, columns: model.network.outputs,
            stride: model.network.outputs)
        if SampleFile.isNpy(output) {
            return try destination.write { output in try NpyWriter.forEachPiece(of: matrix) { try output.append($0) } }
        }
        let table = PredictionTable(model, columns: matrix.columns)
        try destination.write { output in try table.write(matrix) { try output.append($0) } }
    }
}

/// Predictions as CSV lines.
struct PredictionTable {
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
    private let names: OutputNames
    private let columns: Int
    /// Each class as a cell.
    private let classCells: [[UInt8]]

    init<Scalar>(_ model: SavedModel<Scalar>, columns: Int) {
        self.init(model.network.description.output, names: OutputNames(model), columns: columns)
    }

    init(_ output: OutputMap, names: OutputNames, columns: Int) {
        form =
            switch output {
            case .softmax: .classes
            case .sigmoid: columns == 1 ? .secondClass : .decisions
            case .identity, .threshold, .softmaxWeighted: .values
            }
        self.names = names
        self.columns = columns
        classCells = (0..<max(columns, 2)).map { Array(Self.quoted(names.className($0)).utf8) }
    }

    /// The names of the columns.
    var columnNames: [String] {
        switch form {
        case .classes: ["class"] + (0..<columns).map { "probability_" + names.className($0) }
        case .secondClass: ["class", "probability_" + names.className(1)]
        case .decisions:
            (0..<columns).map(names.decision).flatMap { ["decision_" + $0, "probability_" + $0] }
        case .values: (0..<columns).map(names.value)
        }
    }

    /// Bytes that are written at a time.
    static let blockBytes = 1 << 20

    /// Hands out the header and a line for each row of `predictions`, in blocks.
    func write<Scalar: LoomScalar>(_ predictions: MatrixView<Scalar>, _ append: ([UInt8]) throws -> Void) rethrows {
        var block = Array((columnNames.map(Self.quoted).joined(separator: ",") + "\n").utf8)
        block.reserveCapacity(Self.blockBytes + Self.blockBytes / 8)
        for row in 0..<predictions.rows {
            addLine(predictions.rows(row..<row + 1), to: &block)
            if block.count >= Self.blockBytes {
                try append(block)
                block.removeAll(keepingCapacity: true)
            }
        }
        if !block.isEmpty { try append(block) }
    }

    /// Adds the line of one row; numbers have the fewest digits that read back to the same value.
    private func addLine<Scalar: LoomScalar>(_ row: MatrixView<Scalar>, to block: inout [UInt8]) {
        let comma = UInt8(ascii: ",")
        switch form {
        case .classes:
            let largest = (1..<max(columns, 1)).reduce(0) { row[0, $1] > row[0, $0] ? $1 : $0 }
            block += classCells[largest]
            block.append(comma)
        case .secondClass:
            block += classCells[row[0, 0] >= 0.5 ? 1 : 0]
            block.append(comma)
        case .decisions, .values: break
        }
        for column in 0..<columns {
            if column > 0 { block.append(comma) }
            if form == .decisions {
                block += (row[0, column] >= 0.5 ? "1," : "0,").utf8
            }
            block += "\(row[0, column])".utf8
        }
        block.append(UInt8(ascii: "\n"))
    }

    /// RFC 4180: a cell with a separator, quote or line break stands in quotes.
    private static func quoted(_ text: String) -> String {
        guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
