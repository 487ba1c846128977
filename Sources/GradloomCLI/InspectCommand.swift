import ArgumentParser
import LoomConfiguration
import LoomModel
import LoomReference
import LoomReporting
import LoomRuns

/// `gradloom inspect`
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show one pass forward and backward with every number on the way.",
        discussion: """
            In float64, at the first parameters. All samples of the configuration's data are one \
            batch, unless --sample chooses one; the loss is their sum or mean, as the \
            configuration says. Samples, units and inputs are counted from 0; weights have one \
            row per unit. A validation part is not kept apart.

            Examples:
              gradloom inspect configs/xor.yaml
              gradloom inspect configs/xor.yaml --sample 2 --step
              gradloom inspect configs/xor.yaml --json
              gradloom inspect configs/quickstart.yaml --program
            """)

    /// More samples than these are not what a reader wants to see unasked.
    static let sampleLimit = 64
    /// More than these nobody reads, and the plain lists of the reference no longer fit into memory.
    static let largestBatch = 100_000

    @OptionGroup var options: ConfigurationOptions

    @Option(parsing: .unconditional, help: ArgumentHelp("One sample alone, counted from 0.", valueName: "i"))
    var sample: Int?

    @Flag(help: "All samples, even if they are more than 64.")
    var all = false

    @Flag(help: "Make one step of the optimizer, and show what it changes.")
    var step = false

    @Flag(help: "Print one JSON object on standard output, with all digits.")
    var json = false

    @Flag(help: "Show instead what every worker does in a training step on this machine, operation by operation.")
    var program = false

    @Option(parsing: .unconditional, help: ArgumentHelp("Significant digits of the tables.", valueName: "n"))
    var digits = 6

    func validate() throws {
        if sample != nil, all { throw ValidationError("Give --sample or --all, not both.") }
        if program, sample != nil || all || step {
            throw ValidationError(
                "--program shows a training step, not samples: give it without --sample, --all and --step.")
        }
        try GradloomCLI.validate(digits: digits)
    }

    func run() throws {
        try reportingFailures {
            let settings = try options.settings()
            if program { return try showProgram(settings) }
            let selection =
                sample.map(SampleSelection.one)
                ?? (all
                    ? .all(limit: Self.largestBatch)
                    : .all(limit: Self.sampleLimit, instead: "take them all with --all"))
            let problem = try ReferenceProblem(settings, samples: selection)
            let inspection = try Inspection(problem, step: step)
            if json {
                try JSONLines.print(inspection)
            } else {
                try StandardOutput.write(InspectionText(problem, inspection, digits: digits).text)
            }
        }
    }
}

extension InspectCommand {
    private func showProgram(_ settings: Configuration) throws {
        let tuned = try TunedMachine(settings)
        let step = try tuned.configuration.plannedStep(on: tuned.machine)
        for note in tuned.machine.notes + step.notes { printNote(note) }
        if json {
            try JSONLines.printInSnakeCase(step.program)
        } else {
            try StandardOutput.write(step.text)
        }
    }
}

/// Refuses numbers of digits that a float64 does not have.
func validate(digits: Int) throws {
    if !(1...17).contains(digits) { throw ValidationError("--digits must be from 1 to 17.") }
}

/// An inspection as text.
private struct InspectionText {
    private let problem: ReferenceProblem
    private let inspection: Inspection
    private let matrices: MatrixText

    init(_ problem: ReferenceProblem, _ inspection: Inspection, digits: Int) {
        self.problem = problem
        self.inspection = inspection
        matrices = MatrixText(digits: digits)
    }

    var text: String {
        var parts = [summary, samples("input x", problem.inputs, "feature")]
        parts += inspection.layers.map(forward)
        parts.append(samples("prediction: \(problem.network.output.rawValue)", inspection.prediction, "output"))
        if let targets = problem.targets {
            parts.append(samples("target", targets.values(outputs: inspection.prediction[0].count), "output"))
        }
        parts.append(lossText)
        if inspection.loss != nil {
            parts += inspection.layers.reversed().map(backward)
            if let gradient = inspection.inputGradient {
                parts.append(samples("∂L/∂x: gradient of the input", gradient, "feature"))
            }
        }
        if let step = inspection.afterStep { parts.append(afterStep(step)) }
        return parts.joined(separator: "\n")
    }

    private var summary: String {
        let samples = problem.rows.count
        let network = problem.graph
        return """
            \(samples) of \(NumberFormat.counted(problem.sampleCount, "sample")), \(NumberFormat.counted(network.layers.count, "layer")), \
            \(NumberFormat.counted(network.parameters, "parameter")), float64

            """
    }

    private func samples(_ heading: String, _ rows: [[Double]], _ column: String) -> String {
        matrices.text(heading, rows, rowName: "sample", columnName: column, rowNumbers: problem.rows)
    }

    private func forward(_ layer: Inspection.Layer) -> String {
        let column = layer.activation == .softmaxWeighted ? "component" : "unit"
        var text = samples("\(layer.name): z = \(layer.formula)", layer.preActivations, column)
        if layer.activation != .identity {
            text += samples("\(layer.name): u = \(layer.activation.rawValue)(z)", layer.outputs, "unit")
        }
        return text
    }

    private var lossText: String {
        let loss = problem.loss
        guard let values = inspection.loss else {
            return "  loss: none, because no gradient passes a threshold; this is the way forward alone\n"
        }
        var table = TextTable(columns: [.init(""), .init("", alignment: .right)])
        table.append(["data", matrices.number(values.data)])
        table.append(["penalty", matrices.number(values.penalty)])
        table.append(["total L", matrices.number(values.total)])
        return "  loss: \(loss.kind.rawValue), \(loss.reduction.rawValue) over the batch, l2 \(loss.l2)\n"
            + table.rendered(indent: 4)
    }

    private func backward(_ layer: Inspection.Layer) -> String {
        var text = samples("\(layer.name): δ = ∂L/∂z", layer.deltas ?? [], "unit")
        if let weights = layer.weightsGradient {
            text += parameters("\(layer.name): ∂L/∂", weights, bias: layer.biasGradient)
        }
        return text
    }

    private func parameters(_ heading: String, _ weights: Inspection.Weights, bias: [Double]?) -> String {
        var text = ""
        for (source, matrix) in zip(weights.sources, weights.matrices) {
            let name = weights.sources.count > 1 ? "W for \(source)" : "W"
            text += matrices.text(heading + name, matrix, rowName: "unit", columnName: "input")
        }
        if let bias {
            text += matrices.text(heading + "b", bias.map { [$0] }, rowName: "unit", columnName: "bias")
        }
        return text
    }

    private func afterStep(_ step: Inspection.AfterStep) -> String {
        let optimizer = problem.optimizer
        let heading =
            "  after one step of \(optimizer.kind.rawValue), learning rate \(optimizer.learningRate)\n"
        let loss = "  total L \(matrices.number(step.loss))\n"
        return heading + step.layers.map { parameters("\($0.name): ", $0.weights, bias: $0.bias) }.joined()
            + loss
    }
}

/// `1 sample`, `2 samples`.
