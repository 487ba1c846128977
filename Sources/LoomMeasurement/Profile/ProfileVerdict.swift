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
    /// Samples of a batch.
    public var batchRows = 1
    /// Shards of a batch.
    public var shardCount = 1
    /// Samples of a shard.
    public var shardRows = 1
    /// Speed of the matrix products over the arithmetic peak.
    public var productPeakFraction = 1.0
    /// Whether factors are float64.
    public var isDouble = false
    /// Whether OpenBLAS multiplies.
    public var usesOpenBLAS = false
    /// Whether the samples are in random order.
    public var shuffles = true
    /// Whether workers run with a fork a phase, though there are several.
    public var isForkJoin = false
    /// Of the workers' cores, what others had.
    public var otherWorkFraction = 0.0
    /// Of the time, what a CPU quota took.
    public var throttledFraction = 0.0
    /// Workers whose core another worker has, too.
    public var workersOnSharedCores = 0
    /// The 99th percentile of a step's time over the median.
    public var slowStepRatio = 1.0

    /// Nothing to find.
    public init() {}
}

/// Something that costs a training time.
public struct ProfileCause: Sendable, Equatable, Codable {
    /// The rule's name.
    public let rule: String
    /// One sentence.
    public let text: String
    /// The share of all workers' time, 0…1.
    public let share: Double
    /// The speed that is won when it is mended, at most, as a factor minus 1.
    public let gain: Double
    /// What to try.
    public let remedy: String
}

/// What limits a training, in one sentence, and all causes, by what they cost.
public struct ProfileVerdict: Sendable, Equatable, Codable {
    /// One sentence.
    public let text: String
    /// The largest gain first.
    public let causes: [ProfileCause]

    /// The verdict of all rules on `facts`.
    public init(_ facts: ProfileFacts) {
        causes = ProfileRule.all.compactMap { $0.cause(facts) }.sorted { ($0.gain, $1.rule) > ($1.gain, $0.rule) }
        text =
            causes.first.map(\.text)
            ?? "nothing stands out: the products run at \(percent(facts.productPeakFraction)) of the arithmetic peak, and "
            + "workers wait \(percent(facts.shares["wait"] ?? 0)) of their time"
    }
}

/// A rule: whether something is so, what it costs, and what to try.
struct ProfileRule: Sendable {
    let name: String
    private let find: @Sendable (ProfileFacts) -> (text: String, share: Double, remedy: String)?

    /// The cause, where the rule holds. What a share of the time can win at most is share / (1 − share).
    func cause(_ facts: ProfileFacts) -> ProfileCause? {
        find(facts).map { found in
            let share = min(found.share, 0.99)
            return ProfileCause(
                rule: name, text: found.text, share: share, gain: share / (1 - share), remedy: found.remedy)
        }
    }

    /// From which share of the time on a cause is told.
    enum Threshold {
        /// Below, the figures of two profiles of one training differ by as much.
        static let share = 0.05
        /// Products of the sizes of networks reach 60 to 90 % of the peak (README's comparison).
        static let productPeakFraction = 0.6
        /// A step so short that two barriers, 0.1 to 0.5 µs each between near cores and several µs between far ones, show.
        static let shortStepSeconds = 50e-6
        /// The steps of an undisturbed machine have a 99th percentile within a quarter of the median.
        static let slowStepRatio = 1.25
    }

    static let all: [ProfileRule] = [
        ProfileRule(name: "busy_neighbour") { facts in
            guard facts.otherWorkFraction > Threshold.share else { return nil }
            return (
                "other programs had \(percent(facts.otherWorkFraction)) of the workers' cores", facts.otherWorkFraction,
                "end them, or leave them cores with --workers \(max(1, facts.workers - 1))"
            )
        },
        ProfileRule(name: "throttled") { facts in
            guard facts.throttledFraction > Threshold.share else { return nil }
            return (
                "a CPU quota kept the workers from running \(percent(facts.throttledFraction)) of the time",
                facts.throttledFraction, "raise the container's CPU limit, or use fewer workers: --workers N"
            )
        },
        ProfileRule(name: "shards_too_few") { facts in
            guard facts.shardCount < facts.workers else { return nil }
            return (
                "a batch of \(facts.batchRows) in \(facts.shardCount) shards leaves "
                    + "\(facts.workers - facts.shardCount) of \(facts.workers) workers without samples",
                1 - Double(facts.shardCount) / Double(facts.workers),
                "--set training.batch=\(facts.batchRows * 2), or "
                    + "--set parallel.shard_rows=\(max(1, facts.batchRows / facts.workers))"
            )
        },
        ProfileRule(name: "fork_join") { facts in
            guard facts.isForkJoin, facts.workers > 1 else { return nil }
            return (
                "the workers cannot run at the same time, and start anew in every phase", facts.shares["wait"] ?? 0,
                "use as many workers as there are free cores: --workers N"
            )
        },
        ProfileRule(name: "fewer_workers_are_faster") { facts in
            guard facts.bestWorkers < facts.workers, facts.bestSpeedRatio > 1 + Threshold.share else { return nil }
            return (
                "\(facts.bestWorkers) worker\(facts.bestWorkers == 1 ? " is" : "s are") "
                    + "\(percent(facts.bestSpeedRatio - 1)) faster than \(facts.workers)",
                1 - 1 / facts.bestSpeedRatio, "--workers \(facts.bestWorkers)"
            )
        },
        ProfileRule(name: "load_imbalance") { facts in
            let share = 1 - facts.loadBalance
            guard facts.workers > 1, facts.shardCount >= facts.workers, share > Threshold.share,
                facts.otherWorkFraction <= Threshold.share
            else { return nil }
            let even = (facts.shardCount + facts.workers - 1) / facts.workers * facts.workers * facts.shardRows
            return (
                "the workers have unequal work: their mean is \(percent(facts.loadBalance)) of the longest", share,
                even == facts.batchRows
                    ? "look for what slows one of them: gradloom doctor"
                    : "a batch that the workers divide evenly: --set training.batch=\(even)"
            )
        },
        ProfileRule(name: "batch_too_small") { facts in
            let wait = facts.shares["wait"] ?? 0
            guard facts.workers > 1, facts.stepSeconds < Threshold.shortStepSeconds, wait > Threshold.share,
                facts.otherWorkFraction <= Threshold.share
            else { return nil }
            return (
                "a step of \(microseconds(facts.stepSeconds)) is short beside its barriers: workers wait "
                    + "\(percent(wait)) of their time", wait, "--set training.batch=\(facts.batchRows * 2)"
            )
        },
        ProfileRule(name: "waiting") { facts in
            let wait = facts.shares["wait"] ?? 0
            guard facts.workers > 1, facts.stepSeconds >= Threshold.shortStepSeconds, wait > 2 * Threshold.share,
                1 - facts.loadBalance <= Threshold.share
            else { return nil }
            return (
                "workers wait \(percent(wait)) of their time at barriers, although their work is equal on average",
                wait,
                "look for what stops one of them: gradloom doctor; or place them closer: "
                    + "--set parallel.placement=compact"
            )
        },
        ProfileRule(name: "gathering") { facts in
            let share = facts.shares["gather"] ?? 0
            guard facts.shuffles, share > 2 * Threshold.share else { return nil }
            return (
                "copying the samples of a batch together takes \(percent(share)) of the time", share,
                "--set data.shuffle=false where the data are in random order already"
            )
        },
        ProfileRule(name: "update") { facts in
            let share = ["update", "sum", "copy", "add_penalty", "squares", "penalty"].reduce(0) {
                $0 + (facts.shares[$1] ?? 0)
            }
            guard share > 2 * Threshold.share else { return nil }
            return (
                "updating the parameters takes \(percent(share)) of the time, once a batch whatever its size",
                share / 2,
                "half as many updates: --set training.batch=\(facts.batchRows * 2)"
            )
        },
        ProfileRule(name: "products_below_peak") { facts in
            let share = ["forward", "backward", "gradient", "fused_update"].reduce(0) { $0 + (facts.shares[$1] ?? 0) }
            let lost = share * (1 - facts.productPeakFraction / Threshold.productPeakFraction)
            guard lost > Threshold.share else { return nil }
            let remedy =
                facts.usesOpenBLAS
                ? "--set parallel.gemm=builtin"
                : facts.isDouble
                    ? "--set training.precision=float32"
                    : "--set training.batch=\(facts.batchRows * 2), or wider layers"
            return (
                "matrix products run at \(percent(facts.productPeakFraction)) of the arithmetic peak, in "
                    + "\(percent(share)) of the time", lost, remedy
            )
        },
        ProfileRule(name: "shared_cores") { facts in
            guard facts.workersOnSharedCores > 0 else { return nil }
            return (
                "\(facts.workersOnSharedCores) workers share a core with another one",
                Double(facts.workersOnSharedCores) / Double(facts.workers) / 2,
                "one worker a core: --workers \(max(1, facts.workers - facts.workersOnSharedCores / 2))"
            )
        },
        ProfileRule(name: "uneven_steps") { facts in
            guard facts.slowStepRatio > Threshold.slowStepRatio, facts.otherWorkFraction <= Threshold.share else {
                return nil
            }
            // One step of a hundred is that slow.
            return (
                "one step of a hundred takes \(factor(facts.slowStepRatio)) times the median",
                0.01 * (facts.slowStepRatio - 1), "gradloom doctor looks for the reason"
            )
        },
    ]
}

private func microseconds(_ seconds: Double) -> String { "\((seconds * 1e7).rounded() / 10) µs" }

private func factor(_ value: Double) -> String { "\((10 * value).rounded() / 10)" }
