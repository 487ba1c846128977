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

/// The kernels of one instruction set.
struct KernelVariant: CustomStringConvertible, Sendable {
    let description: String
    let instructionSet: loom_instruction_set

    /// Every instruction set that this machine can run.
    static let all = [("baseline", LOOM_BASELINE), ("AVX2", LOOM_AVX2), ("AVX-512", LOOM_AVX512)]
        .filter { loom_supports_instruction_set($0.1) != 0 }
        .map { KernelVariant(description: $0.0, instructionSet: $0.1) }

    /// Its table for numbers of a type.
    func kernels<Scalar: KernelScalar>(_: Scalar.Type) -> loom_kernels {
        loom_kernels_of(instructionSet, Scalar.element)!.pointee
    }
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
