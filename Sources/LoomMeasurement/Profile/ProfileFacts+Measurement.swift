import LoomConfiguration
import LoomKernels
import LoomRuns

extension ProfileFacts {
    /// The figures of the largest number of workers that `profile` measured; those of nothing where it measured none.
    public init(_ profile: ProfileMeasurement, configuration: Configuration, machine: MachineSetup) {
        self.init()
        guard let last = profile.counts.last, let best = profile.counts.max(by: { $0.speed.median < $1.speed.median })
        else { return }
        let steps = last.profile
        workers = last.workers
        bestWorkers = best.workers
        bestSpeedRatio = best.speed.median / last.speed.median
        shares = Dictionary(steps.entries.map { ($0.kind, steps.share(of: $0.kind)) }) { first, _ in first }
        let useful = steps.usefulSecondsByWorker
        loadBalance = useful.reduce(0, +) / Double(useful.count) / max(useful.max() ?? 0, 1e-12)
        stepSeconds = steps.secondsByWorker.max() ?? 0
        batchRows = last.batchRows
        configuredBatchRows = configuration.training.batch
        samples = profile.samples
        shardCount = last.shardCount
        shardRows = last.shardRows
        shardMultiple = configuration.training.precision == .mixedBFloat16 ? PackedMatrix.side : 1
        productPeakFraction =
            steps.productGflopsPerWorker / (profile.ceilingGflops / Double(profile.ceilingWorkers))
        productCeilingFraction = steps.productCeilingFraction ?? 1
        areProductsMeasuredAlone = steps.productCeilingFraction != nil
        shapePeakFraction = min(1, productPeakFraction / productCeilingFraction)
        let products = steps.entries.filter { $0.multiplies && $0.secondsPerStep > 0 }
        if !products.isEmpty {
            productSeconds = products.reduce(0) { $0 + $1.secondsPerStep } / Double(products.count)
        }
        fitsCache = steps.largestStepBytes <= Double(profile.roofs.l2Bytes ?? 0)
        for (kind, bound) in steps.memoryBound(l2Bytes: profile.roofs.l2Bytes ?? 0) {
            memoryShares[kind] = bound.share
            memoryFractions[kind] = bound.fraction
        }
        slowStepCause = last.slowSteps.commonCause
        isDouble = configuration.training.precision == .float64
        usesOpenBLAS = configuration.parallel.gemmBackend == .openBLAS
        shuffles = configuration.data.shuffle != .none
        isForkJoin = last.teamMode == .forkJoin
        maximumWorkers = machine.allowance.maximumWorkers
        otherWorkFraction = profile.otherWorkFraction ?? 0
        throttledFraction = profile.throttledSeconds / max(profile.seconds, 1e-9)
        let cpus = machine.workerCPUs.compactMap { $0 }
        workersOnSharedCores =
            cpus.filter { cpu in
                machine.topology.hardwareThreads(sharingCoresWith: [cpu]).filter(cpus.contains).count > 1
            }.count
        if let quantiles = Quantiles(steps.stepSeconds) { slowStepRatio = quantiles.p99 / quantiles.p50 }
    }
}

extension StepProfile {
    /// What one worker's matrix products reach while they run, the mean of all workers, in GFLOP/s; 0 without products.
    public var productGflopsPerWorker: Double {
        let products = entries.filter(\.multiplies)
        let seconds = products.reduce(0) { $0 + $1.secondsPerStep }
        return seconds > 0 ? products.reduce(0) { $0 + $1.operationsPerStep } / seconds / 1e9 : 0
    }
}

extension StepProfile {
    /// The time that the products would take alone over the time that they took, all workers together; nil where a ceiling is
    /// missing.
    var productCeilingFraction: Double? {
        let products = entries.filter { $0.multiplies && $0.secondsPerStep > 0 }
        let alone = products.compactMap { entry in entry.ceilingGflops.map { entry.operationsPerStep / $0 / 1e9 } }
        guard !products.isEmpty, alone.count == products.count else { return nil }
        return alone.reduce(0, +) / products.reduce(0) { $0 + $1.secondsPerStep }
    }

    /// Bytes that the operations of a worker read and write in a step, the worker with most.
    var largestStepBytes: Double {
        (0..<workers).map { worker in
            entries.filter { $0.worker == worker }.reduce(0) { $0 + $1.bytesPerStep }
        }.max() ?? 0
    }

    /// The share of all workers' time that operations have which memory limits, and what they reach of its bandwidth, by
    /// kind.
    ///
    /// A product that would fit into the second-level cache, and is as fast as it is alone, owes its speed to its shape.
    /// - Parameter l2Bytes: Of the second-level cache that a worker has.
    func memoryBound(l2Bytes: Int) -> [String: (share: Double, fraction: Double)] {
        let all = secondsByWorker.reduce(0, +)
        let bound = entries.filter { entry in
            guard let limit = entry.limit, limit.roof == .memory else { return false }
            let mayBeItsShape = entry.multiplies && entry.bytesPerStep <= Double(l2Bytes)
            return limit.fraction >= ProfileFacts.memoryBoundFraction
                && !(mayBeItsShape && entry.ceilingFraction ?? 1 >= 0.8)
        }
        return Dictionary(grouping: bound, by: \.kind).compactMapValues { entries in
            let seconds = entries.reduce(0) { $0 + $1.secondsPerStep }
            guard all > 0, seconds > 0 else { return nil }
            return (seconds / all, entries.reduce(0) { $0 + $1.secondsPerStep * ($1.limit?.fraction ?? 0) } / seconds)
        }
    }
}
