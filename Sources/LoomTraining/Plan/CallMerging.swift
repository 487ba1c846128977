import LoomKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Finds out whether a BLAS gives one product over a run of units the same bits as one product per unit.
///
/// That is what makes large products compatible with results that do not depend on the worker count: the unit by unit
/// result is the definition, the merged product an optimisation where it is equal. It depends on the BLAS, its kernels
/// and the very shape (kernels for small matrices add in another order), so it is tested, with the shapes of the plan.
///
/// Often only a few sums of a product are added in another order, for example that of the last row and the last column
/// (OpenBLAS for AVX-512, float64: 3 of 1188), and uniform random sums are equal in spite of it in up to five cases of
/// six. Hence numbers whose products cancel, so that little but the rounding errors remains, and several trials.
struct CallMerging<Scalar: LoomScalar> {
    /// A product and the side along which units follow each other.
    enum Product: Hashable {
        /// x · Wᵀ, by samples
        case forward
        /// δ · W, by samples
        case backward
        /// δᵀ · x, by units of the layer
        case gradientByRows
        /// δᵀ · x, by inputs of the layer
        case gradientByColumns

        var isGradient: Bool { self == .gradientByRows || self == .gradientByColumns }
    }

    /// What is tested: `run` elements along the split side, in units of `unit`; the other two sizes.
    struct Shape: Hashable {
        let product: Product
        let unit: Int
        let run: Int
        let fixed: Int
        let inner: Int
    }

    /// Units that are not a multiple of this are never merged: kernels work on tiles of up to 16 rows or columns, and
    /// treat an edge in the middle of a merged product unlike an edge at its end.
    static var tile: Int { 16 }

    private var results: [Shape: Bool] = [:]

    /// Whether the merged product of `shape` has the bits of the unit by unit one.
    mutating func merges(_ shape: Shape) -> Bool {
        guard shape.run > shape.unit else { return true }
        guard shape.unit % Self.tile == 0 else { return false }
        if let known = results[shape] { return known }
        let equal = Self.test(shape)
        results[shape] = equal
        return equal
    }

    private static func test(_ shape: Shape) -> Bool {
        let (rows, columns) =
            shape.product == .gradientByColumns ? (shape.fixed, shape.run) : (shape.run, shape.fixed)
        // Short sums have few orders that differ. Summed one by one and in 8 lanes, 18 such products agree in 5 % of
        // the cases and 62 in 1 % (simulated); an odd row more or less in a kernel, in up to a half (measured).
        let trials = min(32, max(1, 512 / shape.inner))
        let innerIsRows = (left: shape.product.isGradient, right: shape.product != .forward)
        let left = cancellingMatrix(
            inner: shape.inner, others: rows + trials - 1, innerIsRows: innerIsRows.left, sign: 1, seed: 1)
        let right = cancellingMatrix(
            inner: shape.inner, others: columns + trials - 1, innerIsRows: innerIsRows.right, sign: -1, seed: 2)
        let whole = Matrix(rows: rows, columns: columns)
        let parts = Matrix(rows: rows, columns: columns)
        // Every trial shifts the numbers by one row and one column, which gives every sum others.
        return (0..<trials).allSatisfy { trial in
            let a = window(left.view, start: trial, count: rows, innerIsRows: innerIsRows.left)
            let b = window(right.view, start: trial, count: columns, innerIsRows: innerIsRows.right)
            multiply(shape, a, b, 0..<shape.run, whole.view)
            var start = 0
            while start < shape.run {
                let end = min(start + shape.unit, shape.run)
                multiply(shape, a, b, start..<end, parts.view)
                start = end
            }
            return (0..<rows).allSatisfy { row in
                memcmp(
                    whole.view.rows(row..<row + 1).pointer, parts.view.rows(row..<row + 1).pointer,
                    columns * MemoryLayout<Scalar>.stride) == 0
            }
        }
    }

    private static func window(
        _ matrix: MatrixView<Scalar>, start: Int, count: Int, innerIsRows: Bool
    ) -> MatrixView<Scalar> {
        innerIsRows ? matrix.columns(start..<start + count) : matrix.rows(start..<start + count)
    }

    private static func multiply(
        _ shape: Shape, _ left: MatrixView<Scalar>, _ right: MatrixView<Scalar>, _ range: Range<Int>,
        _ result: MatrixView<Scalar>
    ) {
        switch shape.product {
        case .forward: Gemm.forward(left.rows(range), weights: right, into: result.rows(range))
        case .backward: Gemm.backward(left.rows(range), weights: right, into: result.rows(range))
        case .gradientByRows: Gemm.gradient(left.columns(range), right, into: result.rows(range))
        case .gradientByColumns: Gemm.gradient(left, right.columns(range), into: result.columns(range))
        }
    }

    /// A matrix with padded rows that keeps its own memory.
    private struct Matrix {
        let buffer: AlignedBuffer<Scalar>
        let view: MatrixView<Scalar>

        init(rows: Int, columns: Int) {
            let stride = Padding.stride(columns: columns, of: Scalar.self)
            buffer = AlignedBuffer(count: rows * stride, repeating: 0)
            view = MatrixView(pointer: buffer.pointer, rows: rows, columns: columns, stride: stride)
        }
    }

    /// Random numbers of very different sizes. Along the inner dimension the second half repeats the first, times `sign`:
    /// with the signs 1 and −1, the terms of every sum of a product cancel in pairs, but for an odd last one.
    private static func cancellingMatrix(
        inner: Int, others: Int, innerIsRows: Bool, sign: Scalar, seed: UInt64
    ) -> Matrix {
        let matrix = Matrix(rows: innerIsRows ? inner : others, columns: innerIsRows ? others : inner)
        let half = inner / 2
        var state = seed
        for index in 0..<inner - half {
            let first = index < half ? index : inner - 1
            for other in 0..<others {
                // A 64-bit linear congruential generator (Knuth's MMIX constants): fast, and good enough for this.
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let scale = Scalar(Int32(1) << Int32(truncatingIfNeeded: state >> 24 & 15))
                let value = Scalar(Int32(truncatingIfNeeded: state >> 32)) * scale
                if innerIsRows {
                    matrix.view[first, other] = value
                    if index < half { matrix.view[index + half, other] = sign * value }
                } else {
                    matrix.view[other, first] = value
                    if index < half { matrix.view[other, index + half] = sign * value }
                }
            }
        }
        return matrix
    }
}
