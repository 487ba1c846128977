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
    /// softmax(a)·a over the n components a of a unit: their mean, weighted by their softmax. The only one of several
    /// pre-activations; with one component it is the identity.
    case softmaxWeighted = "softmax_weighted"
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
    /// softmax(a)·a per unit, over its n components a: regression
    case softmaxWeighted = "softmax_weighted"
}

/// One dense layer: u = activation(Σ Wₚ·oₚ + b), the sum over its inputs p.
public struct LayerDescription: Sendable, Equatable, Codable {
    /// The layer's name, unique in its network.
    public var name: String
    /// The number of its outputs.
    public var units: Int
    /// The function applied to the pre-activations. The last layer's is `identity`; its output map follows.
    public var activation: Activation
    /// The pre-activations of one unit of a softmax-weighted layer, or of the last layer before a softmax-weighted
    /// output; nil for all others, which have one.
    public var components: Int?
    /// What the layer reads, each once: names of other layers, of parts of the data, or `input` for all of the data.
    /// Nil: the layer before it in the list, or the data for the first.
    public var inputs: [String]?
    /// The derivative of relu at 0.
    public var reluAtZero: ReluAtZero
    /// Whether the layer adds a bias.
    public var hasBias: Bool
    /// Given weights of every connection, in the order of `inputs`, instead of initialised ones: pre-activations × width
    /// of the input (out by in). A unit's components follow each other.
    public var connectionWeights: [[[Double]]]?
    /// Given biases, one per pre-activation, instead of zeros.
    public var bias: [Double]?

    /// A dense layer of `units` outputs with one input, that before it.
    public init(
        name: String, units: Int, activation: Activation = .identity, components: Int? = nil,
        reluAtZero: ReluAtZero = .zero, hasBias: Bool = true, weights: [[Double]]? = nil, bias: [Double]? = nil
    ) {
        self.init(
            name: name, units: units, activation: activation, components: components, inputs: nil,
            reluAtZero: reluAtZero, hasBias: hasBias, connectionWeights: weights.map { [$0] }, bias: bias)
    }

    /// A dense layer of `units` outputs that reads `inputs`.
    public init(
        name: String, units: Int, activation: Activation = .identity, components: Int? = nil,
        inputs: [String]?, reluAtZero: ReluAtZero = .zero, hasBias: Bool = true,
        connectionWeights: [[[Double]]]? = nil, bias: [Double]? = nil
    ) {
        self.name = name
        self.units = units
        self.activation = activation
        self.components = components
        self.inputs = inputs
        self.reluAtZero = reluAtZero
        self.hasBias = hasBias
        self.connectionWeights = connectionWeights
        self.bias = bias
    }

    /// The given weights of the only, or the first, connection: pre-activations × inputs.
    public var weights: [[Double]]? {
        get { connectionWeights?.first }
        set { connectionWeights = newValue.map { [$0] } }
    }

    /// The number of pre-activations: the components of all units; the largest number there is where they are more.
    public var preActivations: Int {
        let (product, isTooLarge) = units.multipliedReportingOverflow(by: components ?? 1)
        return isTooLarge ? .max : product
    }
}

/// A name for neighbouring features, so that a layer can read a part of the data.
public struct DataPart: Sendable, Equatable, Codable {
    /// The name, among those of the layers.
    public var name: String
    /// The features, counted from 0.
    public var columns: Range<Int>

    /// The features `columns` under a name.
    public init(name: String, columns: Range<Int>) {
        self.name = name
        self.columns = columns
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

/// A dense feed-forward network: its layers, which form a directed acyclic graph, and the map of its output.
public struct NetworkDescription: Sendable, Equatable, Codable {
    /// The name by which layers read all of the data.
    public static let dataName = "input"

    /// The number of input features.
    public var inputs: Int
    /// Names for parts of the data, which then cover all features in their order; empty where every layer that reads the
    /// data reads all of them.
    public var dataParts: [DataPart]
    /// The layers, at least one, in any order; `NetworkGraph` finds that of evaluation.
    public var layers: [LayerDescription]
    /// The map from the last layer's pre-activations to the prediction.
    public var output: OutputMap
    /// How weights that are not given get their first values.
    public var initialization: Initialization

    /// A network of `layers` on `inputs` features.
    public init(
        inputs: Int, dataParts: [DataPart] = [], layers: [LayerDescription], output: OutputMap,
        initialization: Initialization = .init()
    ) {
        self.inputs = inputs
        self.dataParts = dataParts
        self.layers = layers
        self.output = output
        self.initialization = initialization
    }
}
