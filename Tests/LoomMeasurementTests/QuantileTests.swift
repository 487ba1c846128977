import Foundation
import Testing

@testable import LoomMeasurement

@Suite struct QuantileTests {
    /// Positions 4.5, 8.1 and 8.91 between the samples 1 … 10.
    @Test func quantilesLieOnTheLineBetweenSamples() throws {
        let quantiles = try #require(Quantiles([3, 1, 2, 10, 9, 8, 7, 6, 5, 4]))
        #expect(quantiles.count == 10 && quantiles.p50 == 5.5 && quantiles.max == 10)
        #expect(isClose(quantiles.p90, 9.1) && isClose(quantiles.p99, 9.91))
    }

    @Test func quantilesOfAHundredAndOneAreSamples() throws {
        let quantiles = try #require(Quantiles((0...100).map { Double($0 * $0) }))
        #expect(quantiles.p50 == 2500 && quantiles.p90 == 8100 && quantiles.p99 == 9801 && quantiles.max == 10000)
    }

    @Test func oneSampleIsAllQuantiles() throws {
        let quantiles = try #require(Quantiles([7]))
        #expect(quantiles.p50 == 7 && quantiles.p90 == 7 && quantiles.p99 == 7 && quantiles.max == 7)
        #expect(Quantiles([]) == nil && Quantiles([1, .nan]) == nil)
        #expect(Quantiles([1, 2, .infinity])?.p50 == 2)
    }

    /// Samples, rank and confidence: sums of binomial coefficients by hand.
    private static let ranks: [(Int, Int, Double)] = [
        (1, 1, 0), (2, 1, 0.5), (5, 1, 1 - 2.0 / 32), (6, 1, 1 - 2.0 / 64), (8, 1, 1 - 2.0 / 256),
        (9, 2, 1 - 2.0 * 10 / 512), (10, 2, 1 - 2.0 * 11 / 1024), (20, 6, 1 - 2.0 * 21700 / 1_048_576),
    ]

    @Test(arguments: ranks) func intervalsAreThoseOfTheBinomialDistribution(count: Int, rank: Int, confidence: Double) {
        let found = MedianEstimate.rank(count: count, confidence: 0.95)
        #expect(found.rank == rank)
        #expect(isClose(found.confidence, confidence))
    }

    /// 1,000 ± 1.96 · √2,000 / 2 by the normal distribution; 2⁻²⁰⁰⁰ is no number that a Double has.
    @Test func manySamplesHaveARankToo() {
        let found = MedianEstimate.rank(count: 2000, confidence: 0.95)
        #expect((955...957).contains(found.rank))
        #expect((0.95..<0.955).contains(found.confidence))
    }

    @Test func aMedianHasAnInterval() throws {
        let ten = try #require(MedianEstimate([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]))
        #expect(ten.median == 5.5 && ten.low == 2 && ten.high == 9)
        let three = try #require(MedianEstimate([5, 1, 3]))
        #expect(three.median == 3 && three.low == 1 && three.high == 5 && three.confidence == 0.75)
        let wide = try #require(MedianEstimate([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], confidence: 0.99))
        #expect(wide.low == 1 && wide.high == 10)
        #expect(MedianEstimate([]) == nil && MedianEstimate([.nan]) == nil)
    }

    /// 4,000 samples of 15 from a distribution with a long tail: as often as `confidence` says, the interval holds log 2.
    @Test func theIntervalHoldsTheMedianAsOftenAsItSays() throws {
        var noise = SyntheticNoise(seed: 1)
        var hits = 0
        var confidence = 0.0
        for _ in 0..<4000 {
            let estimate = try #require(MedianEstimate((0..<15).map { _ in noise.exponential() }))
            confidence = estimate.confidence
            if estimate.low <= log(2) && log(2) <= estimate.high { hits += 1 }
        }
        #expect(isClose(confidence, 1 - 2.0 * 576 / 32768))
        #expect(abs(Double(hits) / 4000 - confidence) < 0.01)
    }

    @Test func pairsHaveARatio() throws {
        // Ratios 2, 4, 1, 2, 8, 2, ½: sorted ½ 1 2 2 2 4 8, and 7 samples reach 95 % from the first to the last.
        let numerators: [Double] = [2, 8, 5, 6, 80, 14, 1]
        let denominators: [Double] = [1, 2, 5, 3, 10, 7, 2]
        let ratio = try #require(PairedRatio.estimate(numerators, over: denominators))
        #expect(isClose(ratio.median, 2) && isClose(ratio.low, 0.5) && isClose(ratio.high, 8))
        #expect(isClose(ratio.confidence, 1 - 2.0 / 128))
        let inverse = try #require(PairedRatio.estimate(denominators, over: numerators))
        #expect(isClose(inverse.median, 0.5) && isClose(inverse.low, 0.125) && isClose(inverse.high, 2))
        // Of an even number, the geometric mean of the two in the middle.
        #expect(isClose(PairedRatio.estimate([1, 4], over: [1, 1])?.median, 2))
    }

    @Test func pairsThatAreNoneHaveNoRatio() {
        #expect(PairedRatio.estimate([], over: []) == nil)
        #expect(PairedRatio.estimate([1, 2], over: [1]) == nil)
        #expect(PairedRatio.estimate([1, 0], over: [1, 1]) == nil)
        #expect(PairedRatio.estimate([1, 1], over: [1, .infinity]) == nil)
    }

    /// The machine gets twice as slow and fast again during the measurement: pairs do not notice.
    @Test func pairsDoNotNoticeWhatDisturbsBoth() throws {
        var noise = SyntheticNoise(seed: 2)
        let weather = (0..<40).map { 1.5 + 0.5 * sin(Double($0) / 4) }
        let first = weather.map { $0 * 1.1 * exp(0.005 * noise.normal()) }
        let second = weather.map { $0 * exp(0.005 * noise.normal()) }
        let ratio = try #require(PairedRatio.estimate(first, over: second))
        #expect(abs(ratio.median - 1.1) < 0.005 && ratio.high - ratio.low < 0.02)
        #expect(ratio.low <= 1.1 && 1.1 <= ratio.high)
    }
}
