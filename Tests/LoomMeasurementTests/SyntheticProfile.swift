import LoomKernels
import LoomTraining

@testable import LoomMeasurement

/// Parts of profiles that nobody measured.
enum SyntheticProfile {
    static func entry(_ kind: String, _ worker: Int, seconds: Double, operations: Double = 0)
        -> StepProfile.Entry
    {
        StepProfile.Entry(
            kind: kind, layer: nil, worker: worker, secondsPerStep: seconds, share: 0, operationsPerStep: operations,
            bytesPerStep: 1e6, multiplies: operations > 0)
    }

    static func count(
        _ workers: Int, samplesPerSecond: Double, entries: [StepProfile.Entry], batch: Int = 256
    ) -> ProfileMeasurement.Count {
        let speeds = (-4...4).map { samplesPerSecond * (1 + Double($0) / 100) }
        return ProfileMeasurement.Count(
            workers: workers, samplesPerSecond: speeds, stepSeconds: speeds.map { Double(batch) / $0 },
            speed: MedianEstimate(speeds)!,
            profile: StepProfile(
                workers: workers, route: "partition", entries: entries, stepSeconds: [], stepNumbers: [],
                measuredSteps: 1), slowSteps: SlowSteps([]),
            accountedFraction: 1, overheadFraction: 0, measuredEvery: 1,
            counters: Array(repeating: nil, count: workers), shardCount: 16, shardRows: 16, batchRows: batch,
            teamMode: workers == 1 ? .alone : .gang, laps: ProfileLaps(workers: []))
    }

    static let roofs = Roofs(
        arithmeticGflops: 100, l2GigabytesPerSecond: nil, l3GigabytesPerSecond: nil, memoryGigabytesPerSecond: 10,
        l2Bytes: nil, l3Bytes: nil)

    static func profile(
        _ counts: [ProfileMeasurement.Count], scaling: ProfileMeasurement.Scaling = .strong
    ) -> ProfileMeasurement {
        ProfileMeasurement(
            scaling: scaling, counts: counts, otherWorkFraction: nil, throttledSeconds: 0, operationsPerSample: 1,
            ceilingGflops: 100 * Double(counts.last?.workers ?? 1), roofs: roofs)
    }
}
