import CKernels

/// Who multiplies matrices.
public enum GemmBackend: String, BitwiseCopyable, Sendable, CaseIterable, Codable {
    /// The kernels of this package (`CKernels`): fast from a few rows on, and with the same bits however rows are cut.
    /// Vectorised for AVX-512, AVX2 and the baseline.
    case builtin
    /// OpenBLAS: whether a cut changes bits depends on its kernels and on the shape.
    case openBLAS = "openblas"

    /// The faster one here. Measured over the products of seven networks, the built-in kernels have 0.95 to 3.5 times the
    /// speed of OpenBLAS 0.3.21 with AVX-512 on Zen 5, 0.75 to 3 times on Cascade Lake, and 1.0 to 3 times with AVX2.
    /// OpenBLAS has assembly for processors where these kernels have the compiler's baseline only.
    public static var preferred: GemmBackend {
        InstructionSet.avx2.isSupported ? .builtin : .openBLAS
    }

    /// Whether every product of training has the same bits however it is cut: forward and backward products by rows,
    /// gradients by rows and columns.
    public var isPartitionInvariant: Bool { self == .builtin }

    /// Whether a gradient's run may end with a fused update of the weights.
    public var fusesWeightUpdate: Bool { self == .builtin }

    /// What this backend can do with a product; nil where it does not know the format of the factors.
    public func capabilities(for shape: GemmShape) -> GemmCapabilities? {
        guard shape.operands == OperandFormat(shape.precision) else { return nil }
        switch self {
        case .builtin:
            let plan = builtinPlan(shape)
            return GemmCapabilities(
                isPartitionInvariant: true, accumulatesInPlace: true,
                fusesWeightUpdate: shape.left.isTransposed && !shape.right.isTransposed,
                scratchBytes: Int(plan.scratch_bytes), packsWeights: shape.role != .gradient && plan.packsWeights)
        case .openBLAS:
            return GemmCapabilities(
                isPartitionInvariant: false, accumulatesInPlace: true, fusesWeightUpdate: false, scratchBytes: 0,
                packsWeights: true)
        }
    }

    /// Plans a product once, to be run often.
    ///
    /// `Scalar` has the precision of `shape`, and `capabilities(for:)` allows the factors' format and the epilogue.
    public func prepare<Scalar: LoomScalar>(
        _ shape: GemmShape, epilogue: GemmEpilogue = .none, of _: Scalar.Type = Scalar.self
    ) -> PreparedGemm<Scalar> {
        precondition(Scalar.precision == shape.precision, "a product is prepared for its own precision")
        precondition(
            shape.operands == OperandFormat(shape.precision), "\(rawValue) has no factors in \(shape.operands)")
        precondition(
            !epilogue.updatesWeights
                || fusesWeightUpdate && shape.left.isTransposed && !shape.right.isTransposed,
            "only a gradient by the built-in kernels updates weights")
        return PreparedGemm(self, shape.cShape(epilogue))
    }

    private func builtinPlan(_ shape: GemmShape) -> loom_gemm_plan {
        switch shape.precision {
        case .float32: PreparedGemm<Float>(.builtin, shape.cShape(.none)).plan
        case .float64: PreparedGemm<Double>(.builtin, shape.cShape(.none)).plan
        }
    }
}

/// What a backend can do with one product.
public struct GemmCapabilities: Sendable, Equatable {
    /// Whether its bits stay the same when it is cut into several: a forward or backward product by rows, a gradient by rows
    /// and columns.
    public let isPartitionInvariant: Bool
    /// Whether it adds to the result without memory of its own.
    public let accumulatesInPlace: Bool
    /// Whether weights can follow the result as their velocity (`GemmEpilogue.fusedWeightUpdate`).
    public let fusesWeightUpdate: Bool
    /// Bytes of scratch memory that a run needs, aligned to 64. A library's own memory does not count.
    public let scratchBytes: Int
    /// Whether every run rearranges the weights.
    public let packsWeights: Bool
}

extension loom_gemm_plan {
    /// Whether a run copies op(B), or, for the transposes, what lies in its place.
    var packsWeights: Bool {
        switch kernel {
        case LOOM_GEMM_TILES: packs_b || packs_b_with_first_tile
        case LOOM_GEMM_TILES_TRANSPOSED: copies_a
        default: false
        }
    }
}
