import LoomTraining

/// What a profile's rules look at: figures of the largest number of workers.
public struct ProfileFacts: Sendable, Equatable {
    /// The workers.
    public var workers = 1
    /// The number of workers with the highest speed.
    public var bestWorkers = 1
    /// How many times the speed of all workers it has.
    public var bestSpeedRatio = 1.0
    /// Shares of all workers' time, by kind of operation.
    public var shares: [String: Double] = [:]
    /// Mean over longest useful time of a worker.
    public var loadBalance = 1.0
    /// Seconds of a step.
    public var stepSeconds = 1.0
    /// Samples of a batch, of all workers together.
    public var batchRows = 1
    /// `training.batch`: as many, or with weak scaling those of one worker.
    public var configuredBatchRows = 1
    /// Samples of the training data: no batch has more.
    public var samples = Int.max
    /// Shards of a batch.
    public var shardCount = 1
    /// Samples of a shard.
    public var shardRows = 1
    /// What shards have a multiple of.
    package var shardMultiple = 1
    /// Speed of the matrix products over the arithmetic peak.
    public var productPeakFraction = 1.0
    /// Of the products' time, what the same products take alone.
    public var productCeilingFraction = 1.0
    /// Speed of the same products alone over the arithmetic peak.
    public var shapePeakFraction = 1.0
    /// Whether the products were measured alone; otherwise the two figures before are those of the training.
    public var areProductsMeasuredAlone = true
    /// Seconds of the products of one layer and direction in a step, on average.
    public var productSeconds = 1.0
    /// Whether all that a worker touches in a step fits into its second-level cache.
    public var fitsCache = false
    /// Shares of all workers' time that operations limited by memory have, by kind: those that reach `memoryBoundFraction`
    /// of its bandwidth.
    public var memoryShares: [String: Double] = [:]
    /// What they reach of the bandwidth, by kind.
    public var memoryFractions: [String: Double] = [:]
    /// Whether factors are float64.
    public var isDouble = false
    /// Whether OpenBLAS multiplies.
    public var usesOpenBLAS = false
    /// Whether the samples are in random order.
    public var shuffles = true
    /// Whether workers run with a fork a phase, though there are several.
    public var isForkJoin = false
    /// The most workers that the process may use at the same time: allowed CPUs, or fewer by a quota.
    public var maximumWorkers = Int.max
    /// Of the workers' cores, what others had.
    public var otherWorkFraction = 0.0
    /// Of the time, what a CPU quota took.
    public var throttledFraction = 0.0
    /// Workers whose core another worker has, too.
    public var workersOnSharedCores = 0
    /// The 99th percentile of a step's time over the median.
    public var slowStepRatio = 1.0
    /// What most slow steps have in common; nil where that is nothing.
    public var slowStepCause: SlowStep.Cause?

    /// An operation that reaches as much of the memory's bandwidth is limited by it: the roof is the highest of all rounds,
    /// and rounds of one loop differ by a third and more (two cores of Emerald Rapids with neighbours: 21 to 41 GB/s).
    public static let memoryBoundFraction = 0.67

    /// Nothing to find.
    public init() {}

    /// The setting for batches of so many samples; nil where the data have fewer.
    func batchSetting(_ rows: Int) -> String? {
        guard rows <= samples else { return nil }
        return "--set training.batch=\(max(1, rows * configuredBatchRows / max(1, batchRows)))"
    }

    /// The setting for twice the batch, or for as much as there is; nil where a batch has all samples.
    var largerBatchSetting: String? {
        batchSetting(2 * batchRows) ?? (batchRows < samples ? batchSetting(samples) : nil)
    }
}

/// Something that costs a training time.
public struct ProfileCause: Sendable, Equatable, Codable {
    /// The rule's name.
    public let rule: String
    /// One sentence.
    public let text: String
    /// The share of all workers' time, 0…1.
    public let share: Double
    /// The speed that is won by what is to be tried, at most, as a factor minus 1.
    public let gain: Double
    /// What to try.
    public let remedy: String
    /// Other rules that hold and have the same remedy, which win less, most first.
    public internal(set) var others: [String] = []

    /// What is to be changed or called: the option or command that the remedy names first, or else that part of it. Causes
    /// with the same are mended together.
    var change: String {
        let first = remedy.prefix(upTo: remedy.firstRange(of: /[,;] or\b/)?.lowerBound ?? remedy.endIndex)
        return first.firstMatch(of: /--set [^ ,;]+|--workers [^ ,;]+|gradloom doctor/).map { String($0.output) }
            ?? String(first)
    }
}

/// What limits a training, in one sentence, and all causes, by what they cost.
public struct ProfileVerdict: Sendable, Equatable, Codable {
    /// One sentence.
    public let text: String
    /// The largest gain first.
    public let causes: [ProfileCause]

    /// The verdict of all rules on `facts`.
    public init(_ facts: ProfileFacts) {
        causes = Self.merged(
            ProfileRule.all.compactMap { $0.cause(facts) }.sorted { ($0.gain, $1.rule) > ($1.gain, $0.rule) })
        text =
            causes.first.map(\.text)
            ?? "nothing stands out: the products run at \(percent(facts.productPeakFraction)) of the arithmetic peak, and "
            + "workers wait \(percent(facts.shares["wait"] ?? 0)) of their time"
    }

    /// The first cause of each change, with the names of the others.
    private static func merged(_ causes: [ProfileCause]) -> [ProfileCause] {
        causes.reduce(into: []) { merged, cause in
            if let known = merged.firstIndex(where: { $0.change == cause.change }) {
                merged[known].others.append(cause.rule)
            } else {
                merged.append(cause)
            }
        }
    }
}
