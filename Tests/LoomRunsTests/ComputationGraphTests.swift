import Foundation
import LoomModel
import TestSupport
import Testing

@testable import LoomConfiguration
@testable import LoomReference

@Suite struct ComputationGraphTests {
    private static func graph(_ configuration: Configuration) throws -> ComputationGraph {
        let source = try configuration.data.source.open()
        return try ComputationGraph(
            network: configuration.network.description(inputs: source.featureCount), loss: configuration.loss)
    }

    @Test(arguments: zip(["a-letters", "b-speech", "c-price"], [0, 1, 2]))
    func parametersOfThePresets(name: String, index: Int) throws {
        let wanted = SeedFixtures.fixture("F3.5")["expected"]!.elements![index]
        let configuration = try SeedConfiguration.load("003-problem-1.4\(name)")
        let graph = try Self.graph(configuration)
        #expect(graph.parameterCount == wanted["parameters_for_N_h_50"]!.integer)
        #expect(configuration.network.layers.map(\.units) == [50, wanted["N_o"]!.integer!])
        #expect(configuration.network.output.rawValue == wanted["g_out"]!.string)
        #expect(graph.nodes[0].shape == ["N", "\(wanted["N_i"]!.integer!)"])
    }

    /// x → z (W, b) → u → z (W, b) → loss (y), and the prediction beside.
    @Test func structureOfOneHiddenLayer() throws {
        let graph = try Self.graph(SeedConfiguration.load("003-problem-3.1-softmax"))
        let edges = graph.edges.map { "\(graph.nodes[$0.source].name) → \(graph.nodes[$0.target].name): \($0.label)" }
        #expect(
            Set(edges) == [
                "input → hidden.z: N × 4", "hidden.weights → hidden.z: 5 × 4", "hidden.bias → hidden.z: 5",
                "hidden.z → hidden.u: N × 5", "hidden.u → output.z: N × 5", "output.weights → output.z: 3 × 5",
                "output.bias → output.z: 3", "output.z → prediction: N × 3", "output.z → loss: N × 3",
                "target → loss: N",
            ])
        #expect(edges.count == 10)
        #expect(graph.parameterCount == 5 * 4 + 5 + 3 * 5 + 3)
    }

    @Test func thresholdsHaveNoLoss() throws {
        let graph = try Self.graph(SeedConfiguration.load("003-problem-1.1-threshold"))
        #expect(!graph.nodes.contains { $0.kind == .loss })
        #expect(graph.nodes.last?.name == "prediction")
    }

    @Test(arguments: ProjectFolder.configurations)
    func drawingsAreLegible(path: String) throws {
        let graph = try Self.graph(SeedConfiguration.load(path: path))
        let drawing = GraphDrawing(graph)
        let boxes = drawing.boxes
        let labels = drawing.labels
        for (index, box) in boxes.enumerated() {
            #expect(box.left >= 0 && box.top >= 0 && box.right <= drawing.size.width)
            #expect(box.bottom <= drawing.size.height)
            for other in boxes[(index + 1)...] { #expect(!box.overlaps(other), "\(graph.nodes[index].name)") }
            for (edge, label) in labels.enumerated() {
                #expect(!box.overlaps(label), "\(graph.nodes[index].name), label of edge \(edge)")
            }
        }
        for (index, label) in labels.enumerated() {
            for other in labels[(index + 1)...] { #expect(!label.overlaps(other)) }
        }
        for (index, points) in drawing.points.enumerated() {
            for (node, box) in boxes.enumerated() {
                // The curves between two points, as they are drawn.
                for (start, end) in zip(points, points.dropFirst()) {
                    for part in stride(from: 0.02, through: 0.98, by: 0.02) {
                        let u = 1 - part
                        let middle = (start.x + end.x) / 2
                        let (inner, outer) = (3 * u * part, u * u * u)
                        let x = outer * start.x + inner * middle + part * part * part * end.x
                        let y =
                            (outer + 3 * u * u * part) * start.y + (3 * u * part * part + part * part * part) * end.y
                        #expect(
                            !box.contains(x: x, y: y),
                            "edge \(index) (\(graph.nodes[graph.edges[index].source].name)) runs below \(graph.nodes[node].name)"
                        )
                    }
                }
            }
        }
    }

    @Test func svgIsWellFormedAndOnALightBackground() throws {
        let svg = try Self.graph(SeedConfiguration.load("002-mean-cross-entropy-l2")).svg
        let parser = XMLCheck(svg)
        #expect(parser.passes)
        #expect(svg.contains(##"<rect width="100%" height="100%" fill="#ffffff"/>"##))
        #expect(parser.texts.contains("0.05 Σ‖W‖²"))
        #expect(parser.texts.contains("hidden.weights"))
    }

    @Test func dotNamesEveryNodeAndEdge() throws {
        let graph = try Self.graph(SeedConfiguration.load("004-vertices-sigmoid-output"))
        let dot = graph.dot
        #expect(dot.hasPrefix("digraph network {"))
        #expect(dot.matches(of: /(?m)^    n\d+ \[label=/).count == graph.nodes.count)
        #expect(dot.matches(of: /(?m)^    n\d+ -> n\d+ \[label=/).count == graph.edges.count)
        // x1 and x2 are columns of the data.
        #expect(dot.contains("N × 1, from 1"))
    }
}

/// Text elements of a document, and whether it is XML: tags close in their order.
private struct XMLCheck {
    private(set) var passes = true
    private(set) var texts: [String] = []

    init(_ document: String) {
        var open: [String] = []
        for tag in document.matches(of: /<(\/?)([a-z]+)[^<>]*?(\/?)>([^<]*)/) {
            let name = String(tag.2)
            if tag.1 == "/" {
                passes = passes && open.popLast() == name
            } else if tag.3.isEmpty {
                open.append(name)
                if name == "text" { texts.append(String(tag.4)) }
            }
        }
        passes = passes && open.isEmpty && document.contains("<svg")
    }
}
