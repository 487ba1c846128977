import GradloomInternals
import Workloads

/// Two trainings in turn, round after round.
struct PairedSpeeds {
    /// The medians of the rounds, samples per second.
    let medians: [Double]
    /// How much longer a step of the first takes than one of the second, 0.05 is 5 %: the median of the rounds' own ratios, with
    /// its interval.
    let cost: Double
    let lowCost: Double
    let highCost: Double
    /// The probability, at least, with which such an interval holds the true median: 0.95 needs six rounds.
    let confidence: Double

    /// Measures `rounds` rounds of at least a tenth of a second for each of the two.
    init(_ trainers: [Trainer<Float>], rounds: Int) throws {
        precondition(trainers.count == 2, "two trainings are compared")
        let steps = try trainers.map { try 2 * $0.warmedUp(seconds: 0.05) }
        var speeds: [[Double]] = [[], []]
        for round in 0..<rounds {
            // The one that begins changes: what the first leaves in the caches is not always the other's gain.
            for index in round.isMultiple(of: 2) ? [0, 1] : [1, 0] {
                let report = try trainers[index].trained(steps: steps[index])
                speeds[index].append(Double(report.samples) / report.seconds)
            }
        }
        guard let ratio = PairedRatio.estimate(speeds[1], over: speeds[0]) else {
            preconditionFailure("no rounds, or a speed that is not above 0")
        }
        medians = speeds.map { estimate($0).median }
        cost = ratio.median - 1
        lowCost = ratio.low - 1
        highCost = ratio.high - 1
        confidence = ratio.confidence
    }
}
