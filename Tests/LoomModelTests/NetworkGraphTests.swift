import LoomKernels
import TestSupport
import Testing

@testable import LoomModel

/// The order of evaluation, what layers read, and graphs that cannot be.
@Suite struct NetworkGraphTests {
    private func network(_ layers: [(name: String, inputs: [String]?)]) -> NetworkDescription {
        NetworkDescription(
            inputs: 3, layers: layers.map { LayerDescription(name: $0.name, units: 2, inputs: $0.inputs) },
            output: .identity)
    }

    @Test func aChainIsTheDefault() throws {
        let graph = try NetworkGraph(network([("a", nil), ("b", nil), ("c", nil)]))
        #expect(graph.sources == [[.data(columns: 0..<3)], [.layer(0)], [.layer(1)]])
        #expect(graph.givenIndices == [0, 1, 2])
        #expect(graph.description.layers.map(\.inputs) == [["input"], ["a"], ["b"]])
    }

    @Test func layersComeAfterTheirInputs() throws {
        let graph = try NetworkGraph(
            network([("out", ["c", "a", "input"]), ("c", ["b"]), ("a", ["input"]), ("b", ["a", "input"])]))
        #expect(graph.description.layers.map(\.name) == ["a", "b", "c", "out"])
        #expect(graph.givenIndices == [2, 3, 1, 0])
        let data = NetworkGraph.Source.data(columns: 0..<3)
        #expect(graph.sources == [[data], [.layer(0), data], [.layer(1)], [.layer(2), .layer(0), data]])
    }

    /// Of layers that do not depend on each other, the first listed is first.
    @Test func listingOrderIsKeptWhereItCanBe() throws {
        let graph = try NetworkGraph(
            network([("d", ["input"]), ("b", ["input"]), ("c", ["input"]), ("a", ["c", "b", "d"])]))
        #expect(graph.description.layers.map(\.name) == ["d", "b", "c", "a"])
    }

    private func problems(_ layers: [(name: String, inputs: [String]?)]) -> [NetworkGraphError] {
        NetworkGraph.problems(in: network(layers))
    }

    @Test func circlesNameTheirLayers() {
        let circle = problems([("a", ["c"]), ("b", ["a", "input"]), ("c", ["b"]), ("d", ["c"])])
        #expect(circle.map(\.problem) == [.cycle(["a", "c", "b"])])
        #expect(circle.first?.layer == 0)
        #expect(circle.first?.description.contains("'a' ← 'c' ← 'b' ← 'a'") == true)
        #expect(problems([("a", ["a", "input"]), ("b", ["a"])]).map(\.problem) == [.cycle(["a"])])
        // A layer behind a circle is not part of it.
        let behind = problems([("out", ["x"]), ("x", ["y"]), ("y", ["x"])])
        #expect(behind.map(\.problem) == [.cycle(["x", "y"])])
    }

    @Test func namesThatDoNotFit() {
        #expect(
            problems([("a", nil), ("b", ["c"])]).map(\.problem)
                == [.unknownInput("c", known: ["input", "a"])])
        #expect(problems([("a", nil), ("b", ["a", "input", "a"])]).map(\.problem) == [.duplicateInput("a")])
        #expect(problems([("a", nil), ("b", [])]).map(\.problem) == [.noInputs])
        #expect(problems([("a", nil), ("a", ["a"])]).map(\.problem) == [.duplicateName("a")])
        #expect(problems([("input", nil), ("b", ["input"])]).map(\.problem).contains(.reservedName))
        #expect(problems([]).map(\.problem) == [.noLayers])
    }

    /// Names with points that would give two tensors of a checkpoint one name.
    @Test func tensorsOfCheckpointsHaveTheirOwnNames() {
        let optimizer = problems([("optimizer.first.a", nil), ("a", nil)])
        #expect(optimizer.map(\.problem) == [.tensorName("optimizer.first.a.weights")] && optimizer.first?.layer == 1)
        let inputs = problems([("b.weights", nil), ("weights", ["input"]), ("b", ["b.weights", "weights"])])
        #expect(inputs.map(\.problem) == [.tensorName("b.weights.weights")] && inputs.first?.layer == 2)
        #expect(problems([("optimizer", nil), ("a.bias", nil), ("a", nil)]).isEmpty)
    }

    @Test func outputsThatNobodyReads() {
        let unread = problems([("a", nil), ("b", ["input"]), ("c", ["a"])])
        #expect(unread.map(\.problem) == [.unused(output: "c")])
        #expect(unread.map(\.layer) == [1])
    }

    @Test func severalMistakesAreReportedTogether() {
        #expect(problems([("a", ["x"]), ("b", ["a", "a"])]).count == 2)
    }

    // MARK: Sizes and names in the network

    @Test func tensorsAreNamedByTheirInputs() throws {
        var description = network([("a", nil), ("b", ["a", "input"])])
        description.layers[0].units = 5
        let network = try Network<Float>(description)
        #expect(
            network.layout.tensors.map(\.name)
                == ["a.weights", "a.bias", "b.weights.a", "b.weights.input", "b.bias"])
        #expect(network.layout.tensors.map(\.columns) == [3, 5, 5, 3, 2])
        #expect(network.layers[1].connections.map(\.source) == [.layer(0), .data])
        // 2 operations × (3 products with 10 weights for a → b, 2 with 15 and 2 with 6 for those from the data).
        #expect(network.operationsPerSample == 144)
    }

    @Test func softmaxWeightedLayersHaveARowPerComponent() throws {
        var description = network([("a", nil), ("b", nil)])
        description.layers[0].activation = .softmaxWeighted
        description.layers[0].components = 4
        let tensors = try Network<Float>(description).layout.tensors
        #expect(tensors.map(\.rows) == [8, 1, 2, 1] && tensors.map(\.columns) == [3, 8, 2, 2])
    }

    @Test func sizesThatDoNotFit() {
        func refusal(_ change: (inout NetworkDescription) -> Void) -> String {
            var description = network([("a", nil), ("b", ["a", "input"])])
            change(&description)
            let error = #expect(throws: ModelError.self) { try Network<Float>(description) }
            return error?.description ?? ""
        }
        #expect(
            refusal { $0.layers[1].connectionWeights = [[[1, 2], [3, 4]]] }.contains("2 inputs, but weights for 1"))
        #expect(
            refusal { $0.layers[1].connectionWeights = [[[1, 2], [3, 4]], [[1, 2], [3, 4]]] }
                .contains("3 inputs from 'input', so its weights must be 2 × 3"))
        #expect(refusal { $0.layers[0].components = 2 }.contains("'a' has components"))
        #expect(refusal { $0.layers[0].activation = .softmaxWeighted }.contains("needs the number of components"))
        #expect(refusal { $0.output = .softmaxWeighted }.contains("'b' is softmax-weighted"))
        #expect(
            refusal {
                $0.layers[0].activation = .softmaxWeighted
                $0.layers[0].components = 3
                $0.layers[0].bias = [1, 2]
            }.contains("2 units of 3 components, but 2 biases"))
        #expect(
            refusal { $0.dataParts = [DataPart(name: "x", columns: 0..<2)] }
                .contains("names 2 inputs, but the data have 3 features"))
        #expect(refusal { $0.dataParts = [DataPart(name: "x", columns: 1..<3)] }.contains("must start at feature 0"))
    }
}
