// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
import CKernels
import COpenBLAS

extension Float {
    @inlinable public static var openBLASGemm: loom_gemm_function {
        { plan, operands, _ in
            let (shape, operands) = (plan.unsafelyUnwrapped.pointee.shape, operands.unsafelyUnwrapped.pointee)
            cblas_sgemm(
                CblasRowMajor, shape.a_transposed ? CblasTrans : CblasNoTrans,
                shape.b_transposed ? CblasTrans : CblasNoTrans, blasint(shape.rows), blasint(shape.columns),
                blasint(shape.inner), Float(operands.alpha), operands.a?.assumingMemoryBound(to: Float.self),
                blasint(shape.a_stride), operands.b?.assumingMemoryBound(to: Float.self), blasint(shape.b_stride),
                Float(operands.beta), operands.c?.assumingMemoryBound(to: Float.self), blasint(shape.c_stride))
        }
    }
}

extension Double {
    @inlinable public static var openBLASGemm: loom_gemm_function {
        { plan, operands, _ in
            let (shape, operands) = (plan.unsafelyUnwrapped.pointee.shape, operands.unsafelyUnwrapped.pointee)
            cblas_dgemm(
                CblasRowMajor, shape.a_transposed ? CblasTrans : CblasNoTrans,
                shape.b_transposed ? CblasTrans : CblasNoTrans, blasint(shape.rows), blasint(shape.columns),
                blasint(shape.inner), operands.alpha, operands.a?.assumingMemoryBound(to: Double.self),
                blasint(shape.a_stride), operands.b?.assumingMemoryBound(to: Double.self), blasint(shape.b_stride),
                operands.beta, operands.c?.assumingMemoryBound(to: Double.self), blasint(shape.c_stride))
        }
    }
}
