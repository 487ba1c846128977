import LoomModel
import Testing

@testable import LoomConfiguration

@Suite("Networks that are graphs, in configurations")
struct ConfigurationGraphTests {
    static let mistakes = [
        Mistake(
            network: "{layers: [{name: a, units: 3}, {name: b, units: 2, inputs: [hiden, a, a]}], output: softmax}",
            """
            run.yaml:3:63: network.layers.1.inputs.0: layer 'b' reads 'hiden', which does not exist; there is 'input', 'a'
            run.yaml:3:73: network.layers.1.inputs.2: layer 'b' reads 'a' twice; name every input once
            """),
        Mistake(
            network: "{layers: [{name: hidden, units: 3}, {name: b, units: 2, inputs: [hiden]}], output: softmax}",
            "run.yaml:3:68: network.layers.1.inputs.0: layer 'b' reads 'hiden', which does not exist; there is 'input', "
                + "'hidden'; did you mean 'hidden'?"),
        Mistake(
            network:
                "{layers: [{name: a, units: 3, inputs: [input, b]}, {name: b, units: 2, inputs: [a]}], output: "
                + "softmax}",
            "run.yaml:3:41: network.layers.0.inputs: the layers 'a' ← 'b' ← 'a' read each other in a circle; a network must "
                + "not have circles"),
        Mistake(
            network: "{layers: [{name: a, units: 3}, {name: b, units: 3, inputs: [input]}], output: softmax}",
            "run.yaml:3:20: network.layers.0.name: nothing reads the outputs of layer 'a', and the network's output is layer "
                + "'b'; name it in another layer's inputs, or remove it"),
        Mistake(
            network: "{layers: [{name: input, units: 3}], output: softmax}",
            "run.yaml:3:20: network.layers.0.name: 'input' is the name of the data; give the layer another one"),
        Mistake(
            network: "{layers: [{units: 3, inputs: []}], output: softmax}",
            "run.yaml:3:32: network.layers.0.inputs: expected a list of names, found an empty list"),
        // Weights by input.
        Mistake(
            network: "{layers: [{name: a, units: 3}, {units: 2, inputs: [a, input], weights: [[1, 2, 3], [1, 2, 3]]}], "
                + "output: softmax}",
            "run.yaml:3:74: network.layers.1.weights: layer 'layer2' has the inputs a and input: expected a mapping of every "
                + "input to a list of rows"),
        Mistake(
            network:
                "{layers: [{name: a, units: 3}, {units: 1, inputs: [a, input], weights: {a: [[1, 2]], input: "
                + "[[1]]}}], "
                + "output: sigmoid}",
            "run.yaml:3:78: network.layers.1.weights.a: layer 'layer2' has 1 unit and 3 inputs: expected 1 × 3 weights "
                + "(out_by_in), found 1 × 2"),
        Mistake(
            network: "{layers: [{units: 1, weights: {input: [[1]]}}], output: sigmoid}",
            "run.yaml:3:33: network.layers.0.weights: weights by input need the layer's inputs; expected a list of rows, or "
                + "add inputs"),
        Mistake(
            network: "{layers: [{units: 1, inputs: [input], weights: {data: [[1]]}}], output: sigmoid}",
            """
            run.yaml:3:50: network.layers.0.weights: the weights of the input 'input' are missing
            run.yaml:3:57: network.layers.0.weights.data: 'data' is no input of the layer; it has input
            """),
        // Components.
        Mistake(
            network: "{layers: [{units: 3, activation: softmax_weighted}, {units: 2, components: 2}], output: softmax}",
            """
            run.yaml:3:13: network.layers.0.components: the key is missing; softmax_weighted needs a whole number, 1 or more, \
            of components per unit
            run.yaml:3:78: network.layers.1.components: not used here; components belong to activation softmax_weighted, and \
            to the last layer when network.output is softmax_weighted
            """),
        Mistake(
            network: "{layers: [{units: 3}], output: softmax_weighted}",
            "run.yaml:3:13: network.layers.0.components: the key is missing; the last layer before network.output: "
                + "softmax_weighted needs a whole number, 1 or more, of components per unit"),
        Mistake(
            network: "{layers: [{units: 2, components: 3, bias: [1, 2]}], output: softmax_weighted}",
            "run.yaml:3:45: network.layers.0.bias: expected one bias per component of every unit, 6, found 2"),
        Mistake(
            network: "{layers: [{units: 1, components: 3, weights: [[1, 2]]}], output: softmax_weighted}",
            "run.yaml:3:48: network.layers.0.weights: layer 'layer1' has 1 unit of 3 components: expected 3 × ? weights "
                + "(out_by_in), found 1 × 2"),
        // Vertices.
        Mistake(
            network: "{vertices: [{name: v, kind: sigmoid}], layers: [{units: 2}], output: softmax}",
            "run.yaml:3:4: network.vertices: not used together with layers; a network has layers, or vertices and edges"
        ),
        Mistake(
            network: "{vertices: [{name: v, kind: sigmoid}], output: v, weights_layout: in_by_out}",
            """
            run.yaml:3:3: network.inputs: the key is missing; a network of vertices has inputs, vertices and edges
            run.yaml:3:3: network.edges: the key is missing; a network of vertices has inputs, vertices and edges
            run.yaml:3:53: network.weights_layout: not used with vertices, whose edges have one number per component
            """),
        Mistake(
            network: "{inputs: [x], vertices: [{name: v, kind: sigmoyd}], edges: [{from: x, to: v}], output: v}",
            "run.yaml:3:44: network.vertices.0.kind: expected identity, sigmoid, relu, arctan, tanh, exp, softplus, threshold "
                + "or softmax_weighted, found 'sigmoyd'; did you mean 'sigmoid'?"),
        Mistake(
            network:
                "{inputs: [x], vertices: [{name: v, kind: sigmoid}], edges: [{from: x, to: v, weights: [1, 2]}], "
                + "output: v}",
            "run.yaml:3:89: network.edges.0.weights: vertex 'v' has 1 component: expected as many weights, found 2"),
        Mistake(
            network: "{inputs: [x], vertices: [{name: v, kind: sigmoid}], edges: [{from: y, to: v}], output: w}",
            """
            run.yaml:3:70: network.edges.0.from: 'y' does not exist; there is 'x', 'v'
            run.yaml:3:90: network.output: vertex 'w' does not exist; there is 'v'
            """),
        Mistake(
            network:
                "{inputs: [x], vertices: [{name: v, kind: sigmoid}], edges: [{from: x, to: v, weight: 1, weights: "
                + "2}], "
                + "output: v}",
            "run.yaml:3:80: network.edges.0.weight: not used together with weights; keep one of them"),
        Mistake(
            network: "{inputs: [x], vertices: [{name: v, kind: sigmoid}, {name: w, kind: sigmoid}], "
                + "edges: [{from: w, to: v}, {from: v, to: w}], output: v}",
            "run.yaml:3:134: network.output: the output vertex 'v' has an edge to another vertex; add a vertex that is the "
                + "output only"),
    ]

    @Test("names place, key and remedy", arguments: mistakes) func message(_ mistake: Mistake) {
        #expect(Configuration.problems(mistake.yaml) == mistake.message)
    }

    /// Weights of every input are turned from in × out to out × in.
    @Test func weightsLayoutHoldsForEveryInput() throws {
        let configuration = try Configuration.reading(
            """
            data: {synthetic: {task: spirals, samples: 10}}
            network:
              weights_layout: in_by_out
              layers:
                - {name: a, units: 3}
                - {name: b, units: 1, inputs: [input, a], weights: {a: [[1], [2], [3]], input: [[4], [5]]}}
              output: sigmoid
            """)
        #expect(configuration.network.layers[1].connectionWeights == [[[4, 5]], [[1, 2, 3]]])
    }

    /// The configuration of the round trips that contains `text`.
    private static func form(_ text: String) -> String {
        ConfigurationResolvedTests.forms.first { $0.contains(text) }!
    }

    @Test func verticesAreCompiled() throws {
        let configuration = try Configuration.reading(Self.form("x 2"))
        #expect(configuration.network.layers.map(\.name) == ["v", "softmax+p"])
        #expect(configuration.network.output == .sigmoid)
        #expect(configuration.network.layers[0].weights == [[0.1, -0.1], [0.2, 0.001]])
        let network = try Network<Float>(configuration.network.description(inputs: 2))
        #expect(network.layout.parameterCount == 6)
        #expect(throws: ModelError.self) { try Network<Float>(configuration.network.description(inputs: 3)) }
    }

    /// Layers may be listed in any order; the description has that of evaluation.
    @Test func descriptionsAreSorted() throws {
        let configuration = try Configuration.reading(Self.form("name: out,"))
        #expect(configuration.network.layers.map(\.name) == ["out", "a", "b"])
        #expect(configuration.network.description(inputs: 2).layers.map(\.name) == ["a", "b", "out"])
    }

    @Test func thresholdVerticesAreNotTrained() throws {
        let configuration = try Configuration.reading(
            """
            data: {synthetic: {task: linear, inputs: 1, samples: 10}}
            network:
              {inputs: [x], vertices: [{name: y, kind: threshold}], edges: [{from: x, to: y}], output: y}
            """)
        let error = #expect(throws: ConfigurationError.self) { try configuration.validateForTraining() }
        #expect("\(error!)".contains("network.vertices.0.kind: vertex 'y' cannot be trained"))
    }
}
