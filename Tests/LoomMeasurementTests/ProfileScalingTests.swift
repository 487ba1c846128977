import LoomKernels
import LoomTraining
import Testing

@testable import LoomMeasurement

/// Scaling and facts of a profile, from figures that are given.
@Suite struct ProfileScalingTests {
    /// One worker computes 10 ms a step; two 4.5 and 6 ms, and meet after 7.5 ms.
    private static let measured = ProfileMeasurement(
        scaling: .strong,
        counts: [
            SyntheticProfile.count(
                1, samplesPerSecond: 25_600,
                entries: [SyntheticProfile.entry("forward", 0, seconds: 0.01, operations: 4e8)]),
            SyntheticProfile.count(
                2, samplesPerSecond: 38_400,
                entries: [
                    SyntheticProfile.entry("forward", 0, seconds: 0.003, operations: 2e8),
                    SyntheticProfile.entry("gather", 0, seconds: 0.0015),
                    SyntheticProfile.entry("wait", 0, seconds: 0.003),
                    SyntheticProfile.entry("forward", 1, seconds: 0.006, operations: 2e8),
                    SyntheticProfile.entry("wait", 1, seconds: 0.0015),
                ]),
        ], otherWorkFraction: nil, throttledSeconds: 0, operationsPerSample: 1, ceilingGflops: 200,
        roofs: SyntheticProfile.roofs)

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

    @Test func countsOfWorkers() {
        var request = ProfileMeasurement.Request()
        #expect(request.counts(largest: 1) == [1] && request.counts(largest: 2) == [1, 2])
        #expect(request.counts(largest: 6) == [1, 2, 4, 6] && request.counts(largest: 8) == [1, 2, 4, 8])
        request.workerCounts = [4, 1]
        #expect(request.counts(largest: 8) == [1, 4])
    }
}
