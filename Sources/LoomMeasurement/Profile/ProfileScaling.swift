/// How the speed of a training grows with workers, and where what is missing went.
public struct ProfileScaling: Sendable {
    /// One number of workers.
    public struct Row: Sendable {
        /// The workers.
        public let workers: Int
        /// Samples a second, with an interval.
        public let speed: MedianEstimate
        /// Times the speed of the smallest number of workers.
        public let speedUp: Double
        /// Speed-up over the growth of workers: 1 is perfect.
        public let efficiency: Double
        /// The factors of the efficiency; nil where nothing was measured.
        public let tree: EfficiencyTree?
    }

    /// Ascending in workers.
    public let rows: [Row]
    /// The largest number of workers, predicted from the others alone by Amdahl's law and by the Universal Scalability Law;
    /// otherwise the sentence that says why not.
    public let amdahl, universal: ScalingFit<HeldOutPrediction>

    /// The scaling of what `profile` measured.
    public init(_ profile: ProfileMeasurement) {
        let counts = profile.counts
        let reference = counts.first.map(Self.run)
        rows = counts.map { count in
            let speedUp = count.speed.median / counts[0].speed.median
            return Row(
                workers: count.workers, speed: count.speed, speedUp: speedUp,
                efficiency: speedUp * Double(counts[0].workers) / Double(count.workers),
                tree: EfficiencyTree(Self.run(count), reference: reference))
        }
        let points = counts.map { ScalingPoint(workers: $0.workers, throughput: $0.speed.median) }
        amdahl = AmdahlFit.heldOut(points)
        universal = UniversalScalabilityFit.heldOut(points)
    }

    /// A mean step as a run: a phase ends when its slowest worker does.
    private static func run(_ count: ProfileMeasurement.Count) -> ParallelRun {
        let readings = count.counters.compactMap { $0 }
        let isCounted = readings.count == count.workers
        func sum(_ values: [UInt64?]) -> Double? {
            isCounted && !values.contains(nil) ? values.reduce(0) { $0 + Double($1!) } : nil
        }
        return ParallelRun(
            runtimeSeconds: count.profile.secondsByWorker.max() ?? 0,
            usefulSeconds: count.profile.usefulSecondsByWorker, work: Double(count.batchRows),
            instructions: sum(readings.map(\.instructions)), cycles: sum(readings.map(\.cycles)))
    }
}
