import LoomMeasurement

extension ProfileReport: Encodable {
    private struct OperationRecord: Encodable {
        let kind: String
        let layer: String?
        let worker: Int
        let seconds, share, operations, bytes: Double
        let intensity, gflops, gigabytesPerSecond, peakFraction, ceilingGflops, ceilingFraction: Double?
        let bound: Roof?
        let boundFraction: Double?

        enum CodingKeys: String, CodingKey {
            case kind, layer, worker, seconds, share, operations, bytes, intensity, gflops, bound
            case gigabytesPerSecond = "gigabytes_per_second"
            case ceilingGflops = "ceiling_gflops"
            case ceilingFraction = "ceiling_fraction"
            case boundFraction = "bound_fraction"
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
            try container.encode(ceilingGflops, forKey: .ceilingGflops)
            try container.encode(ceilingFraction, forKey: .ceilingFraction)
            try container.encode(bound, forKey: .bound)
            try container.encode(boundFraction, forKey: .boundFraction)
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

    private struct RoofsRecord: Encodable {
        let roofs: Roofs

        enum CodingKeys: String, CodingKey {
            case arithmetic = "arithmetic_gflops"
            case l2 = "l2_gigabytes_per_second"
            case l3 = "l3_gigabytes_per_second"
            case memory = "memory_gigabytes_per_second"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(roofs.arithmeticGflops, forKey: .arithmetic)
            try container.encode(roofs.l2GigabytesPerSecond, forKey: .l2)
            try container.encode(roofs.l3GigabytesPerSecond, forKey: .l3)
            try container.encode(roofs.memoryGigabytesPerSecond, forKey: .memory)
        }
    }

    private struct SlowStepRecord: Encodable {
        let slow: SlowStep

        enum CodingKeys: String, CodingKey {
            case step, seconds, ratio, faults, migrations, cause
            case involuntarySwitches = "involuntary_switches"
            case voluntarySwitches = "voluntary_switches"
            case notRunningSeconds = "not_running_seconds"
            case stolenSeconds = "stolen_seconds"
            case throttledSeconds = "throttled_seconds"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(slow.step, forKey: .step)
            try container.encode(slow.seconds, forKey: .seconds)
            try container.encode(slow.ratio, forKey: .ratio)
            try container.encode(slow.events?.involuntarySwitches, forKey: .involuntarySwitches)
            try container.encode(slow.events?.voluntarySwitches, forKey: .voluntarySwitches)
            try container.encode(slow.events?.faults, forKey: .faults)
            try container.encode(slow.events?.migrations, forKey: .migrations)
            try container.encode(slow.events?.notRunningSeconds, forKey: .notRunningSeconds)
            try container.encode(slow.stolenSeconds, forKey: .stolenSeconds)
            try container.encode(slow.throttledSeconds, forKey: .throttledSeconds)
            try container.encode(slow.cause, forKey: .cause)
        }
    }

    private struct KindRecord: Encodable {
        let kind: ProfileKinds.Kind

        enum CodingKeys: String, CodingKey {
            case kind, seconds, efficiency, refusal
            case maximumSeconds = "maximum_seconds"
            case lostSeconds = "lost_seconds"
            case lostShare = "lost_share"
            case serialFraction = "serial_fraction"
            case heldOut = "held_out"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(kind.kind, forKey: .kind)
            try container.encode(kind.seconds, forKey: .seconds)
            try container.encode(kind.maximumSeconds, forKey: .maximumSeconds)
            try container.encode(kind.efficiency, forKey: .efficiency)
            try container.encode(kind.lostSeconds, forKey: .lostSeconds)
            try container.encode(kind.lostShare, forKey: .lostShare)
            try container.encode(kind.amdahl.model?.serialFraction, forKey: .serialFraction)
            let held = kind.heldOut.model.map {
                HeldOutRecord(
                    model: "amdahl", workers: $0.predicted.workers, predicted: $0.predicted.throughput,
                    measured: $0.measured)
            }
            try container.encode(held, forKey: .heldOut)
            try container.encode(kind.amdahl.refusal, forKey: .refusal)
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
        case event, workers, route, operations, verdict, scaling, counters, samples, provenance, roofs, kinds
        case scalingKind = "scaling_kind"
        case samplesPerSecond = "samples_per_second"
        case accountedFraction = "accounted_fraction"
        case overheadFraction = "overhead_fraction"
        case measuredEvery = "measured_every"
        case stepSeconds = "step_seconds"
        case ceilingGflops = "ceiling_gflops"
        case otherWorkFraction = "other_work_fraction"
        case heldOut = "held_out"
        case slowSteps = "slow_steps"
        case stopsScaling = "stops_scaling"
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
        try container.encode(last.slowSteps.slowest.map(SlowStepRecord.init), forKey: .slowSteps)
        try container.encode(profile.ceilingGflops, forKey: .ceilingGflops)
        try container.encode(profile.otherWorkFraction, forKey: .otherWorkFraction)
        try container.encode(operationRecords, forKey: .operations)
        try container.encode(RoofsRecord(roofs: profile.roofs), forKey: .roofs)
        try container.encode(Samples(last), forKey: .samples)
        try container.encode(verdict, forKey: .verdict)
        try container.encode(profile.scaling, forKey: .scalingKind)
        try container.encode(scalingRecords, forKey: .scaling)
        try container.encode(kinds.kinds.map(KindRecord.init), forKey: .kinds)
        try container.encode(kinds.stopsScaling, forKey: .stopsScaling)
        try container.encode(heldOutRecord, forKey: .heldOut)
        try container.encode(last.counters, forKey: .counters)
    }

    private var operationRecords: [OperationRecord] {
        last.profile.entries.map { entry in
            OperationRecord(
                kind: entry.kind, layer: entry.layer, worker: entry.worker, seconds: entry.secondsPerStep,
                share: entry.share, operations: entry.operationsPerStep, bytes: entry.bytesPerStep,
                intensity: entry.intensity, gflops: entry.gflops, gigabytesPerSecond: entry.gigabytesPerSecond,
                peakFraction: entry.gflops.map { $0 / ceilingOfWorker }, ceilingGflops: entry.ceilingGflops,
                ceilingFraction: entry.ceilingFraction, bound: entry.limit?.roof, boundFraction: entry.limit?.fraction)
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
