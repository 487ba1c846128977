/// The number formats of a training.
public enum TrainingPrecision: String, Sendable, CaseIterable, Codable {
    /// 32 bits
    case float32
    /// 64 bits
    case float64
    /// factors of matrix products in 16 bits (bfloat16), everything else in 32 bits
    case mixedBFloat16 = "mixed_bfloat16"

    /// That of parameters, losses, updates and of the sums of products.
    public var scalar: Precision { self == .float64 ? .float64 : .float32 }

    /// That of the factors of products.
    public var operands: OperandFormat { self == .mixedBFloat16 ? .bfloat16 : OperandFormat(scalar) }
}
