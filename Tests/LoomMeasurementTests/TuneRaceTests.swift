import Testing

@testable import LoomMeasurement

/// The race on candidates whose speeds are known, with noise.
@Suite struct TuneRaceTests {
    /// Candidates with true speeds; a region takes a hundredth of a second of a clock that only regions turn.
    private final class Machine {
        let speeds: [Double]
        let noise: Double
        var seconds = 0.0
        var regions: [Int]
        var ready: Set<Int> = []
        private var random: SyntheticNoise
        /// What the machine as a whole does: slow drifts that all of a round share.
        private var drift = 0.0

        init(_ speeds: [Double], noise: Double, seed: UInt64) {
            self.speeds = speeds
            self.noise = noise
            regions = speeds.map { _ in 0 }
            random = SyntheticNoise(seed: seed)
        }

        func measure(_ candidate: Int) -> Double? {
            #expect(ready.contains(candidate), "only what is ready is measured")
            seconds += 0.01
            regions[candidate] += 1
            drift = 0.98 * drift + 0.02 * random.normal()
            return speeds[candidate] * (1 + noise * random.normal() + drift)
        }
    }

    private func race(
        _ machine: Machine, workers: [Int]? = nil, seconds: Double = 10, capacity: Int = 100
    ) throws -> (TuneRace, TuneStandings.Decision) {
        var race = TuneRace(
            .init(
                seconds: seconds, workers: workers ?? machine.speeds.map { _ in 2 },
                changes: machine.speeds.indices.map { $0 == 0 ? 0 : 1 }, capacity: capacity))
        try race.run(
            seconds: { machine.seconds },
            prepare: { candidates in
                #expect(candidates.count <= capacity)
                machine.ready = Set(candidates)
            },
            measure: { machine.measure($0) }, report: { _, _, _ in })
        let finalists = machine.speeds.indices.filter { race.leftAfter[$0] == nil }
        return (race, race.standings.decision(among: finalists))
    }

    @Test func theFastestWins() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            // 40 of them, 8 % apart at the top.
            let speeds = (0..<40).map { $0 == 17 ? 108.0 : 60 + Double($0) }
            let machine = Machine(speeds, noise: 0.03, seed: seed)
            let (race, decision) = try race(machine)
            #expect(decision.choice == 17, "seed \(seed)")
            #expect(race.isClear && machine.seconds < 10)
            // Half of them leave at a time: the slow ones get little of the time.
            #expect(machine.regions[1] < machine.regions[17] / 3)
            #expect(race.leftAfter[0] == nil, "the configuration as it is stays")
        }
    }

    @Test func ofEqualsFewerWorkersWin() throws {
        for seed in 1...10 as ClosedRange<UInt64> {
            let machine = Machine([100, 100.5, 100.3, 80, 50], noise: 0.02, seed: seed)
            let (race, decision) = try race(machine, workers: [4, 4, 2, 2, 1])
            #expect(decision.choice == 2, "seed \(seed): \(decision)")
            #expect(race.isClear)
        }
    }

    @Test func ofEqualsTheConfigurationAsItIsWins() throws {
        for seed in 1...10 as ClosedRange<UInt64> {
            let machine = Machine([100, 100.4, 100.2, 99.9], noise: 0.02, seed: seed)
            #expect(try race(machine).1.choice == 0)
        }
    }

    @Test func theTimeEndsARaceThatIsNotClear() throws {
        let machine = Machine([100, 103, 103.5], noise: 0.3, seed: 4)
        let (race, decision) = try race(machine, seconds: 0.6)
        #expect(!race.isClear && !decision.isClear)
        #expect(machine.seconds < 0.7)
    }

    @Test func everybodyRunsThriceEvenWithoutTime() throws {
        let machine = Machine((0..<20).map { 100 + Double($0) }, noise: 0, seed: 1)
        _ = try race(machine, seconds: 0.001)
        #expect(machine.regions.allSatisfy { $0 >= TuneRace.Limit.fewestRounds })
    }

    @Test func noMoreAreReadyThanThereIsRoomFor() throws {
        let speeds = (0..<30).map { index -> Double in
            let usual = Double(100 + index % 7)
            return index == 23 ? usual + 20 : usual
        }
        let machine = Machine(speeds, noise: 0.01, seed: 9)
        #expect(try race(machine, capacity: 8).1.choice == 23)
        // Three that nobody has measured, and room for two.
        #expect(try race(Machine([100, 120, 140], noise: 0.01, seed: 2), capacity: 2).1.choice == 2)
        // Many that are equal: no more go on to the end than there is room for.
        let equal = Machine(Array(repeating: 100, count: 24), noise: 0.01, seed: 5)
        #expect(try race(equal, capacity: 6).0.leftAfter.count { $0 == nil } <= 6)
    }

    @Test func theBestOfEachNumberOfWorkersGoesOn() throws {
        // Twelve with two workers are faster than the two with one.
        let speeds = (0..<12).map { 100 + Double($0) } + [50, 60]
        let machine = Machine(speeds, noise: 0.01, seed: 3)
        let (race, _) = try race(machine, workers: Array(repeating: 2, count: 12) + [1, 1])
        #expect(race.leftAfter[13] == nil && race.leftAfter[12] != nil)
    }

    @Test func whoCannotGoOnLeaves() throws {
        var race = TuneRace(.init(seconds: 1, workers: [1, 1, 1], changes: [0, 1, 1], capacity: 9))
        var seconds = 0.0
        try race.run(
            seconds: { seconds }, prepare: { _ in },
            measure: { candidate in
                seconds += 0.01
                return candidate == 2 ? nil : 100 + Double(candidate) * 50
            }, report: { _, _, _ in })
        #expect(race.leftAfter == [nil, nil, 1])
        #expect(race.standings.speeds(of: 2).isEmpty)
        #expect(race.standings.decision(among: [0, 1]).choice == 1)
    }

    // MARK: Decisions by hand

    /// Candidate 0 at 100 in twelve rounds, the others at a ratio to it that goes up and down by `spread`.
    private func standings(_ ratios: [Double], workers: [Int], changes: [Int], spread: Double) -> TuneStandings {
        var standings = TuneStandings(workers: workers, changes: changes)
        for round in 0..<12 {
            for (candidate, ratio) in ratios.enumerated() {
                let sign = candidate == 0 ? 0.0 : round.isMultiple(of: 2) ? 1 : -1
                standings.add(100 * ratio * (1 + sign * spread), of: candidate, round: round)
            }
        }
        return standings
    }

    @Test func whatDecides() {
        // 1.5 times as fast as the first, clearly.
        var decision = standings([1, 1.5], workers: [1, 2], changes: [0, 1], spread: 0.01).decision(among: [0, 1])
        #expect(decision == .init(choice: 1, fastest: 1, comparisons: [0: .slower], isClear: true))
        // 1 % faster: what is nearer and has fewer workers wins.
        decision = standings([1, 1.01], workers: [1, 2], changes: [0, 1], spread: 0).decision(among: [0, 1])
        #expect(decision == .init(choice: 0, fastest: 1, comparisons: [0: .asFast], isClear: true))
        // 5 % faster in the middle, but now 15 % and now −5 %.
        decision = standings([1, 1.05], workers: [1, 2], changes: [0, 1], spread: 0.1).decision(among: [0, 1])
        #expect(decision == .init(choice: 1, fastest: 1, comparisons: [0: .unclear], isClear: false))
        // Three that are equal, and one of them with the configuration's own keys.
        decision = standings([1, 1.2, 1.21, 1.2], workers: [4, 3, 4, 3], changes: [0, 2, 1, 1], spread: 0)
            .decision(among: [0, 1, 2, 3])
        #expect(decision.fastest == 2 && decision.choice == 3)
        #expect(decision.comparisons == [0: .slower, 1: .asFast, 3: .asFast])
    }

    @Test func ratiosAreOfTheRoundsOfBoth() throws {
        var standings = TuneStandings(workers: [1, 1], changes: [0, 1])
        // The machine became half as fast when the second one had not begun.
        for round in 0..<6 { standings.add(round < 3 ? 100 : 50, of: 0, round: round) }
        for round in 3..<6 { standings.add(60, of: 1, round: round) }
        #expect(isClose(standings.ratio(1, over: 0)?.median, 1.2))
        #expect(isClose(standings.score(of: 1), 1.2) && standings.score(of: 0) == 1)
        #expect(standings.ranking(of: [0, 1]) == [1, 0])
        #expect(standings.speeds(of: 1) == [60, 60, 60])
    }
}
