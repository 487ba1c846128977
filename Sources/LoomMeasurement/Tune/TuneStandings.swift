/// The speeds of candidates, round by round, and what they decide.
struct TuneStandings: Sendable {
    private let workers: [Int]
    private let changes: [Int]
    /// Speeds by candidate and round.
    private var speeds: [[Int: Double]]

    /// How two candidates compare.
    enum Comparison: Sendable, Equatable {
        /// The interval of the ratio lies below 1, and the ratio not near it.
        case slower
        /// The ratio is so near 1 that the difference does not matter, or is none.
        case asFast
        /// The ratio is not near 1, but the interval holds it: more rounds would tell.
        case unclear
    }

    /// Which candidate is chosen.
    struct Decision: Sendable, Equatable {
        /// The fewest workers among those that are as fast as the fastest, of these the nearest to the configuration as it is.
        let choice: Int
        /// The one with the highest median.
        let fastest: Int
        /// How all others compare with the fastest.
        let comparisons: [Int: Comparison]
        /// Whether more rounds would not change it.
        let isClear: Bool
    }

    enum Threshold {
        /// Medians of candidates that are called equal differ by no more than this part.
        static let equal = 0.02
        /// Intervals up to this part on both sides are narrow enough to call two candidates equal and to end.
        static let narrow = 0.02
    }

    init(workers: [Int], changes: [Int]) {
        self.workers = workers
        self.changes = changes
        speeds = workers.map { _ in [:] }
    }

    mutating func add(_ speed: Double, of candidate: Int, round: Int) { speeds[candidate][round] = speed }

    /// All speeds of a candidate.
    func speeds(of candidate: Int) -> [Double] { speeds[candidate].sorted { $0.key < $1.key }.map(\.value) }

    /// How many times as fast as `other` a candidate is, in the rounds of both; nil where there are none.
    func ratio(_ candidate: Int, over other: Int) -> MedianEstimate? {
        let rounds = speeds[candidate].keys.filter { speeds[other][$0] != nil }.sorted()
        return PairedRatio.estimate(
            rounds.map { speeds[candidate][$0]! }, over: rounds.map { speeds[other][$0]! })
    }

    /// Times the speed of candidate 0; 0 where it was not measured.
    func score(of candidate: Int) -> Double { candidate == 0 ? 1 : ratio(candidate, over: 0)?.median ?? 0 }

    /// The fastest first; of equals the one with fewer workers.
    func ranking(of candidates: [Int]) -> [Int] {
        candidates.map { ($0, score(of: $0)) }.sorted { ($0.1, -workers[$0.0], -$0.0) > ($1.1, -workers[$1.0], -$1.0) }
            .map(\.0)
    }

    /// The decision among `candidates`, of which there is one at least.
    func decision(among candidates: [Int]) -> Decision {
        let ranking = ranking(of: candidates)
        let fastest = ranking[0]
        var comparisons: [Int: Comparison] = [:]
        var isClear = true
        for candidate in ranking.dropFirst() {
            guard let ratio = ratio(candidate, over: fastest), ratio.confidence >= 0.95 else {
                comparisons[candidate] = .unclear
                isClear = false
                continue
            }
            let isNear = ratio.median >= 1 - Threshold.equal
            if ratio.high < 1, !isNear {
                comparisons[candidate] = .slower
            } else if isNear {
                comparisons[candidate] = .asFast
                isClear = isClear && ratio.low > 1 - 2 * Threshold.narrow
            } else {
                comparisons[candidate] = .unclear
                isClear = false
            }
        }
        let equals = [fastest] + ranking.dropFirst().filter { comparisons[$0] == .asFast }
        let choice = equals.min { (workers[$0], changes[$0], $0) < (workers[$1], changes[$1], $1) }!
        return Decision(choice: choice, fastest: fastest, comparisons: comparisons, isClear: isClear)
    }
}
