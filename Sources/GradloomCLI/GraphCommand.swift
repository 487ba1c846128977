import ArgumentParser
import LoomModel
import LoomReference
import LoomReporting
import LoomRuns

/// `gradloom graph`
struct GraphCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Draw the computation graph of a training, with shapes and parameters.",
        discussion: """
            Examples:
              gradloom graph configs/xor.yaml
              gradloom graph configs/xor.yaml --format svg >xor.svg
              gradloom graph configs/xor.yaml --format dot | dot -Tpdf >xor.pdf
            """)

    /// How the graph is written.
    enum Format: String, ExpressibleByArgument, CaseIterable { case text, dot, svg }

    @OptionGroup var options: ConfigurationOptions

    @Option(help: "text, svg, or dot, the language of Graphviz.")
    var format = Format.text

    func run() throws {
        try reportingFailures {
            let settings = try options.settings()
            let source = try settings.data.source.open()
            let network = try Network<Double>(settings.network.description(inputs: source.featureCount))
            let graph = try ComputationGraph(network: network.description, loss: settings.loss)
            switch format {
            case .dot: try StandardOutput.write(graph.dot)
            case .svg: try StandardOutput.write(graph.svg)
            case .text: try StandardOutput.write(Self.text(graph))
            }
        }
    }

    /// A row for every node, with what it is computed from.
    private static func text(_ graph: ComputationGraph) -> String {
        var table = TextTable(columns: [
            .init("node"), .init("kind"), .init("shape"), .init("computed as"), .init("from"),
        ])
        for (index, node) in graph.nodes.enumerated() {
            let sources = graph.edges.filter { $0.target == index }.map { graph.nodes[$0.source].name }
            table.append([
                node.name, node.kind.rawValue, node.shapeText, node.formula, sources.joined(separator: ", "),
            ])
        }
        return table.rendered()
            + "\n\(NumberFormat.counted(graph.parameterCount, "parameter")); N: samples of the batch\n"
    }
}
