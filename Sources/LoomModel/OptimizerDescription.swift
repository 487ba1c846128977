/// The rule by which gradients change the parameters.
public struct OptimizerDescription: Sendable, Equatable, Codable {
    /// The rule's name.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        /// w ← w − ηg
        case sgd
        /// v ← μv + g, w ← w − ηv
        case momentum
        /// v ← μv + g, w ← w − η(g + μv)
        case nesterov
        /// Kingma and Ba 2014, arXiv:1412.6980
        case adam
        /// Adam with decoupled weight decay: Loshchilov and Hutter 2017, arXiv:1711.05101
        case adamw
    }
    /// What stands before a parameter's name where a checkpoint has the optimizer's first and second buffer for it.
    package static let statePrefixes = ["optimizer.first.", "optimizer.second."]

    /// The rule's name.
    public var kind: Kind
    /// η before the schedule.
    public var learningRate: Double
    /// μ of `momentum` and `nesterov`.
    public var momentum: Double
    /// β₁ of `adam` and `adamw`.
    public var beta1: Double
    /// β₂ of `adam` and `adamw`.
    public var beta2: Double
    /// ε of `adam` and `adamw`.
    public var epsilon: Double
    /// The decoupled weight decay of `adamw`, applied to weights, not to biases.
    public var weightDecay: Double
    /// The largest global norm of the gradient (all parameters together, penalty included); nil: no clipping.
    public var clipNorm: Double?
    /// How the learning rate changes with the steps.
    public var schedule: LearningRateSchedule

    /// An optimizer.
    public init(
        kind: Kind = .sgd, learningRate: Double = 0.01, momentum: Double = 0.9, beta1: Double = 0.9,
        beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01, clipNorm: Double? = nil,
        schedule: LearningRateSchedule = .init()
    ) {
        self.kind = kind
        self.learningRate = learningRate
        self.momentum = momentum
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.clipNorm = clipNorm
        self.schedule = schedule
    }
}
