import LoomModel
import LoomReference

/// A network of vertices of the fixtures with one sample and everything that should come out.
public struct VertexBlock: Sendable, CustomStringConvertible {
    /// The fixture's id, for example "F4.3".
    public let fixture: String
    /// The network, with its weights.
    public let vertices: VertexNetwork
    /// The sample's features.
    public let inputs: [Double]
    /// The sample's target y.
    public let target: Double
    /// ½ (ŷ − y)².
    public let loss: Double
    /// ŷ.
    public let prediction: Double
    /// a of every vertex.
    public let energies: [String: [Double]]
    /// o of every vertex and input.
    public let outputs: [String: Double]
    /// ∂ŷ/∂a of every vertex.
    public let deltas: [String: [Double]]
    /// ∂ŷ/∂o of every vertex and input.
    public let outputGradients: [String: Double]
    /// ∂ŷ/∂w of every edge, in the network's order.
    public let predictionGradients: [[Double]]
    /// ∂ℓ/∂w of every edge, in the network's order.
    public let lossGradients: [[Double]]
    /// The rate of a step of gradient descent.
    public let learningRate: Double
    /// The weights of every edge after the step.
    public let weightsAfter: [[Double]]
    /// The loss after the step.
    public let lossAfter: Double
    /// The layers that the network is compiled into, and where each vertex is in the order of evaluation.
    public let graph: NetworkGraph
    private let places: [String: Place]

    private struct Place {
        let layer: Int
        let unit: Int
        let components: Int
    }

    /// The id.
    public var description: String { fixture }

    init(fixture: String, json root: JSONValue) {
        // The file is part of the tests: what does not read as expected is a mistake there and ends the test run.
        self.fixture = fixture
        let json = root["dag"]!
        let all = json["vertices"]!.elements!
        let inputNames = all.filter { $0["kind"]!.string! == "input" }.map { $0["id"]!.string! }
        vertices = VertexNetwork(
            inputs: inputNames,
            vertices: all.filter { $0["kind"]!.string! != "input" }.map { vertex in
                let isWeighted = vertex["kind"]!.string! == "softmax-weighted"
                return VertexNetwork.Vertex(
                    name: vertex["id"]!.string!, kind: isWeighted ? .softmaxWeighted : .sigmoid,
                    components: isWeighted ? vertex["components"]!.integer! : nil)
            },
            edges: json["edges"]!.elements!.map { Self.edge($0, "w") }, outputs: [json["output"]!.string!])
        inputs = inputNames.map { root["inputs"]![$0]!.number! }
        target = root["target"]!.number!
        let expected = root["expected"]!
        loss = expected["loss"]!.number!
        prediction = expected["yhat"]!.number!
        func members<Value>(_ key: String, _ value: (JSONValue) -> Value) -> [String: Value] {
            let object = expected[key]!
            return Dictionary(uniqueKeysWithValues: object.keys.map { ($0, value(object[$0]!)) })
        }
        energies = members("a") { $0.vector! }
        outputs = members("o") { $0.number! }
        deltas = members("delta") { $0.vector! }
        outputGradients = members("dyhat_do") { $0.number! }
        predictionGradients = expected["dyhat_dw"]!.elements!.map { Self.edge($0, "g").weights! }
        lossGradients = expected["dloss_dw"]!.elements!.map { Self.edge($0, "g").weights! }
        let step = root["sgd_step"]!
        learningRate = step["rate"]!.number!
        weightsAfter = step["edges"]!.elements!.map { Self.edge($0, "w").weights! }
        lossAfter = step["loss_after"]!.number!
        (graph, places) = Self.compile(vertices)
    }

    private static func edge(_ json: JSONValue, _ key: String) -> VertexNetwork.Edge {
        VertexNetwork.Edge(from: json["from"]!.string!, to: json["to"]!.string!, weights: json[key]!.vector!)
    }

    private static func compile(_ vertices: VertexNetwork) -> (NetworkGraph, [String: Place]) {
        do {
            let compiled = try vertices.compiled()
            let graph = try NetworkGraph(
                NetworkDescription(
                    inputs: vertices.inputs.count, dataParts: compiled.dataParts, layers: compiled.layers,
                    output: compiled.output))
            var places: [String: Place] = [:]
            for (layer, given) in graph.givenIndices.enumerated() {
                for (unit, member) in compiled.members[given].enumerated() {
                    let vertex = vertices.vertices[member]
                    places[vertex.name] = Place(layer: layer, unit: unit, components: vertex.components ?? 1)
                }
            }
            return (graph, places)
        } catch {
            fatalError("\(error)")
        }
    }

    /// The network compiled into layers.
    public var network: NetworkDescription { graph.description }

    /// The sample with another target.
    public func problem(target: Double) -> FastProblem {
        FastProblem(
            network: network, loss: LossDescription(kind: .halfSquared, reduction: .sum), inputs: [inputs],
            targets: [[target]], description: fixture)
    }

    // MARK: What layers have, by vertices and edges

    /// The numbers of one row of every layer, `perUnit` of each unit, by vertex.
    public func byVertex(_ layers: [[Double]], components: Bool) -> [String: [Double]] {
        places.mapValues { place in
            let width = components ? place.components : 1
            return Array(layers[place.layer][place.unit * width..<(place.unit + 1) * width])
        }
    }

    /// The weights, or their gradients, by edge in the network's order.
    public func byEdge(_ layers: [ReferenceLayer]) -> [[Double]] {
        vertices.edges.map { edge in
            let place = places[edge.to]!
            for (offset, source) in graph.sources[place.layer].enumerated() {
                let column: Int? =
                    switch source {
                    case .data(let columns):
                        vertices.inputs.firstIndex(of: edge.from).flatMap {
                            columns.contains($0) ? $0 - columns.lowerBound : nil
                        }
                    case .layer(let index):
                        places[edge.from].flatMap { $0.layer == index ? $0.unit : nil }
                    }
                guard let column else { continue }
                let rows = place.unit * place.components..<(place.unit + 1) * place.components
                return rows.map { layers[place.layer].connections[offset][$0][column] }
            }
            fatalError("no connection for the edge from \(edge.from) to \(edge.to)")
        }
    }

    /// Compares numbers by vertex, for the vertices that `want` names.
    public func compare(
        _ quantity: String, _ got: [String: [Double]], _ want: [String: [Double]], in comparison: inout Comparison
    ) {
        for name in want.keys.sorted() where places[name] != nil {
            comparison.compare("\(quantity)[\(name)]", got[name]!, want[name]!)
        }
    }
}
