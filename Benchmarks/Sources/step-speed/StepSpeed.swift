import Foundation
import GradloomInternals
import Workloads

/// How fast the steps of one workload are, beside the arithmetic peak.
struct StepSpeed: Encodable {
    let workload: String
    let workers: Int
    /// Samples of a shard.
    let shardRows: Int
    /// The median of the rounds.
    let samplesPerSecond: Double
    let gflops: Double
    /// The highest arithmetic peak of all workers at once that was ever measured.
    let ceilingGflops: Double
    /// The median of the rounds' shares of it, with its interval.
    let ceilingFraction: Double
    let lowFraction: Double
    let highFraction: Double
    /// The probability, at least, with which such an interval holds the true median: 0.95 needs six rounds.
    let confidence: Double
    /// Rounds whose phases forked and joined, because the system did not run all workers at the same time: such a round
    /// tells about the machine, not about the step.
    let forkJoinRounds: Int
    /// The largest resident set that this process has had.
    let peakResidentBytes: Int?
    let blas: String

    enum CodingKeys: String, CodingKey {
        case workload, workers, gflops, confidence, blas
        case shardRows = "shard_rows"
        case samplesPerSecond = "samples_per_second"
        case ceilingGflops = "ceiling_gflops"
        case ceilingFraction = "ceiling_fraction"
        case lowFraction = "low_fraction"
        case highFraction = "high_fraction"
        case forkJoinRounds = "fork_join_rounds"
        case peakResidentBytes = "peak_resident_bytes"
    }

    /// Measures `rounds` slices of at least a tenth of a second each.
    init(
        _ workload: Workload, machine: MachineSetup, rounds: Int, adjust: (inout TeamPlan) -> Void = { _ in }
    ) throws {
        let timer = try SliceTimer(workload, machine: machine, adjust: adjust)
        let slices = try (0..<rounds).map { _ in try timer.slice() }
        let operations = timer.trainer.network.operationsPerSample
        let ceiling = timer.ceiling.gflops
        let speed = estimate(slices.map(\.samplesPerSecond))
        let ceilingSamplesPerSecond = ceiling * 1e9 / operations
        self.workload = workload.name
        workers = machine.workers
        shardRows = timer.trainer.shardRows
        samplesPerSecond = speed.median
        gflops = speed.median * operations / 1e9
        ceilingGflops = ceiling
        ceilingFraction = speed.median / ceilingSamplesPerSecond
        lowFraction = speed.low / ceilingSamplesPerSecond
        highFraction = speed.high / ceilingSamplesPerSecond
        confidence = speed.confidence
        forkJoinRounds = slices.count(where: \.forkedAndJoined)
        peakResidentBytes = slices.last?.peakResidentBytes
        blas = machine.blasTitle
    }

    static func table(_ speeds: [StepSpeed]) -> TextTable {
        var table = TextTable(columns: [
            .init("workload"), .init("workers", alignment: .right), .init("shard", alignment: .right),
            .init("samples/s", alignment: .right), .init("GFLOP/s", alignment: .right),
            .init("arithmetic peak", alignment: .right), .init("share", alignment: .right),
            .init("interval", alignment: .right), .init("confidence", alignment: .right),
            .init("fork-join rounds", alignment: .right),
        ])
        for speed in speeds {
            let low = NumberFormat.percentage(speed.lowFraction)
            table.append([
                speed.workload, "\(speed.workers)", "\(speed.shardRows)",
                NumberFormat.samplesPerSecond(speed.samplesPerSecond), NumberFormat.gigaflops(speed.gflops),
                NumberFormat.gigaflops(speed.ceilingGflops), NumberFormat.percentage(speed.ceilingFraction),
                "\(low)–\(NumberFormat.percentage(speed.highFraction))", NumberFormat.percentage(speed.confidence),
                "\(speed.forkJoinRounds)",
            ])
        }
        return table
    }
}

extension Trainer {
    /// Trains for at least `seconds`, and returns how many steps that took last.
    /// - Throws: `StepsLeftOut`.
    func warmedUp(seconds: Double) throws -> Int {
        var steps = 1
        while try trained(steps: steps).seconds < seconds { steps *= 2 }
        return steps
    }

    /// As `run(steps:)`, but every step has to be done: steps that a diverged loss leaves out are not fast.
    /// - Throws: `StepsLeftOut`.
    func trained(steps count: Int) throws -> StepReport {
        let report = run(steps: count)
        guard report.steps == count else { throw StepsLeftOut(done: report.steps, asked: count) }
        return report
    }
}

struct StepsLeftOut: Error, CustomStringConvertible {
    let done: Int
    let asked: Int
    var description: String { "only \(done) of \(asked) steps were done: the loss was no longer finite" }
}

/// The median of at least one measured figure.
func estimate(_ values: [Double]) -> MedianEstimate {
    guard let estimate = MedianEstimate(values) else { preconditionFailure("no rounds, or a speed that is no number") }
    return estimate
}
