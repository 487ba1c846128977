import LoomKernels
import LoomTraining
import Testing

@testable import LoomMeasurement

/// Scaling and facts of a profile, from figures that are given.
@Suite struct ProfileScalingTests {
    private static func entry(_ kind: String, _ worker: Int, seconds: Double, operations: Double = 0)
        -> StepProfile.Entry
    {
        StepProfile.Entry(
            kind: kind, layer: nil, worker: worker, secondsPerStep: seconds, share: 0, operationsPerStep: operations,
            bytesPerStep: 1e6, multiplies: operations > 0)
    }

    private static func count(
        _ workers: Int, samplesPerSecond: Double, entries: [StepProfile.Entry]
    ) -> ProfileMeasurement.Count {
        let speeds = (-4...4).map { samplesPerSecond * (1 + Double($0) / 100) }
        return ProfileMeasurement.Count(
            workers: workers, samplesPerSecond: speeds, stepSeconds: speeds.map { 256 / $0 }, speed: MedianEstimate(speeds)!,
            profile: StepProfile(
                workers: workers, route: "partition", entries: entries, stepSeconds: [], stepNumbers: [],
                measuredSteps: 1),
            accountedFraction: 1, overheadFraction: 0, measuredEvery: 1,
            counters: Array(repeating: nil, count: workers), shardCount: 16, shardRows: 16, batchRows: 256,
            teamMode: workers == 1 ? .alone : .gang, laps: ProfileLaps(workers: []))
    }

    /// One worker computes 10 ms a step; two 4.5 and 6 ms, and meet after 7.5 ms.
    private static let measured = ProfileMeasurement(
        scaling: .strong,
        counts: [
            count(1, samplesPerSecond: 25_600, entries: [entry("forward", 0, seconds: 0.01, operations: 4e8)]),
            count(
                2, samplesPerSecond: 38_400,
                entries: [
                    entry("forward", 0, seconds: 0.003, operations: 2e8), entry("gather", 0, seconds: 0.0015),
                    entry("wait", 0, seconds: 0.003), entry("forward", 1, seconds: 0.006, operations: 2e8),
                    entry("wait", 1, seconds: 0.0015),
                ]),
        ], otherWorkFraction: nil, throttledSeconds: 0, operationsPerSample: 1, ceilingGflops: 200)

    @Test func factorsByHand() throws {
        let scaling = ProfileScaling(Self.measured)
        #expect(scaling.rows.map(\.workers) == [1, 2] && scaling.rows.map(\.speedUp) == [1, 1.5])
        #expect(scaling.rows.map(\.efficiency) == [1, 0.75])
        let tree = try #require(scaling.rows[1].tree)
        #expect(abs(tree.loadBalance - 5.25 / 6) < 1e-12)
        #expect(abs(tree.communication - 6 / 7.5) < 1e-12)
        #expect(abs(try #require(tree.computation) - 10 / 10.5) < 1e-12)
        // Two points cannot carry a model, and the largest is held out.
        #expect(scaling.amdahl.model == nil && scaling.amdahl.refusal != nil && scaling.universal.model == nil)
    }

    @Test func sharesAndProducts() {
        let profile = Self.measured.counts[1].profile
        #expect(profile.secondsByWorker.map { ($0 * 1e4).rounded() } == [75, 75])
        #expect(profile.usefulSecondsByWorker.map { ($0 * 1e4).rounded() } == [45, 60])
        #expect(abs(profile.share(of: "wait") - 0.3) < 1e-12 && abs(profile.share(of: "gather") - 0.1) < 1e-12)
        // 4 · 10⁸ operations in 9 ms of two workers.
        #expect(abs(profile.productGflopsPerWorker - 0.4 / 0.009) < 1e-9)
        #expect(profile.entries[1].gflops == nil && abs(profile.entries[1].gigabytesPerSecond! - 1e-3 / 0.0015) < 1e-12)
        #expect(abs(profile.entries[0].gflops! - 0.2 / 0.003) < 1e-9)
    }

    /// 14 laps of 85 ns are 1.19 µs: 0.8 % of 149 µs.
    @Test(arguments: [(1e-3, 1), (150e-6, 1), (148e-6, 2), (40e-6, 4), (11e-6, 16), (4e-6, 64), (0, 32768)])
    func oneOfSoManyStepsIsMeasured(stepSeconds: Double, every: Int) {
        #expect(ProfiledTraining<Float>.measuredEvery(stepSeconds: stepSeconds, laps: 14) == every)
    }

    @Test func countsOfWorkers() {
        var request = ProfileMeasurement.Request()
        #expect(request.counts(largest: 1) == [1] && request.counts(largest: 2) == [1, 2])
        #expect(request.counts(largest: 6) == [1, 2, 4, 6] && request.counts(largest: 8) == [1, 2, 4, 8])
        request.workerCounts = [4, 1]
        #expect(request.counts(largest: 8) == [1, 4])
    }
}
