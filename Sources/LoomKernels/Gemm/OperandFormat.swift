/// The number format of a product's factors as they lie in memory. It is apart from the precision of sums, results and
/// parameters, which is that of the scalar type.
public enum OperandFormat: String, Sendable, CaseIterable, Codable {
    /// 32 bits
    case float32
    /// 64 bits
    case float64
    /// 16 bits with the exponent of float32: a second form of a matrix, packed for products
    case bfloat16

    /// The format of a matrix in this precision.
    @inlinable
    public init(_ precision: Precision) {
        switch precision {
        case .float32: self = .float32
        case .float64: self = .float64
        }
    }

    /// Bytes of one element.
    public var bytes: Int {
        switch self {
        case .float32: 4
        case .float64: 8
        case .bfloat16: 2
        }
    }
}
