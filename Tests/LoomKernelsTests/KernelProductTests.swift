import CKernels
import LoomKernels
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Matrix products of every form, against sums in double precision, and cut in every way.
@Suite struct KernelProductTests {
    /// op(A) is rows × inner, op(B) inner × columns.
    struct Shape: Sendable, CustomStringConvertible {
        let rows: Int
        let columns: Int
        let inner: Int
        var description: String { "\(rows) × \(columns) × \(inner)" }
    }

    enum Form: CaseIterable {
        case plain, secondTransposed, firstTransposed, bothTransposed
        var transposesFirst: Bool { self == .firstTransposed || self == .bothTransposed }
        var transposesSecond: Bool { self == .secondTransposed || self == .bothTransposed }
    }

    /// Around the heights and widths of tiles, of packed blocks (256 rows, 512 steps), of the paths for few columns, and in
    /// the last line of those with rows in the lanes and with panels that the first tile packs.
    static let shapes: [Shape] =
        [
            (1, 1, 1), (1, 1, 128), (3, 2, 40), (7, 3, 33), (5, 5, 64), (33, 8, 10), (9, 9, 17), (15, 10, 64),
            (13, 17, 5),
            (16, 16, 16), (25, 33, 9), (14, 48, 20), (27, 49, 4), (30, 100, 3), (257, 20, 2), (2, 4, 520), (280, 3, 4),
            (3, 10, 1030), (3, 33, 513), (260, 70, 2), (2, 200, 0),
            (16, 257, 530), (32, 70, 141), (30, 17, 300), (70, 10, 530), (64, 50, 150), (270, 5, 60), (270, 261, 66),
        ]
        .map { Shape(rows: $0.0, columns: $0.1, inner: $0.2) }

    static func operand<Scalar: KernelScalar>(
        _ rows: Int, _ columns: Int, transposed: Bool, seed: UInt64
    ) -> PaddedMatrix<Scalar> {
        var random = KernelTestGenerator(seed: seed)
        return PaddedMatrix(rows: transposed ? columns : rows, columns: transposed ? rows : columns) { _, _ in
            random.uniform(-1...1)
        }
    }

    static func checkProduct<Scalar: KernelScalar>(_: Scalar.Type, _ shape: Shape) {
        for form in Form.allCases {
            let a: PaddedMatrix<Scalar> = operand(
                shape.rows, shape.inner, transposed: form.transposesFirst, seed: 1)
            let b: PaddedMatrix<Scalar> = operand(
                shape.inner, shape.columns, transposed: form.transposesSecond, seed: 2)
            var sums: [Double] = []
            for row in 0..<shape.rows {
                for column in 0..<shape.columns {
                    var sum = 0.0
                    for k in 0..<shape.inner {
                        sum +=
                            (form.transposesFirst ? a[k, row] : a[row, k])
                            * (form.transposesSecond ? b[column, k] : b[k, column])
                    }
                    sums.append(sum)
                }
            }
            for (alpha, beta) in [(1.0, 0.0), (1, 1), (-0.1, 1), (0.5, 0.9)] {
                let start = PaddedMatrix<Scalar>(rows: shape.rows, columns: shape.columns) { row, column in
                    beta == 0 ? .nan : Double(row % 7) - Double(column % 5)
                }
                let expected = zip(sums, start.values).map { alpha * $0 + (beta == 0 ? 0 : beta * $1) }
                for variant in KernelVariant.all {
                    let c = start.copy()
                    Scalar.multiply(variant, a, b, form, shape, alpha: alpha, beta: beta, into: c)
                    let error = largestKernelError(c.values, expected)
                    let bound = Scalar.tolerance * (4 + Double(shape.inner).squareRoot())
                    #expect(error <= bound, "\(variant) \(Scalar.self) \(form) \(shape) \(alpha) \(beta): \(error)")
                }
            }
        }
    }

    /// All variants in one case: the sums in double precision take longer than the products.
    @Test("Products of every form and shape", arguments: shapes)
    func products(_ shape: Shape) {
        Self.checkProduct(Float.self, shape)
        Self.checkProduct(Double.self, shape)
    }

    /// What lets a plan cut products freely: rows anywhere; columns at 64-byte boundaries, where views may begin.
    static func checkCuts<Scalar: KernelScalar>(_: Scalar.Type, _ variant: KernelVariant, _ shape: Shape) {
        let lanes = 64 / MemoryLayout<Scalar>.stride
        for form in [Form.plain, .secondTransposed, .firstTransposed] {
            let a: PaddedMatrix<Scalar> = operand(shape.rows, shape.inner, transposed: form.transposesFirst, seed: 3)
            let b: PaddedMatrix<Scalar> = operand(
                shape.inner, shape.columns, transposed: form.transposesSecond, seed: 4)
            for (alpha, beta) in [(1.0, 0.0), (-0.3, 1), (1, 0.9)] {
                let start = PaddedMatrix<Scalar>(rows: shape.rows, columns: shape.columns) { Double($0 - $1) / 8 }
                let whole = start.copy()
                Scalar.multiply(variant, a, b, form, shape, alpha: alpha, beta: beta, into: whole)
                for cut in [1, 3, 16] {
                    let parts = start.copy()
                    for row in stride(from: 0, to: shape.rows, by: cut) {
                        Scalar.multiply(
                            variant, a, b, form, shape, alpha: alpha, beta: beta, into: parts,
                            rows: row..<min(shape.rows, row + cut))
                    }
                    let equal = parts.hasSameBits(as: whole, rows: shape.rows)
                    #expect(equal, "\(variant) \(Scalar.self) \(form) \(shape) \(alpha) \(beta), \(cut) rows")
                }
                // The forward product is not cut by columns: its kernels for few columns add in another order.
                guard form != .secondTransposed else { continue }
                let parts = start.copy()
                for column in stride(from: 0, to: shape.columns, by: lanes) {
                    Scalar.multiply(
                        variant, a, b, form, shape, alpha: alpha, beta: beta, into: parts,
                        columns: column..<min(shape.columns, column + lanes))
                }
                let equal = parts.hasSameBits(as: whole, rows: shape.rows)
                #expect(equal, "\(variant) \(Scalar.self) \(form) \(shape) \(alpha) \(beta), by columns")
            }
        }
    }

    @Test("The same bits however a product is cut", arguments: KernelVariant.all, shapes)
    func cuts(_ variant: KernelVariant, _ shape: Shape) {
        Self.checkCuts(Float.self, variant, shape)
        Self.checkCuts(Double.self, variant, shape)
    }

    /// The update of the weights behind their velocity: the bits of a product and then an update by `sgd`, in whole and in
    /// parts.
    static func checkUpdate<Scalar: KernelScalar>(_: Scalar.Type, _ variant: KernelVariant, _ shape: Shape) {
        let form = Form.firstTransposed
        let a: PaddedMatrix<Scalar> = operand(shape.rows, shape.inner, transposed: true, seed: 9)
        let b: PaddedMatrix<Scalar> = operand(shape.inner, shape.columns, transposed: false, seed: 10)
        let velocity = PaddedMatrix<Scalar>(rows: shape.rows, columns: shape.columns) { Double($0 - $1) / 8 }
        let weights: PaddedMatrix<Scalar> = operand(shape.rows, shape.columns, transposed: false, seed: 11)
        for (beta, learningRate) in [(0.9, 0.05), (0, 0.3)] {
            let expected = (velocity: velocity.copy(), weights: weights.copy())
            Scalar.multiply(variant, a, b, form, shape, alpha: 1, beta: beta, into: expected.velocity)
            Scalar.update(
                variant, .sgd, UpdateSettings(learningRate: learningRate), rows: shape.rows,
                columns: shape.columns, stride: weights.stride, weights: expected.weights.pointer,
                gradients: expected.velocity.pointer, first: velocity.pointer, second: velocity.pointer)
            for rowsOfPart in [shape.rows, 3] {
                let actual = (velocity: velocity.copy(), weights: weights.copy())
                for row in stride(from: 0, to: shape.rows, by: rowsOfPart) {
                    Scalar.multiply(
                        variant, a, b, form, shape, alpha: 1, beta: beta, into: actual.velocity,
                        rows: row..<min(shape.rows, row + rowsOfPart),
                        update: (weights: actual.weights, learningRate: learningRate))
                }
                let name = "\(variant) \(Scalar.self) \(shape) \(beta), \(rowsOfPart) rows"
                #expect(actual.velocity.hasSameBits(as: expected.velocity, rows: shape.rows), "velocity: \(name)")
                #expect(actual.weights.hasSameBits(as: expected.weights, rows: shape.rows), "weights: \(name)")
            }
        }
    }

    @Test("Weights follow their velocity", arguments: KernelVariant.all, shapes.filter { $0.inner > 0 })
    func updates(_ variant: KernelVariant, _ shape: Shape) {
        Self.checkUpdate(Float.self, variant, shape)
        Self.checkUpdate(Double.self, variant, shape)
    }

    /// Numbers far from any that a processor would get: everything small is packed, copied and prefetched, or nothing is.
    static var tunings: [loom_gemm_tuning] {
        [
            loom_gemm_tuning(
                name: nil, row_block: 64, wide_panel_max_vectors: 40, pack_first_tile_min_inner: 1,
                copy_a_min_columns_transposed: 1, copy_a_min_columns: 1, copy_a_min_bytes: 1, prefetch_min_bytes: 1,
                prefetch_b_min_stride_bytes: 1, prefetch_panel_min_bytes: 1, prefetch_c_min_bytes: 1,
                prefetch_c_in_tile_min_inner: 1, prefetch_distance: 3, prefetch_interval: 1, transposed_max_rows: 1000,
                packing_cost_rows: 1, transposition_cost_inner: 1),
            loom_gemm_tuning(
                name: nil, row_block: 37, wide_panel_max_vectors: 0, pack_first_tile_min_inner: 1 << 30,
                copy_a_min_columns_transposed: 1 << 30, copy_a_min_columns: 1 << 30, copy_a_min_bytes: 1 << 30,
                prefetch_min_bytes: 1 << 30, prefetch_b_min_stride_bytes: 1 << 30, prefetch_panel_min_bytes: 1 << 30,
                prefetch_c_min_bytes: 1 << 30, prefetch_c_in_tile_min_inner: 1000, prefetch_distance: 9,
                prefetch_interval: 7, transposed_max_rows: 0, packing_cost_rows: 50, transposition_cost_inner: 500),
        ]
    }

    static func checkTunings<Scalar: KernelScalar>(_: Scalar.Type, _ variant: KernelVariant, _ shape: Shape) {
        for form in Form.allCases {
            let a: PaddedMatrix<Scalar> = operand(shape.rows, shape.inner, transposed: form.transposesFirst, seed: 14)
            let b: PaddedMatrix<Scalar> = operand(
                shape.inner, shape.columns, transposed: form.transposesSecond, seed: 15)
            for beta in [0, 0.9] {
                let start = PaddedMatrix<Scalar>(rows: shape.rows, columns: shape.columns) { Double($0 - $1) / 8 }
                let expected = start.copy()
                Scalar.multiply(variant, a, b, form, shape, alpha: -0.3, beta: beta, into: expected)
                for (index, tuning) in tunings.enumerated() {
                    let actual = start.copy()
                    Scalar.multiply(
                        variant, a, b, form, shape, alpha: -0.3, beta: beta, into: actual, tuning: tuning)
                    let equal = actual.hasSameBits(as: expected, rows: shape.rows)
                    #expect(equal, "\(variant) \(Scalar.self) \(form) \(shape) \(beta), tuning \(index)")
                }
            }
        }
    }

    @Test("The same bits however a product is tuned", arguments: KernelVariant.all, shapes)
    func tunings(_ variant: KernelVariant, _ shape: Shape) {
        Self.checkTunings(Float.self, variant, shape)
        Self.checkTunings(Double.self, variant, shape)
    }

    /// A row block that no table should have: the plan keeps within the room that there is.
    @Test("Row blocks have limits", arguments: KernelVariant.all)
    func rowBlocks(_ variant: KernelVariant) {
        let shape = Shape(rows: 700, columns: 40, inner: 600), form = Form.firstTransposed
        let a: PaddedMatrix<Float> = Self.operand(shape.rows, shape.inner, transposed: true, seed: 16)
        let b: PaddedMatrix<Float> = Self.operand(shape.inner, shape.columns, transposed: false, seed: 17)
        let expected = PaddedMatrix<Float>(rows: shape.rows, columns: shape.columns)
        Float.multiply(variant, a, b, form, shape, alpha: 1, beta: 0, into: expected)
        for rowBlock in [0, 1, 256, 257, .max] as [UInt32] {
            var tuning = Self.tunings[0]
            tuning.row_block = rowBlock
            var plan = loom_gemm_plan()
            var product = loom_gemm_shape()
            (product.rows, product.columns, product.inner) = (700, 40, 600)
            variant.kernels(Float.self).plan_gemm(&product, &tuning, &plan)
            #expect(plan.row_block == min(max(rowBlock, 1), UInt32(LOOM_GEMM_MAX_ROW_BLOCK)), "\(variant)")
            let actual = PaddedMatrix<Float>(rows: shape.rows, columns: shape.columns)
            Float.multiply(variant, a, b, form, shape, alpha: 1, beta: 0, into: actual, tuning: tuning)
            #expect(actual.hasSameBits(as: expected, rows: shape.rows), "\(variant), row block \(rowBlock)")
        }
    }

    /// Samples that are read where they lie: x in z = x · Wᵀ and in δᵀ · x, with W as it lies or transposed.
    static func checkUnpadded<Scalar: KernelScalar>(_: Scalar.Type, _ variant: KernelVariant, _ shape: Shape) {
        let cases = [
            (Form.secondTransposed, isFirst: true), (.plain, true), (.firstTransposed, true), (.firstTransposed, false),
        ]
        for (form, isFirst) in cases {
            let a: PaddedMatrix<Scalar> = operand(shape.rows, shape.inner, transposed: form.transposesFirst, seed: 7)
            let b: PaddedMatrix<Scalar> = operand(
                shape.inner, shape.columns, transposed: form.transposesSecond, seed: 8)
            let expected = PaddedMatrix<Scalar>(rows: shape.rows, columns: shape.columns)
            Scalar.multiply(variant, a, b, form, shape, alpha: 1, beta: 0, into: expected)
            let samples = isFirst ? a : b
            let unpadded = UnpaddedCopy(of: samples)
            let actual = PaddedMatrix<Scalar>(rows: shape.rows, columns: shape.columns)
            Scalar.multiply(
                variant, a, b, form, shape, alpha: 1, beta: 0, into: actual,
                first: isFirst ? unpadded.pointer : nil, second: isFirst ? nil : unpadded.pointer)
            #expect(
                actual.hasSameBits(as: expected, rows: shape.rows), "\(variant) \(Scalar.self) \(form) \(shape)")
        }
    }

    @Test("Samples without padding", arguments: KernelVariant.all, shapes.filter { $0.inner > 0 })
    func unpadded(_ variant: KernelVariant, _ shape: Shape) {
        Self.checkUnpadded(Float.self, variant, shape)
        Self.checkUnpadded(Double.self, variant, shape)
    }

    /// A product too large for the second-level cache prefetches its operands; its values are checked at places.
    @Test(arguments: KernelVariant.all) func largeProduct(_ variant: KernelVariant) {
        let shape = Shape(rows: 9, columns: 1100, inner: 1001)
        for form in [Form.plain, .secondTransposed] {
            let a: PaddedMatrix<Float> = Self.operand(shape.rows, shape.inner, transposed: false, seed: 5)
            let b: PaddedMatrix<Float> = Self.operand(
                shape.inner, shape.columns, transposed: form.transposesSecond, seed: 6)
            let c = PaddedMatrix<Float>(rows: shape.rows, columns: shape.columns)
            Float.multiply(variant, a, b, form, shape, alpha: 1, beta: 0, into: c)
            Self.checkPlaces(of: c, a, b, form, shape, "\(variant)")
        }
    }

    /// Elements of all rows, spread over the columns.
    static func checkPlaces<Scalar: KernelScalar>(
        of c: PaddedMatrix<Scalar>, _ a: PaddedMatrix<Scalar>, _ b: PaddedMatrix<Scalar>, _ form: Form, _ shape: Shape,
        _ name: String
    ) {
        for row in 0..<shape.rows {
            for column in stride(from: 7 * row % 137, to: shape.columns, by: 137) {
                let sum = (0..<shape.inner).reduce(0.0) {
                    $0 + (form.transposesFirst ? a[$1, row] : a[row, $1])
                        * (form.transposesSecond ? b[column, $1] : b[$1, column])
                }
                #expect(abs(c[row, column] - sum) < 1e-3, "\(name) \(Scalar.self) \(form) \(row), \(column)")
            }
        }
    }

    /// A large first factor is copied tile by tile where many columns meet it, and parts of its rows are not: the same bits.
    static func checkCopies<Scalar: KernelScalar>(
        _: Scalar.Type, _ variant: KernelVariant, _ form: Form, _ shape: Shape, rowsOfPart: Int
    ) {
        let a: PaddedMatrix<Scalar> = operand(shape.rows, shape.inner, transposed: form.transposesFirst, seed: 12)
        let b: PaddedMatrix<Scalar> = operand(shape.inner, shape.columns, transposed: form.transposesSecond, seed: 13)
        let unpadded = UnpaddedCopy(of: a)
        let c = PaddedMatrix<Scalar>(rows: shape.rows, columns: shape.columns)
        let samples = c.copy()
        let parts = c.copy()
        Scalar.multiply(variant, a, b, form, shape, alpha: 1, beta: 0, into: c)
        checkPlaces(of: c, a, b, form, shape, "\(variant)")
        Scalar.multiply(variant, a, b, form, shape, alpha: 1, beta: 0, into: samples, first: unpadded.pointer)
        for row in stride(from: 0, to: shape.rows, by: rowsOfPart) {
            Scalar.multiply(
                variant, a, b, form, shape, alpha: 1, beta: 0, into: parts,
                rows: row..<min(shape.rows, row + rowsOfPart))
        }
        #expect(samples.hasSameBits(as: c, rows: shape.rows), "\(variant) \(Scalar.self) \(form), without padding")
        #expect(parts.hasSameBits(as: c, rows: shape.rows), "\(variant) \(Scalar.self) \(form), by rows")
    }

    @Test("A large first factor", arguments: KernelVariant.all)
    func copies(_ variant: KernelVariant) {
        let gradient = Shape(rows: 517, columns: 259, inner: 520), layer = Shape(rows: 133, columns: 2051, inner: 520)
        Self.checkCopies(Float.self, variant, .firstTransposed, gradient, rowsOfPart: 100)
        Self.checkCopies(Double.self, variant, .firstTransposed, gradient, rowsOfPart: 50)
        Self.checkCopies(Float.self, variant, .plain, layer, rowsOfPart: 100)
        Self.checkCopies(Double.self, variant, .secondTransposed, layer, rowsOfPart: 50)
    }
}

/// The elements of a matrix without padding, up to the end of a page behind which nothing may be read, not even some rows on.
private final class UnpaddedCopy<Scalar: KernelScalar> {
    let pointer: UnsafeMutablePointer<Scalar>
    private let base: UnsafeMutableRawPointer
    private let bytes: Int

    init(of matrix: PaddedMatrix<Scalar>) {
        let page = 4096, size = matrix.rows * matrix.columns * MemoryLayout<Scalar>.stride
        let readable = (size + page - 1) / page * page, guarded = 16 * page
        bytes = readable + guarded
        base = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        pointer = (base + readable - size).assumingMemoryBound(to: Scalar.self)
        for row in 0..<matrix.rows {
            (pointer + row * matrix.columns).initialize(from: matrix.row(row), count: matrix.columns)
        }
        mprotect(base + readable, guarded, PROT_NONE)
    }

    deinit { munmap(base, bytes) }
}

extension KernelScalar {
    /// The product of the operands, or its `rows` and `columns`, with the numbers of `tuning`.
    static func multiply(
        _ variant: KernelVariant, _ a: PaddedMatrix<Self>, _ b: PaddedMatrix<Self>, _ form: KernelProductTests.Form,
        _ shape: KernelProductTests.Shape, alpha: Double, beta: Double, into c: PaddedMatrix<Self>,
        rows: Range<Int>? = nil, columns: Range<Int>? = nil, first unpaddedFirst: UnsafeMutablePointer<Self>? = nil,
        second unpaddedSecond: UnsafeMutablePointer<Self>? = nil,
        update: (weights: PaddedMatrix<Self>, learningRate: Double)? = nil, tuning: loom_gemm_tuning? = nil
    ) {
        let (rows, columns) = (rows ?? 0..<shape.rows, columns ?? 0..<shape.columns)
        let first = unpaddedFirst ?? a.pointer + rows.lowerBound * (form.transposesFirst ? 1 : a.stride)
        let second = unpaddedSecond ?? b.pointer + columns.lowerBound * (form.transposesSecond ? b.stride : 1)
        let result = c.pointer + rows.lowerBound * c.stride + columns.lowerBound
        var shape = loom_gemm_shape(
            rows: UInt32(rows.count), columns: UInt32(columns.count), inner: UInt32(shape.inner),
            a_stride: UInt32(unpaddedFirst == nil ? a.stride : a.columns),
            b_stride: UInt32(unpaddedSecond == nil ? b.stride : b.columns), c_stride: UInt32(c.stride),
            weights_stride: UInt32(update?.weights.stride ?? 0), a_transposed: form.transposesFirst,
            b_transposed: form.transposesSecond, a_aligned: UInt(bitPattern: first) % 64 == 0,
            b_aligned: UInt(bitPattern: second) % 64 == 0, accumulates: beta != 0, updates_weights: update != nil)
        let plan = withUnsafePointer(to: tuning) { tuning in
            tuning.withMemoryRebound(to: loom_gemm_tuning.self, capacity: 1) {
                Self.planGemm(variant, &shape, tuning.pointee == nil ? nil : $0)
            }
        }
        // The plan says how much it needs: no more is there, and it is NaN throughout.
        let scratchBytes = max(64, Int(plan.scratch_bytes))
        let scratch = UnsafeMutableRawPointer.allocate(byteCount: scratchBytes, alignment: 64)
        defer { scratch.deallocate() }
        memset(scratch, 0xff, scratchBytes)
        let operands = loom_gemm_operands(
            a: first, b: second, c: result,
            weights: update.map { $0.weights.pointer + rows.lowerBound * $0.weights.stride + columns.lowerBound },
            alpha: alpha, beta: beta, learning_rate: update?.learningRate ?? 0)
        withExtendedLifetime((a, b, c, update)) {
            withUnsafePointer(to: plan) { plan in
                withUnsafePointer(to: operands) { plan.pointee.run(plan, $0, scratch) }
            }
        }
    }

    private static func planGemm(
        _ variant: KernelVariant, _ shape: UnsafePointer<loom_gemm_shape>,
        _ tuning: UnsafePointer<loom_gemm_tuning>?
    ) -> loom_gemm_plan {
        var plan = loom_gemm_plan()
        variant.kernels(Self.self).plan_gemm(shape, tuning, &plan)
        return plan
    }
}
