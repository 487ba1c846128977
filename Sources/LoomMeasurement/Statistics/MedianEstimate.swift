import Foundation

/// A median, and an interval that the median of what was sampled from lies in, whatever its distribution is.
///
/// The interval goes from the d-th smallest to the d-th largest of n samples. It misses the true median if fewer than d
/// samples fall on one side of it, which each does with probability ½: its confidence is 1 − 2 · P(B ≤ d − 1) with B
/// binomial (n, ½) (David and Nagaraja, "Order Statistics", 3rd edition, 7.1). d is the largest with at least the wanted
/// confidence. Few samples do not reach it (five: 93.75 % from the smallest to the largest); then the interval is that of all
/// samples, and `confidence` says what it is worth.
public struct MedianEstimate: Sendable, Equatable, Codable {
    /// The middle sample, or the mean of the two in the middle.
    public let median: Double
    /// The interval's lower end.
    public let low: Double
    /// The interval's upper end.
    public let high: Double
    /// The probability, at least, with which such an interval holds the true median; 0 for one sample.
    public let confidence: Double

    /// Of independent `samples`, in any order; nil without samples, or with one that is not a number.
    public init?(_ samples: [Double], confidence wanted: Double = 0.95) {
        guard let sorted = SortedSamples(samples) else { return nil }
        let (rank, confidence) = Self.rank(count: sorted.values.count, confidence: wanted)
        median = sorted.median
        low = sorted.values[rank - 1]
        high = sorted.values[sorted.values.count - rank]
        self.confidence = confidence
    }

    /// An estimate of these figures.
    public init(median: Double, low: Double, high: Double, confidence: Double) {
        self.median = median
        self.low = low
        self.high = high
        self.confidence = confidence
    }

    /// The same for `transform` of what was sampled; it must grow with its argument.
    func mapped(_ transform: (Double) -> Double) -> MedianEstimate {
        MedianEstimate(
            median: transform(median), low: transform(low), high: transform(high), confidence: confidence)
    }

    /// The largest d, from 1 on, whose interval has the wanted confidence, and the confidence that it has.
    static func rank(count: Int, confidence wanted: Double) -> (rank: Int, confidence: Double) {
        // P(B = k) from its logarithm: 2⁻ⁿ itself would be 0 from 1,075 samples on.
        var logProbability = -Double(count) * log(2)
        var tail = exp(logProbability)
        var best = (rank: 1, confidence: max(0, 1 - 2 * tail))
        var rank = 1
        while 2 * (rank + 1) <= count + 1 {
            logProbability += log(Double(count - rank + 1) / Double(rank))
            tail += exp(logProbability)
            guard 1 - 2 * tail >= wanted else { break }
            rank += 1
            best = (rank, 1 - 2 * tail)
        }
        return best
    }
}

/// How much faster or slower one thing is than another, from measurements in pairs that took turns.
///
/// What disturbs a machine for a while disturbs both of a pair, so that their ratio stays what it is. The median of the
/// ratios' logarithms does not depend on which of the two is divided by the other.
public enum PairedRatio {
    /// The median of `numerators[i] / denominators[i]` with its interval; nil where there are no pairs, lists of different
    /// lengths, or figures that are not above 0 and finite.
    public static func estimate(
        _ numerators: [Double], over denominators: [Double], confidence: Double = 0.95
    ) -> MedianEstimate? {
        guard numerators.count == denominators.count,
            (numerators + denominators).allSatisfy({ $0 > 0 && $0.isFinite })
        else { return nil }
        let logarithms = zip(numerators, denominators).map { log($0 / $1) }
        return MedianEstimate(logarithms, confidence: confidence)?.mapped(exp)
    }
}
