import Testing

@testable import LoomPlan

@Suite struct PartitionTests {
    @Test(arguments: 0...40, 1...9)
    func equalUnitsAreAllCoveredOnceInOrder(count: Int, parts: Int) {
        let runs = (0..<parts).map { Partition.range(of: $0, parts: parts, count: count) }
        #expect(runs.flatMap(Array.init) == Array(0..<count))
        let sizes = runs.map(\.count)
        #expect(sizes.max()! - sizes.min()! <= 1)
        #expect(sizes == sizes.sorted(by: >))
    }

    @Test func equalUnitsWorkedCases() {
        #expect(
            (0..<4).map { Partition.range(of: $0, parts: 4, count: 10) } == [0..<3, 3..<6, 6..<8, 8..<10])
        #expect((0..<4).map { Partition.range(of: $0, parts: 4, count: 3) } == [0..<1, 1..<2, 2..<3, 3..<3])
    }

    @Test(arguments: 0...40, 1...9)
    func weightedRunsCoverAllOnceAndBoundTheLargest(count: Int, parts: Int) {
        var generator = SplitMix64(state: UInt64(count * 16 + parts))
        for _ in 0..<20 {
            // Cubes of uniform numbers: a few units cost far more than the rest, and some cost nothing.
            let costs = (0..<count).map { _ -> Double in
                let uniform = Double(generator.next() >> 40) / Double(1 << 24)
                return uniform < 0.1 ? 0 : uniform * uniform * uniform
            }
            let runs = Partition.weighted(costs: costs, parts: parts)
            #expect(runs.count == parts)
            #expect(runs.flatMap(Array.init) == Array(0..<count))
            let total = costs.reduce(0, +)
            let largestRun = runs.map { costs[$0].reduce(0, +) }.max()!
            #expect(largestRun <= total / Double(parts) + (costs.max() ?? 0) + 1e-12)
        }
    }

    @Test func weightedWorkedCases() {
        #expect(Partition.weighted(costs: [1, 1, 1, 1, 1, 1], parts: 3) == [0..<2, 2..<4, 4..<6])
        #expect(Partition.weighted(costs: [4, 1, 1, 1, 1], parts: 2) == [0..<1, 1..<5])
        #expect(Partition.weighted(costs: [1, 1, 8, 1, 1], parts: 2) == [0..<2, 2..<5])
        #expect(Partition.weighted(costs: [9, 1, 1], parts: 3) == [0..<0, 0..<1, 1..<3])
        // Without any cost, the units themselves are what can be shared out.
        #expect(Partition.weighted(costs: [0, 0, 0], parts: 2) == [0..<2, 2..<3])
        #expect(Partition.weighted(costs: [], parts: 2) == [0..<0, 0..<0])
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195): seeded numbers for tests.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
