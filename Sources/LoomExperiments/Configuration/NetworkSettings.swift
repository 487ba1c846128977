import LoomModel

/// How the rows and columns of given weights are meant.
public enum WeightsLayout: String, Sendable, CaseIterable, Codable {
    /// one row per unit, one column per input
    case outByIn = "out_by_in"
    /// one row per input, one column per unit
    case inByOut = "in_by_out"
}

/// A network without the number of its inputs, which the data decide.
public struct NetworkSettings: Sendable, Equatable {
    /// The layers in the order of evaluation. Given weights are out by in, whatever the layout they were read from.
    public var layers: [LayerDescription]
    /// The map from the last layer's pre-activations to the prediction.
    public var output: OutputMap
    /// The rule for the first weights.
    public var initialization: Initialization
    /// The absolute path of a safetensors file with the first parameters, instead of the rule.
    public var parametersFile: String?

    /// A chain of `layers`.
    public init(
        layers: [LayerDescription], output: OutputMap, initialization: Initialization = .init(),
        parametersFile: String? = nil
    ) {
        self.layers = layers
        self.output = output
        self.initialization = initialization
        self.parametersFile = parametersFile
    }

    /// The network on `inputs` features.
    public func description(inputs: Int) -> NetworkDescription {
        NetworkDescription(inputs: inputs, layers: layers, output: output, initialization: initialization)
    }
}
