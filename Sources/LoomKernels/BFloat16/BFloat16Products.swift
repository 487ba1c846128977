import CKernels

/// Products of bfloat16 factors with sums in float32: under which definition of the bits, and by which instructions.
public struct BFloat16Products: Hashable, Sendable {
    /// A definition of the bits, after the instructions that form them fast. Any x86-64 processor with AVX2 can form both.
    public enum Definition: String, Sendable, CaseIterable, Codable {
        /// tiles (AMX): for every 32 terms of a sum one chain over the even and one over the odd ones
        case tiles = "bf16-amx-1"
        /// VDPBF16PS (AVX-512-BF16): one chain over all terms, of every two the second one first
        case dot = "bf16-dot-1"

        var kernels: loom_bf16_numerics { self == .tiles ? LOOM_BF16_TILES : LOOM_BF16_DOT }

        /// What the bits are called in runs and checkpoints.
        public var numerics: NumericsIdentity { NumericsIdentity(rawValue: rawValue) }

        /// Whether this machine has the instructions, may use them, and is faster with them than with float32. AVX-512-BF16 of
        /// Intel's processors is slower than their float32 (149 against 262 GFLOP/s, two cores of Emerald Rapids).
        public var isAccelerated: Bool {
            guard let kernels = loom_bf16_kernels_of(kernels), kernels.pointee.is_accelerated else { return false }
            return self == .tiles || loom_dot_is_fast()
        }
    }

    /// The definition of the bits.
    public let definition: Definition
    /// The vectors of float32 that form the bits in place of the definition's own instructions; nil: the fastest way there is.
    public let portable: InstructionSet?

    /// Products under `definition`.
    /// - Parameter portable: The vectors that form them without the definition's own instructions; nil: the fastest way.
    public init(_ definition: Definition, portable: InstructionSet? = nil) {
        self.definition = definition
        self.portable = portable
    }

    /// Those that are faster than float32 on this machine; nil: none are.
    public static var accelerated: BFloat16Products? {
        Definition.allCases.first(where: \.isAccelerated).map { BFloat16Products($0) }
    }

    /// What carries them out; nil on other architectures than x86-64.
    package var kernels: UnsafePointer<loom_bf16_kernels>? {
        guard let portable else { return loom_bf16_kernels_of(definition.kernels) }
        return loom_bf16_portable_kernels_of(definition.kernels, portable.kernels)
    }

    /// Whether the definition's own instructions do it.
    public var isAccelerated: Bool { kernels?.pointee.is_accelerated ?? false }

    /// Who multiplies, for machines: "amx_bf16", "avx512_bf16" or "portable_bf16".
    public var name: String {
        guard isAccelerated else { return "portable_bf16" }
        return definition == .tiles ? "amx_bf16" : "avx512_bf16"
    }

    /// What the system says to the use of tiles. Asked once, before threads are started that multiply.
    public static var tilesAreRefused: Bool { loom_request_tiles() == LOOM_TILES_REFUSED }
}

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
