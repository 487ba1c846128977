/// The element-wise function of a layer, applied to its pre-activations z.
public enum Activation: String, Sendable, CaseIterable, Codable {
    /// z
    case identity
    /// 1 / (1 + exp(−z))
    case sigmoid
    /// max(z, 0); the derivative at 0 is chosen by `LayerDescription.reluAtZero`
    case relu
    /// arctan z
    case arctan
    /// tanh z
    case tanh
    /// exp z
    case exp
    /// log(1 + exp z)
    case softplus
    /// 1 at z ≥ 0, otherwise 0: forward only, because its derivative is 0 almost everywhere
    case threshold
}

/// The derivative of relu at exactly 0, where it has none of its own.
public enum ReluAtZero: Int, Sendable, CaseIterable, Codable {
    /// 0, the default
    case zero = 0
    /// 1
    case one = 1
}

/// The map from the last layer's pre-activations (logits) to the network's prediction.
public enum OutputMap: String, BitwiseCopyable, Sendable, CaseIterable, Codable {
    /// exp zₖ / Σ exp zⱼ: one class per sample
    case softmax
    /// 1 / (1 + exp(−z)) per unit: independent yes-or-no decisions
    case sigmoid
    /// z: regression
    case identity
    /// 1 at z ≥ 0, otherwise 0: forward only
    case threshold
}

/// One dense layer: u = activation(W·x + b).
public struct LayerDescription: Sendable, Equatable, Codable {
    /// The layer's name, unique in its network.
    public var name: String
    /// The number of its outputs.
    public var units: Int
    /// The function applied to the pre-activations. The last layer's is `identity`; its output map follows.
    public var activation: Activation
    /// The derivative of relu at 0.
    public var reluAtZero: ReluAtZero
    /// Whether the layer adds a bias.
    public var hasBias: Bool
    /// Given weights, units × inputs (out by in), instead of initialised ones.
    public var weights: [[Double]]?
    /// Given biases, one per unit, instead of zeros.
    public var bias: [Double]?

    /// A dense layer of `units` outputs.
    public init(
        name: String, units: Int, activation: Activation = .identity, reluAtZero: ReluAtZero = .zero,
        hasBias: Bool = true, weights: [[Double]]? = nil, bias: [Double]? = nil
    ) {
        self.name = name
        self.units = units
        self.activation = activation
        self.reluAtZero = reluAtZero
        self.hasBias = hasBias
        self.weights = weights
        self.bias = bias
    }
}

/// How weights get their first values. Biases start at 0.
public struct Initialization: Sendable, Equatable, Codable {
    /// The rule.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        /// variance 2 / inputs (He et al. 2015, arXiv:1502.01852)
        case he
        /// variance 2 / (inputs + outputs) (Glorot and Bengio 2010)
        case xavier
        /// every weight equal to `value`
        case constant
    }
    /// The distribution of `he` and `xavier`.
    public enum Distribution: String, Sendable, CaseIterable, Codable {
        /// uniform between ±√(3 · variance)
        case uniform
        /// normal with mean 0
        case normal
    }
    /// The rule.
    public var kind: Kind
    /// The distribution of `he` and `xavier`.
    public var distribution: Distribution
    /// The value of `constant`.
    public var value: Double
    /// The seed: it alone decides the weights.
    public var seed: UInt64

    /// An initialisation rule.
    public init(
        kind: Kind = .he, distribution: Distribution = .normal, value: Double = 0, seed: UInt64 = 1
    ) {
        self.kind = kind
        self.distribution = distribution
        self.value = value
        self.seed = seed
    }
}

/// A dense feed-forward network: the chain of its layers and the map of its output.
public struct NetworkDescription: Sendable, Equatable, Codable {
    /// The number of input features.
    public var inputs: Int
    /// The layers in the order of evaluation; at least one.
    public var layers: [LayerDescription]
    /// The map from the last layer's pre-activations to the prediction.
    public var output: OutputMap
    /// How weights that are not given get their first values.
    public var initialization: Initialization

    /// A chain of `layers` on `inputs` features.
    public init(
        inputs: Int, layers: [LayerDescription], output: OutputMap, initialization: Initialization = .init()
    ) {
        self.inputs = inputs
        self.layers = layers
        self.output = output
        self.initialization = initialization
    }
}
