import Testing

@testable import LoomKernels

@Suite("Counter-based random numbers")
struct CounterRandomTests {
    /// The known-answer vectors of the Random123 distribution (file kat_vectors, "philox4x32 10").
    @Test(arguments: [
        (
            SIMD4<UInt32>(repeating: 0), [0, 0],
            SIMD4<UInt32>(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)
        ),
        (
            SIMD4<UInt32>(repeating: .max), [UInt32.max, .max],
            SIMD4<UInt32>(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)
        ),
        (
            SIMD4<UInt32>(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), [0xa409_3822, 0x299f_31d0],
            SIMD4<UInt32>(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
        ),
    ])
    func knownAnswers(counter: SIMD4<UInt32>, key: [UInt32], expected: SIMD4<UInt32>) {
        #expect(CounterRandom.philox(counter: counter, key0: key[0], key1: key[1]) == expected)
    }

    /// As above, "philox4x32 7": what rows of random numbers are made of.
    @Test func knownAnswersOfSevenRounds() {
        #expect(
            CounterRandom.philox(counter: SIMD4(repeating: 0), key0: 0, key1: 0, rounds: 7)
                == SIMD4<UInt32>(0x5f6f_b709, 0x0d89_3f64, 0x4f12_1f81, 0x4f73_0a48))
    }

    @Test func wordsOfTheCounter() {
        let random = CounterRandom(seed: 0x299f_31d0_a409_3822, purpose: .teacher, subStream: 9)
        let expected = CounterRandom.philox(
            counter: SIMD4(0x5566_7788, 0x1122_3344, 4, 9), key0: 0xa409_3822, key1: 0x299f_31d0)
        #expect(random.bits(at: 0x1122_3344_5566_7788) == expected)
    }

    @Test func everyPartOfTheNameCounts() {
        var seen: Set<SIMD4<UInt32>> = []
        for seed in [0, 1, 1 << 32] as [UInt64] {
            for purpose in CounterRandom.Purpose.allCases {
                for subStream in 0..<3 as Range<UInt32> {
                    for index in [0, 1, 1 << 32] as [UInt64] {
                        let random = CounterRandom(seed: seed, purpose: purpose, subStream: subStream)
                        seen.insert(random.bits(at: index))
                    }
                }
            }
        }
        #expect(seen.count == 3 * CounterRandom.Purpose.allCases.count * 3 * 3)
    }

    @Test func extremesOfTheUnitInterval() {
        #expect(CounterRandom.unitInterval(0, 0) == 0x1p-53)
        #expect(CounterRandom.unitInterval(.max, .max) == 1 - 0x1p-53)
        #expect(CounterRandom.unitInterval(.max, .max) < 1)
    }

    @Test func purposesKeepTheirNumbers() {
        let rawValues = CounterRandom.Purpose.allCases.map(\.rawValue)
        #expect(rawValues == [1, 2, 3, 4, 5, 6, 7, 8, 9])
        #expect(CounterRandom.Purpose.epochOrder.rawValue == 1)
        #expect(CounterRandom.Purpose.syntheticNoise.rawValue == 6)
    }

    @Test func uniformMoments() {
        let random = CounterRandom(seed: 3, purpose: .measurement)
        let count = 100_000
        var sum = 0.0
        var sumOfSquares = 0.0
        for index in 0..<count {
            let value = random.uniform(at: UInt64(index))
            sum += value
            sumOfSquares += value * value
        }
        // Five standard errors: sqrt(1/12 / n) and sqrt(4/45 / n).
        #expect(abs(sum / Double(count) - 0.5) < 0.0046)
        #expect(abs(sumOfSquares / Double(count) - 1.0 / 3) < 0.0048)
    }

    @Test func normalMomentsAndIndependence() {
        let random = CounterRandom(seed: 4, purpose: .measurement)
        let count = 100_000
        var sums = [0.0, 0.0, 0.0, 0.0]
        var product = 0.0
        for index in 0..<count {
            let value = random.normal(at: UInt64(index))
            var power = 1.0
            for moment in 0..<4 {
                power *= value
                sums[moment] += power
            }
            let (first, second) = random.normalPair(at: UInt64(index))
            product += first * second
        }
        let moments = sums.map { $0 / Double(count) }
        // Five standard errors of the moments 0, 1, 0, 3: variances 1, 2, 15 and 96, each over n.
        #expect(abs(moments[0]) < 0.016)
        #expect(abs(moments[1] - 1) < 0.023)
        #expect(abs(moments[2]) < 0.062)
        #expect(abs(moments[3] - 3) < 0.16)
        #expect(abs(product / Double(count)) < 0.016)
    }

    @Test func pairsAreTheSingleNumbers() {
        let random = CounterRandom(seed: 5, purpose: .syntheticInputs)
        for pair in 0..<50 as Range<UInt64> {
            let (even, odd) = (2 * pair, 2 * pair + 1)
            #expect(random.normalPair(at: pair) == (random.normal(at: even), random.normal(at: odd)))
            #expect(random.uniformPair(at: pair) == (random.uniform(at: even), random.uniform(at: odd)))
        }
    }

    @Test(arguments: [1, 2, 3, 10, 1 << 32])
    func integersBelowABound(bound: Int) {
        let random = CounterRandom(seed: 6, purpose: .split)
        var counts = [Int](repeating: 0, count: min(bound, 10))
        for index in 0..<10_000 {
            let value = random.integer(below: bound, at: UInt64(index))
            #expect(value >= 0 && value < bound)
            counts[value % counts.count] += 1
        }
        let expected = 10_000 / Double(counts.count)
        for count in counts {
            #expect(abs(Double(count) - expected) <= 5 * expected.squareRoot())
        }
    }
}
