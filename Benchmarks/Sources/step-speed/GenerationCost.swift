import GradloomInternals
import Workloads

/// What it costs one workload to make its samples while training, against the same samples in memory, in turn.
struct GenerationCost: Encodable {
    let workload: String
    let task: String
    let workers: Int
    /// The medians of the rounds.
    let generatedSamplesPerSecond: Double
    let memorySamplesPerSecond: Double
    /// The bytes of features that were made in a second, beside the training.
    let generatedBytesPerSecond: Double
    /// How much longer a step takes than with samples in memory, with its interval and confidence.
    let cost: Double
    let lowCost: Double
    let highCost: Double
    let confidence: Double

    enum CodingKeys: String, CodingKey {
        case workload, task, workers, cost, confidence
        case generatedSamplesPerSecond = "generated_samples_per_second"
        case memorySamplesPerSecond = "memory_samples_per_second"
        case generatedBytesPerSecond = "generated_bytes_per_second"
        case lowCost = "low_cost"
        case highCost = "high_cost"
    }

    /// Measures `rounds` rounds of at least a tenth of a second for each of the two.
    init(_ workload: Workload, _ task: SyntheticDescription.Task, machine: MachineSetup, rounds: Int) throws {
        let trainers = try [true, false].map { isGenerated in
            try workload.trainer(task, machine: machine, isGenerated: isGenerated)
        }
        let speeds = try PairedSpeeds(trainers, rounds: rounds)
        self.workload = workload.name
        self.task = task.rawValue
        workers = machine.workers
        generatedSamplesPerSecond = speeds.medians[0]
        memorySamplesPerSecond = speeds.medians[1]
        generatedBytesPerSecond = speeds.medians[0] * Double(4 * workload.network.inputs)
        (cost, lowCost, highCost) = (speeds.cost, speeds.lowCost, speeds.highCost)
        confidence = speeds.confidence
    }

    static func table(_ costs: [GenerationCost]) -> TextTable {
        var table = TextTable(columns: [
            .init("workload"), .init("task"), .init("workers", alignment: .right),
            .init("generated", unit: "samples/s", alignment: .right),
            .init("memory", unit: "samples/s", alignment: .right), .init("generated", unit: "GB/s", alignment: .right),
            .init("cost", alignment: .right), .init("interval", alignment: .right),
            .init("confidence", alignment: .right),
        ])
        for cost in costs {
            let low = NumberFormat.percentage(cost.lowCost)
            table.append([
                cost.workload, cost.task, "\(cost.workers)",
                NumberFormat.samplesPerSecond(cost.generatedSamplesPerSecond),
                NumberFormat.samplesPerSecond(cost.memorySamplesPerSecond),
                NumberFormat.number(cost.generatedBytesPerSecond / 1e9, significantDigits: 3),
                NumberFormat.percentage(cost.cost), "\(low)–\(NumberFormat.percentage(cost.highCost))",
                NumberFormat.percentage(cost.confidence),
            ])
        }
        return table
    }
}
