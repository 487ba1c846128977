import Gradloom
import Workloads

/// What the same bits at every number of workers cost one workload: steps by `parallel.reproducible: any_workers`
/// against steps by `fixed_workers`, in turn.
struct ReproducibilityCost: Encodable {
    let workload: String
    let workers: Int
    /// The medians of the rounds.
    let anyWorkersSamplesPerSecond: Double
    let fixedWorkersSamplesPerSecond: Double
    /// The median of the rounds' own costs: how much longer a step takes than with fixed workers, 0.05 is 5 %.
    let cost: Double
    let lowestCost: Double
    let highestCost: Double
    let blas: String

    enum CodingKeys: String, CodingKey {
        case workload, workers, cost, blas
        case anyWorkersSamplesPerSecond = "any_workers_samples_per_second"
        case fixedWorkersSamplesPerSecond = "fixed_workers_samples_per_second"
        case lowestCost = "lowest_cost"
        case highestCost = "highest_cost"
    }

    /// Measures `rounds` rounds of at least a tenth of a second for each of the two.
    init(_ workload: Workload, machine: MachineSetup, rounds: Int) throws {
        let trainers = try [true, false].map { sameBits in
            try workload.trainer(Float.self, machine: machine) { $0.sameBitsForAnyWorkers = sameBits }
        }
        let steps = try trainers.map { try 2 * $0.warmedUp(seconds: 0.05) }
        var speeds: [[Double]] = [[], []]
        for round in 0..<rounds {
            // The one that begins changes: what the first leaves in the caches is not always the other's gain.
            for index in round.isMultiple(of: 2) ? [0, 1] : [1, 0] {
                let report = try trainers[index].trained(steps: steps[index])
                speeds[index].append(Double(report.samples) / report.seconds)
            }
        }
        let costs = PeakFigure(samples: zip(speeds[0], speeds[1]).map { any, fixed in fixed / any - 1 })
        self.workload = workload.name
        workers = machine.workers
        anyWorkersSamplesPerSecond = median(speeds[0])
        fixedWorkersSamplesPerSecond = median(speeds[1])
        cost = costs.median
        lowestCost = costs.lowest
        highestCost = costs.highest
        blas = machine.blasTitle
    }

    static func table(_ costs: [ReproducibilityCost]) -> TextTable {
        var table = TextTable(columns: [
            .init("workload"), .init("workers", alignment: .right),
            .init("any workers", unit: "samples/s", alignment: .right),
            .init("fixed workers", unit: "samples/s", alignment: .right),
            .init("cost", alignment: .right), .init("lowest–highest", alignment: .right),
        ])
        for cost in costs {
            let lowest = NumberFormat.percentage(cost.lowestCost)
            table.append([
                cost.workload, "\(cost.workers)", NumberFormat.samplesPerSecond(cost.anyWorkersSamplesPerSecond),
                NumberFormat.samplesPerSecond(cost.fixedWorkersSamplesPerSecond), NumberFormat.percentage(cost.cost),
                "\(lowest)–\(NumberFormat.percentage(cost.highestCost))",
            ])
        }
        return table
    }
}
