import CKernels
import Testing

/// The permutation without a table, and the choice of the instruction set.
@Suite struct KernelPermutationTests {
    static func permutation(
        _ variant: KernelVariant, key: UInt64, size: UInt32, start: UInt32 = 0, count: UInt32? = nil
    ) -> [UInt32] {
        let count = count ?? size
        var indices = [UInt32](repeating: .max, count: Int(count) + 1)
        variant.kernels(Float.self).permute(key, size, start, count, &indices)
        #expect(indices.last == .max, "wrote past the end")
        return Array(indices.dropLast())
    }

    @Test("A bijection for every small size and several large ones", arguments: KernelVariant.all)
    func bijection(_ variant: KernelVariant) {
        // 2401 = 49²: 49 · (1/49) rounds to less than 1.
        for size in Array(UInt32(0)...300) + [1000, 2401, 4095, 4096, 4097, 10_007, 65_535, 65_536, 65_537] {
            var seen = [Bool](repeating: false, count: Int(size))
            for index in Self.permutation(variant, key: 42, size: size) where index < size {
                seen[Int(index)] = true
            }
            #expect(!seen.contains(false), "size \(size)")
        }
    }

    @Test("The same on every instruction set, and wherever a call begins")
    func sameEverywhere() throws {
        let baseline = try #require(KernelVariant.all.first)
        for size in [UInt32(3), 17, 1000, 9_999, 4_294_967_295] {
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
        let last = Self.permutation(baseline, key: 7, size: .max, start: .max - 100, count: 100)
        #expect(Set(last).count == 100 && !last.contains(.max))
    }

    @Test("Keys give different orders")
    func keys() throws {
        let variant = try #require(KernelVariant.all.last)
        let orders = (0..<200).map { Self.permutation(variant, key: $0, size: 100) }
        #expect(Set(orders).count == 200)
        // Every one of the six orders of three elements comes up about equally often: χ² with 5 degrees of freedom.
        var counts: [[UInt32]: Int] = [:]
        for key in 0..<UInt64(6000) { counts[Self.permutation(variant, key: key, size: 3), default: 0] += 1 }
        let chiSquare = counts.values.reduce(0.0) { $0 + Double(($1 - 1000) * ($1 - 1000)) / 1000 }
        #expect(counts.count == 6 && chiSquare < 25, "\(chiSquare)")
    }

    @Test("Positions and values are independent", arguments: [UInt32(65_536), 60_000, 1_000_003])
    func uniformity(_ size: UInt32) throws {
        let variant = try #require(KernelVariant.all.last)
        for key in UInt64(0)..<4 {
            let count = UInt32(20_000)
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
