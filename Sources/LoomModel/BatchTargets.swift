import LoomKernels

/// What a loss compares the logits of a batch with.
public struct BatchTargets<Scalar: LoomScalar>: BitwiseCopyable, @unchecked Sendable {
    // Sendable: workers read and write the rows of their own shards only.

    /// Class indices, one per batch row; nil when the targets are values.
    public let labels: UnsafeMutablePointer<Int32>?
    /// Values: batch rows × outputs (0/1 decisions, class probabilities or reals); empty when there are labels.
    public let values: MatrixView<Scalar>
    /// How much each batch row counts in the loss; nil: once.
    public let weights: UnsafeMutablePointer<Scalar>?

    /// Targets in memory that the caller keeps alive.
    public init(
        labels: UnsafeMutablePointer<Int32>?, values: MatrixView<Scalar>, weights: UnsafeMutablePointer<Scalar>? = nil
    ) {
        self.labels = labels
        self.values = values
        self.weights = weights
    }
}
