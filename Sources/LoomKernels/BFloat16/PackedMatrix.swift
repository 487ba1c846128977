import CKernels

/// Which packed forms of a matrix are kept.
package struct PackedForms: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// The matrix as a left factor.
    package static let left = PackedForms(rawValue: 1)
    /// Its transpose as a left factor.
    package static let leftTransposed = PackedForms(rawValue: 2)
    /// The matrix as a right factor.
    package static let right = PackedForms(rawValue: 4)
    /// Its transpose as a right factor.
    package static let rightTransposed = PackedForms(rawValue: 8)
}

/// The memory of packed forms of a matrix: blocks of 32 × 32 numbers in bfloat16.
package final class PackedMatrix: Sendable {
    /// Rows and columns of a block.
    package static let side = Int(LOOM_BF16_SIDE)

    private let blocks: AlignedBuffer<UInt16>
    private let kept: PackedForms
    private let rowBlocks, columnBlocks: Int

    /// Reserves memory for `forms` of a matrix of up to `rows` × `columns`.
    package init(rows: Int, columns: Int, forms: PackedForms) {
        kept = forms
        rowBlocks = Self.blocks(rows)
        columnBlocks = Self.blocks(columns)
        blocks = AlignedBuffer(uninitializedCount: Self.elements(rows: rows, columns: columns, forms: forms))
    }

    /// Blocks that `count` rows or columns take.
    package static func blocks(_ count: Int) -> Int { (count + side - 1) / side }

    /// Bytes of `forms` of such a matrix.
    package static func bytes(rows: Int, columns: Int, forms: PackedForms) -> Int {
        elements(rows: rows, columns: columns, forms: forms) * MemoryLayout<UInt16>.stride
    }

    private static func elements(rows: Int, columns: Int, forms: PackedForms) -> Int {
        let (rows, columns) = (blocks(rows), blocks(columns))
        let byRows = rows * stride(columns) * [.left, .rightTransposed].filter(forms.contains).count
        let byColumns = columns * stride(rows) * [.right, .leftTransposed].filter(forms.contains).count
        return (byRows + byColumns) * Int(LOOM_BF16_BLOCK_ELEMENTS)
    }

    /// Blocks from block row to block row: odd, so that those of many block rows do not meet in a few sets of a cache.
    private static func stride(_ blocks: Int) -> Int { blocks | 1 }

    /// Bytes reserved.
    package var bytes: Int { blocks.count * MemoryLayout<UInt16>.stride }

    /// Where the forms lie; valid while this object lives.
    package var forms: loom_bf16_forms {
        var (free, result) = (blocks.pointer, loom_bf16_forms())
        result.row_stride = Self.stride(columnBlocks)
        result.column_stride = Self.stride(rowBlocks)
        func take(_ form: PackedForms, _ count: Int, _ stride: Int) -> UnsafeMutablePointer<UInt16>? {
            guard kept.contains(form) else { return nil }
            defer { free += count * stride * Int(LOOM_BF16_BLOCK_ELEMENTS) }
            return free
        }
        result.left = take(.left, rowBlocks, result.row_stride)
        result.right_transposed = take(.rightTransposed, rowBlocks, result.row_stride)
        result.right = take(.right, columnBlocks, result.column_stride)
        result.left_transposed = take(.leftTransposed, columnBlocks, result.column_stride)
        return result
    }

    /// Whether the elements of `rows` in the first `columns` columns are finite; only with the form `left`.
    package func isFinite(rows: Range<Int>, columns: Int) -> Bool {
        guard let left = forms.left else {
            preconditionFailure("left factors are row-major, and kept where this is asked")
        }
        let (exponent, rowStride) = (UInt16(0x7f80), Self.stride(columnBlocks))
        return rows.allSatisfy { row in
            (0..<columns).allSatisfy { column in
                let block = row / Self.side * rowStride + column / Self.side
                let place = block * Int(LOOM_BF16_BLOCK_ELEMENTS) + row % Self.side * Self.side + column % Self.side
                return left[place] & exponent != exponent
            }
        }
    }

    /// Sets all elements, those of the padding included, to a number that has no more digits than bfloat16.
    package func fill(_ value: Float) {
        blocks.elements.initialize(repeating: UInt16(value.bitPattern >> 16))
    }

    /// Sets every byte: tests show that results do not depend on what was there.
    package func fillBytes(_ byte: UInt8) {
        UnsafeMutableRawPointer(blocks.pointer).initializeMemory(as: UInt8.self, repeating: byte, count: bytes)
    }
}

extension loom_bf16_forms {
    /// The forms from these rows and columns of the matrix on, multiples of a block's.
    package func from(row: Int = 0, column: Int = 0) -> loom_bf16_forms {
        assert(row % PackedMatrix.side == 0 && column % PackedMatrix.side == 0, "packed matrices are cut into blocks")
        let (rowBlock, columnBlock) = (row / PackedMatrix.side, column / PackedMatrix.side)
        let elements = Int(LOOM_BF16_BLOCK_ELEMENTS)
        var result = self
        let byRows = (rowBlock * row_stride + columnBlock) * elements
        let byColumns = (columnBlock * column_stride + rowBlock) * elements
        result.left = left.map { $0 + byRows }
        result.right_transposed = right_transposed.map { $0 + byRows }
        result.right = right.map { $0 + byColumns }
        result.left_transposed = left_transposed.map { $0 + byColumns }
        return result
    }
}

extension loom_bf16_forms {
    /// The matrix as a left factor, or its transpose.
    package func leftFactor(transposed: Bool = false) -> PackedFactor {
        transposed
            ? PackedFactor(blocks: left_transposed!, stride: column_stride)
            : PackedFactor(blocks: left!, stride: row_stride)
    }

    /// The matrix as a right factor, or its transpose.
    package func rightFactor(transposed: Bool = false) -> PackedFactor {
        transposed
            ? PackedFactor(blocks: right_transposed!, stride: row_stride)
            : PackedFactor(blocks: right!, stride: column_stride)
    }
}

/// A factor of a product: its blocks, and how many of them lie from block row to block row.
package struct PackedFactor: BitwiseCopyable {
    let blocks: UnsafeMutablePointer<UInt16>
    let stride: Int
}

extension loom_bf16_product {
    /// The product of rows × inner and inner × columns; where it goes is not filled in.
    package init(rows: Int, columns: Int, inner: Int, left: PackedFactor, right: PackedFactor) {
        self.init()
        (self.rows, self.columns, self.inner) = (rows, columns, inner)
        (self.left, left_stride) = (UnsafePointer(left.blocks), left.stride)
        (self.right, right_stride) = (UnsafePointer(right.blocks), right.stride)
    }

    /// Writes the product to `result`, or adds it to what is there.
    package mutating func store(in result: MatrixView<Float>, accumulates: Bool) {
        epilogue = LOOM_BF16_STORE
        self.accumulates = accumulates
        (self.result, result_stride) = (result.pointer, result.stride)
    }
}
