import Foundation
import Gradloom
import Workloads

// Training steps against the ceiling of matrix products, measured in turn in one run: medians of rounds, so that a
// machine that others use slows both sides of a ratio. Usage: step-speed [--workers N] [--rounds N] [workload …]

var workers: Int?
var rounds = 7
var names: [String] = []
var arguments = CommandLine.arguments.dropFirst().makeIterator()
while let argument = arguments.next() {
    switch argument {
    case "--workers": workers = arguments.next().flatMap(Int.init)
    case "--rounds": rounds = arguments.next().flatMap(Int.init) ?? rounds
    default: names.append(argument)
    }
}
if let unknown = names.first(where: { Workload.named($0) == nil }) {
    FileHandle.standardError.write(
        Data("error: no workload \(unknown); there are \(Workload.all.map(\.name).joined(separator: ", "))\n".utf8))
    exit(64)
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.count % 2 == 1
        ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
}

let machine = try MachineSetup(workers: workers, policy: .auto)
for note in machine.notes { print("note: \(note)") }
var table = TextTable(columns: [
    .init("workload"), .init("workers", alignment: .right), .init("shard", alignment: .right),
    .init("samples/s", alignment: .right), .init("GFLOP/s", alignment: .right),
    .init("SGEMM ceiling", alignment: .right), .init("share", alignment: .right),
    .init("lowest–highest", alignment: .right),
])
for workload in Workload.all where names.isEmpty || names.contains(workload.name) {
    let trainer = try workload.trainer(Float.self, machine: machine)
    var speeds: [Double] = []
    var ceilings: [Double] = []
    var shares: [Double] = []
    // A tenth of a second a round.
    var steps = 1
    while trainer.run(steps: steps).seconds < 0.05 { steps *= 2 }
    for _ in 0..<rounds {
        let ceiling = GemmCeiling(Float.self, team: trainer.team).gflops
        let report = trainer.run(steps: 2 * steps)
        let speed = Double(report.samples) / report.seconds
        speeds.append(speed)
        ceilings.append(ceiling)
        shares.append(speed * trainer.network.operationsPerSample / 1e9 / ceiling)
    }
    let speed = median(speeds)
    table.append([
        workload.name, "\(machine.workers)", "\(trainer.shardRows)", NumberFormat.samplesPerSecond(speed),
        NumberFormat.gigaflops(speed * trainer.network.operationsPerSample / 1e9),
        NumberFormat.gigaflops(median(ceilings)), NumberFormat.percentage(median(shares)),
        "\(NumberFormat.percentage(shares.min()!))–\(NumberFormat.percentage(shares.max()!))",
    ])
}
print(table.rendered(), terminator: "")
