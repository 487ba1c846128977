import ArgumentParser
import Foundation
import LoomData
import LoomReference
import LoomReporting
import LoomRuns

/// `gradloom jacobian`
struct JacobianCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jacobian",
        abstract: "Compute exact Jacobians of a network.",
        discussion: """
            In float64, at the first parameters, by reverse mode. The axes of what is \
            differentiated come first; weights have one row per unit (out × in). LAYER is a \
            layer's outputs, LAYER.preactivations what its activation is applied to, \
            LAYER.weights.INPUT the weights for one of several inputs. With several samples the \
            first axis is the sample. Everything is counted from 0.

            Examples:
              gradloom jacobian configs/xor.yaml --sample 1 --of prediction \\
                --wrt hidden.weights
              gradloom jacobian configs/xor.yaml --of prediction \\
                --wrt hidden.weights --element 0,1
              gradloom jacobian configs/xor.yaml --sample 1 \\
                --of hidden.preactivations --wrt hidden.weights --blocks
            """)

    /// How the numbers are printed.
    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json, npy }

    @OptionGroup var options: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "What is differentiated: prediction, loss, LAYER or LAYER.preactivations.", valueName: "array"))
    var of = "prediction"

    @Option(
        help: ArgumentHelp(
            "With respect to what: input, LAYER, LAYER.preactivations, LAYER.weights or LAYER.bias.",
            valueName: "array"))
    var wrt: String

    @Option(help: ArgumentHelp("One element of it, by its indices.", valueName: "i,j"))
    var element: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("One sample alone, counted from 0.", valueName: "i"))
    var sample: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("Samples at most, from the first.", valueName: "n"))
    var samples: Int?

    @Flag(help: "Only the rows that are not 0, for every output.")
    var blocks = false

    @Option(help: "How the numbers are written.")
    var format: Format?

    @Flag(help: "The same as --format json.")
    var json = false

    @Option(
        help: ArgumentHelp("Write a file instead of standard output.", valueName: "file"),
        completion: .file())
    var output: String?

    @OptionGroup var outputs: OutputOptions

    @Option(parsing: .unconditional, help: ArgumentHelp("Significant digits of the table.", valueName: "n"))
    var digits = 6

    func validate() throws {
        try GradloomCLI.validate(digits: digits)
        if element != nil, indices == nil {
            throw ValidationError("--element '\(element!)' is not a list of indices, such as 0,1.")
        }
        if json, let format, format != .json { throw ValidationError("Give --json or --format, not both.") }
        try GradloomCLI.validate("--output", output, replacesNot: options.configuration, called: "configuration")
        if chosenFormat == .npy, output ?? "-" == "-", isatty(STDOUT_FILENO) == 1 {
            throw ValidationError("--format npy is not for terminals: redirect it, or give --output FILE.")
        }
        if chosenFormat == .npy, blocks { throw ValidationError("--blocks belongs to --format table or json.") }
        if sample != nil, samples != nil { throw ValidationError("Give --sample or --samples, not both.") }
        if let samples, samples < 1 { throw ValidationError("--samples must be at least 1.") }
    }

    private var chosenFormat: Format {
        format ?? (json ? .json : output?.lowercased().hasSuffix(".npy") == true ? .npy : .table)
    }

    private var indices: [Int]? {
        let parts = (element ?? "").split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
        return numbers.count == parts.count ? numbers : nil
    }

    func run() throws {
        try reportingFailures {
            let file = try OutputFile(output ?? "-", replaces: outputs.force)
            let settings = try options.settings()
            let selection =
                sample.map(SampleSelection.one) ?? samples.map(SampleSelection.first)
                ?? .all(limit: InspectCommand.sampleLimit, instead: "the first n with --samples n")
            let problem = try ReferenceProblem(settings, samples: selection, readsTargets: of == "loss")
            let tensor = try NetworkJacobian(problem).tensor(
                of: of, wrt: wrt, element: element == nil ? nil : indices)
            switch chosenFormat {
            case .npy:
                try file.write { try $0.append([UInt8](NpyWriter.bytes(tensor.values, shape: tensor.shape))) }
            case .json:
                let report = JacobianReport(of: of, wrt: wrt, element: element == nil ? nil : indices, tensor: tensor)
                try file.write(JSONLines.line(blocks ? report.withBlocks : report))
            case .table:
                let title = "∂ \(of) / ∂ \(wrt)" + (element.map { "[\($0)]" } ?? "")
                let text = JacobianText(title: title, tensor: tensor, digits: digits)
                try file.write(blocks ? text.blocks : text.dense)
            }
        }
    }

}

/// The object that `jacobian --json` prints.
private struct JacobianReport: Encodable {
    let of: String
    let wrt: String
    let element: [Int]?
    let tensor: GradientTensor
    var blocks: [Block]?

    /// The rows that one element of the differentiated array depends on.
    struct Block: Encodable {
        let output: [Int]
        let rows: [Row]
    }

    struct Row: Encodable {
        let indices: [Int]
        let values: [Double]
    }

    /// The same with blocks instead of all elements.
    var withBlocks: JacobianReport {
        var report = self
        report.blocks = (0..<tensor.outputCount).map { output in
            Block(
                output: GradientTensor.indices(output, tensor.outputAxes.map(\.count)),
                rows: tensor.block(output: output).map { Row(indices: $0.indices, values: $0.values) })
        }
        return report
    }

    private enum CodingKeys: String, CodingKey { case of, wrt, element, shape, axes, data, blocks, dimensions }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(of, forKey: .of)
        try container.encode(wrt, forKey: .wrt)
        try container.encodeIfPresent(element, forKey: .element)
        try container.encode(tensor.dimensions, forKey: .dimensions)
        if let blocks {
            try container.encode(tensor.shape, forKey: .shape)
            try container.encode(tensor.axes.map(\.name), forKey: .axes)
            try container.encode(blocks, forKey: .blocks)
        } else {
            try tensor.encode(to: encoder)
        }
    }
}

/// A Jacobian as text.
private struct JacobianText {
    let title: String
    let tensor: GradientTensor
    let digits: Int

    /// All elements: a matrix over the last two axes for every place along the others.
    var dense: String {
        let axes = tensor.axes
        guard axes.count > 1 else {
            let rows = axes.isEmpty ? [tensor.values] : tensor.values.map { [$0] }
            return header
                + MatrixText(digits: digits).text(
                    title, rows, rowName: axes.last?.name ?? "", columnName: "derivative")
        }
        let rowCount = axes[axes.count - 2].count
        let columnCount = axes[axes.count - 1].count
        let outer = Array(axes.dropLast(2))
        var text = header
        for matrix in 0..<outer.reduce(1, { $0 * $1.count }) {
            let start = matrix * rowCount * columnCount
            let rows = (0..<rowCount).map { row in
                Array(tensor.values[start + row * columnCount..<start + (row + 1) * columnCount])
            }
            text += MatrixText(digits: digits).text(
                heading(GradientTensor.indices(matrix, outer.map(\.count)), outer), rows,
                rowName: axes[axes.count - 2].name, columnName: axes[axes.count - 1].name)
        }
        return text
    }

    /// The rows that are not 0, for every output.
    var blocks: String {
        var text = header
        let rowAxes = Array(tensor.inputAxes.dropLast())
        var stored = 0
        for output in 0..<tensor.outputCount {
            let rows = tensor.block(output: output)
            let place = heading(
                GradientTensor.indices(output, tensor.outputAxes.map(\.count)), tensor.outputAxes)
            guard !rows.isEmpty else {
                text += "  \(place): all 0\n"
                continue
            }
            stored += rows.reduce(0) { $0 + $1.values.count }
            for row in rows {
                let name = rowAxes.isEmpty ? place : "\(place), \(heading(row.indices, rowAxes))"
                text += MatrixText(digits: digits).text(
                    name, [row.values], rowName: "", columnName: tensor.inputAxes.last?.name ?? "")
            }
        }
        return text + "  \(stored) of \(tensor.values.count) numbers; all others are 0\n"
    }

    private var header: String { "\(title)\ndimensions: \(tensor.dimensions)\n\n" }

    private func heading(_ indices: [Int], _ axes: [GradientTensor.Axis]) -> String {
        let places = zip(axes, indices).map { "\($0.name) \($1)" }.joined(separator: ", ")
        return places.isEmpty ? title : places
    }
}
