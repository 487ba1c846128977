import CKernels

/// The maps from logits to predictions that have a kernel. The raw values are those of C.
public enum PredictionKernel: UInt32, BitwiseCopyable, Sendable, CaseIterable {
    /// z
    case identity
    /// 1 / (1 + exp(−z)) of every element
    case sigmoid
    /// exp zₖ / Σ exp zⱼ of every row
    case softmax

    @usableFromInline var cMap: loom_output_map { loom_output_map(rawValue: rawValue) }
}
