import CKernels
import Foundation
import LoomKernels

/// What multiplies factors in bfloat16 on this machine: a definition of the bits, and the instructions that form them.
struct BFloat16Variant: CustomStringConvertible, Sendable {
    let description: String
    let numerics: loom_bf16_numerics
    // Nothing ever writes to a table.
    nonisolated(unsafe) private let table: UnsafePointer<loom_bf16_kernels>

    var kernels: loom_bf16_kernels { table.pointee }

    /// Under every definition that of each instruction set, and that of its own instructions where the processor has them.
    static let all = [("dot", LOOM_BF16_DOT), ("tiles", LOOM_BF16_TILES)].flatMap { name, numerics in
        var result = KernelVariant.all.compactMap { set in
            loom_bf16_portable_kernels_of(numerics, set.instructionSet).map {
                BFloat16Variant(description: "\(name) with \(set)", numerics: numerics, table: $0)
            }
        }
        if let native = loom_bf16_kernels_of(numerics), native.pointee.is_accelerated {
            result.append(BFloat16Variant(description: "\(name) itself", numerics: numerics, table: native))
        }
        return result
    }

    static func all(of numerics: loom_bf16_numerics) -> [BFloat16Variant] { all.filter { $0.numerics == numerics } }

    /// The definitions that this machine has kernels for: none on other architectures than x86-64.
    static let definitions = [LOOM_BF16_DOT, LOOM_BF16_TILES].filter { !all(of: $0).isEmpty }

    /// Carries out a product, with scratch memory full of NaNs.
    func multiply(_ product: loom_bf16_product) {
        let scratch = AlignedBuffer<UInt8>(count: Int(LOOM_BF16_SCRATCH_BYTES), repeating: 0xff)
        kernels.begin_region()
        withUnsafePointer(to: product) { kernels.multiply($0, scratch.pointer) }
        kernels.end_region()
    }

    func pack(
        rows: Int, columns: Int, stride: Int, _ matrix: UnsafePointer<Float>, _ forms: loom_bf16_forms,
        sums: UnsafeMutablePointer<Float>? = nil, sumsStride: Int = 0
    ) {
        withUnsafePointer(to: forms) { kernels.pack(rows, columns, stride, matrix, $0, sums, sumsStride) }
    }
}

/// The shape of a product: rows × inner times inner × columns.
struct BFloat16Shape: CustomStringConvertible, Sendable {
    let rows: Int
    let columns: Int
    let inner: Int

    init(_ rows: Int, _ columns: Int, _ inner: Int) { (self.rows, self.columns, self.inner) = (rows, columns, inner) }

    var description: String { "\(rows) × \(columns), \(inner) inner" }
}

/// The four packed forms of a matrix.
enum BFloat16Form: CaseIterable {
    case left, leftTransposed, right, rightTransposed

    /// Where an element of the matrix lies.
    func place(row: Int, column: Int, rowStride: Int, columnStride: Int) -> Int {
        switch self {
        case .left: Self.left(row, column, rowStride)
        case .leftTransposed: Self.left(column, row, columnStride)
        case .right: Self.right(row, column, columnStride)
        case .rightTransposed: Self.right(column, row, rowStride)
        }
    }

    /// Of element (i, k) of a left factor: row-major blocks.
    static func left(_ i: Int, _ k: Int, _ stride: Int) -> Int {
        (i / 32 * stride + k / 32) * 1024 + i % 32 * 32 + k % 32
    }

    /// Of element (k, j) of a right factor: in its block at [j / 16][k / 2][j % 16][k % 2].
    static func right(_ k: Int, _ j: Int, _ stride: Int) -> Int {
        (j / 32 * stride + k / 32) * 1024 + j % 32 / 16 * 512 + k % 32 / 2 * 32 + j % 16 * 2 + k % 2
    }
}

/// Memory for the packed forms of a matrix, with blocks between block rows that belong to nobody.
final class BFloat16Forms {
    private static let untouched: UInt16 = 0xa5c3

    let rowStride: Int
    let columnStride: Int
    private let rows: Int
    private let columns: Int
    private let memory: [AlignedBuffer<UInt16>]

    init(rows: Int, columns: Int) {
        let (rowBlocks, columnBlocks) = ((rows + 31) / 32, (columns + 31) / 32)
        self.rows = rows
        self.columns = columns
        rowStride = columnBlocks + 2
        columnStride = rowBlocks + 1
        let counts = [rowBlocks * rowStride, columnBlocks * columnStride]
        memory = BFloat16Form.allCases.map {
            let isByRows = $0 == .left || $0 == .rightTransposed
            return AlignedBuffer(count: counts[isByRows ? 0 : 1] * 1024, repeating: Self.untouched)
        }
    }

    func reset() {
        for buffer in memory { buffer.pointer.update(repeating: Self.untouched, count: buffer.count) }
    }

    /// Where kernels write those of `kept`, from a block on.
    func pointers(_ kept: [BFloat16Form] = BFloat16Form.allCases, row: Int = 0, column: Int = 0) -> loom_bf16_forms {
        func start(_ form: BFloat16Form) -> UnsafeMutablePointer<UInt16>? {
            guard kept.contains(form), let index = BFloat16Form.allCases.firstIndex(of: form) else { return nil }
            return memory[index].pointer
                + form.place(row: row, column: column, rowStride: rowStride, columnStride: columnStride)
        }
        return loom_bf16_forms(
            left: start(.left), right_transposed: start(.rightTransposed), right: start(.right),
            left_transposed: start(.leftTransposed), row_stride: rowStride, column_stride: columnStride)
    }

    /// What the memory holds when `matrix` is packed from a block on: its elements, zeros up to whole blocks, and nothing new
    /// in other blocks.
    func image(of matrix: BFloat16Matrix, row first: Int = 0, column firstColumn: Int = 0) -> [[UInt16]] {
        zip(BFloat16Form.allCases, memory).map { form, buffer in
            var image = [UInt16](repeating: Self.untouched, count: buffer.count)
            for row in 0..<(matrix.rows + 31) / 32 * 32 {
                for column in 0..<(matrix.columns + 31) / 32 * 32 {
                    let isInside = row < matrix.rows && column < matrix.columns
                    let place = form.place(
                        row: first + row, column: firstColumn + column, rowStride: rowStride, columnStride: columnStride
                    )
                    image[place] = isInside ? matrix.codes[row * matrix.columns + column] : 0
                }
            }
            return image
        }
    }

    /// Where the forms differ from an image, those not `kept` having to be untouched; nil: nowhere.
    func difference(from image: [[UInt16]], kept: [BFloat16Form] = BFloat16Form.allCases) -> String? {
        for (index, form) in BFloat16Form.allCases.enumerated() {
            let (found, isKept) = (memory[index].pointer, kept.contains(form))
            // Quickly where all is well.
            let isSame = image[index].withUnsafeBytes { memcmp($0.baseAddress!, found, $0.count) == 0 }
            if isKept && isSame { continue }
            for place in 0..<memory[index].count {
                let expected = isKept ? image[index][place] : Self.untouched
                if found[place] == expected { continue }
                return "\(form), block \(place / 1024), element \(place % 1024): \(found[place]), not \(expected)"
            }
        }
        return nil
    }
}

/// Two factors, packed by the tests themselves. What lies between their block rows gives NaNs.
final class BFloat16Factors {
    let shape: BFloat16Shape
    let left: BFloat16Matrix
    let right: BFloat16Matrix
    private let packedLeft: AlignedBuffer<UInt16>
    private let packedRight: AlignedBuffer<UInt16>
    private let stride: Int

    init(_ shape: BFloat16Shape, _ numbers: BFloat16Numbers, seed: UInt64 = 1) {
        self.shape = shape
        left = numbers.matrix(rows: shape.rows, columns: shape.inner, seed: seed)
        right = numbers.matrix(rows: shape.inner, columns: shape.columns, seed: seed + 1)
        stride = (shape.inner + 31) / 32 + 1
        packedLeft = Self.packed(count: shape.rows, inner: shape.inner, stride: stride, BFloat16Form.left) {
            [left] in left.codes[$0 * left.columns + $1]
        }
        packedRight = Self.packed(
            count: shape.columns, inner: shape.inner, stride: stride, { BFloat16Form.right($1, $0, $2) }
        ) { [right] in right.codes[$1 * right.columns + $0] }
    }

    /// `count` vectors of a factor, in whole blocks.
    static func packed(
        count: Int, inner: Int, stride: Int, _ place: (Int, Int, Int) -> Int, _ code: (Int, Int) -> UInt16
    ) -> AlignedBuffer<UInt16> {
        let blockRows = (count + 31) / 32
        let result = AlignedBuffer<UInt16>(count: blockRows * stride * 1024, repeating: 0x7fc0)
        for i in 0..<blockRows * 32 {
            for k in 0..<(inner + 31) / 32 * 32 {
                result.pointer[place(i, k, stride)] = i < count && k < inner ? code(i, k) : 0
            }
        }
        return result
    }

    /// The product as a model has it.
    func expected(_ numerics: loom_bf16_numerics) -> PaddedMatrix<Float> {
        BFloat16Model.product(numerics, left, right)
    }

    /// The product, but for what becomes of it.
    var product: loom_bf16_product {
        var result = loom_bf16_product()
        (result.rows, result.columns, result.inner) = (shape.rows, shape.columns, shape.inner)
        (result.left, result.right) = (UnsafePointer(packedLeft.pointer), UnsafePointer(packedRight.pointer))
        (result.left_stride, result.right_stride) = (stride, stride)
        return result
    }

    /// Where inner block `block` of a block row begins, in the left and in the right factor.
    func blocks(left row: Int, right column: Int, from block: Int) -> (UnsafePointer<UInt16>, UnsafePointer<UInt16>) {
        (
            UnsafePointer(packedLeft.pointer + (row * stride + block) * 1024),
            UnsafePointer(packedRight.pointer + (column * stride + block) * 1024)
        )
    }
}

/// Columns of a wider matrix: a result that has neighbours.
final class BFloat16Window {
    private static let neighbour: Float = -12345
    let matrix: PaddedMatrix<Float>
    let columns: Int
    private let first: Int

    /// Elements from `element`, after `first` other columns (a multiple of 16) and before 16 more behind the padding.
    init(rows: Int, columns: Int, first: Int = 16, _ element: (Int, Int) -> Float = { _, _ in .nan }) {
        let padded = (columns + 15) / 16 * 16
        matrix = PaddedMatrix(rows: rows, columns: first + padded + 16) { _, _ in Double(Self.neighbour) }
        self.columns = columns
        self.first = first
        for row in 0..<rows {
            for column in 0..<padded {
                self.row(row)[column] = column < columns ? element(row, column) : .nan
            }
        }
    }

    var pointer: UnsafeMutablePointer<Float> { row(0) }
    var stride: Int { matrix.stride }

    func row(_ index: Int) -> UnsafeMutablePointer<Float> { matrix.row(index) + first }

    /// Where bits differ from a matrix's, all NaNs alike, or where a neighbour has changed; nil: nowhere.
    func difference(from expected: PaddedMatrix<Float>) -> String? {
        let padded = (columns + 15) / 16 * 16
        for row in 0..<matrix.rows {
            let (found, wanted) = (self.row(row), expected.row(row))
            for column in 0..<columns {
                let isSame =
                    found[column].bitPattern == wanted[column].bitPattern
                    || (found[column].isNaN && wanted[column].isNaN)
                if !isSame { return "(\(row), \(column)): \(found[column]), not \(wanted[column])" }
            }
            for column in -first..<padded + 16 where !(0..<padded).contains(column) {
                if found[column] != Self.neighbour { return "a neighbour, (\(row), \(column))" }
            }
        }
        return nil
    }
}
