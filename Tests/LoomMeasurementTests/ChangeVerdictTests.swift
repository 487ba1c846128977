import Foundation
import Testing

@testable import LoomMeasurement

@Suite struct ChangeVerdictTests {
    /// All 20 orders of three and three, by how many pairs are in order.
    @Test func ordersAreCounted() {
        let counts = MannWhitney.probabilities(3, 3).map { ($0 * 20).rounded() }
        #expect(counts == [1, 1, 2, 3, 3, 3, 3, 2, 1, 1])
        // One and many: all places are equally likely.
        #expect(MannWhitney.probabilities(1, 4).allSatisfy { isClose($0, 0.2) })
    }

    @Test func theDistributionIsSymmetricAndWide() {
        for (m, n) in [(2, 7), (13, 8), (50, 50)] {
            let probabilities = MannWhitney.probabilities(m, n)
            #expect(isClose(probabilities.reduce(0, +), 1))
            #expect(zip(probabilities, probabilities.reversed()).allSatisfy { isClose($0, $1, within: 1e-9) })
            // The mean is m n / 2, the variance m n (m + n + 1) / 12.
            let mean = Double(m * n) / 2
            let variance = probabilities.enumerated().reduce(0) { $0 + $1.element * pow(Double($1.offset) - mean, 2) }
            #expect(isClose(variance, Double(m * n * (m + n + 1)) / 12, within: 1e-9))
        }
    }

    /// Sizes, rank, and the orders outside of it.
    private static let ranks: [(Int, Int, Int, Double)] = [
        (3, 3, 1, 1 - 2.0 / 20), (4, 4, 1, 1 - 2.0 / 70), (5, 5, 3, 1 - 2.0 * 4 / 252),
    ]

    @Test(arguments: ranks) func ranksAreCountedByHand(m: Int, n: Int, rank: Int, confidence: Double) {
        let found = MannWhitney.rank(m, n, confidence: 0.95)
        #expect(found.rank == rank)
        #expect(isClose(found.confidence, confidence))
    }

    /// The critical values 23 and 127 of the test's tables are the ranks less 1.
    @Test(arguments: [(10, 24), (20, 128)]) func ranksAreThoseOfTheTables(count: Int, rank: Int) {
        #expect(MannWhitney.rank(count, count, confidence: 0.95).rank == rank)
    }

    /// Of samples that took turns.
    private func change(
        before: [Double], after: [Double], relevantChange: Double = 0.03
    ) -> Change {
        changeVerdict(
            before: [before], after: [after], rule: ChangeRule(relevantChange: relevantChange, runNoise: 0))
    }

    /// Ratios of 10 20 30 40 and 1 2 3 4: from 10/4 to 40/1, and 10 in the middle.
    @Test func theRatioIsTheMedianOfAllPairs() throws {
        let change = self.change(before: [1, 2, 3, 4], after: [10, 20, 30, 40])
        let ratio = try #require(change.ratio)
        #expect(isClose(ratio.median, 10) && isClose(ratio.low, 2.5) && isClose(ratio.high, 40))
        #expect(change.verdict == .worse && !change.isNoWorse)
    }

    /// Of 1 1 1 1 9 9 9 and 3 3 3 3 3 3 3 most pairs say a third, or 3; the medians say 3.
    @Test func theRatioIsThatOfTheMediansAndTheIntervalHasIt() throws {
        let before = [1.0, 1, 1, 9, 9, 9, 9]
        let change = self.change(before: before, after: [3, 3, 3, 3, 3, 3, 3.0])
        let ratio = try #require(change.ratio)
        #expect(isClose(ratio.median, 1 / 3.0) && isClose(ratio.low, 1 / 3.0) && isClose(ratio.high, 3))
        // Half of the pairs lie on each side of 1; the medians of two halves of a split sample lie on one.
        let split = self.change(before: [1, 1, 1, 1, 1, 1.0], after: [1, 1, 1, 1.5, 1.5, 1.5])
        #expect(isClose(split.ratio?.median, 1.25))
        #expect((split.ratio?.low ?? 9) <= 1.25 && (split.ratio?.high ?? 0) >= 1.25)
    }

    private func samples(_ center: Double, noise deviation: Double, count: Int, seed: UInt64) -> [Double] {
        var noise = SyntheticNoise(seed: seed)
        return (0..<count).map { _ in center * exp(deviation * noise.normal()) }
    }

    @Test func aChangeBeyondNoiseIsNamed() {
        let before = samples(1, noise: 0.01, count: 20, seed: 5)
        let slower = samples(1.1, noise: 0.01, count: 20, seed: 6)
        #expect(self.change(before: before, after: slower).verdict == .worse)
        let faster = self.change(before: slower, after: before)
        #expect(faster.verdict == .better && faster.isNoWorse)
        let same = self.change(before: before, after: samples(1, noise: 0.01, count: 20, seed: 7))
        #expect(same.verdict == .unchanged && same.isNoWorse)
        #expect(self.change(before: before, after: before).verdict == .unchanged)
        // A change that is clear but does not matter; and one that matters to a stricter rule.
        let little = samples(1.015, noise: 0.001, count: 20, seed: 8)
        let clear = samples(1, noise: 0.001, count: 20, seed: 9)
        #expect(self.change(before: clear, after: little).verdict == .unchanged)
        #expect(change(before: clear, after: little, relevantChange: 0.01).verdict == .worse)
    }

    @Test func noiseThatHidesAChangeIsNamed() {
        let before = samples(1, noise: 0.2, count: 8, seed: 10)
        let change = self.change(before: before, after: samples(1.05, noise: 0.2, count: 8, seed: 11))
        #expect(change.verdict == .cannotTell && !change.isNoWorse)
        // Between unchanged and better: it cannot tell which, but it is no worse.
        let sharp = samples(1, noise: 0.01, count: 8, seed: 12)
        let better = self.change(before: sharp, after: sharp.map { $0 / 1.03 })
        #expect(better.verdict == .cannotTell && better.isNoWorse)
    }

    @Test func fewOrBrokenSamplesTellNothing() {
        let few = self.change(before: [1, 1, 1], after: [2, 2, 2])
        #expect(few.verdict == .cannotTell && !few.isNoWorse && isClose(few.ratio?.confidence, 0.9))
        for broken in [[], [1, 0, 1, 1], [1, .nan, 1, 1], [1, .infinity, 1, 1]] {
            let change = self.change(before: [1, 1, 1, 1], after: broken)
            #expect(change.ratio == nil && change.verdict == .cannotTell && !change.isNoWorse)
        }
    }

    /// Of the same distribution, the interval misses 1 on the upper side as often as it says: 1,000 times ten and ten.
    @Test func falseAlarmsAreAsRareAsTheConfidenceSays() throws {
        var noise = SyntheticNoise(seed: 13)
        var alarms = 0
        var expected = 0.0
        for _ in 0..<1000 {
            let all = (0..<20).map { _ in noise.exponential() }
            let found = change(before: Array(all[..<10]), after: Array(all[10...]), relevantChange: 0)
            if found.verdict == .worse { alarms += 1 }
            expected = (1 - (try #require(found.ratio)).confidence) / 2 * 1000
        }
        #expect((15...25).contains(expected))
        #expect(abs(Double(alarms) - expected) < 18)
    }

    @Test func noiseBetweenRunsMakesTheIntervalWider() throws {
        let before = samples(1, noise: 0.001, count: 20, seed: 14)
        let after = samples(1.15, noise: 0.001, count: 20, seed: 15)
        let inTurns = try #require(change(before: before, after: after).ratio)
        // One run of each: 7 % · √2 · 1.9623 (Student, 1,000 degrees) on both sides.
        let apart = changeVerdict(before: [before], after: [after])
        #expect(apart.verdict == .cannotTell && !apart.isNoWorse)
        let reach = exp(0.07 * 2.0.squareRoot() * 1.9623)
        #expect(isClose(apart.ratio?.low, inTurns.low / reach, within: 1e-5))
        #expect(isClose(apart.ratio?.high, inTurns.high * reach, within: 1e-5))
        // Two runs before and one after: √(1/2 + 1).
        let three = try #require(changeVerdict(before: [before, before], after: [after]).ratio)
        #expect(abs(log(three.high / three.low) - 2 * 0.07 * 1.5.squareRoot() * 1.9623) < 0.01)
        let large = changeVerdict(before: [before], after: [before.map { $0 * 1.5 }])
        #expect(large.verdict == .worse)
    }

    /// Four runs of each, whose medians are 1, 2, 3, 4 and 10, 20, 30, 40, whatever lies around them.
    @Test func fourRunsAreSamples() throws {
        let before = [1.0, 2, 3, 4].map { [$0 * 100, $0, $0 / 100] }
        let after = [10.0, 20, 30, 40].map { [$0, $0 * 3, $0 / 3] }
        let found = changeVerdict(before: before, after: after)
        let ratio = try #require(found.ratio)
        #expect(isClose(ratio.median, 10) && isClose(ratio.low, 2.5) && isClose(ratio.high, 40))
        #expect(found.verdict == .worse)
        #expect(changeVerdict(before: after, after: before).verdict == .better)
        // Three of one are too few: all samples count, and there is noise between runs.
        #expect(changeVerdict(before: Array(before[..<3]), after: after).ratio?.low ?? 0 < 1)
    }

    @Test func manySamplesBecomeMediansOfNeighbours() {
        func numbers(_ count: Int) -> [Double] { (0..<count).map(Double.init) }
        #expect(blockMedians(numbers(50)) == numbers(50))
        let betweenTwo = numbers(50).map { number in 2 * number + 0.5 }
        #expect(blockMedians(numbers(100)) == betweenTwo)
        let uneven = blockMedians(numbers(77))
        #expect(uneven.count == 50 && uneven.first == 0 && uneven.last == 75.5)
    }
}
