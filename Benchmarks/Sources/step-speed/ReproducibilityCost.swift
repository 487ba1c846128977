import GradloomInternals
import Workloads

/// What the same bits at every number of workers cost one workload: steps by `parallel.reproducible: any_workers`
/// against steps by `fixed_workers`, in turn.
struct ReproducibilityCost: Encodable {
    let workload: String
    let workers: Int
    /// The medians of the rounds.
    let anyWorkersSamplesPerSecond: Double
    let fixedWorkersSamplesPerSecond: Double
    /// How much longer a step takes than with fixed workers, 0.05 is 5 %: the median of the rounds' own ratios, with its
    /// interval.
    let cost: Double
    let lowCost: Double
    let highCost: Double
    /// The probability, at least, with which such an interval holds the true median: 0.95 needs six rounds.
    let confidence: Double
    let blas: String

    enum CodingKeys: String, CodingKey {
        case workload, workers, cost, confidence, blas
        case anyWorkersSamplesPerSecond = "any_workers_samples_per_second"
        case fixedWorkersSamplesPerSecond = "fixed_workers_samples_per_second"
        case lowCost = "low_cost"
        case highCost = "high_cost"
    }

    /// Measures `rounds` rounds of at least a tenth of a second for each of the two.
    init(_ workload: Workload, machine: MachineSetup, rounds: Int) throws {
        let trainers = try [true, false].map { sameBits in
            try workload.trainer(Float.self, machine: machine) { $0.sameBitsForAnyWorkers = sameBits }
        }
        let speeds = try PairedSpeeds(trainers, rounds: rounds)
        self.workload = workload.name
        workers = machine.workers
        anyWorkersSamplesPerSecond = speeds.medians[0]
        fixedWorkersSamplesPerSecond = speeds.medians[1]
        cost = speeds.cost
        lowCost = speeds.lowCost
        highCost = speeds.highCost
        confidence = speeds.confidence
        blas = machine.blasTitle
    }

    static func table(_ costs: [ReproducibilityCost]) -> TextTable {
        var table = TextTable(columns: [
            .init("workload"), .init("workers", alignment: .right),
            .init("any workers", unit: "samples/s", alignment: .right),
            .init("fixed workers", unit: "samples/s", alignment: .right),
            .init("cost", alignment: .right), .init("interval", alignment: .right),
            .init("confidence", alignment: .right),
        ])
        for cost in costs {
            let low = NumberFormat.percentage(cost.lowCost)
            table.append([
                cost.workload, "\(cost.workers)", NumberFormat.samplesPerSecond(cost.anyWorkersSamplesPerSecond),
                NumberFormat.samplesPerSecond(cost.fixedWorkersSamplesPerSecond), NumberFormat.percentage(cost.cost),
                "\(low)–\(NumberFormat.percentage(cost.highCost))", NumberFormat.percentage(cost.confidence),
            ])
        }
        return table
    }
}
