import Foundation

/// The middle, the tail and the largest of some samples.
///
/// Quantile p of n sorted samples x₀ … xₙ₋₁ is the value at position p · (n − 1), between two samples on the straight line
/// that joins them: definition 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages" (The American Statistician
/// 50, 1996), which is NumPy's and R's default. Of fewer than 100 samples, p99 therefore lies below the largest one, and says
/// little beyond it.
public struct Quantiles: Sendable, Equatable, Codable {
    /// The number of samples.
    public let count: Int
    /// Half of the samples are at most this.
    public let p50: Double
    /// Nine tenths of the samples are at most this.
    public let p90: Double
    /// 99 of 100 samples are at most this.
    public let p99: Double
    /// The largest sample.
    public let max: Double

    /// Of `samples`, in any order; nil without samples, or with one that is not a number.
    public init?(_ samples: [Double]) {
        guard let sorted = SortedSamples(samples) else { return nil }
        count = sorted.values.count
        p50 = sorted.quantile(0.5)
        p90 = sorted.quantile(0.9)
        p99 = sorted.quantile(0.99)
        max = sorted.values[count - 1]
    }
}

/// Samples in ascending order, at least one, all of them numbers.
struct SortedSamples {
    let values: [Double]

    /// Nil without samples, or with one that is not a number.
    init?(_ samples: [Double]) {
        guard !samples.isEmpty, !samples.contains(where: \.isNaN) else { return nil }
        values = samples.sorted()
    }

    /// The value that the part `p` of the samples, 0…1, does not exceed (`Quantiles` has the definition).
    func quantile(_ p: Double) -> Double {
        let position = p * Double(values.count - 1)
        let below = Int(position)
        guard below + 1 < values.count else { return values[values.count - 1] }
        let fraction = position - Double(below)
        // Exactly a sample where the position is one: infinite samples then do no harm.
        return fraction == 0 ? values[below] : values[below] + fraction * (values[below + 1] - values[below])
    }

    /// The middle sample, or the mean of the two in the middle.
    var median: Double { quantile(0.5) }
}
