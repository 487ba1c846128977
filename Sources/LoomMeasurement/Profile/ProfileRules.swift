import LoomRuns

/// A rule: whether something is so, what it costs, and what to try.
struct ProfileRule: Sendable {
    /// What a rule has found.
    struct Finding {
        /// One sentence.
        let text: String
        /// The share of all workers' time.
        let share: Double
        /// What to try.
        let remedy: String
        /// The part of the time that the remedy saves, at most; nil: all of `share`.
        var saved: Double?
    }

    let name: String
    let find: @Sendable (ProfileFacts) -> Finding?

    /// The cause, where the rule holds. What saves a part of the time wins at most part / (1 − part).
    func cause(_ facts: ProfileFacts) -> ProfileCause? {
        find(facts).map { found in
            let saved = min(found.saved ?? found.share, 0.99)
            return ProfileCause(
                rule: name, text: found.text, share: min(found.share, 1), gain: saved / (1 - saved),
                remedy: found.remedy)
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
        /// Of what its products reach alone, a step reached 73 to 100 %, each operation of quickstart's network on two cores
        /// of Emerald Rapids: the rest goes into biases, activations, and matrices that come from other levels.
        static let productCeilingFraction = 0.75
        /// Products that take less owe a good part of it to what is around them: a lap of the clock is 0.085 µs, and biases,
        /// activations and calls cost as much again.
        static let shortProductSeconds = 1e-6
    }

    /// All rules.
    static let all = ofMachine + ofOperations

    /// What is around the operations: other programs, quotas, barriers, places.
    private static let ofMachine: [ProfileRule] = [
        ProfileRule(name: "busy_neighbour") { facts in
            guard facts.otherWorkFraction > Threshold.share else { return nil }
            return Finding(
                text: "other programs had \(percent(facts.otherWorkFraction)) of the workers' cores",
                share: facts.otherWorkFraction, remedy: "end them" + orFewerWorkers(facts, "leave them cores with"))
        },
        ProfileRule(name: "throttled") { facts in
            guard facts.throttledFraction > Threshold.share else { return nil }
            return Finding(
                text: "a CPU quota kept the workers from running \(percent(facts.throttledFraction)) of the time",
                share: facts.throttledFraction,
                remedy: "raise the container's CPU limit" + orFewerWorkers(facts, "use fewer workers:"))
        },
        ProfileRule(name: "shards_too_few") { facts in
            guard facts.shardCount < facts.workers else { return nil }
            return Finding(
                text: "a batch of \(facts.batchRows) in \(counted(facts.shardCount, "shard")) leaves "
                    + "\(facts.workers - facts.shardCount) of \(facts.workers) workers without samples",
                share: 1 - Double(facts.shardCount) / Double(facts.workers), remedy: shardRemedy(facts))
        },
        ProfileRule(name: "fork_join") { facts in
            guard facts.isForkJoin, facts.workers > 1 else { return nil }
            let fewer = min(facts.workers - 1, facts.maximumWorkers)
            return Finding(
                text: "the workers cannot run at the same time, and start anew in every phase: they wait "
                    + "\(percent(facts.waitShare)) of their time", share: facts.waitShare,
                remedy: "no more workers than free cores: --workers \(fewer)")
        },
        ProfileRule(name: "fewer_workers_are_faster") { facts in
            guard facts.bestWorkers < facts.workers, facts.bestSpeedRatio > 1 + Threshold.share else { return nil }
            let ratio = facts.bestSpeedRatio
            return Finding(
                text: "\(counted(facts.bestWorkers, "worker")) \(facts.bestWorkers == 1 ? "is" : "are") "
                    + (ratio < 2 ? "\(percent(ratio - 1)) faster than" : "\(factor(ratio)) times as fast as")
                    + " \(facts.workers)",
                share: 1 - 1 / ratio, remedy: "--workers \(facts.bestWorkers)")
        },
        ProfileRule(name: "load_imbalance") { facts in
            let share = 1 - facts.loadBalance
            guard facts.canWaitForEachOther, facts.shardCount >= facts.workers, share > Threshold.share else {
                return nil
            }
            let even = (facts.shardCount + facts.workers - 1) / facts.workers * facts.workers * facts.shardRows
            let batch = even == facts.batchRows ? nil : facts.batchSetting(even)
            return Finding(
                text: "the workers have unequal work: their mean is \(percent(facts.loadBalance)) of the longest",
                share: share,
                remedy: batch.map { "a batch that the workers divide evenly: " + $0 }
                    ?? "look for what slows one of them: gradloom doctor")
        },
        ProfileRule(name: "batch_too_small") { facts in
            guard facts.canWaitForEachOther, facts.stepSeconds < Threshold.shortStepSeconds,
                facts.waitShare > Threshold.share
            else { return nil }
            return Finding(
                text: "a step of \(microseconds(facts.stepSeconds)) is short beside its barriers: workers wait "
                    + "\(percent(facts.waitShare)) of their time", share: facts.waitShare,
                remedy: facts.largerBatchSetting ?? "fewer barriers to wait at: --workers \(facts.workers / 2)")
        },
        ProfileRule(name: "waiting") { facts in
            guard facts.canWaitForEachOther, facts.stepSeconds >= Threshold.shortStepSeconds,
                facts.waitShare > 2 * Threshold.share, 1 - facts.loadBalance <= Threshold.share
            else { return nil }
            return Finding(
                text:
                    "workers wait \(percent(facts.waitShare)) of their time at barriers, although their work is equal on "
                    + "average", share: facts.waitShare,
                remedy: "look for what stops one of them: gradloom doctor; or place them closer: "
                    + "--set parallel.placement=compact")
        },
        ProfileRule(name: "shared_cores") { facts in
            guard facts.workersOnSharedCores > 0 else { return nil }
            return Finding(
                text: "\(facts.workersOnSharedCores) workers share a core with another one",
                share: Double(facts.workersOnSharedCores) / Double(facts.workers) / 2,
                remedy: "one worker a core: --workers \(max(1, facts.workers - facts.workersOnSharedCores / 2))")
        },
        ProfileRule(name: "uneven_steps") { facts in
            guard facts.slowStepRatio > SlowSteps.limit, facts.otherWorkFraction <= Threshold.share else { return nil }
            // One step of a hundred is that slow.
            return Finding(
                text: "one step of a hundred takes \(factor(facts.slowStepRatio)) times the median"
                    + (facts.slowStepCause.map { ": in most slow ones \($0.sentence)" } ?? ""),
                share: 0.01 * (facts.slowStepRatio - 1),
                remedy: facts.slowStepCause?.remedy(facts) ?? "gradloom doctor looks for the reason")
        },
    ]

    /// For batches with fewer shards than workers.
    private static func shardRemedy(_ facts: ProfileFacts) -> String {
        let enough = facts.batchRows * ((facts.workers + facts.shardCount - 1) / facts.shardCount)
        let smaller = facts.batchRows / facts.workers / facts.shardMultiple * facts.shardMultiple
        let settings = [
            facts.batchSetting(enough),
            smaller >= 1 && smaller < facts.shardRows ? "--set parallel.shard_rows=\(smaller)" : nil,
        ].compactMap { $0 }
        return settings.isEmpty ? "--workers \(facts.shardCount)" : settings.joined(separator: ", or ")
    }

    /// ", or …" where there are workers to do without.
    fileprivate static func orFewerWorkers(_ facts: ProfileFacts, _ wish: String) -> String {
        facts.workers > 1 ? ", or \(wish) --workers \(facts.workers - 1)" : ""
    }
}

extension ProfileFacts {
    /// The share of all workers' time that they wait.
    fileprivate var waitShare: Double { shares["wait"] ?? 0 }

    /// Whether waiting says something of the workers: alone nobody waits, with a fork a phase everybody does, and beside other
    /// programs for these.
    fileprivate var canWaitForEachOther: Bool {
        workers > 1 && !isForkJoin && otherWorkFraction <= ProfileRule.Threshold.share
    }
}

extension SlowStep.Cause {
    /// "… in most slow ones": what happened.
    package var sentence: String {
        switch self {
        case .throttled: "a CPU quota stopped a worker"
        case .preempted: "another thread had a worker's core"
        case .migrated: "a worker was moved to another core"
        case .faulted: "pages had to be mapped"
        case .slept: "a worker slept until another one was ready"
        case .interrupted: "a worker stood still without another thread: interrupts, or a hypervisor"
        case .slower: "the workers ran, but slower"
        }
    }

    fileprivate func remedy(_ facts: ProfileFacts) -> String {
        switch self {
        case .throttled: "raise the container's CPU limit" + ProfileRule.orFewerWorkers(facts, "use fewer workers:")
        case .preempted: "end what else runs on these cores" + ProfileRule.orFewerWorkers(facts, "leave it one:")
        case .migrated: "bind the workers: --set parallel.placement=compact"
        case .faulted: "gradloom doctor looks at memory and its pages"
        case .slept: "gradloom doctor looks for what makes one of them late"
        case .interrupted: "a machine without neighbours; gradloom doctor shows what they have"
        case .slower: "gradloom doctor looks for clocks, caches and neighbours"
        }
    }
}

private func counted(_ count: Int, _ noun: String) -> String { NumberFormat.counted(count, noun) }

private func microseconds(_ seconds: Double) -> String { "\((seconds * 1e7).rounded() / 10) µs" }

private func factor(_ value: Double) -> String { "\((10 * value).rounded() / 10)" }
