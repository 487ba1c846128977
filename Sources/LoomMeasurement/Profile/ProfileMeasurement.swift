import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomPlan
import LoomRuns
import LoomTraining

/// Where the time of a training goes, and how it scales with workers: the real steps on the real network and data, with the
/// program that `train` runs.
///
/// All numbers of workers take turns, many times, so that a machine that gets slower is slower for all of them. Of every two
/// regions one is run with the workers' clocks and one without: what is called a speed was measured without, and the ratio of
/// the two is what measuring costs.
public struct ProfileMeasurement: Sendable {
    /// How the batch grows with the workers.
    public enum Scaling: String, Sendable, CaseIterable, Codable {
        /// One batch for every number of workers.
        case strong
        /// A batch for each worker.
        case weak
    }

    /// What is to be measured.
    public struct Request: Sendable {
        /// The numbers of workers; nil: 1, 2, 4 … and all.
        public var workerCounts: [Int]?
        /// How the batch grows.
        public var scaling = Scaling.strong
        /// About how long all regions take together.
        public var seconds = 10.0
        /// So many steps at least are run with clocks with each number of workers, and as many without, however long that
        /// takes; nil: `seconds` says.
        public var steps: Int?

        /// The defaults.
        public init() {}

        /// The numbers of workers on a machine that has `largest`.
        public func counts(largest: Int) -> [Int] {
            if let workerCounts { return workerCounts.sorted() }
            let powers = (0..<16).map { 1 << $0 }.prefix { $0 < largest }
            return powers + [largest]
        }
    }

    /// One number of workers.
    public struct Count: Sendable {
        /// The workers.
        public let workers: Int
        /// Samples a second in each region without clocks.
        public let samplesPerSecond: [Double]
        /// Seconds of a step in each of these regions: their mean.
        public let stepSeconds: [Double]
        /// Their median, with an interval.
        public let speed: MedianEstimate
        /// Where the time went.
        public internal(set) var profile: StepProfile
        /// The slow ones of the measured steps.
        public let slowSteps: SlowSteps
        /// Of the regions' time, what named operations and waits account for: the mean measured step times all batches. Where
        /// only some steps are measured it is an estimate, which is above 1 where these were slower than others.
        public let accountedFraction: Double
        /// What measuring costs: 1 − speed with clocks over speed without, the median of neighbouring regions; nil where there
        /// were no regions without.
        public let overheadFraction: Double?
        /// One of so many steps was measured.
        public let measuredEvery: Int
        /// What happened to each worker's thread; nil where it was not counted.
        public let counters: [CounterReading?]
        /// Shards of a batch.
        public let shardCount: Int
        /// Samples of a shard.
        public let shardRows: Int
        /// Samples of a batch.
        public let batchRows: Int
        /// How the team ran.
        public let teamMode: TeamMode
        /// The last laps of the workers, for traces.
        package let laps: ProfileLaps
    }

    /// How the batch grew.
    public let scaling: Scaling
    /// The numbers of workers, ascending.
    public let counts: [Count]
    /// The part of the time of the workers' cores that others had meanwhile, 0…1; nil where the system does not tell.
    public let otherWorkFraction: Double?
    /// Seconds from the first region to the last.
    public let seconds: Double
    /// Seconds that this process was kept from running by a CPU quota meanwhile.
    public let throttledSeconds: Double
    /// Floating-point operations of a sample.
    public let operationsPerSample: Double
    /// Samples of the training data.
    public let samples: Int
    /// The arithmetic peak of all workers of the machine together, in GFLOP/s.
    public let ceilingGflops: Double
    /// The workers that it is the peak of.
    public let ceilingWorkers: Int
    /// What one worker can reach while all of the machine's are at work.
    public let roofs: Roofs
    /// A step whose loss was not finite ended the measurement of some number of workers.
    public let diverged: Bool

    /// Regions of each number of workers, half of them with clocks. An odd number of medians each.
    static let pairs = 15
    /// A region is never shorter: forks and binding would be seen.
    static let shortestRegionSeconds = 0.02

    /// Profiles `configuration` with the workers of `machine`.
    /// - Parameter cache: Where the arithmetic peak is looked up, and kept when it is not there; nil: it is measured.
    /// - Throws: as `Experiment.init`.
    public init(
        _ configuration: Configuration, _ request: Request, machine: MachineSetup, cache: CeilingCache?
    ) throws {
        switch configuration.training.precision.scalar {
        case .float32: try self.init(configuration, request, machine: machine, cache: cache, Float.self)
        case .float64: try self.init(configuration, request, machine: machine, cache: cache, Double.self)
        }
    }

    private init<Scalar: LoomScalar>(
        _ configuration: Configuration, _ request: Request, machine: MachineSetup, cache: CeilingCache?,
        _: Scalar.Type
    ) throws {
        let data = try PreparedData<Scalar>(
            configuration.data, network: configuration.network.description(inputs: 0), loss: configuration.loss)
        let counts = request.counts(largest: machine.workers)
        let trainings = try counts.map { workers in
            try ProfiledTraining(
                configuration, data: data.training, machine: machine, workers: workers,
                batch: request.scaling == .weak ? configuration.training.batch * workers : nil)
        }
        let seconds =
            request.steps == nil ? request.seconds / Double(2 * Self.pairs * max(1, trainings.count)) : 0
        for training in trainings {
            training.warmUp(
                regionSeconds: max(Self.shortestRegionSeconds, seconds),
                steps: request.steps.map { ($0 + Self.pairs - 1) / Self.pairs } ?? 0)
        }
        let window = CPUDisturbanceWindow(machine.contention())
        let start = ContinuousClock.now
        for pair in 0..<Self.pairs {
            for training in trainings { training.runPair(clockFirst: pair.isMultiple(of: 2)) }
        }
        self.seconds = (ContinuousClock.now - start) / .seconds(1)
        let disturbance = window.soFar()
        otherWorkFraction = disturbance.othersFraction
        throttledSeconds = disturbance.throttledSeconds ?? 0
        scaling = request.scaling
        var results = trainings.map { $0.result() }
        operationsPerSample = trainings[0].operationsPerSample
        samples = data.training.sampleCount
        diverged = trainings.contains { $0.hasDiverged }
        ceilingGflops =
            ArithmeticPeak(
                Scalar.self, provider: configuration.parallel.gemmBackend, bfloat16: configuration.bfloat16Products,
                team: WorkerTeam(workers: machine.workers, binding: machine.binding), machine: machine, cache: cache
            ).gflops
        ceilingWorkers = machine.workers
        roofs = Roofs(
            arithmeticGflops: ceilingGflops / Double(machine.workers), machine: machine, cache: cache)
        // The tables of operations are about the largest number of workers.
        if let last = results.lastIndex(where: { $0 != nil }) {
            results[last]?.profile.setCeilings(
                trainings[last].productCeilings(binding: machine.binding).gflops(worker:))
            results[last]?.profile.setLimits(roofs, dataBytes: trainings[last].dataBytes)
        }
        self.counts = results.compactMap { $0 }
    }

    /// What was measured, or would have been.
    init(
        scaling: Scaling, counts: [Count], otherWorkFraction: Double?, seconds: Double = 1, throttledSeconds: Double,
        operationsPerSample: Double, samples: Int = .max, ceilingGflops: Double, roofs: Roofs
    ) {
        self.scaling = scaling
        self.counts = counts
        self.otherWorkFraction = otherWorkFraction
        self.throttledSeconds = throttledSeconds
        self.seconds = seconds
        self.operationsPerSample = operationsPerSample
        self.samples = samples
        self.ceilingGflops = ceilingGflops
        ceilingWorkers = counts.last?.workers ?? 1
        diverged = false
        self.roofs = roofs
    }
}
