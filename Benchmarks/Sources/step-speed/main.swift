import Foundation
import GradloomInternals
import Workloads

// Training steps against the arithmetic peak of the processor, the one that `gradloom train` and `gradloom peak` use:
// medians of rounds.

let usage = """
    usage: step-speed [--workers N] [--rounds N] [--route ROUTE] [--products PROVIDER] [--precision PRECISION] [--json]
                      [--reproducibility-cost | --generation-cost] [workload …]
           step-speed --turns [--workers N] [--route ROUTE] [--products PROVIDER] [--precision PRECISION] workload
           step-speed --list [workload …]
           step-speed --check DIRECTORY --rate LEARNING_RATE [--workers N] [--precision PRECISION] workload

    --route, --products
              partition, reduce_scatter, reduce_scatter_all_gather or all_reduce; builtin or openblas: instead of what is chosen for the network
    --precision
              float32 or mixed_bfloat16
    --json    one JSON object a line instead of a table
    --reproducibility-cost
              steps with the same bits for any number of workers against steps for a fixed number
    --generation-cost
              steps on samples that are made while training against steps on the same samples in memory
    --turns   one slice for every line of the input, each one JSON object; before them, one that says which OpenBLAS
    --list    what the workloads are, one JSON object a line
    --check   the losses of the first steps on inputs.npy and targets.npy from parameters.safetensors, as JSON
    """

struct Arguments {
    var workers: Int?
    var rounds = 7
    var gradientRoute: GradientRoute?
    var gemmBackend: GemmBackend?
    var bfloat16: BFloat16Products?
    var json = false
    var turns = false
    var list = false
    var reproducibilityCost = false
    var generationCost = false
    var checkDirectory: String?
    var learningRate: Double?
    var workloads: [Workload] = []

    /// - Throws: `UsageError` for anything that `usage` does not describe.
    init(_ words: some Sequence<String>) throws {
        var words = words.makeIterator()
        func value<Value: LosslessStringConvertible>(of option: String, _: Value.Type) throws -> Value {
            guard let value = words.next().flatMap(Value.init) else { throw UsageError("\(option) needs a value") }
            return value
        }
        func choice<Value: RawRepresentable & CaseIterable>(_ option: String, _ text: String) throws -> Value
        where Value.RawValue == String {
            if let value = Value(rawValue: text) { return value }
            throw UsageError("\(option) is \(Value.allCases.map(\.rawValue).joined(separator: " or ")), not \(text)")
        }
        while let word = words.next() {
            switch word {
            case "--workers": workers = try value(of: word, Int.self)
            case "--rounds": rounds = try max(1, value(of: word, Int.self))
            case "--route": gradientRoute = try choice(word, value(of: word, String.self))
            case "--products": gemmBackend = try choice(word, value(of: word, String.self))
            case "--precision":
                switch try choice(word, value(of: word, String.self)) as TrainingPrecision {
                case .float32: bfloat16 = nil
                case .float64: throw UsageError("--precision is float32 or mixed_bfloat16, not float64")
                case .mixedBFloat16:
                    guard let accelerated = BFloat16Products.accelerated else {
                        throw UsageError("this processor does not accelerate bfloat16")
                    }
                    bfloat16 = accelerated
                }
            case "--json": json = true
            case "--turns": turns = true
            case "--list": list = true
            case "--reproducibility-cost": reproducibilityCost = true
            case "--generation-cost": generationCost = true
            case "--check": checkDirectory = try value(of: word, String.self)
            case "--rate": learningRate = try value(of: word, Double.self)
            default:
                guard let workload = Workload.named(word) else {
                    let names = Workload.known.map(\.name).joined(separator: ", ")
                    throw UsageError("no workload \(word); there are \(names)")
                }
                workloads.append(workload)
            }
        }
        if checkDirectory != nil, learningRate == nil || workloads.count != 1 {
            throw UsageError("--check needs --rate and one workload")
        }
        if turns, workloads.count != 1 { throw UsageError("--turns needs one workload") }
    }
}

extension Arguments {
    /// What is asked for, instead of what would be chosen.
    func adjust(_ team: inout TeamPlan) {
        if let gradientRoute { team.route = gradientRoute }
        if let gemmBackend { team.gemmBackend = gemmBackend }
        team.bfloat16 = bfloat16
    }
}

struct UsageError: Error, CustomStringConvertible {
    let description: String
    init(_ problem: String) { description = problem + "\n" + usage }
}

func perform(_ arguments: Arguments) throws {
    let workloads = arguments.workloads.isEmpty ? Workload.all : arguments.workloads
    if arguments.list {
        for workload in workloads { try JSONLines.print(WorkloadFacts(workload)) }
        return
    }
    let machine = try MachineSetup(workers: arguments.workers, policy: .auto)
    if let directory = arguments.checkDirectory, let learningRate = arguments.learningRate {
        return try JSONLines.print(
            losses(
                of: arguments.workloads[0], directory: directory, learningRate: learningRate, machine: machine,
                adjust: arguments.adjust))
    }
    // Other trainings on the same CPUs make every figure a wrong one.
    for note in machine.notes { FileHandle.standardError.write(Data("note: \(note)\n".utf8)) }
    if arguments.turns {
        return try SliceTimer(workloads[0], machine: machine, adjust: arguments.adjust).takeTurns(on: machine)
    }
    if arguments.reproducibilityCost {
        try report(workloads, json: arguments.json, table: ReproducibilityCost.table) {
            try ReproducibilityCost($0, machine: machine, rounds: arguments.rounds)
        }
    } else if arguments.generationCost {
        for task in [SyntheticDescription.Task.blobs, .teacher] {
            try report(
                workloads.filter { $0.network.output == .softmax }, json: arguments.json, table: GenerationCost.table
            ) {
                try GenerationCost($0, task, machine: machine, rounds: arguments.rounds)
            }
        }
    } else {
        try report(workloads, json: arguments.json, table: StepSpeed.table) {
            try StepSpeed($0, machine: machine, rounds: arguments.rounds, adjust: arguments.adjust)
        }
    }
}

/// Measures one workload after the other: a JSON line for each at once, or one table at the end.
func report<Result: Encodable>(
    _ workloads: [Workload], json: Bool, table: ([Result]) -> TextTable, measure: (Workload) throws -> Result
) throws {
    var results: [Result] = []
    for workload in workloads {
        results.append(try measure(workload))
        if json { try JSONLines.print(results[results.count - 1]) }
    }
    if !json { print(table(results).rendered(), terminator: "") }
}

do {
    try perform(Arguments(CommandLine.arguments.dropFirst()))
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(error is UsageError ? 64 : 1)
}
