/// The numbers of one update; the gradient that enters the rule is gradientScale · gradient + twiceL2 · weight.
public struct UpdateSettings: Sendable, BitwiseCopyable {
    /// η of this step.
    public var learningRate = 0.0
    /// 1, or the factor of clipping by global norm.
    public var gradientScale = 1.0
    /// 2λ for weights, 0 for biases.
    public var twiceL2 = 0.0
    /// μ of `momentum` and `nesterov`.
    public var momentum = 0.0
    /// β₁ of `adam`.
    public var beta1 = 0.0
    /// β₂ of `adam`.
    public var beta2 = 0.0
    /// ε of `adam`.
    public var epsilon = 0.0
    /// 1 / (1 − β₁ᵗ)
    public var biasCorrection1 = 1.0
    /// 1 / (1 − β₂ᵗ)
    public var biasCorrection2 = 1.0
    /// The decoupled decay of `adamw` for weights, 0 otherwise.
    public var weightDecay = 0.0
    /// No update: every number at its neutral value.
    public init() {}
}
