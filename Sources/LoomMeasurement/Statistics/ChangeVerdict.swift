import Foundation

/// Whether something has changed beyond noise.
public enum ChangeVerdict: String, Sendable, Codable {
    /// It takes longer, by more than matters.
    case worse
    /// It takes less, by more than matters.
    case better
    /// Any change is smaller than matters.
    case unchanged
    /// The samples are too few, or too far apart.
    case cannotTell = "cannot_tell"
}

/// How much longer something takes than before, and what that is worth.
///
/// The ratio is that of the medians of the runs' medians. Its interval is that of the Mann-Whitney test for the ratios of a
/// sample after and a sample before, which holds whatever the distribution is (Hollander, Wolfe and Chicken, "Nonparametric
/// Statistical Methods", 3rd edition, 4.2 and 4.3); where the distribution's shape has changed so much that the ratio lies
/// outside, the interval reaches to it. The noise rule: with L the smallest change that matters,
///
/// - *worse* if the whole interval lies above 1 + L,
/// - *better* if it lies below 1 / (1 + L),
/// - *unchanged* if it lies between the two,
/// - *cannot tell* if a limit lies inside it, or there are too few samples for the wanted confidence (fewer than 4 and 4).
///
/// What differs between two runs of the same program is not seen inside either: other pages, other neighbours, another
/// clock. So the medians of runs are the samples where there are four runs of each; with fewer, the samples of all runs are,
/// and the interval is wider by the noise between runs, as it is known (`ChangeRule.runNoise`).
public struct Change: Sendable, Equatable, Codable {
    /// After over before; nil without usable samples.
    public let ratio: MedianEstimate?
    /// What the noise rule says.
    public let verdict: ChangeVerdict
    /// Whether the rule excludes that it got worse, even where it cannot tell better from unchanged.
    public let isNoWorse: Bool
}

/// The numbers of the noise rule.
public struct ChangeRule: Sendable, Equatable {
    /// L, the smallest change that matters, as a part.
    public var relevantChange: Double
    /// Of the interval.
    public var confidence: Double
    /// The standard deviation of runs' medians, as a part of them; 0 where both were measured in turns in one run.
    ///
    /// 12 runs of 4 s of one network, one after the other, on two cores of a virtual machine with neighbours (Intel Emerald
    /// Rapids): 7 %. Two of them differ by 5 % in the middle, and by up to 23 %; by the samples inside alone, a quarter of
    /// the pairs would have counted as changed.
    public var runNoise: Double
    /// Samples of a run that are more become so many medians of neighbours. Steps that follow each other share what disturbs
    /// them: they are not as independent as the interval assumes, and medians of many are.
    public static let mostSamples = 50
    /// So many runs are samples themselves: of fewer, no interval reaches 95 %.
    public static let fewestRuns = 4

    /// The rule with these numbers, all below 1.
    public init(relevantChange: Double = 0.03, confidence: Double = 0.95, runNoise: Double = 0.07) {
        self.relevantChange = relevantChange
        self.confidence = confidence
        self.runNoise = runNoise
    }

    /// How far the noise between runs reaches on either side of a ratio's logarithm, for so many runs; 0 where there are
    /// enough of them to be samples, whose interval shows it.
    func reachOfRunNoise(before: Int, after: Int) -> Double {
        guard min(before, after) < Self.fewestRuns, runNoise > 0 else { return 0 }
        // From 1,000 degrees of freedom on, Student's distribution is the normal one.
        return runNoise * (1 / Double(before) + 1 / Double(after)).squareRoot()
            * StudentT.quantile(confidence: confidence, degrees: 1000)
    }
}

/// Compares times of the same thing before and after a change: a list for each run, in the order in which they were taken.
/// Of speeds, where more is better, pass the reciprocals.
public func changeVerdict(before: [[Double]], after: [[Double]], rule: ChangeRule = ChangeRule()) -> Change {
    guard
        ![before, after].contains(where: { $0.isEmpty || $0.contains { $0.isEmpty } }),
        (before + after).allSatisfy({ $0.allSatisfy { $0 > 0 && $0.isFinite } })
    else { return Change(ratio: nil, verdict: .cannotTell, isNoWorse: false) }
    let runsAreSamples = min(before.count, after.count) >= ChangeRule.fewestRuns
    func samples(_ runs: [[Double]]) -> [Double] {
        runsAreSamples ? runs.map { SortedSamples($0)!.median } : runs.flatMap(blockMedians)
    }
    let ratio = MannWhitney.ratio(
        samples(after), over: samples(before), confidence: rule.confidence,
        reach: rule.reachOfRunNoise(before: before.count, after: after.count)
    ).of(medianOfMedians(after)! / medianOfMedians(before)!)
    guard ratio.confidence >= rule.confidence else {
        return Change(ratio: ratio, verdict: .cannotTell, isNoWorse: false)
    }
    let limit = 1 + rule.relevantChange
    let isNoWorse = ratio.high <= limit
    let verdict: ChangeVerdict =
        if ratio.low > limit {
            .worse
        } else if ratio.high < 1 / limit {
            .better
        } else if isNoWorse && ratio.low >= 1 / limit {
            .unchanged
        } else {
            .cannotTell
        }
    return Change(ratio: ratio, verdict: verdict, isNoWorse: isNoWorse)
}

/// The median of the runs' medians; nil without samples.
func medianOfMedians(_ runs: [[Double]]) -> Double? {
    SortedSamples(runs.compactMap { SortedSamples($0)?.median })?.median
}

/// The samples, or the medians of `ChangeRule.mostSamples` runs of neighbours.
func blockMedians(_ samples: [Double]) -> [Double] {
    let blocks = ChangeRule.mostSamples
    guard samples.count > blocks else { return samples }
    return (0..<blocks).map { block in
        let range = block * samples.count / blocks..<(block + 1) * samples.count / blocks
        return SortedSamples(Array(samples[range]))!.median
    }
}

extension MedianEstimate {
    /// Another estimate with the same interval, which reaches to it.
    fileprivate func of(_ other: Double) -> MedianEstimate {
        MedianEstimate(median: other, low: min(low, other), high: max(high, other), confidence: confidence)
    }
}

/// The distribution of Mann and Whitney's U for two samples of the same distribution.
enum MannWhitney {
    /// The median of all ratios with its interval, which `reach`, on either side of the ratio's logarithm, makes wider.
    static func ratio(
        _ numerators: [Double], over denominators: [Double], confidence wanted: Double, reach: Double
    ) -> MedianEstimate {
        let logarithms = numerators.flatMap { numerator in denominators.map { log(numerator / $0) } }.sorted()
        let (rank, confidence) = rank(numerators.count, denominators.count, confidence: wanted)
        return MedianEstimate(
            median: exp(SortedSamples(logarithms)!.median), low: exp(logarithms[rank - 1] - reach),
            high: exp(logarithms[logarithms.count - rank] + reach), confidence: confidence)
    }

    /// P(U = u) for u = 0 … m · n: how many of the pairs have the smaller value first.
    ///
    /// The number of orders with U = u is the coefficient of qᵘ in ∏ᵢ (1 − qⁿ⁺ⁱ) / (1 − qⁱ), i = 1 … m (Mann and Whitney,
    /// Annals of Mathematical Statistics 18, 1947).
    static func probabilities(_ m: Int, _ n: Int) -> [Double] {
        var orders = Array(repeating: 0.0, count: m * n + 1)
        orders[0] = 1
        for i in 1...m {
            for u in stride(from: m * n, through: n + i, by: -1) { orders[u] -= orders[u - n - i] }
            for u in stride(from: i, through: m * n, by: 1) { orders[u] += orders[u - i] }
        }
        let all = orders.reduce(0, +)
        return orders.map { $0 / all }
    }

    /// The largest k, from 1 on, for which the interval from the k-th smallest to the k-th largest of all differences has
    /// the wanted confidence 1 − 2 · P(U ≤ k − 1), and the confidence that it has.
    static func rank(_ m: Int, _ n: Int, confidence wanted: Double) -> (rank: Int, confidence: Double) {
        let probabilities = probabilities(m, n)
        var tail = probabilities[0]
        var best = (rank: 1, confidence: max(0, 1 - 2 * tail))
        while best.rank < (m * n + 1) / 2 {
            tail += probabilities[best.rank]
            guard 1 - 2 * tail >= wanted else { break }
            best = (best.rank + 1, 1 - 2 * tail)
        }
        return best
    }
}
