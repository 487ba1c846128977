import LoomModel
import Testing

/// How vertices become layers, and networks of vertices that cannot be.
@Suite struct VertexNetworkTests {
    private func network(
        inputs: [String] = ["x1", "x2"], _ vertices: [(String, Activation)], _ edges: [(String, String)],
        outputs: [String] = ["out"]
    ) -> VertexNetwork {
        let components = Dictionary(vertices.map { ($0.0, $0.1 == .softmaxWeighted ? 2 : 1) }) { first, _ in first }
        return VertexNetwork(
            inputs: inputs,
            vertices: vertices.map {
                VertexNetwork.Vertex(name: $0.0, kind: $0.1, components: $0.1 == .softmaxWeighted ? 2 : nil)
            },
            edges: edges.enumerated().map { index, edge in
                let count = components[edge.1] ?? 1
                return VertexNetwork.Edge(
                    from: edge.0, to: edge.1, weights: (0..<count).map { Double(10 * (index + 1) + $0) })
            }, outputs: outputs)
    }

    /// Every pair of the lists.
    private func all(_ from: [String], _ to: [String]) -> [(String, String)] {
        from.flatMap { source in to.map { (source, $0) } }
    }

    @Test func alikeVerticesAreOneLayer() throws {
        let network = network(
            [("h1", .sigmoid), ("out", .identity), ("h2", .sigmoid), ("h3", .sigmoid)],
            all(["x1", "x2"], ["h1", "h2", "h3"]) + all(["h1", "h2", "h3"], ["out"]))
        let compiled = try network.compiled()
        #expect(compiled.members == [[0, 2, 3], [1]])
        #expect(compiled.dataParts == [DataPart(name: "x1+x2", columns: 0..<2)])
        let hidden = compiled.layers[0]
        #expect(hidden.name == "h1+h2+h3" && hidden.units == 3 && hidden.activation == .sigmoid && !hidden.hasBias)
        #expect(hidden.inputs == ["x1+x2"])
        #expect(hidden.connectionWeights == [[[10, 40], [20, 50], [30, 60]]])
        #expect(compiled.layers[1].inputs == ["h1+h2+h3"] && compiled.layers[1].weights == [[70, 80, 90]])
        #expect(compiled.output == .identity)
    }

    /// Vertices with the same predecessors are two layers when something reads only one of them.
    @Test func readersSplitLayers() throws {
        let network = network(
            [("h1", .tanh), ("h2", .tanh), ("h3", .tanh), ("g", .tanh), ("out", .sigmoid)],
            all(["x1", "x2"], ["h1", "h2", "h3"]) + [("h1", "g")] + all(["h2", "h3", "g"], ["out"]))
        let compiled = try network.compiled()
        #expect(compiled.members == [[0], [1, 2], [3], [4]])
        #expect(compiled.layers.map(\.inputs) == [["x1+x2"], ["x1+x2"], ["h1"], ["h2+h3", "g"]])
    }

    @Test func kindsAndComponentsSplitLayers() throws {
        let network = network(
            [("a", .softmaxWeighted), ("b", .sigmoid), ("c", .softmaxWeighted), ("out", .softmaxWeighted)],
            all(["x1", "x2"], ["a", "b", "c"]) + all(["a", "b", "c"], ["out"]))
        let compiled = try network.compiled()
        #expect(compiled.members == [[0, 2], [1], [3]])
        let weighted = compiled.layers[0]
        #expect(weighted.units == 2 && weighted.components == 2 && weighted.activation == .softmaxWeighted)
        // Components of a unit follow each other.
        #expect(weighted.weights == [[10, 40], [11, 41], [30, 60], [31, 61]])
        #expect(compiled.output == .softmaxWeighted && compiled.layers[2].activation == .identity)
        #expect(compiled.layers[2].components == 2)
    }

    /// Parts of the data are runs of inputs with the same readers; an input that nothing reads is allowed.
    @Test func partsOfTheData() throws {
        let network = network(
            inputs: ["x1", "x2", "x3", "x4", "x5"], [("a", .tanh), ("out", .identity)],
            [("x1", "a"), ("x2", "a"), ("x4", "a"), ("x4", "out"), ("x5", "a"), ("a", "out")])
        let compiled = try network.compiled()
        #expect(compiled.dataParts.map(\.name) == ["x1+x2", "x3", "x4", "x5"])
        #expect(compiled.dataParts.map(\.columns) == [0..<2, 2..<3, 3..<4, 4..<5])
        #expect(compiled.layers[0].inputs == ["x1+x2", "x4", "x5"])
        #expect(compiled.layers[0].connectionWeights == [[[10, 20]], [[30]], [[50]]])
        #expect(compiled.layers[1].inputs == ["x4", "a"])
    }

    @Test func outputsKeepTheirOrder() throws {
        let network = network(
            [("p", .sigmoid), ("q", .sigmoid)], all(["x1", "x2"], ["p", "q"]), outputs: ["q", "p"])
        let compiled = try network.compiled()
        #expect(compiled.members == [[1, 0]])
        #expect(compiled.layers[0].weights == [[20, 40], [10, 30]])
    }

    @Test func withoutWeightsLayersAreInitialised() throws {
        var network = network([("out", .identity)], [("x1", "out")])
        network.edges[0].weights = nil
        #expect(try network.compiled().layers[0].connectionWeights == nil)
    }

    // MARK: Mistakes

    private func mistakes(_ network: VertexNetwork) -> [String] {
        network.mistakes.map { mistake in
            "\(mistake.list.rawValue).\(mistake.index)\(mistake.key.map { "." + $0 } ?? ""): \(mistake.description)"
        }
    }

    @Test func namesMustBeUniqueAndKnown() {
        #expect(
            mistakes(network(inputs: ["x1", "x1"], [("out", .identity)], [("x1", "out")]))
                == ["inputs.1: the input 'x1' is named twice; names must be unique"])
        #expect(
            mistakes(network([("x1", .tanh), ("out", .identity)], [("x2", "out")])).first
                == "vertices.0.name: the name 'x1' is that of another input; names must be unique")
        #expect(
            mistakes(network([("input", .tanh), ("out", .identity)], [("x2", "out")])).first
                == "vertices.0.name: 'input' is the name of all data; give the vertex another one")
        #expect(
            mistakes(network([("out", .identity)], [("x9", "out")]))
                == ["edges.0.from: 'x9' does not exist; there is 'x1', 'x2', 'out'"])
        #expect(
            mistakes(network([("out", .identity)], [("x1", "ou")]))
                == ["edges.0.to: 'ou' does not exist; there is 'out'"])
        #expect(
            mistakes(network([("out", .identity)], [("x1", "out"), ("x1", "x2")]))
                == ["edges.1.to: 'x2' is an input, to which no edge can go"])
        #expect(
            mistakes(network([("out", .identity)], [("x1", "out"), ("x1", "out")]))
                == ["edges.1: there is another edge from 'x1' to 'out'; keep one"])
        #expect(
            mistakes(network([("out", .identity)], [("x1", "out")], outputs: ["up"]))
                == ["output.0: vertex 'up' does not exist; there is 'out'"])
    }

    @Test func componentsAndWeightsMustFit() {
        var network = network([("a", .softmaxWeighted), ("out", .identity)], [("x1", "a"), ("a", "out")])
        network.edges[0].weights = [1, 2, 3]
        #expect(
            mistakes(network) == ["edges.0.weights: vertex 'a' has 2 components: expected as many weights, found 3"])
        network.edges[0].weights = nil
        #expect(mistakes(network).first?.hasPrefix("edges.0: the edge from 'x1' to 'a' has no weight") == true)
        network.vertices[0].components = nil
        #expect(
            mistakes(network).first
                == "vertices.0.components: vertex 'a' is softmax_weighted; give the number of its components")
        network.vertices[1].components = 2
        #expect(mistakes(network).contains { $0.contains("'out' is identity; components belong to softmax_weighted") })
    }

    @Test func circlesAndUselessVertices() {
        let circle = network(
            [("a", .tanh), ("b", .tanh), ("out", .identity)],
            [("x1", "a"), ("b", "a"), ("a", "b"), ("b", "out")])
        #expect(mistakes(circle) == ["vertices.0: the vertices 'a' ← 'b' ← 'a' form a circle; remove an edge"])
        let dead = network([("a", .tanh), ("out", .identity)], [("x1", "a"), ("x1", "out")])
        #expect(
            mistakes(dead)
                == ["vertices.0: no way leads from the vertex 'a' to the output; add an edge, or remove it"])
        let lone = network([("a", .tanh), ("out", .identity)], [("a", "out")])
        #expect(mistakes(lone) == ["vertices.0: no edge goes to the vertex 'a'; add one, or remove it"])
    }

    @Test func outputsMustBeOneLayer() {
        #expect(
            mistakes(network([("out", .relu)], [("x1", "out")])).first?
                .hasPrefix("vertices.0.kind: the output vertex 'out' is relu") == true)
        let feeding = network(
            [("p", .sigmoid), ("out", .sigmoid)], [("x1", "p"), ("p", "out")], outputs: ["out", "p"])
        #expect(mistakes(feeding).first?.hasPrefix("output.1: the output vertex 'p' has an edge to another") == true)
        let kinds = network(
            [("p", .identity), ("out", .sigmoid)], [("x1", "p"), ("x1", "out")], outputs: ["out", "p"])
        #expect(mistakes(kinds).first?.contains("differ in kind") == true)
        let predecessors = network(
            [("p", .sigmoid), ("out", .sigmoid)], [("x1", "p"), ("x2", "out")], outputs: ["out", "p"])
        #expect(mistakes(predecessors).first?.contains("edges from different vertices") == true)
    }
}
