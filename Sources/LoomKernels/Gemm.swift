import CKernels

/// Who multiplies matrices.
public enum GemmProvider: String, BitwiseCopyable, Sendable, CaseIterable, Codable {
    /// The kernels of this package (`CKernels`): fast from a few rows on, and every product may be cut by rows or columns
    /// without a change of bits. Vectorised for AVX-512, AVX2 and the baseline.
    case builtin
    /// OpenBLAS: whether a cut changes bits depends on its kernels and on the shape.
    case openBLAS = "openblas"

    /// The faster one here. Measured over the products of seven networks, the built-in kernels have 0.95 to 3.5 times the
    /// speed of OpenBLAS 0.3.21 with AVX-512 on Zen 5, 0.75 to 3 times on Cascade Lake, and 1.0 to 3 times with AVX2.
    /// OpenBLAS has assembly for processors where these kernels have the compiler's baseline only.
    public static var preferred: GemmProvider {
        InstructionSet.avx2.isSupported ? .builtin : .openBLAS
    }

    /// Whether a product has the same bits however it is cut by rows and columns.
    public var keepsBitsWhenCut: Bool { self == .builtin }
}

/// The three matrix products of training: the only way in which a step reaches a provider of matrix products.
///
/// Row-major throughout: x is samples × inputs, W is units × inputs (out by in) or lies transposed, δ is samples × units.
/// Rows start on 64-byte boundaries; a product may overwrite the padding of its result.
public struct Gemm<Scalar: LoomScalar>: BitwiseCopyable, @unchecked Sendable {
    // Sendable: `scratch` belongs to one worker (`GemmMemory`).

    /// Who multiplies.
    public let provider: GemmProvider
    @usableFromInline let scratch: UnsafeMutablePointer<Scalar>?

    init(provider: GemmProvider, scratch: UnsafeMutablePointer<Scalar>?) {
        self.provider = provider
        self.scratch = scratch
    }

    /// Products by OpenBLAS, which has its own scratch memory.
    public static var openBLAS: Gemm { Gemm(provider: .openBLAS, scratch: nil) }

    /// z = x · Wᵀ, or z += x · Wᵀ when `accumulate`: samples × units.
    @inlinable
    public func forward(
        _ x: MatrixView<Scalar>, weights: GemmOperand<Scalar>, into z: MatrixView<Scalar>, accumulate: Bool = false
    ) {
        assert(x.rows == z.rows && x.columns == weights.columns && z.columns == weights.rows, "shapes must fit")
        multiply(GemmOperand(x), weights.transpose, inner: x.columns, beta: accumulate ? 1 : 0, into: z)
    }

    /// ∂L/∂x = δ · W, added to what is there when `accumulate`: samples × inputs.
    @inlinable
    public func backward(
        _ deltas: MatrixView<Scalar>, weights: GemmOperand<Scalar>, into dInputs: MatrixView<Scalar>,
        accumulate: Bool = false
    ) {
        assert(
            deltas.rows == dInputs.rows && deltas.columns == weights.rows && dInputs.columns == weights.columns,
            "shapes must fit")
        multiply(GemmOperand(deltas), weights, inner: deltas.columns, beta: accumulate ? 1 : 0, into: dInputs)
    }

    /// result = alpha · Σᵢ δᵢ xᵢᵀ + beta · result, the sum over all samples: units × inputs. With x and δ in each other's
    /// place it is the gradient of transposed weights.
    ///
    /// With a `step`, result is the velocity of momentum, and the weights follow it while it is in the cache; only for a
    /// provider that keeps bits when cut.
    @inlinable
    public func gradient(
        _ deltas: MatrixView<Scalar>, _ x: MatrixView<Scalar>, alpha: Scalar = 1, beta: Scalar = 0,
        into result: MatrixView<Scalar>, step: WeightStep<Scalar>? = nil
    ) {
        assert(
            deltas.rows == x.rows && deltas.columns == result.rows && x.columns == result.columns, "shapes must fit")
        multiply(
            GemmOperand(deltas, transposed: true), GemmOperand(x), inner: x.rows, alpha: alpha, beta: beta,
            into: result, step: step)
    }

    /// result = alpha · a · b + beta · result.
    @inlinable
    func multiply(
        _ a: GemmOperand<Scalar>, _ b: GemmOperand<Scalar>, inner: Int, alpha: Scalar = 1, beta: Scalar,
        into result: MatrixView<Scalar>, step: WeightStep<Scalar>? = nil
    ) {
        if let scratch {
            Scalar.multiply(a, b, inner: inner, alpha: alpha, beta: beta, into: result, step: step, scratch: scratch)
        } else {
            assert(step == nil, "OpenBLAS has no step of weights")
            Scalar.openBLASMultiply(a, b, inner: inner, alpha: alpha, beta: beta, into: result)
        }
    }

    /// The floating-point operations of one product of these sizes: 2 · rows · columns · inner.
    @inlinable
    public static func operations(rows: Int, columns: Int, inner: Int) -> Double {
        2 * Double(rows) * Double(columns) * Double(inner)
    }
}

/// What follows a velocity: weights -= learning rate · velocity.
public struct WeightStep<Scalar: LoomScalar>: BitwiseCopyable {
    /// The weights, rows × columns of the velocity.
    public let weights: MatrixView<Scalar>
    /// The factor of the velocity.
    public let learningRate: Scalar

    /// A step of `weights` by `learningRate` times their velocity.
    @inlinable
    public init(weights: MatrixView<Scalar>, learningRate: Scalar) {
        self.weights = weights
        self.learningRate = learningRate
    }
}

/// A factor of a product: a matrix as it lies in memory, or its transpose.
public struct GemmOperand<Scalar: LoomScalar>: BitwiseCopyable {
    /// The matrix as it lies in memory.
    public let matrix: MatrixView<Scalar>
    /// Whether its transpose is meant.
    public let transposed: Bool

    /// The factor `matrix`, or its transpose.
    @inlinable
    public init(_ matrix: MatrixView<Scalar>, transposed: Bool = false) {
        self.matrix = matrix
        self.transposed = transposed
    }

    /// Rows of the factor.
    @inlinable public var rows: Int { transposed ? matrix.columns : matrix.rows }
    /// Columns of the factor.
    @inlinable public var columns: Int { transposed ? matrix.rows : matrix.columns }
    /// The same numbers, rows and columns exchanged.
    @inlinable public var transpose: GemmOperand { GemmOperand(matrix, transposed: !transposed) }
}

/// What the workers of a team multiply with: for each its own scratch memory, first touched when it is used.
public final class GemmMemory<Scalar: LoomScalar>: Sendable {
    private let scratch: AlignedBuffer<Scalar>
    private let workers: AlignedBuffer<Gemm<Scalar>>

    /// Products by `provider` for `count` workers.
    public init(provider: GemmProvider = .preferred, workers count: Int) {
        let elements = Self.elements(provider)
        let scratch = AlignedBuffer<Scalar>(uninitializedCount: count * elements)
        workers = AlignedBuffer(
            (0..<count).map { worker in
                Gemm(provider: provider, scratch: elements == 0 ? nil : scratch.pointer + worker * elements)
            })
        self.scratch = scratch
    }

    /// One `Gemm` for each worker, valid while this object lives.
    public var gemms: UnsafePointer<Gemm<Scalar>> { UnsafePointer(workers.pointer) }

    /// Bytes reserved.
    public var bytes: Int { scratch.count * MemoryLayout<Scalar>.stride }

    /// Bytes that are reserved for `count` workers.
    public static func bytes(provider: GemmProvider, workers count: Int) -> Int {
        count * elements(provider) * MemoryLayout<Scalar>.stride
    }

    private static func elements(_ provider: GemmProvider) -> Int {
        provider == .builtin ? Int(LOOM_PRODUCT_SCRATCH) : 0
    }
}
