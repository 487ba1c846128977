import Foundation
import GradloomInternals

// How far the choice of `gradloom tune` is from the best of its candidates: each training is tuned, and then all candidates
// of the same grid are measured in turn, for longer, without anybody leaving.

let usage = """
    usage: tuning-check [--budget SECONDS] [--exhaustive SECONDS] [training …]

    --budget      what tuning may take, 30 by default
    --exhaustive  what measuring all candidates takes, 90 by default
    """

/// A training by its name, and how it differs from a network of `layers` trained with batches of `batch`.
struct Training {
    let name: String
    let task: String
    let inputs: Int
    let layers: [Int]
    let activation: String
    let output: String
    let batch: Int
    let optimizer: String

    static let all = [
        Training(
            name: "chains", task: "teacher", inputs: 4, layers: [32, 16, 4], activation: "tanh", output: "softmax",
            batch: 10_000, optimizer: "adam"),
        Training(
            name: "tiny", task: "teacher", inputs: 32, layers: [64, 10], activation: "relu", output: "softmax",
            batch: 64,
            optimizer: "sgd"),
        Training(
            name: "arctan", task: "teacher", inputs: 256, layers: [512, 10], activation: "arctan", output: "softmax",
            batch: 256, optimizer: "sgd"),
        Training(
            name: "mnist", task: "teacher", inputs: 784, layers: [128, 10], activation: "relu", output: "softmax",
            batch: 128, optimizer: "momentum"),
        Training(
            name: "ctr", task: "xor", inputs: 512, layers: [512, 256, 128, 1], activation: "relu", output: "sigmoid",
            batch: 2048, optimizer: "sgd"),
        Training(
            name: "wide", task: "teacher", inputs: 784, layers: [1024, 1024, 10], activation: "sigmoid",
            output: "softmax",
            batch: 256, optimizer: "momentum"),
        // Shapes that nothing was tuned for.
        Training(
            name: "odd", task: "teacher", inputs: 37, layers: [93, 61, 11], activation: "tanh", output: "softmax",
            batch: 96, optimizer: "momentum"),
        Training(
            name: "score", task: "xor", inputs: 200, layers: [130, 1], activation: "sigmoid", output: "sigmoid",
            batch: 1000, optimizer: "sgd"),
    ]

    func configuration() throws -> Configuration {
        let hidden = layers.dropLast().map { "{units: \($0), activation: \(activation)}" }
        let classes = task == "teacher" ? ", classes: \(layers[layers.count - 1])" : ""
        return try Configuration(
            yaml: """
                data: {synthetic: {task: \(task), samples: \(max(8 * batch, 16_384)), inputs: \(inputs)\(classes)}}
                network:
                  layers: [\((hidden + ["{units: \(layers[layers.count - 1])}"]).joined(separator: ", "))]
                  output: \(output)
                optimizer: {kind: \(optimizer), learning_rate: 0.001}
                training: {batch: \(batch)}
                """, file: name)
    }
}

struct UsageError: Error, CustomStringConvertible {
    let description: String
    init(_ problem: String) { description = problem + "\n" + usage }
}

func perform(_ words: [String]) throws {
    var (budget, exhaustive) = (30.0, 90.0)
    var trainings: [Training] = []
    var rest = words.makeIterator()
    func seconds(_ option: String) throws -> Double {
        guard let value = rest.next().flatMap(Double.init), value > 0 else {
            throw UsageError("\(option) needs seconds")
        }
        return value
    }
    while let word = rest.next() {
        switch word {
        case "--budget": budget = try seconds(word)
        case "--exhaustive": exhaustive = try seconds(word)
        default:
            guard let training = Training.all.first(where: { $0.name == word }) else {
                throw UsageError("no training \(word); there are \(Training.all.map(\.name).joined(separator: ", "))")
            }
            trainings.append(training)
        }
    }
    let machine = try MachineSetup(workers: nil, policy: .auto)
    write(
        """
        \(machine.machine.processor), \(machine.workers) workers; tuning \(Int(budget)) s, candidates \(Int(exhaustive)) s

        | training | candidates | choice | of the best | as it is, of the best | best |
        |---|---:|---|---:|---:|---|
        """)
    for training in trainings.isEmpty ? Training.all : trainings {
        try write(check(training, budget: budget, exhaustive: exhaustive, machine: machine))
    }
}

/// At once, so that a long measurement shows where it is.
func write(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

/// A row of the table.
func check(_ training: Training, budget: Double, exhaustive: Double, machine: MachineSetup) throws -> String {
    let configuration = try training.configuration()
    var request = TuneMeasurement.Request()
    request.budgetSeconds = budget
    let choice = try TuneMeasurement(configuration, request, machine: machine).choice
    request.budgetSeconds = exhaustive
    request.isExhaustive = true
    let all = try TuneMeasurement(configuration, request, machine: machine)
    guard let chosen = all.rows.first(where: { $0.candidate == choice.candidate }),
        let best = all.rows.max(by: { $0.ratio.median < $1.ratio.median })
    else { throw UsageError("\(training.name): the choice is no candidate of the exhaustive measurement") }
    func percent(_ value: Double) -> String { NumberFormat.percentage(value) }
    let scale = best.ratio.median
    return "| \(training.name) | \(all.rows.count) | \(phrase(choice)) | \(percent(chosen.ratio.median / scale)) | "
        + "\(percent(1 / scale)) | \(phrase(best)) |"
}

func phrase(_ row: TuneMeasurement.Row) -> String {
    "\(row.candidate.workers) × \(row.candidate.placement), \(row.shardRows) rows, \(row.route.rawValue)"
}

do {
    try perform(Array(CommandLine.arguments.dropFirst()))
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(error is UsageError ? 64 : 1)
}
