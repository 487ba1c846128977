/// The number format of parameters, activations and gradients.
public enum Precision: String, Sendable, CaseIterable, Codable {
    /// 32 bits
    case float32
    /// 64 bits
    case float64

    /// Bytes of one number.
    public var bytes: Int { self == .float32 ? 4 : 8 }
}
