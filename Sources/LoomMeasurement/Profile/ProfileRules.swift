/// A rule: whether something is so, what it costs, and what to try.
struct ProfileRule: Sendable {
    let name: String
    let find: @Sendable (ProfileFacts) -> (text: String, share: Double, remedy: String)?

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
        /// Of what its products reach alone, a step reached 73 to 100 %, each operation of quickstart's network on two cores
        /// of Emerald Rapids: the rest goes into biases, activations, and matrices that come from other levels.
        static let productCeilingFraction = 0.75
    }

    /// All rules.
    static let all = ofMachine + ofOperations

    /// What is around the operations: other programs, quotas, barriers, places.
    private static let ofMachine: [ProfileRule] = [
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
        ProfileRule(name: "shared_cores") { facts in
            guard facts.workersOnSharedCores > 0 else { return nil }
            return (
                "\(facts.workersOnSharedCores) workers share a core with another one",
                Double(facts.workersOnSharedCores) / Double(facts.workers) / 2,
                "one worker a core: --workers \(max(1, facts.workers - facts.workersOnSharedCores / 2))"
            )
        },
        ProfileRule(name: "uneven_steps") { facts in
            guard facts.slowStepRatio > SlowSteps.limit, facts.otherWorkFraction <= Threshold.share else { return nil }
            // One step of a hundred is that slow.
            return (
                "one step of a hundred takes \(factor(facts.slowStepRatio)) times the median"
                    + (facts.slowStepCause.map { ": in most slow ones \($0.sentence)" } ?? ""),
                0.01 * (facts.slowStepRatio - 1),
                facts.slowStepCause?.remedy(workers: facts.workers) ?? "gradloom doctor looks for the reason"
            )
        },
    ]
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

    fileprivate func remedy(workers: Int) -> String {
        switch self {
        case .throttled: "raise the container's CPU limit, or use fewer workers: --workers \(max(1, workers - 1))"
        case .preempted: "end what else runs on these cores, or leave it one: --workers \(max(1, workers - 1))"
        case .migrated: "bind the workers: --set parallel.placement=compact"
        case .faulted: "gradloom doctor looks at memory and its pages"
        case .slept: "gradloom doctor looks for what makes one of them late"
        case .interrupted: "a machine without neighbours; gradloom doctor shows what they have"
        case .slower: "gradloom doctor looks for clocks, caches and neighbours"
        }
    }
}

private func microseconds(_ seconds: Double) -> String { "\((seconds * 1e7).rounded() / 10) µs" }

private func factor(_ value: Double) -> String { "\((10 * value).rounded() / 10)" }
