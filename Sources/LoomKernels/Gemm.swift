/// The three matrix products of training: the only way in which a step reaches a BLAS (`LoomScalar.gemm`).
///
/// Row-major throughout: x is samples × inputs, W is units × inputs (out by in), δ is samples × units.
/// A second provider stands beside OpenBLAS by conforming `LoomScalar.gemm` to it.
public enum Gemm {
    /// z = x · Wᵀ, or z += x · Wᵀ when `accumulate`: samples × units.
    @inlinable
    public static func forward<Scalar: LoomScalar>(
        _ x: MatrixView<Scalar>, weights: MatrixView<Scalar>, into z: MatrixView<Scalar>, accumulate: Bool = false
    ) {
        assert(x.rows == z.rows && x.columns == weights.columns && z.columns == weights.rows, "shapes must fit")
        Scalar.gemm(
            transposeA: false, transposeB: true, rows: z.rows, columns: z.columns, inner: x.columns, alpha: 1,
            a: x.pointer, strideA: x.stride, b: weights.pointer, strideB: weights.stride, beta: accumulate ? 1 : 0,
            c: z.pointer, strideC: z.stride)
    }

    /// ∂L/∂x = δ · W, added to what is there when `accumulate`: samples × inputs.
    @inlinable
    public static func backward<Scalar: LoomScalar>(
        _ deltas: MatrixView<Scalar>, weights: MatrixView<Scalar>, into dInputs: MatrixView<Scalar>,
        accumulate: Bool = false
    ) {
        assert(
            deltas.rows == dInputs.rows && deltas.columns == weights.rows && dInputs.columns == weights.columns,
            "shapes must fit")
        Scalar.gemm(
            transposeA: false, transposeB: false, rows: dInputs.rows, columns: dInputs.columns,
            inner: deltas.columns, alpha: 1, a: deltas.pointer, strideA: deltas.stride, b: weights.pointer,
            strideB: weights.stride, beta: accumulate ? 1 : 0, c: dInputs.pointer, strideC: dInputs.stride)
    }

    /// result = alpha · Σᵢ δᵢ xᵢᵀ + beta · result, the sum over all samples: units × inputs.
    @inlinable
    public static func gradient<Scalar: LoomScalar>(
        _ deltas: MatrixView<Scalar>, _ x: MatrixView<Scalar>, alpha: Scalar = 1, beta: Scalar = 0,
        into result: MatrixView<Scalar>
    ) {
        assert(
            deltas.rows == x.rows && deltas.columns == result.rows && x.columns == result.columns, "shapes must fit")
        Scalar.gemm(
            transposeA: true, transposeB: false, rows: result.rows, columns: result.columns, inner: x.rows,
            alpha: alpha, a: deltas.pointer, strideA: deltas.stride, b: x.pointer, strideB: x.stride, beta: beta,
            c: result.pointer, strideC: result.stride)
    }

    /// The floating-point operations of one product of these sizes: 2 · rows · columns · inner.
    @inlinable
    public static func operations(rows: Int, columns: Int, inner: Int) -> Double {
        2 * Double(rows) * Double(columns) * Double(inner)
    }
}
