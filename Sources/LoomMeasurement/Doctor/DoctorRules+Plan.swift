import LoomHardware
import LoomRuns

// Rules about a configuration and the team that it would have.
extension DoctorRule {
    static func notTogether(_ facts: DoctorFacts) -> DoctorVerdict {
        guard facts.workers > 1 else { return .unchecked("one worker") }
        guard facts.workers > facts.threads else { return .clear }
        return .found(
            1 - Double(facts.threads) / Double(facts.workers),
            "\(facts.workers) workers cannot run at the same time: this process was started on "
                + "\(NumberFormat.counted(facts.threads, "CPU")). They take turns, with a fork in every phase.",
            remedy: "--workers \(facts.threads), or start gradloom on more CPUs",
            evidence: ["workers": Double(facts.workers), "threads": Double(facts.threads)])
    }

    static func idleWorkers(_ facts: DoctorFacts) -> DoctorVerdict {
        guard let plan = facts.plan else { return .unchecked("no configuration") }
        let rows = plan.workerRows
        guard rows.count > 1, let most = rows.max(), most > 0 else { return .clear }
        let (batch, workers) = (rows.reduce(0, +), rows.count)
        let cost = 1 - Double(batch) / Double(workers) / Double(most)
        guard cost >= DoctorThresholds.measuredCost else { return .clear }
        let fed = rows.count(where: { $0 > 0 })
        let shares =
            fed < workers
            ? "feeds only \(fed) of \(workers) workers"
            : "gives one worker \(most) samples and another one \(rows.min() ?? 0), and all wait for the first"
        return .found(
            cost,
            "A batch of \(batch) in shards of \(plan.shardRows) \(shares).",
            remedy: remedy(batch: batch, plan, workers: workers, most: most),
            evidence: ["workers": Double(workers), "fed_workers": Double(fed), "most_samples": Double(most)])
    }

    /// Shards that share the batch out better, where there are such, or a batch that these shards share out.
    private static func remedy(batch: Int, _ plan: PlannedTraining, workers: Int, most: Int) -> String {
        let round = workers * plan.shardRows
        let larger = "--set training.batch=\((batch + round - 1) / round * round)"
        // Of shards that are as good, the largest: a shard is the unit of work.
        func mostSamples(_ rows: Int) -> Int { ((batch + rows - 1) / rows + workers - 1) / workers * rows }
        let possible = (1...max(1, (batch + workers - 1) / workers)).filter { $0.isMultiple(of: plan.shardMultiple) }
        let best = possible.reversed().min { mostSamples($0) < mostSamples($1) }
        guard let best, mostSamples(best) < most else { return larger }
        return "--set parallel.shard_rows=\(best), or \(larger)"
    }

    static func memory(_ facts: DoctorFacts) -> DoctorVerdict {
        guard let plan = facts.plan else { return .unchecked("no configuration") }
        guard let available = plan.available else { return .unchecked("the system does not tell what is free") }
        guard let shortage = memoryShortage(plan.memory, available: available) else { return .clear }
        return .found(
            1, shortage.capitalizedFirst + ". The system may end it.",
            remedy: "fewer samples, a smaller --set training.batch or a smaller network",
            evidence: [
                "needed_bytes": Double(plan.memory.totalBytes - plan.memory.programBytes),
                "available_bytes": Double(available.bytes),
            ])
    }
}
