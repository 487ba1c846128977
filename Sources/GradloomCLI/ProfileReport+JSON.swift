import LoomMeasurement

extension ProfileReport: Encodable {
    private struct OperationRecord: Encodable {
        let kind: String
        let layer: String?
        let worker: Int
        let seconds, share, operations, bytes: Double
        let intensity, gflops, gigabytesPerSecond, peakFraction: Double?

        enum CodingKeys: String, CodingKey {
            case kind, layer, worker, seconds, share, operations, bytes, intensity, gflops
            case gigabytesPerSecond = "gigabytes_per_second"
            case peakFraction = "peak_fraction"
        }

        // Keys without a value are null, not absent.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(kind, forKey: .kind)
            try container.encode(layer, forKey: .layer)
            try container.encode(worker, forKey: .worker)
            try container.encode(seconds, forKey: .seconds)
            try container.encode(share, forKey: .share)
            try container.encode(operations, forKey: .operations)
            try container.encode(bytes, forKey: .bytes)
            try container.encode(intensity, forKey: .intensity)
            try container.encode(gflops, forKey: .gflops)
            try container.encode(gigabytesPerSecond, forKey: .gigabytesPerSecond)
            try container.encode(peakFraction, forKey: .peakFraction)
        }
    }

    private struct ScalingRecord: Encodable {
        let workers: Int
        let samplesPerSecond, low, high, speedUp, efficiency: Double
        let loadBalance, synchronisation, computation: Double?
        let samples: [Double]

        enum CodingKeys: String, CodingKey {
            case workers, low, high, efficiency, synchronisation, computation
            case samplesPerSecond = "samples_per_second"
            case speedUp = "speed_up"
            case loadBalance = "load_balance"
            case samples = "samples_per_second_samples"
        }
    }

    private struct HeldOutRecord: Encodable {
        let model: String
        let workers: Int
        let predicted, measured: Double
    }

    /// Region by region, in the order in which they were measured: what two profiles are compared by.
    private struct Samples: Encodable {
        struct Operation: Encodable {
            let kind: String
            let layer: String?
            let worker: Int
            let seconds: [Double]
        }

        let samplesPerSecond, stepSeconds: [Double]
        let operations: [Operation]

        init(_ count: ProfileMeasurement.Count) {
            samplesPerSecond = count.samplesPerSecond
            stepSeconds = count.stepSeconds
            operations = count.profile.entries.map {
                Operation(kind: $0.kind, layer: $0.layer, worker: $0.worker, seconds: $0.secondsByRegion)
            }
        }

        enum CodingKeys: String, CodingKey {
            case operations
            case samplesPerSecond = "samples_per_second"
            case stepSeconds = "step_seconds"
        }
    }

    enum CodingKeys: String, CodingKey {
        case event, workers, route, operations, verdict, scaling, counters, samples, provenance
        case scalingKind = "scaling_kind"
        case samplesPerSecond = "samples_per_second"
        case accountedFraction = "accounted_fraction"
        case overheadFraction = "overhead_fraction"
        case measuredEvery = "measured_every"
        case stepSeconds = "step_seconds"
        case ceilingGflops = "ceiling_gflops"
        case otherWorkFraction = "other_work_fraction"
        case heldOut = "held_out"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("profile", forKey: .event)
        try container.encode(provenance, forKey: .provenance)
        try container.encode(last.workers, forKey: .workers)
        try container.encode(last.profile.route, forKey: .route)
        try container.encode(last.speed.median, forKey: .samplesPerSecond)
        try container.encode(last.accountedFraction, forKey: .accountedFraction)
        try container.encode(last.overheadFraction, forKey: .overheadFraction)
        try container.encode(last.measuredEvery, forKey: .measuredEvery)
        try container.encode(Quantiles(last.profile.stepSeconds), forKey: .stepSeconds)
        try container.encode(profile.ceilingGflops, forKey: .ceilingGflops)
        try container.encode(profile.otherWorkFraction, forKey: .otherWorkFraction)
        try container.encode(operationRecords, forKey: .operations)
        try container.encode(Samples(last), forKey: .samples)
        try container.encode(verdict, forKey: .verdict)
        try container.encode(profile.scaling, forKey: .scalingKind)
        try container.encode(scalingRecords, forKey: .scaling)
        try container.encode(heldOutRecord, forKey: .heldOut)
        try container.encode(last.counters, forKey: .counters)
    }

    private var operationRecords: [OperationRecord] {
        last.profile.entries.map { entry in
            OperationRecord(
                kind: entry.kind, layer: entry.layer, worker: entry.worker, seconds: entry.secondsPerStep,
                share: entry.share, operations: entry.operationsPerStep, bytes: entry.bytesPerStep,
                intensity: entry.intensity, gflops: entry.gflops, gigabytesPerSecond: entry.gigabytesPerSecond,
                peakFraction: entry.gflops.map { $0 / ceilingOfWorker })
        }
    }

    private var scalingRecords: [ScalingRecord] {
        zip(scaling.rows, profile.counts).map { row, count in
            ScalingRecord(
                workers: row.workers, samplesPerSecond: row.speed.median, low: row.speed.low, high: row.speed.high,
                speedUp: row.speedUp, efficiency: row.efficiency, loadBalance: row.tree?.loadBalance,
                synchronisation: row.tree?.communication, computation: row.tree?.computation,
                samples: count.samplesPerSecond)
        }
    }

    private var heldOutRecord: HeldOutRecord? {
        let held =
            scaling.universal.model.map { ("universal_scalability_law", $0) }
            ?? scaling.amdahl.model.map { ("amdahl", $0) }
        return held.map {
            HeldOutRecord(
                model: $0.0, workers: $0.1.predicted.workers, predicted: $0.1.predicted.throughput,
                measured: $0.1.measured)
        }
    }
}
