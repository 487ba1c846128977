import CKernels

/// The three matrix products of training by one backend, each planned when it is called. What is called often is planned
/// once, as a `PreparedGemm`.
///
/// Row-major throughout: x is samples × inputs, W is units × inputs (out by in) or lies transposed, δ is samples × units.
/// Rows start on 64-byte boundaries; a product may overwrite the padding of its result.
public struct Gemm<Scalar: LoomScalar>: BitwiseCopyable, @unchecked Sendable {
    // Sendable: `scratch` belongs to one worker (`GemmMemory`).

    /// Who multiplies.
    public let backend: GemmBackend
    /// Memory that runs of prepared products may use, enough for every product; nil where the backend needs none.
    public let scratch: UnsafeMutableRawPointer?

    init(_ backend: GemmBackend, scratch: UnsafeMutableRawPointer?) {
        self.backend = backend
        self.scratch = scratch
    }

    /// Products by OpenBLAS, which has its own scratch memory.
    public static var openBLAS: Gemm { Gemm(.openBLAS, scratch: nil) }

    /// z = x · Wᵀ, or z += x · Wᵀ when `accumulate`: samples × units.
    public func forward(
        _ x: MatrixView<Scalar>, weights: GemmOperand<Scalar>, into z: MatrixView<Scalar>, accumulate: Bool = false
    ) {
        multiply(.forward, GemmOperand(x), weights.transpose, beta: accumulate ? 1 : 0, into: z)
    }

    /// ∂L/∂x = δ · W, added to what is there when `accumulate`: samples × inputs.
    public func backward(
        _ deltas: MatrixView<Scalar>, weights: GemmOperand<Scalar>, into dInputs: MatrixView<Scalar>,
        accumulate: Bool = false
    ) {
        multiply(.backward, GemmOperand(deltas), weights, beta: accumulate ? 1 : 0, into: dInputs)
    }

    /// result = alpha · Σᵢ δᵢ xᵢᵀ + beta · result, the sum over all samples: units × inputs. With x and δ in each other's
    /// place it is the gradient of transposed weights.
    ///
    /// With an `update`, result is the velocity of momentum, and the weights follow it while it is in the cache; only for a
    /// backend that fuses it.
    public func gradient(
        _ deltas: MatrixView<Scalar>, _ x: MatrixView<Scalar>, alpha: Scalar = 1, beta: Scalar = 0,
        into result: MatrixView<Scalar>, update: FusedWeightUpdate<Scalar>? = nil
    ) {
        multiply(
            .gradient, GemmOperand(deltas, transposed: true), GemmOperand(x), alpha: alpha, beta: beta, into: result,
            update: update)
    }

    /// result = alpha · a · b + beta · result.
    func multiply(
        _ role: GemmShape.Role, _ a: GemmOperand<Scalar>, _ b: GemmOperand<Scalar>, alpha: Scalar = 1, beta: Scalar,
        into result: MatrixView<Scalar>, update: FusedWeightUpdate<Scalar>? = nil
    ) {
        let shape = GemmShape(role, a, b, into: result, accumulates: beta != 0)
        let epilogue = update.map { GemmEpilogue.fusedWeightUpdate(weightsStride: $0.weights.stride) } ?? .none
        let prepared = backend.prepare(shape, epilogue: epilogue, of: Scalar.self)
        prepared.run(a.matrix, b.matrix, into: result, alpha: alpha, beta: beta, update: update, scratch: scratch)
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
    private let scratch: AlignedBuffer<UInt8>
    private let workers: AlignedBuffer<Gemm<Scalar>>

    /// Products by `backend` for `count` workers.
    public init(backend: GemmBackend = .preferred, workers count: Int) {
        let bytes = Self.bytes(backend: backend, workers: 1)
        let scratch = AlignedBuffer<UInt8>(uninitializedCount: count * bytes)
        workers = AlignedBuffer(
            (0..<count).map { worker in
                Gemm(backend, scratch: bytes == 0 ? nil : UnsafeMutableRawPointer(scratch.pointer + worker * bytes))
            })
        self.scratch = scratch
    }

    /// One `Gemm` for each worker, valid while this object lives.
    public var gemms: UnsafePointer<Gemm<Scalar>> { UnsafePointer(workers.pointer) }

    /// Bytes reserved.
    public var bytes: Int { scratch.count }

    /// Bytes that are reserved for `count` workers: enough for every product.
    public static func bytes(backend: GemmBackend, workers count: Int) -> Int {
        switch backend {
        case .builtin: count * loom_gemm_scratch_bytes(MemoryLayout<Scalar>.stride)
        case .openBLAS: 0
        }
    }
}
