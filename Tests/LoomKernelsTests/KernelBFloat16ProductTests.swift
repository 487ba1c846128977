import CKernels
import Foundation
import LoomKernels
import Testing

/// Products of bfloat16 against a scalar model of their definitions, bit by bit, whatever forms them.
@Suite struct KernelBFloat16ProductTests {
    /// Around the sizes of vectors, of the rows that are multiplied at a time, and of blocks.
    static let small = [
        BFloat16Shape(1, 1, 1), .init(1, 1, 2), .init(2, 3, 5), .init(5, 17, 31), .init(9, 4, 32), .init(16, 16, 33),
        .init(17, 33, 1), .init(31, 15, 7), .init(32, 32, 32), .init(33, 31, 64), .init(12, 8, 0), .init(1, 100, 66),
    ]
    /// Beyond several blocks, the blocks of a panel (256) and two of them, and a group of block rows (256).
    static let large = [
        BFloat16Shape(64, 96, 32), .init(100, 100, 100), .init(7, 70, 256), .init(40, 33, 257), .init(33, 40, 300),
        .init(3, 5, 512), .init(35, 20, 530), .init(2, 65, 800), .init(256, 7, 40), .init(257, 2, 3),
        .init(300, 33, 10),
        .init(520, 1, 290),
    ]

    static func check(_ numerics: loom_bf16_numerics, _ shape: BFloat16Shape, _ numbers: BFloat16Numbers) {
        let factors = BFloat16Factors(shape, numbers)
        let expected = factors.expected(numerics)
        for variant in BFloat16Variant.all(of: numerics) {
            let result = BFloat16Window(rows: shape.rows, columns: shape.columns)
            var product = factors.product
            product.epilogue = LOOM_BF16_STORE
            (product.result, product.result_stride) = (result.pointer, result.stride)
            variant.multiply(product)
            let difference = result.difference(from: expected)
            #expect(difference == nil, "\(variant), \(shape), \(numbers): \(difference ?? "")")
        }
    }

    @Test("Products of all kinds of numbers", arguments: BFloat16Variant.definitions, small)
    func products(_ numerics: loom_bf16_numerics, _ shape: BFloat16Shape) {
        for numbers in BFloat16Numbers.allCases { Self.check(numerics, shape, numbers) }
    }

    @Test("Products beyond panels and groups", arguments: BFloat16Variant.definitions, large)
    func largeProducts(_ numerics: loom_bf16_numerics, _ shape: BFloat16Shape) {
        for numbers in [BFloat16Numbers.wide, .edge, .cancelling, .any] { Self.check(numerics, shape, numbers) }
    }

    @Test("Products of many shapes", arguments: BFloat16Variant.definitions)
    func manyShapes(_ numerics: loom_bf16_numerics) {
        var generator = KernelTestGenerator(seed: 11)
        func size() -> Int { Int(generator.next() % 100) + 1 }
        let kinds = BFloat16Numbers.allCases
        for index in 0..<60 { Self.check(numerics, BFloat16Shape(size(), size(), size()), kinds[index % kinds.count]) }
    }

    /// Sums are rounded to nearest and flushed whatever the processor is set to, which is as before afterwards.
    @Test("The processor's settings", arguments: BFloat16Variant.all)
    func settings(_ variant: BFloat16Variant) {
        let shape = BFloat16Shape(33, 20, 70)
        for numbers in [BFloat16Numbers.normal, .tiny] {
            let factors = BFloat16Factors(shape, numbers)
            let expected = factors.expected(variant.numerics)
            let result = BFloat16Window(rows: shape.rows, columns: shape.columns)
            var product = factors.product
            (product.result, product.result_stride) = (result.pointer, result.stride)
            // Nothing here waits for anybody: the thread stays the same.
            let before = fegetround()
            fesetround(FE_UPWARD)
            variant.multiply(product)
            let during = fegetround()
            fesetround(before)
            let difference = result.difference(from: expected)
            #expect(difference == nil, "\(variant), \(numbers): \(difference ?? "")")
            #expect(during == FE_UPWARD, "\(variant): rounding has changed")
            let half = [Float(bitPattern: 0x0080_0000), 0.5]
            #expect((half[0] * half[1]).isSubnormal, "\(variant): denormal numbers are flushed afterwards")
        }
    }

    /// What is added is added in float32: denormal numbers, too.
    @Test("Products are added to a result", arguments: BFloat16Variant.definitions)
    func accumulation(_ numerics: loom_bf16_numerics) {
        for (shape, numbers) in [
            (BFloat16Shape(33, 17, 40), BFloat16Numbers.normal), (.init(5, 40, 3), .tiny), (.init(64, 33, 64), .normal),
            (.init(270, 9, 33), .cancelling), (.init(20, 20, 300), .wide), (.init(3, 50, 0), .normal),
        ] {
            let factors = BFloat16Factors(shape, numbers)
            let expected = factors.expected(numerics)
            var generator = KernelTestGenerator(seed: 5)
            let range = numbers == .tiny ? 0x1p-140 : 1
            let start = PaddedMatrix<Float>(rows: shape.rows, columns: shape.columns) { _, _ in
                generator.uniform(-range...range)
            }
            for row in 0..<shape.rows {
                for column in 0..<shape.columns { expected.row(row)[column] += start.row(row)[column] }
            }
            for variant in BFloat16Variant.all(of: numerics) {
                let result = BFloat16Window(rows: shape.rows, columns: shape.columns) { start.row($0)[$1] }
                var product = factors.product
                product.accumulates = true
                (product.result, product.result_stride) = (result.pointer, result.stride)
                variant.multiply(product)
                let difference = result.difference(from: expected)
                #expect(difference == nil, "\(variant), \(shape), \(numbers): \(difference ?? "")")
            }
        }
    }

    /// Parts of a product by rows and by columns have its bits: they need not be known to be parts.
    @Test("Parts of products", arguments: BFloat16Variant.all)
    func parts(_ variant: BFloat16Variant) {
        let shape = BFloat16Shape(100, 70, 290)
        let factors = BFloat16Factors(shape, .normal)
        let whole = PaddedMatrix<Float>(rows: shape.rows, columns: shape.columns)
        let result = BFloat16Window(rows: shape.rows, columns: shape.columns)
        var product = factors.product
        (product.result, product.result_stride) = (whole.pointer, whole.stride)
        variant.multiply(product)
        for rows in [0..<32, 32..<96, 96..<100] {
            for columns in [0..<64, 64..<70] {
                var part = factors.product
                let start = factors.blocks(left: rows.lowerBound / 32, right: columns.lowerBound / 32, from: 0)
                (part.rows, part.columns, part.left, part.right) = (rows.count, columns.count, start.0, start.1)
                part.result = result.row(rows.lowerBound) + columns.lowerBound
                part.result_stride = result.stride
                variant.multiply(part)
            }
        }
        let difference = result.difference(from: whole)
        #expect(difference == nil, "\(variant): \(difference ?? "")")
    }
}
