import LoomConfiguration
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
        shardCount = last.shardCount
        shardRows = last.shardRows
        productPeakFraction =
            steps.productGflopsPerWorker / (profile.ceilingGflops / Double(profile.ceilingWorkers))
        isDouble = configuration.training.precision == .float64
        usesOpenBLAS = configuration.parallel.gemmBackend == .openBLAS
        shuffles = configuration.data.shuffle
        isForkJoin = last.teamMode == .forkJoin
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
