import CKernels
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The number type of the references: wide enough that its own rounding does not count.
#if arch(x86_64) || arch(i386)
    typealias WideReal = Float80
#else
    typealias WideReal = Double
#endif

/// One way to call the kernels: an instruction set's table, or the plain functions.
struct KernelVariant: CustomStringConvertible, Sendable {
    let description: String
    let kernels: loom_kernel_table

    /// Every instruction set that this machine can run, then the plain functions.
    static let all = instructionSets + [KernelVariant(description: "plain functions", kernels: plainFunctions)]

    /// Every instruction set that this machine can run.
    static let instructionSets: [KernelVariant] = {
        let sets = [("baseline", LOOM_BASELINE), ("AVX2", LOOM_AVX2), ("AVX-512", LOOM_AVX512)]
        return sets.compactMap { name, set in
            loom_kernels(set).map { KernelVariant(description: name, kernels: $0.pointee) }
        }
    }()

    private static let plainFunctions = loom_kernel_table(
        activate_f32: loom_activate_f32, activate_f64: loom_activate_f64,
        multiply_derivative_f32: loom_multiply_derivative_f32,
        multiply_derivative_f64: loom_multiply_derivative_f64,
        predict_f32: loom_predict_f32, predict_f64: loom_predict_f64,
        softmax_cross_entropy_labels_f32: loom_softmax_cross_entropy_labels_f32,
        softmax_cross_entropy_labels_f64: loom_softmax_cross_entropy_labels_f64,
        softmax_cross_entropy_f32: loom_softmax_cross_entropy_f32,
        softmax_cross_entropy_f64: loom_softmax_cross_entropy_f64,
        sigmoid_cross_entropy_f32: loom_sigmoid_cross_entropy_f32,
        sigmoid_cross_entropy_f64: loom_sigmoid_cross_entropy_f64,
        squared_error_f32: loom_squared_error_f32, squared_error_f64: loom_squared_error_f64,
        softmax_weighted_f32: loom_softmax_weighted_f32, softmax_weighted_f64: loom_softmax_weighted_f64,
        softmax_weighted_derivative_f32: loom_softmax_weighted_derivative_f32,
        softmax_weighted_derivative_f64: loom_softmax_weighted_derivative_f64,
        squared_error_softmax_weighted_f32: loom_squared_error_softmax_weighted_f32,
        squared_error_softmax_weighted_f64: loom_squared_error_softmax_weighted_f64,
        column_sums_f32: loom_column_sums_f32, column_sums_f64: loom_column_sums_f64,
        add_column_sums_f32: loom_add_column_sums_f32, add_column_sums_f64: loom_add_column_sums_f64,
        sum_addends_f32: loom_sum_addends_f32, sum_addends_f64: loom_sum_addends_f64,
        sum_of_squares_f32: loom_sum_of_squares_f32, sum_of_squares_f64: loom_sum_of_squares_f64,
        plan_gemm_f32: loom_plan_gemm_f32, plan_gemm_f64: loom_plan_gemm_f64,
        gather_rows_f32: loom_gather_rows_f32, gather_rows_f64: loom_gather_rows_f64,
        update_sgd_f32: loom_update_sgd_f32, update_sgd_f64: loom_update_sgd_f64,
        update_momentum_f32: loom_update_momentum_f32, update_momentum_f64: loom_update_momentum_f64,
        update_nesterov_f32: loom_update_nesterov_f32, update_nesterov_f64: loom_update_nesterov_f64,
        update_adam_f32: loom_update_adam_f32, update_adam_f64: loom_update_adam_f64,
        permute: loom_permute)
}

/// A row-major matrix with padded rows, aligned to 64 bytes; the padding holds poison.
final class PaddedMatrix<Scalar: KernelScalar> {
    let rows: Int
    let columns: Int
    let stride: Int
    let pointer: UnsafeMutablePointer<Scalar>

    private init(uninitializedRows rows: Int, columns: Int) {
        let lanes = 64 / MemoryLayout<Scalar>.stride
        self.rows = rows
        self.columns = columns
        stride = (columns + lanes - 1) / lanes * lanes
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: max(64, rows * stride * MemoryLayout<Scalar>.stride), alignment: 64)
        pointer = raw.bindMemory(to: Scalar.self, capacity: rows * stride)
    }

    /// Elements from `element(row, column)`, padding from `poison`, turn and turn about.
    convenience init(
        rows: Int, columns: Int,
        poison: [Scalar] = [.nan, .infinity, -.infinity, .greatestFiniteMagnitude],
        _ element: (Int, Int) -> Double = { _, _ in 0 }
    ) {
        self.init(uninitializedRows: rows, columns: columns)
        for row in 0..<rows {
            for column in 0..<stride {
                pointer[row * stride + column] =
                    column < columns ? Scalar(rounding: element(row, column)) : poison[column % poison.count]
            }
        }
    }

    deinit { UnsafeMutableRawPointer(pointer).deallocate() }

    func copy() -> PaddedMatrix {
        let result = PaddedMatrix(uninitializedRows: rows, columns: columns)
        memcpy(result.pointer, pointer, rows * stride * MemoryLayout<Scalar>.stride)
        return result
    }

    func row(_ index: Int) -> UnsafeMutablePointer<Scalar> { pointer + index * stride }

    subscript(row: Int, column: Int) -> Double { pointer[row * stride + column].asDouble }

    /// The elements inside, row by row, as doubles.
    var values: [Double] {
        (0..<rows).flatMap { row in UnsafeBufferPointer(start: self.row(row), count: columns).map(\.asDouble)
        }
    }

    /// Whether the first `rows` rows hold the same bits inside the matrix.
    func hasSameBits(as other: PaddedMatrix, rows: Int) -> Bool {
        (0..<rows).allSatisfy {
            memcmp(row($0), other.row($0), columns * MemoryLayout<Scalar>.stride) == 0
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct KernelTestGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// Uniform in `range`.
    mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        let unit = Double(next() >> 11) / 9_007_199_254_740_992
        return range.lowerBound + unit * (range.upperBound - range.lowerBound)
    }
}

/// The column counts that every matrix kernel is tried with: around the widths of vectors and cache lines.
let testedColumns = [1, 2, 3, 5, 8, 10, 15, 16, 17, 31, 33, 64, 100, 1000]
/// The rows that are compared with the reference; parts of them must give the same bits.
let testedRows = 40

/// The largest |a - b| / (1 + |b|).
func largestKernelError(_ actual: [Double], _ expected: [Double]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    var largest = 0.0
    for index in actual.indices {
        let error = abs(actual[index] - expected[index]) / (1 + abs(expected[index]))
        guard error <= largest else {
            largest = error
            if error.isNaN { return .infinity }
            continue
        }
    }
    return largest
}
