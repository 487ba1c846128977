import LoomModel

/// How the rows and columns of given weights are meant.
package enum WeightsLayout: String, Sendable, CaseIterable, Codable {
    /// one row per unit, one column per input
    case outByIn = "out_by_in"
    /// one row per input, one column per unit
    case inByOut = "in_by_out"
}

/// A network without the number of its inputs, which the data decide.
public struct NetworkSettings: Sendable, Equatable {
    /// The layers as they are listed. Given weights are out by in, whatever the layout they were read from.
    public var layers: [LayerDescription]
    /// Names for parts of the data; empty unless the network is one of vertices.
    public var dataParts: [DataPart]
    /// The vertices and edges that the layers were compiled from, if the network was given so.
    public let vertices: VertexNetwork?
    /// The map from the last layer's pre-activations to the prediction.
    public var output: OutputMap
    /// The rule for the first weights.
    public var initialization: Initialization
    /// The absolute path of a safetensors file with the first parameters, instead of the rule.
    public var parametersFile: String?

    /// A network of `layers`, which are a chain unless they name their inputs.
    public init(
        layers: [LayerDescription], output: OutputMap, initialization: Initialization = .init(),
        parametersFile: String? = nil
    ) {
        self.layers = layers
        self.dataParts = []
        self.vertices = nil
        self.output = output
        self.initialization = initialization
        self.parametersFile = parametersFile
    }

    /// A network of single vertices and edges, compiled into layers.
    /// - Throws: `VertexNetwork.Mistake`.
    public init(
        vertices: VertexNetwork, initialization: Initialization = .init(), parametersFile: String? = nil
    ) throws(VertexNetwork.Mistake) {
        let compiled = try vertices.compiled()
        self.layers = compiled.layers
        self.dataParts = compiled.dataParts
        self.vertices = vertices
        self.output = compiled.output
        self.initialization = initialization
        self.parametersFile = parametersFile
    }

    /// The network on `inputs` features, its layers in the order of evaluation.
    public func description(inputs: Int) -> NetworkDescription {
        let description = NetworkDescription(
            inputs: inputs, dataParts: dataParts, layers: layers, output: output, initialization: initialization)
        // A chain stays as it is; what is wrong with a graph is said when the network is built.
        guard let graph = try? NetworkGraph(description), graph.givenIndices != Array(layers.indices) else {
            return description
        }
        return graph.description
    }
}
