import CKernels

/// A matrix product C = beta · C + alpha · op(A) · op(B), with op(A) rows × inner and op(B) inner × columns: all that a backend
/// needs to plan it. Rows of C start on 64-byte boundaries.
public struct GemmShape: Hashable, Sendable, Codable {
    /// What a product of training is for.
    public enum Role: String, Sendable, CaseIterable, Codable {
        /// z = x · Wᵀ
        case forward
        /// ∂L/∂x = δ · W
        case backward
        /// ∂L/∂W = δᵀ · x, or its transpose xᵀ · δ
        case gradient
    }

    /// A factor as it lies in memory.
    public struct Operand: Hashable, Sendable, Codable {
        /// Elements from row to row.
        public var stride: Int
        /// Whether its transpose is the factor.
        public var isTransposed: Bool
        /// Whether the first row starts on a 64-byte boundary. The stride tells it of the others.
        public var isAligned: Bool

        /// A factor as it lies in memory; true also of the same rows of other samples.
        @inlinable
        public init<Scalar: LoomScalar>(_ operand: GemmOperand<Scalar>) {
            let matrix = operand.matrix
            // Where not all rows start on a boundary, nobody has to know whether the first one does.
            let isAligned =
                UInt(bitPattern: matrix.pointer) % 64 == 0 && matrix.stride * MemoryLayout<Scalar>.stride % 64 == 0
            self.init(stride: matrix.stride, isTransposed: operand.transposed, isAligned: isAligned)
        }

        /// A factor with rows `stride` elements apart.
        @inlinable
        public init(stride: Int, isTransposed: Bool = false, isAligned: Bool = true) {
            self.stride = stride
            self.isTransposed = isTransposed
            self.isAligned = isAligned
        }
    }

    /// What the product is for.
    public var role: Role
    /// Rows of the result.
    public var rows: Int
    /// Columns of the result.
    public var columns: Int
    /// The dimension that is summed over.
    public var inner: Int
    /// A.
    public var left: Operand
    /// B. Where it is transposed, its rows start on 64-byte boundaries.
    public var right: Operand
    /// Elements from row to row of the result.
    public var resultStride: Int
    /// Whether the result is added to what is there as a rule (beta ≠ 0). It decides what is prefetched, nothing else.
    public var accumulates: Bool
    /// The format of A and B.
    public var operands: OperandFormat
    /// The precision of the sums and of the result.
    public var precision: Precision

    /// A product of `precision`; its factors have the same format unless `operands` names another one.
    @inlinable
    public init(
        _ role: Role, rows: Int, columns: Int, inner: Int, left: Operand, right: Operand, resultStride: Int,
        accumulates: Bool = false, precision: Precision, operands: OperandFormat? = nil
    ) {
        self.role = role
        self.rows = rows
        self.columns = columns
        self.inner = inner
        self.left = left
        self.right = right
        self.resultStride = resultStride
        self.accumulates = accumulates
        self.precision = precision
        self.operands = operands ?? OperandFormat(precision)
    }

    /// The product of `a` and `b` as they lie in memory, written or added to `c`.
    @inlinable
    public init<Scalar: LoomScalar>(
        _ role: Role, _ a: GemmOperand<Scalar>, _ b: GemmOperand<Scalar>, into c: MatrixView<Scalar>,
        accumulates: Bool = false
    ) {
        precondition(a.rows == c.rows && a.columns == b.rows && b.columns == c.columns, "shapes must fit")
        self.init(
            role, rows: c.rows, columns: c.columns, inner: a.columns, left: Operand(a), right: Operand(b),
            resultStride: c.stride, accumulates: accumulates, precision: Scalar.precision)
    }

    /// The floating-point operations of one run: 2 · rows · columns · inner.
    public var operations: Double { 2 * Double(rows) * Double(columns) * Double(inner) }

    /// As C has it. All sizes must be below 2³².
    func cShape(_ epilogue: GemmEpilogue) -> loom_gemm_shape {
        func size(_ value: Int) -> UInt32 {
            precondition(value >= 0 && value <= UInt32.max, "sizes and strides of a product are below 2³²")
            return UInt32(value)
        }
        return loom_gemm_shape(
            rows: size(rows), columns: size(columns), inner: size(inner), a_stride: size(left.stride),
            b_stride: size(right.stride), c_stride: size(resultStride), weights_stride: size(epilogue.weightsStride),
            a_transposed: left.isTransposed, b_transposed: right.isTransposed, a_aligned: left.isAligned,
            b_aligned: right.isAligned, accumulates: accumulates, updates_weights: epilogue.updatesWeights)
    }
}

/// What follows a product while its result is in the cache.
public enum GemmEpilogue: Hashable, Sendable, Codable {
    /// Nothing.
    case none
    /// The result is the velocity of momentum: weights −= learning rate · result. The weights have its shape, and rows this
    /// many elements apart.
    case fusedWeightUpdate(weightsStride: Int)

    var updatesWeights: Bool { self != .none }
    var weightsStride: Int {
        switch self {
        case .none: 0
        case .fusedWeightUpdate(let stride): stride
        }
    }
}
