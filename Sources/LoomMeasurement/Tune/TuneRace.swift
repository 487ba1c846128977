import Foundation

/// A race of candidates by successive halving: all of them run short regions in turn, round after round, and half of them
/// leave after each stage, so that the time goes to those that may win (Jamieson and Talwalkar, "Non-stochastic Best Arm
/// Identification and Hyperparameter Optimization", AISTATS 2016). It knows nothing of what it measures.
///
/// Candidates are compared within rounds, as ratios to candidate 0, which runs in every round: what disturbs the machine for a
/// while disturbs all of a round.
struct TuneRace {
    /// What a race is asked for.
    struct Settings: Sendable {
        /// Seconds that it may take.
        var seconds: Double
        /// The workers of each candidate.
        var workers: [Int]
        /// How far each candidate is from candidate 0; of equals the nearest wins.
        var changes: [Int]
        /// Candidates that can be ready at the same time.
        var capacity: Int
        /// Whether all run to the end, however slow they are, and until the time is over.
        var isExhaustive = false
    }

    /// The numbers of a race.
    enum Limit {
        /// Rounds before anybody leaves: of two, the median is no defence against one that was disturbed.
        static let fewestRounds = 3
        /// When so many are left, they go on to the end.
        static let finalists = 4
        /// Those of another number of workers go on that far behind the best one.
        static let finalistRatio = 0.9
        /// The fewest rounds of the last stage: an interval of 95 % needs six samples, and two more let it leave out extremes.
        static let fewestFinalRounds = 8
        /// A race whose last stage has so many rounds is as clear as it gets: intervals shrink with their root.
        static let mostFinalRounds = 200
    }

    private(set) var standings: TuneStandings
    /// The stage after which each candidate left, counted from 1; nil: it was there to the end.
    private(set) var leftAfter: [Int?]
    /// Stages, the last one included.
    private(set) var stages = 0
    /// Whether the choice was clear of noise before the time was over.
    private(set) var isClear = false
    private let settings: Settings
    private var round = 0

    init(_ settings: Settings) {
        self.settings = settings
        standings = TuneStandings(workers: settings.workers, changes: settings.changes)
        leftAfter = settings.workers.map { _ in nil }
    }

    /// Those that are still in the race.
    private var runners: [Int] { leftAfter.indices.filter { leftAfter[$0] == nil } }

    /// Runs the race.
    /// - Parameters:
    ///   - seconds: The time since its begin.
    ///   - prepare: Makes these candidates ready; others may be given up.
    ///   - measure: The speed of one region of a candidate that is ready; nil: it cannot go on.
    ///   - report: Told the stage, the runners and the standings after each round.
    mutating func run(
        seconds: () -> Double, prepare: ([Int]) throws -> Void, measure: (Int) throws -> Double?,
        report: (_ stage: Int, _ runners: Int, TuneStandings) -> Void
    ) throws {
        if settings.isExhaustive {
            stages = 1
            return try runStage(
                until: settings.seconds, seconds: seconds, prepare: prepare, measure: measure, report: report)
        }
        let count = max(1, runners.count)
        let finalists = min(Limit.finalists, settings.capacity)
        let halvings = max(0, Int(log2(Double(count) / Double(finalists)).rounded(.up)))
        for stage in 0..<halvings where runners.count > finalists {
            stages += 1
            try runStage(
                until: settings.seconds * Double(stage + 1) / Double(halvings + 2), seconds: seconds, prepare: prepare,
                measure: measure, report: report)
            halve()
        }
        if stages > 0 { keepFinalists() }
        stages += 1
        try prepare(runners)
        var rounds = 0
        repeat {
            try runRound(runners, measure: measure)
            rounds += 1
            report(stages, runners.count, standings)
            isClear = rounds >= Limit.fewestFinalRounds && standings.decision(among: runners).isClear
        } while !isClear && rounds < Limit.mostFinalRounds
            && (seconds() < settings.seconds || rounds < Limit.fewestRounds)
    }

    private mutating func runStage(
        until end: Double, seconds: () -> Double, prepare: ([Int]) throws -> Void, measure: (Int) throws -> Double?,
        report: (Int, Int, TuneStandings) -> Void
    ) throws {
        let others = runners.filter { $0 != 0 }
        let size = max(1, settings.capacity - 1)
        var rest = others.count
        for start in stride(from: 0, to: others.count, by: size) {
            let chunk = Array(others[start..<min(start + size, others.count)])
            try prepare([0] + chunk)
            let begin = seconds()
            let chunkEnd = begin + (end - begin) * Double(chunk.count) / Double(rest)
            rest -= chunk.count
            var rounds = 0
            repeat {
                try runRound([0] + chunk, measure: measure)
                rounds += 1
                report(stages, runners.count, standings)
            } while rounds < Limit.fewestRounds
                || seconds() + (seconds() - begin) / Double(rounds) < chunkEnd
        }
    }

    /// One region of each, beginning with another one in every round.
    private mutating func runRound(_ candidates: [Int], measure: (Int) throws -> Double?) throws {
        for position in candidates.indices {
            let candidate = candidates[(position + round) % candidates.count]
            guard leftAfter[candidate] == nil else { continue }
            if let speed = try measure(candidate) {
                standings.add(speed, of: candidate, round: round)
            } else {
                leftAfter[candidate] = stages
            }
        }
        round += 1
    }

    /// Half of them leave; the first one stays, and the best one of each number of workers, so that the result says what
    /// workers bring.
    private mutating func halve() {
        let ranking = standings.ranking(of: runners)
        var staying = Set(ranking.prefix(max(Limit.finalists, (ranking.count + 1) / 2)))
        staying.insert(0)
        for workers in Set(settings.workers) {
            if let best = ranking.first(where: { settings.workers[$0] == workers }) { staying.insert(best) }
        }
        for candidate in runners where !staying.contains(candidate) { leftAfter[candidate] = stages }
    }

    /// Before the last stage: what is far behind leaves, and what there is no room for; the first one and the best one with
    /// one worker stay.
    private mutating func keepFinalists() {
        let ranking = standings.ranking(of: runners)
        guard let fastest = ranking.first else { return }
        var staying = Set([0, fastest] + [ranking.first { settings.workers[$0] == 1 }].compactMap { $0 })
        let best = standings.score(of: fastest)
        for (place, candidate) in ranking.enumerated() where staying.count < settings.capacity {
            if place < Limit.finalists || standings.score(of: candidate) >= best * Limit.finalistRatio {
                staying.insert(candidate)
            }
        }
        for candidate in runners where !staying.contains(candidate) { leftAfter[candidate] = stages }
    }
}
