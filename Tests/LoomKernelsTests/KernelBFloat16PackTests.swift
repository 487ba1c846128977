import CKernels
import LoomKernels
import Testing

/// Rounding to bfloat16, and the packed forms of matrices.
@Suite struct KernelBFloat16PackTests {
    static let sizes = [
        (1, 1), (2, 3), (5, 16), (16, 17), (31, 33), (32, 32), (33, 31), (64, 32), (40, 100), (100, 47), (7, 130),
    ]

    /// Elements that begin anywhere, in rows with an odd stride. What lies between them and around them is NaN.
    private static func source(
        _ rows: Int, _ columns: Int, stride: Int, offset: Int, _ element: (Int, Int) -> Float
    ) -> [Float] {
        var memory = [Float](repeating: .nan, count: offset + rows * stride + 64)
        for row in 0..<rows {
            for column in 0..<columns { memory[offset + row * stride + column] = element(row, column) }
        }
        return memory
    }

    @Test("All forms of matrices of all sizes", arguments: BFloat16Variant.all)
    func forms(_ variant: BFloat16Variant) {
        for (index, (rows, columns)) in Self.sizes.enumerated() {
            var generator = KernelTestGenerator(seed: 3)
            let matrix = PaddedMatrix<Float>(rows: rows, columns: columns) { _, _ in generator.uniform(-2...2) }
            let packed = BFloat16Matrix(rounding: matrix)
            let stride = columns + [0, 1, 2, 5][index % 4] | 1
            let source = Self.source(rows, columns, stride: stride, offset: index % 5) { matrix.row($0)[$1] }
            // The matrix is a part of one that is larger by a block in all directions.
            let forms = BFloat16Forms(rows: rows + 96, columns: columns + 64)
            let image = forms.image(of: packed, row: 64, column: 32)
            let all = BFloat16Form.allCases
            for kept in [all] + all.map({ [$0] }) + all.map({ form in all.filter { $0 != form } }) {
                forms.reset()
                source.withUnsafeBufferPointer {
                    variant.pack(
                        rows: rows, columns: columns, stride: stride, $0.baseAddress! + index % 5,
                        forms.pointers(kept, row: 64, column: 32))
                }
                let difference = forms.difference(from: image, kept: kept)
                #expect(difference == nil, "\(variant), \(rows) × \(columns), \(kept): \(difference ?? "")")
            }
        }
    }

    /// Of what is packed before it is rounded, in the order of the ordinary kernel.
    @Test("Sums of 32 rows each", arguments: BFloat16Variant.all)
    func sums(_ variant: BFloat16Variant) {
        for (index, (rows, columns)) in Self.sizes.enumerated() {
            var generator = KernelTestGenerator(seed: 4)
            let matrix = PaddedMatrix<Float>(rows: rows, columns: columns) { _, _ in generator.uniform(-2...2) }
            let blocks = (rows + 31) / 32, stride = columns + index % 3
            var found = [Float](repeating: -7, count: blocks * stride + 16), expected = found
            let forms = BFloat16Forms(rows: rows, columns: columns)
            let image = forms.image(of: BFloat16Matrix(rounding: matrix))
            variant.pack(
                rows: rows, columns: columns, stride: matrix.stride, matrix.pointer, forms.pointers(), sums: &found,
                sumsStride: stride)
            for block in 0..<blocks {
                expected.withUnsafeMutableBufferPointer {
                    KernelVariant.all[0].kernels(Float.self).column_sums(
                        min(32, rows - block * 32), columns, matrix.stride, matrix.row(block * 32),
                        $0.baseAddress! + block * stride)
                }
            }
            #expect(found == expected, "\(variant), \(rows) × \(columns)")
            let difference = forms.difference(from: image)
            #expect(difference == nil, "\(variant), \(rows) × \(columns): \(difference ?? "")")
        }
    }

    /// What follows is known of the format, not computed as kernels do.
    @Test func theModelRounds() {
        let cases: [(UInt32, UInt16)] = [
            (0x3f80_0000, 0x3f80), (0x3f80_7fff, 0x3f80), (0x3f80_8000, 0x3f80), (0x3f80_8001, 0x3f81),
            (0x3f81_8000, 0x3f82), (0xbf81_8000, 0xbf82), (0x3fff_8000, 0x4000), (0x7f7f_7fff, 0x7f7f),
            (0x7f7f_8000, 0x7f80), (0xff7f_ffff, 0xff80), (0x7f80_0000, 0x7f80), (0x007f_ffff, 0),
            (0x807f_ffff, 0x8000),
            (0x0000_0001, 0), (0x8000_0000, 0x8000), (0x0080_0000, 0x0080), (0x7f80_0001, 0x7fc0),
            (0xffa5_1234, 0xffe5),
            (0x7fc0_0000, 0x7fc0),
        ]
        for (bits, code) in cases {
            #expect(BFloat16Model.rounded(Float(bitPattern: bits)) == code, "\(bits)")
        }
    }

    /// Of every exponent, sign and upper mantissa with what lies around the ties below.
    @Test("Rounding", arguments: BFloat16Variant.all)
    func rounding(_ variant: BFloat16Variant) {
        let low: [UInt32] = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x4000, 0xc000]
        let columns = low.count * 16, rows = 1 << 12
        let memory = (0..<rows * columns).map {
            Float(bitPattern: UInt32($0 / low.count) << 16 | low[$0 % low.count])
        }
        let packed = AlignedBuffer<UInt16>(count: rows * columns, repeating: 0x1234)
        var forms = loom_bf16_forms()
        (forms.left, forms.row_stride) = (packed.pointer, columns / 32)
        variant.pack(rows: rows, columns: columns, stride: columns, memory, forms)
        var wrong: [String] = []
        for row in 0..<rows {
            for column in 0..<columns {
                let value = memory[row * columns + column]
                let found = packed.pointer[BFloat16Form.left(row, column, columns / 32)]
                guard found != BFloat16Model.rounded(value) else { continue }
                wrong.append("\(String(value.bitPattern, radix: 16)): \(String(found, radix: 16))")
            }
        }
        #expect(wrong.isEmpty, "\(variant): \(wrong.count), \(wrong.prefix(5))")
    }
}
