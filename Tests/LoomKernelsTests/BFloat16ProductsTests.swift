import CKernels
import Testing

@testable import LoomKernels

/// Which kernels multiply bfloat16, and the memory of packed matrices.
@Suite struct BFloat16ProductsTests {
    @Test("Portable kernels are of their definition", arguments: BFloat16Products.Definition.allCases)
    func portable(_ definition: BFloat16Products.Definition) throws {
        for set in InstructionSet.allCases {
            let products = BFloat16Products(definition, portable: set)
            #expect(!products.isAccelerated)
            #if arch(x86_64)
                #expect((products.kernels != nil) == set.isSupported)
            #else
                #expect(products.kernels == nil)
            #endif
            guard let kernels = products.kernels?.pointee else { continue }
            #expect(kernels.numerics == (definition == .tiles ? LOOM_BF16_TILES : LOOM_BF16_DOT))
        }
        #expect(definition.numerics.rawValue == (definition == .tiles ? "bf16-amx-1" : "bf16-dot-1"))
    }

    @Test("The fastest way is of the definition, too", arguments: BFloat16Products.Definition.allCases)
    func fastest(_ definition: BFloat16Products.Definition) {
        let products = BFloat16Products(definition)
        #if arch(x86_64)
            #expect(products.kernels?.pointee.numerics == (definition == .tiles ? LOOM_BF16_TILES : LOOM_BF16_DOT))
        #endif
        // Where it is faster than float32 it is the instructions themselves.
        #expect(!definition.isAccelerated || products.isAccelerated)
        #expect(definition != .tiles || definition.isAccelerated == (loom_request_tiles() == LOOM_TILES_GRANTED))
        #expect(definition != .tiles || products.isAccelerated == definition.isAccelerated)
        #expect(BFloat16Products.tilesAreRefused == (loom_request_tiles() == LOOM_TILES_REFUSED))
    }

    @Test func tilesComeFirst() {
        let found = BFloat16Products.accelerated
        #expect(
            found == BFloat16Products.Definition.allCases.first(where: \.isAccelerated).map { BFloat16Products($0) })
        #expect(BFloat16Products.Definition.allCases.first == .tiles)
    }

    private static let forms: [(PackedForms, BFloat16Form)] = [
        (.left, .left), (.leftTransposed, .leftTransposed), (.right, .right), (.rightTransposed, .rightTransposed),
    ]

    private static func pointer(_ form: BFloat16Form, _ forms: loom_bf16_forms) -> UnsafeMutablePointer<UInt16>? {
        switch form {
        case .left: forms.left
        case .leftTransposed: forms.left_transposed
        case .right: forms.right
        case .rightTransposed: forms.right_transposed
        }
    }

    @Test("Packed matrices have room for the forms that are kept", arguments: 0..<16)
    func packedMatrix(_ rawValue: Int) {
        let kept = PackedForms(rawValue: rawValue)
        for (rows, columns) in [(1, 1), (33, 20), (64, 96), (100, 65)] {
            let packed = PackedMatrix(rows: rows, columns: columns, forms: kept)
            #expect(packed.bytes == PackedMatrix.bytes(rows: rows, columns: columns, forms: kept))
            packed.fillBytes(0x5a)
            let forms = packed.forms
            // Rows of blocks do not meet in a few sets of a cache.
            #expect(forms.row_stride % 2 == 1 && forms.column_stride % 2 == 1)
            let starts = Self.forms.map { Self.pointer($0.1, forms) }
            #expect(starts.map { $0 != nil } == Self.forms.map { kept.contains($0.0) })
            guard let first = starts.compactMap({ $0 }).min() else { continue }
            var (places, isAlone) = (0, true)
            for (start, (_, form)) in zip(starts, Self.forms) {
                guard let start else { continue }
                for row in 0..<PackedMatrix.blocks(rows) * 32 {
                    for column in 0..<PackedMatrix.blocks(columns) * 32 {
                        let place = form.place(
                            row: row, column: column, rowStride: forms.row_stride, columnStride: forms.column_stride)
                        // Inside, where no other element lies, of this form or of another.
                        let offset = start + place - first
                        guard (0..<packed.bytes / 2).contains(offset), start[place] == 0x5a5a else {
                            isAlone = false
                            continue
                        }
                        start[place] = 1
                        places += 1
                    }
                }
            }
            #expect(isAlone, "\(rows) × \(columns), \(rawValue): \(places) elements have a place")
        }
    }

    @Test func partsOfPackedMatrices() {
        let packed = PackedMatrix(rows: 200, columns: 130, forms: [.left, .leftTransposed, .right, .rightTransposed])
        let whole = packed.forms
        for (row, column) in [(0, 0), (32, 0), (0, 64), (160, 96)] {
            let part = whole.from(row: row, column: column)
            #expect(part.row_stride == whole.row_stride && part.column_stride == whole.column_stride)
            for (_, form) in Self.forms {
                let place = form.place(
                    row: row, column: column, rowStride: whole.row_stride, columnStride: whole.column_stride)
                #expect(
                    Self.pointer(form, part) == Self.pointer(form, whole).map { $0 + place },
                    "\(form), \(row), \(column)")
            }
        }
        let none = PackedMatrix(rows: 64, columns: 64, forms: .right).forms.from(row: 32, column: 32)
        #expect(none.left == nil && none.left_transposed == nil && none.right_transposed == nil && none.right != nil)
    }
}
