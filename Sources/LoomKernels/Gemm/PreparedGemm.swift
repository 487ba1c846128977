import CKernels

/// A planned product: a C function and a plain plan of about a hundred bytes, made once by `GemmBackend.prepare` and run in an
/// inner loop. It holds no memory, and a run allocates none.
public struct PreparedGemm<Scalar: LoomScalar>: BitwiseCopyable, @unchecked Sendable {
    // Sendable: nothing changes a plan, and its only pointer is a function.

    // First, so that the address of a prepared product is that of its plan.
    @usableFromInline let plan: loom_gemm_plan
    /// Who multiplies.
    public let backend: GemmBackend

    @inlinable
    init(_ backend: GemmBackend, _ shape: loom_gemm_shape) {
        self.backend = backend
        var plan = loom_gemm_plan()
        switch backend {
        case .builtin:
            withUnsafePointer(to: shape) { Scalar.planGemm($0, &plan) }
        case .openBLAS:
            plan.run = Scalar.openBLASGemm
            plan.shape = shape
            plan.kernel = LOOM_GEMM_LIBRARY
        }
        self.plan = plan
    }

    /// The bytes of scratch memory that a run needs, aligned to 64.
    public var scratchBytes: Int { Int(plan.scratch_bytes) }

    @usableFromInline
    func fits(
        _ a: MatrixView<Scalar>, _ b: MatrixView<Scalar>, _ c: MatrixView<Scalar>, _ update: FusedWeightUpdate<Scalar>?
    ) -> Bool {
        func isAligned(_ matrix: MatrixView<Scalar>) -> Bool { UInt(bitPattern: matrix.pointer) % 64 == 0 }
        let isTransposed = plan.kernel == LOOM_GEMM_TILES_TRANSPOSED
        let shape = isTransposed ? plan.shape.transposed : plan.shape
        let (aSize, bSize) = (
            shape.a_transposed ? (a.columns, a.rows) : (a.rows, a.columns),
            shape.b_transposed ? (b.columns, b.rows) : (b.rows, b.columns)
        )
        return aSize == (Int(shape.rows), Int(shape.inner)) && bSize == (Int(shape.inner), Int(shape.columns))
            && c.rows == shape.rows && c.columns == shape.columns && c.stride == shape.c_stride
            && (a.stride == shape.a_stride || a.rows == 1) && (b.stride == shape.b_stride || b.rows == 1)
            && (isAligned(a) || !shape.a_aligned) && (isAligned(b) || !shape.b_aligned)
            && (isAligned(c) || backend == .openBLAS)
            && (update.map { $0.weights.stride == shape.weights_stride } ?? true)
    }
}

extension UnsafePointer {
    /// c = beta · c + alpha · op(a) · op(b) for matrices as they lie in memory, whose shapes, strides and alignment are those
    /// that were prepared.
    ///
    /// With an `update`, which the product was prepared for, c is a velocity that the weights follow. `scratch` has
    /// `scratchBytes`, and nobody else uses it meanwhile; nil where it has none. A method of the pointer, because a plan of a
    /// hundred bytes that is passed by value is copied first.
    @inlinable
    public func run<Scalar: LoomScalar>(
        _ a: MatrixView<Scalar>, _ b: MatrixView<Scalar>, into c: MatrixView<Scalar>, alpha: Scalar = 1,
        beta: Scalar = 0, update: FusedWeightUpdate<Scalar>? = nil, scratch: UnsafeMutableRawPointer?
    ) where Pointee == PreparedGemm<Scalar> {
        assert(pointee.fits(a, b, c, update), "shapes and strides must be those that were prepared")
        assert((update != nil) == pointee.plan.shape.updates_weights, "an update of weights is part of the plan")
        assert(scratch != nil || pointee.plan.scratch_bytes == 0, "the plan needs scratch memory")
        let operands = loom_gemm_operands(
            a: a.pointer, b: b.pointer, c: c.pointer, weights: update?.weights.pointer, alpha: Double(alpha),
            beta: Double(beta), learning_rate: Double(update?.learningRate ?? 0))
        let plan = UnsafeRawPointer(self).assumingMemoryBound(to: loom_gemm_plan.self)
        withUnsafePointer(to: operands) { plan.pointee.run.unsafelyUnwrapped(plan, $0, scratch) }
    }
}

extension PreparedGemm {
    /// As the pointer's method.
    @inlinable
    public func run(
        _ a: MatrixView<Scalar>, _ b: MatrixView<Scalar>, into c: MatrixView<Scalar>, alpha: Scalar = 1,
        beta: Scalar = 0, update: FusedWeightUpdate<Scalar>? = nil, scratch: UnsafeMutableRawPointer?
    ) {
        withUnsafePointer(to: self) {
            $0.run(a, b, into: c, alpha: alpha, beta: beta, update: update, scratch: scratch)
        }
    }
}

extension loom_gemm_shape {
    /// Of Cᵀ = Bᵀ · Aᵀ. Where C lies and how stays as it is.
    var transposed: loom_gemm_shape {
        loom_gemm_shape(
            rows: columns, columns: rows, inner: inner, a_stride: b_stride, b_stride: a_stride, c_stride: c_stride,
            weights_stride: weights_stride, a_transposed: !b_transposed, b_transposed: !a_transposed,
            a_aligned: b_aligned, b_aligned: a_aligned, accumulates: accumulates, updates_weights: updates_weights)
    }
}

/// The weights that follow the result of a gradient as their velocity: weights −= learning rate · velocity.
public struct FusedWeightUpdate<Scalar: LoomScalar>: BitwiseCopyable {
    /// The weights, rows × columns of the velocity.
    public let weights: MatrixView<Scalar>
    /// The factor of the velocity.
    public let learningRate: Scalar

    /// An update of `weights` by `learningRate` times their velocity.
    @inlinable
    public init(weights: MatrixView<Scalar>, learningRate: Scalar) {
        self.weights = weights
        self.learningRate = learningRate
    }
}
