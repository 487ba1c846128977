import CKernels

/// A row-major matrix of numbers in bfloat16.
struct BFloat16Matrix {
    let rows: Int
    let columns: Int
    var codes: [UInt16]

    init(rows: Int, columns: Int, _ code: (Int, Int) -> UInt16) {
        self.rows = rows
        self.columns = columns
        codes = []
        codes.reserveCapacity(rows * columns)
        for row in 0..<rows { for column in 0..<columns { codes.append(code(row, column)) } }
    }

    /// The matrix, rounded.
    init(rounding matrix: PaddedMatrix<Float>) {
        self.init(rows: matrix.rows, columns: matrix.columns) { BFloat16Model.rounded(matrix.row($0)[$1]) }
    }
}

/// Products of bfloat16 as `bf16.h` defines them, one number after the other.
enum BFloat16Model {
    /// To nearest, ties to even. Denormal numbers become 0 with their sign, and NaNs quiet ones.
    static func rounded(_ value: Float) -> UInt16 {
        let high = UInt16(value.bitPattern >> 16), rest = value.bitPattern & 0xffff
        if value.isNaN { return high | 0x40 }
        if value.isSubnormal { return high & 0x8000 }
        let isUp = rest > 0x8000 || (rest == 0x8000 && high % 2 == 1)
        return isUp ? high + 1 : high
    }

    static func widened(_ code: UInt16) -> Float { Float(bitPattern: UInt32(code) << 16) }

    private static func zero(signOf value: Float) -> Float { Float(bitPattern: value.bitPattern & 0x8000_0000) }

    /// A number, or 0 with its sign in place of a denormal one.
    private static func normal(_ value: Float) -> Float { value.isSubnormal ? zero(signOf: value) : value }

    /// a · b + c, rounded once. The result is replaced by 0 if, rounded as though exponents had no end, it is below the normal
    /// numbers: an exact result just below their first one stays where it rounds to it, with all digits of a normal number.
    @inline(__always)
    static func multiplyAdd(_ a: Float, _ b: Float, _ c: Float) -> Float {
        let sum = c.addingProduct(a, b)
        if !(sum.magnitude <= .leastNormalMagnitude) || sum == 0 { return sum }
        // So small a sum has small terms: nothing overflows.
        let scaled = (c * 0x1p64).addingProduct(a * 0x1p32, b * 0x1p32)
        return scaled.magnitude < 0x1p-62 ? zero(signOf: sum) : sum
    }

    /// A sum, exact where it is denormal.
    @inline(__always)
    static func add(_ a: Float, _ b: Float) -> Float { normal(a + b) }

    /// One element under `LOOM_BF16_DOT`.
    static func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
        var sum: Float = 0
        var k = 0
        while k < count {
            sum = multiplyAdd(a[k + 1], b[k + 1], sum)
            sum = multiplyAdd(a[k], b[k], sum)
            k += 2
        }
        return sum
    }

    /// One element under `LOOM_BF16_TILES`, added to a sum that may have begun before.
    static func tiles(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int, from first: Float = 0)
        -> Float
    {
        var sum = first
        var k = 0
        while k < count {
            var even: Float = 0, odd: Float = 0
            let end = k + 32
            while k < end {
                even = multiplyAdd(a[k], b[k], even)
                odd = multiplyAdd(a[k + 1], b[k + 1], odd)
                k += 2
            }
            sum = add(sum, add(even, odd))
        }
        return sum
    }

    /// The product of two matrices. Behind the inner dimension there are zeros up to a multiple of 32. The sums of tiles may
    /// begin with other numbers than 0.
    static func product(
        _ numerics: loom_bf16_numerics, _ left: BFloat16Matrix, _ right: BFloat16Matrix,
        from start: (Int, Int) -> Float = { _, _ in 0 }
    ) -> PaddedMatrix<Float> {
        let inner = (left.columns + 31) / 32 * 32
        let rows = factor(count: left.rows, inner: inner) { $1 < left.columns ? left.codes[$0 * left.columns + $1] : 0 }
        let columns = factor(count: right.columns, inner: inner) {
            $1 < right.rows ? right.codes[$1 * right.columns + $0] : 0
        }
        let result = PaddedMatrix<Float>(rows: left.rows, columns: right.columns)
        rows.withUnsafeBufferPointer { rows in
            columns.withUnsafeBufferPointer { columns in
                guard let a = rows.baseAddress, let b = columns.baseAddress else { return }
                for i in 0..<left.rows {
                    for j in 0..<right.columns {
                        let (row, column) = (a + i * inner, b + j * inner)
                        result.row(i)[j] =
                            numerics == LOOM_BF16_TILES
                            ? tiles(row, column, inner, from: normal(start(i, j))) : dot(row, column, inner)
                    }
                }
            }
        }
        return result
    }

    /// Vectors of a factor one after the other, in float32, with denormal numbers taken for 0.
    private static func factor(count: Int, inner: Int, _ code: (Int, Int) -> UInt16) -> [Float] {
        var numbers: [Float] = []
        // One at least, which has an address.
        numbers.reserveCapacity(count * inner + 1)
        for i in 0..<count {
            for k in 0..<inner {
                numbers.append(normal(widened(code(i, k))))
            }
        }
        numbers.append(0)
        return numbers
    }
}

/// The kinds of numbers that products are tried with.
enum BFloat16Numbers: CaseIterable {
    /// around 1
    case normal
    /// from 2^-57 to 2^56
    case wide
    /// whose products are around the smallest normal number
    case tiny
    /// whose sums are just below the smallest normal number, where the order of flushing and rounding counts
    case edge
    /// denormal ones and zeros, and some with which their product would be normal
    case denormal
    /// whose products are around the largest number
    case huge
    /// with few digits, whose sums cancel
    case cancelling
    /// some infinities, zeros and NaNs
    case infinite
    /// all bits
    case any

    func next(_ generator: inout KernelTestGenerator) -> UInt16 {
        let random = generator.next()
        let choice = Int(random >> 40)
        let signed = UInt16(truncatingIfNeeded: random) & 0x8000
        func number(_ exponents: Range<Int>, mantissa: UInt16? = nil) -> UInt16 {
            let exponent = UInt16(exponents.lowerBound + choice % exponents.count)
            return signed | exponent << 7 | (mantissa ?? UInt16(truncatingIfNeeded: random) & 0x7f)
        }
        switch self {
        case .normal: return number(120..<132)
        case .wide: return number(70..<184)
        case .tiny: return number(58..<70)
        case .edge:
            // ±2^-63, and ±2^-76 … ±2^-75: sums of 2^-126 and a little above 2^-151 more or less.
            return choice % 3 == 0 ? number(51..<52) : choice % 7 == 0 ? signed : number(64..<65, mantissa: 0)
        case .denormal:
            return choice % 4 < 2 ? number(0..<1) : choice % 4 == 2 ? signed : number(120..<190)
        case .huge: return number(185..<197)
        case .cancelling: return number(120..<124, mantissa: [0, 1, 0x40, 0x7f][Int(random >> 20 & 3)])
        case .infinite:
            let special: [UInt16] = [0x7f80, 0x7f80, 0, 0x7fc0]
            return choice % 16 == 0 ? signed | special[Int(random >> 20 & 3)] : number(120..<132)
        case .any: return UInt16(truncatingIfNeeded: random)
        }
    }

    func matrix(rows: Int, columns: Int, seed: UInt64) -> BFloat16Matrix {
        var generator = KernelTestGenerator(seed: seed)
        return BFloat16Matrix(rows: rows, columns: columns) { _, _ in next(&generator) }
    }
}
