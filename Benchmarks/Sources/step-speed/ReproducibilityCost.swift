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
        let steps = try trainers.map { try 2 * $0.warmedUp(seconds: 0.05) }
        var speeds: [[Double]] = [[], []]
        for round in 0..<rounds {
            // The one that begins changes: what the first leaves in the caches is not always the other's gain.
            for index in round.isMultiple(of: 2) ? [0, 1] : [1, 0] {
                let report = try trainers[index].trained(steps: steps[index])
                speeds[index].append(Double(report.samples) / report.seconds)
            }
        }
        guard let ratio = PairedRatio.estimate(speeds[1], over: speeds[0]) else {
            preconditionFailure("no rounds, or a speed that is not above 0")
        }
        self.workload = workload.name
        workers = machine.workers
        anyWorkersSamplesPerSecond = estimate(speeds[0]).median
        fixedWorkersSamplesPerSecond = estimate(speeds[1]).median
        cost = ratio.median - 1
        lowCost = ratio.low - 1
        highCost = ratio.high - 1
        confidence = ratio.confidence
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
