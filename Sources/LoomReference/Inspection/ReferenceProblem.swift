import LoomModel

/// A network, its parameters and samples in float64, as plain lists: what the reference works on.
public struct ReferenceProblem: Sendable {
    /// The network, its layers in topological order.
    public let network: NetworkDescription
    /// The vertices that the network was given by; nil where it was given by layers.
    public let vertices: VertexNetwork?
    /// The network's layers with what each reads.
    public let graph: LayerGraph
    /// The first parameters of every layer.
    public let parameters: [ReferenceLayer]
    /// The loss.
    public let loss: LossDescription
    /// The optimizer.
    public let optimizer: OptimizerDescription
    /// Steps of the whole training, 1 or more.
    public let totalSteps: Int
    /// Steps of an epoch, 1 or more.
    public let stepsPerEpoch: Int
    /// The samples taken, by their rows in the source, counted from 0.
    public let rows: [Int]
    /// The inputs of these samples, as the network reads them: samples × features.
    public let inputs: [[Double]]
    /// Their targets; nil where they were not asked for.
    public let targets: ReferenceTargets?
    /// How much each of them counts in the loss; nil: once.
    public let weights: [Double]?
    /// The number of samples of the source.
    public let sampleCount: Int
    /// What was detected or decided, for the user.
    public let notes: [String]

    /// A problem made of its parts. `rows`, `inputs` and `targets` have one element for each sample.
    /// - Throws: `ModelError` when the network's layers do not go together.
    public init(
        network: NetworkDescription, vertices: VertexNetwork? = nil, parameters: [ReferenceLayer],
        loss: LossDescription, optimizer: OptimizerDescription, totalSteps: Int, stepsPerEpoch: Int, rows: [Int],
        inputs: [[Double]], targets: ReferenceTargets?, weights: [Double]? = nil, sampleCount: Int,
        notes: [String] = []
    ) throws {
        self.network = network
        self.vertices = vertices
        graph = try LayerGraph(network)
        self.parameters = parameters
        self.loss = loss
        self.optimizer = optimizer
        self.totalSteps = totalSteps
        self.stepsPerEpoch = stepsPerEpoch
        self.rows = rows
        self.inputs = inputs
        self.targets = targets
        self.weights = weights
        self.sampleCount = sampleCount
        self.notes = notes
    }

    /// The reference trainer at the first parameters.
    /// - Throws: `ModelError` when loss and output do not go together.
    public func trainer() throws -> ReferenceTrainer {
        try ReferenceTrainer(
            network: network, loss: loss, optimizer: optimizer, parameters: parameters, totalSteps: totalSteps,
            stepsPerEpoch: stepsPerEpoch)
    }
}
