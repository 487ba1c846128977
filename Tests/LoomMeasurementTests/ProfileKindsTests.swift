import Testing

@testable import LoomMeasurement

/// Kinds of operations over numbers of workers, from figures that are given.
@Suite struct ProfileKindsTests {
    /// A step of `workers` workers, with what each spends on each kind.
    private static func count(
        _ workers: Int, batch: Int = 256, _ seconds: [String: [Double]]
    ) -> ProfileMeasurement.Count {
        let order = ["forward", "update", "wait"]
        return SyntheticProfile.count(
            workers, samplesPerSecond: 1000,
            entries: (0..<workers).flatMap { worker in
                order.compactMap { kind in
                    seconds[kind].map { SyntheticProfile.entry(kind, worker, seconds: $0[worker]) }
                }
            }, batch: batch)
    }

    /// Forward halves but for 1 ms; the update does not become less; waiting is new.
    private static let two = ProfileKinds(
        SyntheticProfile.profile([
            count(1, ["forward": [8e-3], "update": [2e-3], "wait": [1e-9]]),
            count(2, ["forward": [4e-3, 6e-3], "update": [2e-3, 2e-3], "wait": [2e-3, 0]]),
        ]))

    @Test func kindsByHand() throws {
        #expect(Self.two.kinds.map(\.kind) == ["forward", "update", "wait"] && Self.two.workers == [1, 2])
        let (forward, update, wait) = (Self.two.kinds[0], Self.two.kinds[1], Self.two.kinds[2])
        #expect(forward.seconds == [8e-3, 5e-3] && forward.maximumSeconds == [8e-3, 6e-3])
        #expect(forward.efficiency == [1, 0.8] && update.efficiency == [1, 0.5] && wait.efficiency == [nil, nil])
        #expect(abs(forward.lostSeconds - 1e-3) < 1e-12 && abs(update.lostSeconds - 1e-3) < 1e-12)
        #expect(wait.seconds == [1e-9, 1e-3] && abs(wait.lostSeconds - 1e-3) < 1e-9)
        #expect(Self.two.kinds.allSatisfy { abs($0.lostShare - 1 / 3) < 1e-6 })
        #expect(forward.amdahl.refusal == "two points cannot carry a model: it needs 3 worker counts")
        #expect(wait.amdahl.model == nil && wait.amdahl.refusal?.hasPrefix("0 points") == true)
    }

    @Test func whatStopsScaling() throws {
        let profile = SyntheticProfile.profile([
            Self.count(1, ["forward": [8e-3], "update": [2e-3]]),
            Self.count(2, ["forward": [4e-3, 4e-3], "update": [2e-3, 2e-3], "wait": [2e-4, 0]]),
        ])
        let stops = try #require(ProfileKinds(profile).stopsScaling)
        #expect(stops.kind == "update")
        #expect(
            stops.text
                == "update stops scaling: of the time that 2 workers lose to perfect scaling it has 90.9 %, 1.00 ms of a "
                + "step, at an efficiency of 0.5")
        // A kind that one worker does not know has no efficiency.
        let waiting = ProfileKinds(
            SyntheticProfile.profile([
                Self.count(1, ["forward": [8e-3]]), Self.count(2, ["forward": [4e-3, 4e-3], "wait": [2e-3, 0]]),
            ]))
        #expect(
            waiting.stopsScaling?.text
                == "waiting for other workers stops scaling: of the time that 2 workers lose to perfect scaling it has 100.0 %, "
                + "1.00 ms of a step")
        // 2 % of a step is no loss, and one number of workers loses nothing.
        let small = SyntheticProfile.profile([
            Self.count(1, ["forward": [8e-3]]), Self.count(2, ["forward": [4.1e-3, 4.1e-3]]),
        ])
        #expect(ProfileKinds(small).stopsScaling == nil && ProfileKinds(small).kinds[0].lostShare == 1)
        #expect(ProfileKinds(SyntheticProfile.profile([Self.count(1, ["forward": [8e-3]])])).stopsScaling == nil)
    }

    /// With a batch for each worker, the same time is twice the work.
    @Test func weakScaling() {
        let kinds = ProfileKinds(
            SyntheticProfile.profile(
                [
                    Self.count(1, ["forward": [8e-3], "update": [2e-3]]),
                    Self.count(2, batch: 512, ["forward": [8e-3, 8e-3], "update": [2e-3, 2e-3]]),
                ], scaling: .weak)
        ).kinds
        #expect(kinds.map { $0.efficiency[1] } == [1, 1] && kinds.allSatisfy { abs($0.lostSeconds) < 1e-15 })
    }

    /// A quarter of the time is not shared: 1/4 + 3/4/p.
    @Test func modelsOfKinds() throws {
        func seconds(_ workers: Int) -> [Double] {
            Array(repeating: 4e-3 * (0.25 + 0.75 / Double(workers)), count: workers)
        }
        let three = ProfileKinds(SyntheticProfile.profile([1, 2, 4].map { Self.count($0, ["update": seconds($0)]) }))
        #expect(abs(try #require(three.kinds[0].amdahl.model).serialFraction - 0.25) < 1e-9)
        #expect(three.kinds[0].heldOut.model == nil)
        var steps = [1, 2, 4].map { Self.count($0, ["update": seconds($0)]) }
        // The law wants 0.34375 of one worker's time; 10 % more throughput was measured.
        steps.append(Self.count(8, ["update": seconds(8).map { $0 / 1.1 }]))
        let four = ProfileKinds(SyntheticProfile.profile(steps))
        let held = try #require(four.kinds[0].heldOut.model)
        #expect(held.predicted.workers == 8 && abs(held.miss - (1 / 1.1 - 1)) < 1e-6)
    }

    /// Every region is a point of the model: its error is known.
    @Test func regionsArePoints() throws {
        let counts = [1, 2, 4].map { workers in
            let mean = 4e-3 * (0.25 + 0.75 / Double(workers))
            var count = Self.count(workers, ["update": Array(repeating: mean, count: workers)])
            for index in count.profile.entries.indices {
                count.profile.entries[index].secondsByRegion = [0.98 * mean, mean, 1.02 * mean]
            }
            return count
        }
        let model = try #require(ProfileKinds(SyntheticProfile.profile(counts)).kinds[0].amdahl.model)
        #expect(abs(model.serialFraction - 0.25) < 1e-3 && model.relativeResidual > 0.01)
    }
}
