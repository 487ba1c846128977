/// How a row of work units (shards, slices) is cut into one contiguous run for each worker.
///
/// The runs depend on the worker count; the units do not. Hence results that are computed unit by unit are
/// the same for every number of workers.
public enum Partition {
    /// The units of `worker` when `count` equal units are cut into `parts` runs, the longer runs first.
    ///
    /// Sizes differ by at most one; with more workers than units, the last workers get none.
    ///
    ///     count  parts   runs
    ///       8      4     0–1  2–3  4–5  6–7
    ///      10      4     0–2  3–5  6–7  8–9      10 = 4 · 2 + 2: two runs are longer by one
    ///       3      4     0    1    2    none
    ///       0      2     none none
    public static func range(of worker: Int, parts: Int, count: Int) -> Range<Int> {
        precondition(parts >= 1 && count >= 0, "units are cut into at least one run")
        precondition((0..<parts).contains(worker), "a worker's index is below the number of runs")
        let (size, longerRuns) = count.quotientAndRemainder(dividingBy: parts)
        let start = worker * size + min(worker, longerRuns)
        return start..<start + size + (worker < longerRuns ? 1 : 0)
    }

    /// The units of every worker when units that cost `costs` (not negative, in any one unit of measure) are
    /// cut into `parts` runs.
    ///
    /// Each cut is made between two units, at the place nearest to where an ideal cut would be, k · total /
    /// parts. Both ends of a run are thus wrong by at most half a unit, so the most expensive run costs no
    /// more than total / parts + the largest cost.
    ///
    ///     costs              parts   runs, their costs
    ///     1 1 1 1 1 1          3     0–1 2–3 4–5, 2 2 2
    ///     4 1 1 1 1            2     0 1–4, 4 4
    ///     1 1 8 1 1            2     0–1 2–4, 2 10    ideal cut at 6, inside unit 2; a tie cuts before it
    ///     9 1 1                3     none 0 1–2, 0 9 2
    public static func weighted(costs: [Double], parts: Int) -> [Range<Int>] {
        precondition(parts >= 1, "units are cut into at least one run")
        precondition(costs.allSatisfy { $0 >= 0 && $0.isFinite }, "costs are finite and not negative")
        let total = costs.reduce(0, +)
        guard total > 0 else {
            return (0..<parts).map { range(of: $0, parts: parts, count: costs.count) }
        }
        var runs: [Range<Int>] = []
        runs.reserveCapacity(parts)
        var start = 0
        var end = 0
        var costBeforeEnd = 0.0
        for worker in 1..<parts {
            let ideal = total * Double(worker) / Double(parts)
            while end < costs.count, costBeforeEnd + costs[end] / 2 < ideal {
                costBeforeEnd += costs[end]
                end += 1
            }
            runs.append(start..<end)
            start = end
        }
        runs.append(start..<costs.count)
        return runs
    }
}
