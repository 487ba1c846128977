/// What training minimises: a loss per sample, summed or averaged over the whole batch, plus an L2 penalty.
public struct LossDescription: Sendable, Equatable, Codable {
    /// The loss of one sample, computed from the logits z and the target y.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        /// −Σ yₖ log softmax(z)ₖ with a softmax output, Σ log(1 + exp z) − y z with a sigmoid output
        case crossEntropy = "cross_entropy"
        /// ‖ŷ − y‖², without a ½
        case squaredSum = "squared_sum"
        /// ½ ‖ŷ − y‖²
        case halfSquared = "half_squared"
    }
    /// How the losses of a batch become one number.
    public enum Reduction: String, BitwiseCopyable, Sendable, CaseIterable, Codable {
        /// The sum over the batch divided once by its size.
        case mean
        /// The sum over the batch.
        case sum
    }
    /// The loss of one sample.
    public var kind: Kind
    /// How the losses of a batch become one number.
    public var reduction: Reduction
    /// λ of the penalty λ Σ‖W‖² over all weights, biases excepted; its gradient is 2λW (no ½, not divided by the batch).
    public var l2: Double

    /// A loss.
    public init(kind: Kind, reduction: Reduction = .mean, l2: Double = 0) {
        self.kind = kind
        self.reduction = reduction
        self.l2 = l2
    }
}
