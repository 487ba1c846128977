import CKernels
import EmulatedTiles
import LoomKernels
import Testing

/// The kernel of tiles (AMX) on tiles in plain C: it cannot be tried itself on a machine without them.
@Suite struct EmulatedTilesTests {
    /// A block of results.
    private static func block(_ value: Float) -> AlignedBuffer<Float> { AlignedBuffer(count: 1024, repeating: value) }

    private static func difference(_ block: AlignedBuffer<Float>, _ expected: PaddedMatrix<Float>) -> String? {
        for row in 0..<32 {
            for column in 0..<32 {
                let (found, wanted) = (block.pointer[row * 32 + column], expected.row(row)[column])
                if found.bitPattern == wanted.bitPattern || (found.isNaN && wanted.isNaN) { continue }
                return "(\(row), \(column)): \(found), not \(wanted)"
            }
        }
        return nil
    }

    static func check(blocks: Int, _ numbers: BFloat16Numbers) {
        let factors = BFloat16Factors(BFloat16Shape(32, 32, blocks * 32), numbers, seed: UInt64(blocks))
        let expected = factors.expected(LOOM_BF16_TILES)
        let faults = emulated_tiles_faults()
        // At once, and as several calls that go on.
        for cuts in [[], [1], [blocks - 1], Array(1..<blocks)] where cuts.allSatisfy({ (1..<blocks).contains($0) }) {
            let result = block(.nan)
            let starts = [0] + cuts
            for (start, end) in zip(starts, cuts + [blocks]) {
                let (left, right) = factors.blocks(left: 0, right: 0, from: start)
                emulated_tiles_block(left, right, end - start, result.pointer, start > 0, 32, 32)
            }
            let difference = difference(result, expected)
            #expect(difference == nil, "\(blocks) blocks, cut at \(cuts), \(numbers): \(difference ?? "")")
        }
        #expect(emulated_tiles_faults() == faults, "\(blocks) blocks: what the processor would have refused")
        for variant in BFloat16Variant.all(of: LOOM_BF16_TILES) {
            let result = block(.nan)
            var product = factors.product
            (product.result, product.result_stride) = (result.pointer, 32)
            variant.multiply(product)
            let difference = difference(result, expected)
            #expect(difference == nil, "\(variant), \(blocks) blocks, \(numbers): \(difference ?? "")")
        }
    }

    @Test("Inner blocks, at once and one after the other", arguments: [1, 2, 3, 4, 9])
    func blocks(_ count: Int) {
        for numbers in BFloat16Numbers.allCases where count < 4 || numbers == .wide {
            Self.check(blocks: count, numbers)
        }
    }

    /// A result that is not the kernel's own: denormal sums are taken for 0, whatever is added.
    @Test func sumsThatGoOn() {
        for numbers in [BFloat16Numbers.wide, .tiny, .edge, .infinite, .any] {
            let factors = BFloat16Factors(BFloat16Shape(32, 32, 32), numbers, seed: 3)
            let starts: [Float] = [0, -0.0, 1, -3, 0x1p-126, -0x1p-126, 0x1p-127, -0x1p-140, 0x1p127, .infinity]
            let sums = (0..<1024).map { starts[($0 + $0 / 32) % starts.count] }
            let result = AlignedBuffer<Float>(sums)
            let (left, right) = factors.blocks(left: 0, right: 0, from: 0)
            emulated_tiles_block(left, right, 1, result.pointer, true, 32, 32)
            let expected = BFloat16Model.product(LOOM_BF16_TILES, factors.left, factors.right) { sums[$0 * 32 + $1] }
            let difference = Self.difference(result, expected)
            #expect(difference == nil, "\(numbers): \(difference ?? "")")
        }
    }

    /// Blocks of few rows or columns: what is wanted is the same, and sums that nobody wants are not formed.
    @Test(arguments: [(16, 32), (32, 16), (16, 16), (1, 17), (17, 1), (9, 10)]) func partsOfABlock(
        rows: Int, columns: Int
    ) {
        let factors = BFloat16Factors(BFloat16Shape(32, 32, 96), .wide, seed: 4)
        let expected = BFloat16Model.product(LOOM_BF16_TILES, factors.left, factors.right)
        let faults = emulated_tiles_faults()
        let result = AlignedBuffer<Float>(count: 1024, repeating: .nan)
        for (start, end) in [(0, 2), (2, 3)] {
            let (left, right) = factors.blocks(left: 0, right: 0, from: start)
            emulated_tiles_block(left, right, end - start, result.pointer, start > 0, rows, columns)
        }
        #expect(emulated_tiles_faults() == faults)
        for row in 0..<32 {
            for column in 0..<32 {
                let (ours, theirs) = (result.pointer[row * 32 + column], expected.row(row)[column])
                if row < rows && column < columns {
                    #expect(ours.bitPattern == theirs.bitPattern, "\(row), \(column)")
                } else if row / 16 > (rows - 1) / 16 || column / 16 > (columns - 1) / 16 {
                    #expect(ours.isNaN, "\(row), \(column)")
                }
            }
        }
    }

    /// The emulation itself, on which everything above rests: elements where they belong, the even chain and the odd one.
    @Test func oneProductOfTiles() {
        var (a, b) = ([UInt16](repeating: 0, count: 512), [UInt16](repeating: 0, count: 512))
        var c = [Float](repeating: 1, count: 256)
        // Row 3 has (2^70, 3) in pair 2 and (-2^70, 2^-70) in pair 5; column 7 has (2^10, 5) and (2^10, 2^-10). One chain over all
        // would lose 3 · 5.
        (a[3 * 32 + 4], a[3 * 32 + 5], a[3 * 32 + 10], a[3 * 32 + 11]) = (0x6280, 0x4040, 0xe280, 0x1c80)
        (b[2 * 32 + 14], b[2 * 32 + 15], b[5 * 32 + 14], b[5 * 32 + 15]) = (0x4480, 0x40a0, 0x4480, 0x3a80)
        emulated_tile_product(a, b, &c)
        for index in 0..<256 { #expect(c[index] == (index == 3 * 16 + 7 ? 16 : 1), "\(index)") }
    }
}
