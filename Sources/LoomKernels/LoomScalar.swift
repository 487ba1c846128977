import CKernels

/// A number format that networks can be trained in: `Float` or `Double`, each with its vectorised kernels.
///
/// `LoomScalar+Kernels.swift` has the kernels as functions on matrix views.
public protocol LoomScalar: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    /// The format's name.
    static var precision: Precision { get }

    /// The kernels for this format of the instruction set in use.
    static var kernels: UnsafePointer<loom_kernels> { get }

    /// Runs a plan by OpenBLAS: the product of its shape.
    static var openBLASGemm: loom_gemm_function { get }
}

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension Float: LoomScalar {
    @inlinable public static var precision: Precision { .float32 }
    @inlinable public static var kernels: UnsafePointer<loom_kernels> { loom_active_kernels(LOOM_FLOAT32) }
}

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension Double: LoomScalar {
    @inlinable public static var precision: Precision { .float64 }
    @inlinable public static var kernels: UnsafePointer<loom_kernels> { loom_active_kernels(LOOM_FLOAT64) }
}
