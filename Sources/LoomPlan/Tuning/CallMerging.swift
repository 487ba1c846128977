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
/// six. Hence numbers whose products cancel in pairs, so that little but the rounding errors remains, and several trials.
struct CallMerging: Sendable {
    /// A product and the side along which units follow each other.
    enum Product: Hashable, Sendable {
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
    struct Shape: Hashable, Sendable {
        let product: Product
        let unit: Int
        let run: Int
        let fixed: Int
        let inner: Int
        /// Whether a forward or backward product is added to what is there.
        var accumulates = false
    }

    /// Units that are not a multiple of this are never merged: kernels work on tiles of up to 16 rows or columns, and
    /// treat an edge in the middle of a merged product unlike an edge at its end.
    static var tile: Int { 16 }

    /// Who multiplies.
    let provider: GemmBackend
    private let precision: Precision
    private var results: [Shape: Bool] = [:]

    /// Tests products of `precision`.
    init(provider: GemmBackend, precision: Precision) {
        self.provider = provider
        self.precision = precision
    }

    /// Whether the merged product of `shape` has the bits of the unit by unit one.
    mutating func merges(_ shape: Shape) -> Bool {
        guard shape.run > shape.unit, !provider.isPartitionInvariant else { return true }
        guard shape.unit % Self.tile == 0 else { return false }
        if let known = results[shape] { return known }
        let equal =
            switch precision {
            case .float32: CallTest<Float>.passes(shape, provider: provider)
            case .float64: CallTest<Double>.passes(shape, provider: provider)
            }
        results[shape] = equal
        return equal
    }
}

/// The test of one shape in one precision.
private enum CallTest<Scalar: LoomScalar> {
    private typealias Shape = CallMerging.Shape

    static func passes(_ shape: CallMerging.Shape, provider: GemmBackend) -> Bool {
        let memory = GemmMemory<Scalar>(backend: provider, workers: 1)
        let (rows, columns) =
            shape.product == .gradientByColumns ? (shape.fixed, shape.run) : (shape.run, shape.fixed)
        let sizes = (left: rows, right: columns, inner: shape.inner)
        let trials = trials(sizes)
        let innerIsRows = (left: shape.product.isGradient, right: shape.product != .forward)
        let pairs = randomPairs(count: shape.inner)
        let left = cancellingMatrix(
            pairs: pairs, others: rows + trials - 1, innerIsRows: innerIsRows.left, sign: 1, seed: 1)
        let right = cancellingMatrix(
            pairs: pairs, others: columns + trials - 1, innerIsRows: innerIsRows.right, sign: -1, seed: 2)
        let whole = Matrix(rows: rows, columns: columns)
        let parts = Matrix(rows: rows, columns: columns)
        return withExtendedLifetime((memory, left, right, whole, parts)) {
            let gemm = memory.gemms[0]
            // Every trial shifts the numbers by one row and one column, which gives every sum others.
            return (0..<trials).allSatisfy { trial in
                let a = window(left.view, start: trial, count: rows, innerIsRows: innerIsRows.left)
                let b = window(right.view, start: trial, count: columns, innerIsRows: innerIsRows.right)
                if shape.accumulates {
                    whole.fill()
                    parts.fill()
                }
                multiply(gemm, shape, a, b, 0..<shape.run, whole.view)
                var start = 0
                while start < shape.run {
                    let end = min(start + shape.unit, shape.run)
                    multiply(gemm, shape, a, b, start..<end, parts.view)
                    start = end
                }
                return whole.hasBits(of: parts)
            }
        }
    }

    /// A sum that is added in another order is equal by chance in up to one trial of eight (measured: 1034 shapes whose
    /// products differ, 16 trials each), most often where it is short. Large products have many such sums: one trial is
    /// enough, and as long as a user wants to wait.
    private static func trials(_ sizes: (left: Int, right: Int, inner: Int)) -> Int {
        let operations = 2 * Double(sizes.left) * Double(sizes.right) * Double(sizes.inner)
        return min(32, max(operations > 1e9 ? 1 : 4, 512 / sizes.inner))
    }

    private static func window(
        _ matrix: MatrixView<Scalar>, start: Int, count: Int, innerIsRows: Bool
    ) -> MatrixView<Scalar> {
        innerIsRows ? matrix.columns(start..<start + count) : matrix.rows(start..<start + count)
    }

    private static func multiply(
        _ gemm: Gemm<Scalar>, _ shape: Shape, _ left: MatrixView<Scalar>, _ right: MatrixView<Scalar>,
        _ range: Range<Int>, _ result: MatrixView<Scalar>
    ) {
        switch shape.product {
        case .forward:
            gemm.forward(
                left.rows(range), weights: GemmOperand(right), into: result.rows(range), accumulate: shape.accumulates)
        case .backward:
            gemm.backward(
                left.rows(range), weights: GemmOperand(right), into: result.rows(range), accumulate: shape.accumulates)
        case .gradientByRows: gemm.gradient(left.columns(range), right, into: result.rows(range))
        case .gradientByColumns: gemm.gradient(left, right.columns(range), into: result.columns(range))
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

        /// Writes the same random numbers as in every matrix of this size, as small as the rounding errors of products of
        /// `cancellingMatrix`: of larger ones the bits that are added in another order would be lost.
        func fill() {
            var random = LinearCongruentialGenerator(state: 4)
            for index in 0..<buffer.count {
                buffer.pointer[index] = Scalar(Int64(bitPattern: random.next())) * 0x1p-35 * Scalar.ulpOfOne
            }
        }

        func hasBits(of other: Matrix) -> Bool {
            memcmp(buffer.pointer, other.buffer.pointer, buffer.count * MemoryLayout<Scalar>.stride) == 0
        }
    }

    /// The numbers below `count` in a random order: neighbours at even and odd places are partners.
    private static func randomPairs(count: Int) -> [Int] {
        var random = LinearCongruentialGenerator(state: 3)
        return (0..<count).shuffled(using: &random)
    }

    /// Random numbers of very different sizes. `pairs` lists the indices of the inner dimension; the second of a pair
    /// repeats the first, times `sign`. With the signs 1 and −1, the terms of every sum of a product cancel in pairs, but
    /// for a last one without partner.
    private static func cancellingMatrix(
        pairs: [Int], others: Int, innerIsRows: Bool, sign: Scalar, seed: UInt64
    ) -> Matrix {
        let matrix = Matrix(
            rows: innerIsRows ? pairs.count : others, columns: innerIsRows ? others : pairs.count)
        let (innerStride, otherStride) = innerIsRows ? (matrix.view.stride, 1) : (1, matrix.view.stride)
        var random = LinearCongruentialGenerator(state: seed)
        for place in stride(from: 0, to: pairs.count, by: 2) {
            let first = matrix.view.pointer + pairs[place] * innerStride
            let second = place + 1 < pairs.count ? matrix.view.pointer + pairs[place + 1] * innerStride : nil
            for other in 0..<others {
                let bits = random.next()
                // All bits of the significand: products of short ones are summed without rounding.
                let value = Scalar(Int64(bitPattern: bits)) * 0x1p-63 * Scalar(Int32(1) << Int32(bits >> 24 & 15))
                first[other * otherStride] = value
                second?[other * otherStride] = sign * value
            }
        }
        return matrix
    }
}

/// Knuth's MMIX generator: fills megabytes in milliseconds, and is good enough to find orders of addition.
private struct LinearCongruentialGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state
    }
}
