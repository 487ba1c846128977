import LoomKernels
import LoomModel

/// An optimizer's state: up to two buffers in the layout of the parameters.
public final class OptimizerState<Scalar: LoomScalar>: Sendable {
    /// Velocity or first moment; nil for plain SGD.
    public let first: ParameterBuffer<Scalar>?
    /// Second moment of Adam; otherwise nil.
    public let second: ParameterBuffer<Scalar>?

    /// Zeros, as many as `kind` needs, for parameters in `layout`.
    public init(kind: OptimizerDescription.Kind, layout: ParameterLayout) {
        first = kind == .sgd ? nil : ParameterBuffer(layout: layout)
        second = kind == .adam || kind == .adamw ? ParameterBuffer(layout: layout) : nil
    }

    /// Zeros, as many buffers as `other` has, for parameters in `layout`.
    package init(like other: OptimizerState, layout: ParameterLayout) {
        first = other.first.map { _ in ParameterBuffer(layout: layout) }
        second = other.second.map { _ in ParameterBuffer(layout: layout) }
    }

    /// Copies all of `other`, which is for the same kind of optimizer and the same layout.
    package func copy(from other: OptimizerState) {
        if let original = other.first { first?.copy(from: original) }
        if let original = other.second { second?.copy(from: original) }
    }

    /// Bytes reserved.
    var bytes: Int { (first?.bytes ?? 0) + (second?.bytes ?? 0) }
}

/// The update of every step: the rule, and its numbers at a step.
struct Optimizer: BitwiseCopyable, Sendable {
    let rule: UpdateRule
    private let settings: UpdateSettings
    private let logBeta1, logBeta2: Double
    private let learningRate: Double
    /// How often the learning rate was halved, because training diverged.
    var learningRateHalvings = 0 {
        didSet { learningRateFactor = Double(sign: .plus, exponent: -learningRateHalvings, significand: 1) }
    }
    /// A power of two: multiplied by it, a rate keeps its digits.
    private(set) var learningRateFactor = 1.0
    /// The learning rate of every step, instead of the description's with its schedule; NaN: there is none.
    var fixedLearningRate = Double.nan
    private let schedule: LearningRateSchedule
    private let totalSteps: Int
    private let stepsPerEpoch: Int
    /// The largest norm of the whole gradient, or infinity.
    let clipNorm: Double

    init(_ description: OptimizerDescription, totalSteps: Int, stepsPerEpoch: Int) {
        var settings = UpdateSettings()
        switch description.kind {
        case .sgd: rule = .sgd
        case .momentum: rule = .momentum
        case .nesterov: rule = .nesterov
        case .adam, .adamw: rule = .adam
        }
        settings.momentum = description.momentum
        settings.beta1 = description.beta1
        settings.beta2 = description.beta2
        settings.epsilon = description.epsilon
        settings.weightDecay = description.kind == .adamw ? description.weightDecay : 0
        self.settings = settings
        logBeta1 = ElementaryFunctions.log(settings.beta1)
        logBeta2 = ElementaryFunctions.log(settings.beta2)
        learningRate = description.learningRate
        schedule = description.schedule
        self.totalSteps = totalSteps
        self.stepsPerEpoch = stepsPerEpoch
        clipNorm = description.clipNorm ?? .infinity
    }

    var clips: Bool { clipNorm.isFinite }

    /// The learning rate of `step`, counted from 0.
    func learningRate(step: Int) -> Double {
        guard fixedLearningRate.isNaN else { return fixedLearningRate }
        return learningRate * learningRateFactor
            * schedule.multiplier(step: step, totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch)
    }

    /// The numbers of `step` for a bias: nothing that applies to weights only.
    func settings(step: Int) -> UpdateSettings {
        var settings = settings
        settings.learningRate = learningRate(step: step)
        settings.weightDecay = 0
        if rule == .adam {
            settings.biasCorrection1 = -1 / ElementaryFunctions.expm1(Double(step + 1) * logBeta1)
            settings.biasCorrection2 = -1 / ElementaryFunctions.expm1(Double(step + 1) * logBeta2)
        }
        return settings
    }

    /// The numbers for weights, from those for biases: decoupled decay and the penalty's gradient 2λW.
    func weightSettings(_ biasSettings: UpdateSettings, twiceL2: Double) -> UpdateSettings {
        var settings = biasSettings
        settings.weightDecay = self.settings.weightDecay
        settings.twiceL2 = twiceL2
        return settings
    }
}
