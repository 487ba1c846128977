import LoomKernels

/// Finds out whether a BLAS gives one product over a run of units the same bits as one product per unit.
///
/// That is what makes large products compatible with results that do not depend on the worker count: the unit by unit
/// result is the definition, the merged product an optimisation where it is equal. It depends on the BLAS, its kernels
/// and the very shape (kernels for small matrices add in another order), so it is tested, on random numbers, with the
/// shapes of the plan. Random numbers tell different orders of addition apart almost surely: the test compares
/// thousands of sums.
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
    }

    /// What is tested: `run` elements along the split side, in units of `unit`; the other two sizes.
    struct Shape: Hashable {
        let product: Product
        let unit: Int
        let run: Int
        let fixed: Int
        let inner: Int
    }

    private var results: [Shape: Bool] = [:]

    /// Whether the merged product of `shape` has the bits of the unit by unit one.
    mutating func merges(_ shape: Shape) -> Bool {
        guard shape.run > shape.unit else { return true }
        if let known = results[shape] { return known }
        let equal = Self.test(shape)
        results[shape] = equal
        return equal
    }

    private static func test(_ shape: Shape) -> Bool {
        let (rows, columns) =
            shape.product == .gradientByColumns ? (shape.fixed, shape.run) : (shape.run, shape.fixed)
        let left = randomMatrix(rows: leftRows(shape), columns: leftColumns(shape), seed: 1)
        let right = randomMatrix(rows: rightRows(shape), columns: rightColumns(shape), seed: 2)
        let whole = Matrix(rows: rows, columns: columns)
        let parts = Matrix(rows: rows, columns: columns)
        multiply(shape, left.view, right.view, 0..<shape.run, whole.view)
        var start = 0
        while start < shape.run {
            let end = min(start + shape.unit, shape.run)
            multiply(shape, left.view, right.view, start..<end, parts.view)
            start = end
        }
        return (0..<rows).allSatisfy { row in
            (0..<columns).allSatisfy { whole.view[row, $0] == parts.view[row, $0] }
        }
    }

    private static func leftRows(_ shape: Shape) -> Int {
        switch shape.product {
        case .forward, .backward: shape.run
        case .gradientByRows, .gradientByColumns: shape.inner
        }
    }

    private static func leftColumns(_ shape: Shape) -> Int {
        switch shape.product {
        case .forward, .backward: shape.inner
        case .gradientByRows: shape.run
        case .gradientByColumns: shape.fixed
        }
    }

    private static func rightRows(_ shape: Shape) -> Int {
        shape.product == .forward ? shape.fixed : shape.inner
    }

    private static func rightColumns(_ shape: Shape) -> Int {
        switch shape.product {
        case .forward: shape.inner
        case .backward, .gradientByRows: shape.fixed
        case .gradientByColumns: shape.run
        }
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

    private static func randomMatrix(rows: Int, columns: Int, seed: UInt64) -> Matrix {
        let matrix = Matrix(rows: rows, columns: columns)
        // A 64-bit linear congruential generator (Knuth's MMIX constants) fills megabytes in milliseconds; its quality
        // does not matter here, only that no sum is exact.
        var state = seed
        for index in 0..<matrix.buffer.count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            matrix.buffer.pointer[index] = Scalar(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
        }
        return matrix
    }
}
