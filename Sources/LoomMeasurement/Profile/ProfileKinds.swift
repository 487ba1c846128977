import LoomRuns

/// How the time of each kind of operation changes with the number of workers, and which kind stops a training from scaling.
public struct ProfileKinds: Sendable {
    /// One kind of operation, or waiting.
    public struct Kind: Sendable {
        /// Its name.
        public let kind: String
        /// Seconds of a step that a worker spends on it, the mean of all workers, for each number of workers: of each worker
        /// the median of the regions, so that a single step that was interrupted is not seen.
        public let seconds: [Double]
        /// The same of the worker that spends most.
        public let maximumSeconds: [Double]
        /// For each number of workers the samples a second and worker that the kind alone would allow, over those of the
        /// smallest number: 1 is perfect. Nil where the kind takes no time at one of them, and for waits, which are no work.
        public let efficiency: [Double?]
        /// What it takes with the largest number of workers beyond what perfect scaling from the smallest one leaves, seconds
        /// of a step; below 0 where it scales better.
        public let lostSeconds: Double
        /// Its part of what all kinds lose, 0…1; 0 where it loses nothing.
        public let lostShare: Double
        /// Amdahl's law for the kind alone, fitted to all numbers of workers; or why there is none.
        public let amdahl: ScalingFit<AmdahlFit>
        /// The largest number of workers, predicted from the others.
        public let heldOut: ScalingFit<HeldOutPrediction>
    }

    /// The kind that has most of what is lost.
    public struct StopsScaling: Sendable, Equatable, Codable {
        /// Its name.
        public let kind: String
        /// One sentence.
        public let text: String
    }

    /// The numbers of workers, ascending.
    public let workers: [Int]
    /// All kinds that take time, in the order of a step of the largest number of workers.
    public let kinds: [Kind]
    /// What stops the training from scaling; nil with one number of workers, or where a step loses less than 5 %.
    public let stopsScaling: StopsScaling?

    /// A loss of time that is worth a sentence.
    static let relevantLoss = 0.05

    /// The kinds of what `profile` measured.
    public init(_ profile: ProfileMeasurement) {
        let counts = profile.counts
        workers = counts.map(\.workers)
        let names = (counts.last.map { [$0] } ?? []) + counts.dropLast()
        let found = names.flatMap { $0.profile.entries.filter { $0.secondsPerStep > 0 }.map(\.kind) }
            .reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        let lost = found.map { Self.lostSeconds($0, counts) }
        let allLost = lost.reduce(0) { $0 + max(0, $1) }
        kinds = zip(found, lost).map { kind, lost in
            let points = counts.flatMap { Self.points(kind, $0) }
            return Kind(
                kind: kind, seconds: counts.map { $0.profile.meanSeconds(of: kind) },
                maximumSeconds: counts.map { $0.profile.maximumSeconds(of: kind) },
                efficiency: counts.map { Self.efficiency(kind, $0, reference: counts[0]) }, lostSeconds: lost,
                lostShare: allLost > 0 ? max(0, lost) / allLost : 0, amdahl: AmdahlFit.fit(points),
                heldOut: AmdahlFit.heldOut(points))
        }
        stopsScaling = Self.stopsScaling(kinds, counts, lostSeconds: lost.reduce(0, +))
    }

    private static func efficiency(
        _ kind: String, _ count: ProfileMeasurement.Count, reference: ProfileMeasurement.Count
    ) -> Double? {
        let (own, first) = (count.profile.meanSeconds(of: kind), reference.profile.meanSeconds(of: kind))
        guard own > 0, first > 0, kind != StepProfile.wait else { return nil }
        let work = Double(count.batchRows) / Double(reference.batchRows)
        return first * Double(reference.workers) * work / (own * Double(count.workers))
    }

    private static func lostSeconds(_ kind: String, _ counts: [ProfileMeasurement.Count]) -> Double {
        guard let first = counts.first, let last = counts.last else { return 0 }
        let work = Double(last.batchRows) / Double(first.batchRows)
        let perfect = first.profile.meanSeconds(of: kind) * work * Double(first.workers) / Double(last.workers)
        return last.profile.meanSeconds(of: kind) - perfect
    }

    /// The samples a second that the kind alone would allow, in each region in which it took time; none for waits: no law
    /// of scaling holds for them.
    private static func points(_ kind: String, _ count: ProfileMeasurement.Count) -> [ScalingPoint] {
        guard kind != StepProfile.wait else { return [] }
        let seconds = count.profile.secondsByRegion(of: kind)
        return (seconds.isEmpty ? [count.profile.meanSeconds(of: kind)] : seconds).filter { $0 > 0 }.map {
            ScalingPoint(workers: count.workers, throughput: Double(count.batchRows) / $0)
        }
    }

    private static func stopsScaling(
        _ kinds: [Kind], _ counts: [ProfileMeasurement.Count], lostSeconds: Double
    ) -> StopsScaling? {
        guard counts.count > 1, let last = counts.last, let most = kinds.max(by: { $0.lostSeconds < $1.lostSeconds }),
            most.lostSeconds > 0
        else { return nil }
        let step = kinds.reduce(0) { $0 + ($1.seconds.last ?? 0) }
        guard lostSeconds > relevantLoss * step else { return nil }
        let efficiency = most.efficiency.last.flatMap { $0 }.map { ", at an efficiency of \(decimal($0))" } ?? ""
        let name = most.kind == StepProfile.wait ? "waiting for other workers" : most.kind
        return StopsScaling(
            kind: most.kind,
            text: "\(name) stops scaling: of the time that \(NumberFormat.counted(last.workers, "worker")) "
                + "\(last.workers == 1 ? "loses" : "lose") to perfect scaling it has \(percent(most.lostShare)), "
                + "\(NumberFormat.duration(seconds: most.lostSeconds)) of a step\(efficiency)")
    }
}

extension StepProfile {
    /// Of each worker the median of the regions; where there are none, the mean of all steps.
    private func seconds(of kind: String) -> [Double] {
        (0..<workers).map { worker in
            let own = entries.filter { $0.kind == kind && $0.worker == worker }
            return SortedSamples(Self.sumByRegion(own))?.median ?? own.reduce(0) { $0 + $1.secondsPerStep }
        }
    }

    private static func sumByRegion(_ entries: [Entry]) -> [Double] {
        (entries.first?.secondsByRegion ?? []).indices.map { region in
            entries.reduce(0) { $0 + $1.secondsByRegion[region] }
        }
    }

    fileprivate func meanSeconds(of kind: String) -> Double { seconds(of: kind).reduce(0, +) / Double(max(1, workers)) }

    fileprivate func maximumSeconds(of kind: String) -> Double { seconds(of: kind).max() ?? 0 }

    /// The mean of all workers in each region.
    fileprivate func secondsByRegion(of kind: String) -> [Double] {
        Self.sumByRegion(entries.filter { $0.kind == kind }).map { $0 / Double(workers) }
    }
}
