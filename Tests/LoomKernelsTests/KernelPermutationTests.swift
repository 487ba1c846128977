import CKernels
import Testing

/// The permutation without a table, and the choice of the instruction set.
@Suite struct KernelPermutationTests {
    /// The two networks: that of sizes below 2³², and that of all others.
    enum Network: CaseIterable {
        case narrow, wide
    }

    static func permutation(
        _ variant: KernelVariant, _ network: Network = .narrow, key: UInt64, size: UInt64, start: UInt64 = 0,
        count: UInt64? = nil
    ) -> [UInt64] {
        let count = count ?? size
        var indices = [UInt64](repeating: .max, count: Int(count) + 1)
        let kernels = variant.kernels(Float.self)
        let permute = network == .narrow ? kernels.permute : kernels.permute_wide
        permute(key, size, start, count, &indices)
        #expect(indices.last == .max, "wrote past the end")
        return Array(indices.dropLast())
    }

    @Test(
        "A bijection for every small size and several large ones", arguments: KernelVariant.all, Network.allCases)
    func bijection(_ variant: KernelVariant, _ network: Network) {
        // 2401 = 49²: 49 · (1/49) rounds to less than 1.
        for size in Array(UInt64(0)...300) + [1000, 2401, 4095, 4096, 4097, 10_007, 65_535, 65_536, 65_537, 1_000_003] {
            var seen = [Bool](repeating: false, count: Int(size))
            for index in Self.permutation(variant, network, key: 42, size: size) where index < size {
                seen[Int(index)] = true
            }
            #expect(!seen.contains(false), "size \(size)")
        }
    }

    /// Squares, what lies beside them, and what no double holds.
    static let largeSizes: [UInt64] = [
        1 << 32, (1 << 32) + 1, 0x1_0001 * 0x1_0001, (1 << 48) - 1, 1 << 53, (1 << 53) + 1, 1 << 62, 0xffff_ffff << 32,
        .max - (1 << 33) + 1, .max - 1, .max,
    ]

    @Test("Many positions of large sizes, no value twice", arguments: largeSizes)
    func largeSize(_ size: UInt64) throws {
        let variant = try #require(KernelVariant.all.last)
        let count = UInt64(100_000)
        var values: Set<UInt64> = []
        for start in [0, size / 3, size - count] {
            let part = Self.permutation(variant, key: 11, size: size, start: start, count: count)
            let isInside = part.allSatisfy { $0 < size }
            #expect(isInside)
            values.formUnion(part)
        }
        #expect(values.count == 300_000)
    }

    @Test("The same on every instruction set, and wherever a call begins")
    func sameEverywhere() throws {
        let baseline = try #require(KernelVariant.all.first)
        for size in [3, 17, 1000, 9_999, 4_294_967_295, 4_294_967_296, .max] as [UInt64] {
            let count = min(size, 1500)
            let expected = Self.permutation(baseline, key: 7, size: size, count: count)
            for variant in KernelVariant.all {
                let isSame = Self.permutation(variant, key: 7, size: size, count: count) == expected
                #expect(isSame, "\(variant), size \(size)")
                let start = count / 3
                let tail = Self.permutation(variant, key: 7, size: size, start: start, count: count - start)
                let continues = tail.elementsEqual(expected[Int(start)...])
                #expect(continues, "\(variant), size \(size)")
            }
        }
        let size = UInt64(UInt32.max)
        let last = Self.permutation(baseline, key: 7, size: size, start: size - 100, count: 100)
        #expect(Set(last).count == 100 && last.allSatisfy { $0 < size })
    }

    /// A few values: whoever changes them changes the order of the samples in every training.
    @Test("Values are fixed", arguments: KernelVariant.all)
    func fixedValues(_ variant: KernelVariant) {
        for (size, expected) in Self.fixedValues {
            let values = Self.permutation(variant, key: 42, size: size, start: size / 2, count: 4)
            #expect(values == expected, "\(size)")
        }
    }

    private static let fixedValues: [(UInt64, [UInt64])] = [
        (10, [2, 9, 8, 7]), (1_000_003, [726_673, 644_910, 390_493, 734_812]),
        (4_294_967_295, [1_185_264_726, 1_310_003_550, 308_391_864, 1_567_931_859]),
        (4_294_967_296, [4_153_503_824, 1_078_993_321, 3_536_234_749, 2_715_686_719]),
        (1 << 48, [272_619_871_338_948, 43_986_119_144_194, 211_707_192_561_465, 279_873_762_348_772]),
        (
            .max,
            [
                3_010_768_790_288_397_658, 1_983_650_838_048_600_619, 4_109_508_066_785_336_152,
                11_584_253_564_366_528_057,
            ]
        ),
    ]

    @Test("Keys give different orders")
    func keys() throws {
        let variant = try #require(KernelVariant.all.last)
        let orders = (0..<200).map { Self.permutation(variant, key: $0, size: 100) }
        #expect(Set(orders).count == 200)
        // Every one of the six orders of three elements comes up about equally often: χ² with 5 degrees of freedom.
        var counts: [[UInt64]: Int] = [:]
        for key in 0..<UInt64(6000) { counts[Self.permutation(variant, key: key, size: 3), default: 0] += 1 }
        let chiSquare = counts.values.reduce(0.0) { $0 + Double(($1 - 1000) * ($1 - 1000)) / 1000 }
        #expect(counts.count == 6 && chiSquare < 25, "\(chiSquare)")
    }

    @Test("Positions and values are independent", arguments: [65_536, 60_000, 1_000_003, 1 << 32, 1 << 50] as [UInt64])
    func uniformity(_ size: UInt64) throws {
        let variant = try #require(KernelVariant.all.last)
        for key in UInt64(0)..<4 {
            let count = UInt64(20_000)
            let values = Self.permutation(variant, key: key, size: size, count: count).map {
                Double($0) / Double(size)
            }
            // A 16 × 16 table of position against value: χ² has 255 degrees of freedom at most.
            var cells = [Double](repeating: 0, count: 256)
            for (position, value) in values.enumerated() {
                cells[position * 16 / Int(count) * 16 + min(Int(value * 16), 15)] += 1
            }
            let mean = Double(count) / 256
            let chiSquare = cells.reduce(0) { $0 + ($1 - mean) * ($1 - mean) / mean }
            #expect(chiSquare < 365, "χ² \(chiSquare): five standard deviations")
            for lag in [1, 2, 256, 1000] {
                let products = zip(values, values.dropFirst(lag)).map { ($0 - 0.5) * ($1 - 0.5) * 12 }
                let correlation = products.reduce(0, +) / Double(products.count)
                #expect(
                    abs(correlation) < 5 / Double(products.count).squareRoot(), "lag \(lag): \(correlation)")
            }
        }
    }

    @Test("Instruction sets: the best is active, an unsupported one is refused")
    func instructionSets() {
        let sets = [LOOM_BASELINE, LOOM_AVX2, LOOM_AVX512]
        let best = sets.last { loom_supports_instruction_set($0) != 0 }
        #expect(loom_active_instruction_set() == best)
        for element in [LOOM_FLOAT32, LOOM_FLOAT64] {
            for set in sets {
                let table = loom_kernels_of(set, element)?.pointee
                #expect((table != nil) == (loom_supports_instruction_set(set) != 0))
                #expect(table.map { $0.instruction_set == set && $0.element == element } ?? true)
            }
        }
        #expect(loom_select_instruction_set(loom_instruction_set(rawValue: 99)) == 0)
        #expect(loom_active_instruction_set() == best)
    }

    // In a process of its own: the selection is for the whole process.
    @Test("A selected instruction set is used") func selection() async {
        await #expect(processExitsWith: .success) {
            for set in [LOOM_BASELINE, LOOM_AVX2, LOOM_AVX512] where loom_supports_instruction_set(set) != 0 {
                #expect(loom_select_instruction_set(set) == 1 && loom_active_instruction_set() == set)
                for element in [LOOM_FLOAT32, LOOM_FLOAT64] {
                    #expect(loom_active_kernels(element) == loom_kernels_of(set, element))
                }
            }
        }
    }
}
