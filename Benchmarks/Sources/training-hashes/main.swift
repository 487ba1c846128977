import Foundation
import GradloomInternals
import Workloads

// The parameters that small trainings end with, as hashes: one line for each training, precision and provider of matrix
// products, with the number of hashes that different workers and teams led to (it has to be 1). Two versions of the
// program have the same bits if they print the same.

let usage = "usage: training-hashes [--provider builtin|openblas] [--precision float32|float64] [--workers 1,2,3,4]"

func value(of option: String) -> String? {
    let words = CommandLine.arguments
    guard let place = words.firstIndex(of: option) else { return nil }
    guard place + 1 < words.count else {
        FileHandle.standardError.write(Data("error: \(option) needs a value\n\(usage)\n".utf8))
        exit(64)
    }
    return words[place + 1]
}

let providers = value(of: "--provider").map { text in GemmBackend.allCases.filter { $0.rawValue == text } }
let precisions = value(of: "--precision").map { text in Precision.allCases.filter { $0.rawValue == text } }
let workerCounts = (value(of: "--workers") ?? "1,2,3,4").split(separator: ",").compactMap { Int($0) }
guard !workerCounts.isEmpty, providers?.isEmpty != true, precisions?.isEmpty != true else {
    FileHandle.standardError.write(Data("error: \(usage)\n".utf8))
    exit(64)
}

/// The different hashes of one training, whoever carries it out.
func hashes(_ training: HashedTraining, _ precision: Precision, _ provider: GemmBackend) throws -> Set<String> {
    var result = Set<String>()
    for workers in workerCounts {
        for request in [TeamRequest.auto, .forkJoin] where workers > 1 || request == .auto {
            let team = TeamPlan(workers: workers, request: request, gemmBackend: provider)
            switch precision {
            case .float32: result.insert(try training.hash(Float.self, team: team))
            case .float64: result.insert(try training.hash(Double.self, team: team))
            }
        }
    }
    return result
}

let machine = try MachineSetup(workers: 1, policy: .none)
for training in HashedTraining.all {
    for precision in precisions ?? Precision.allCases {
        for provider in providers ?? GemmBackend.allCases {
            let found = try hashes(training, precision, provider)
            print(
                training.workload.name, training.variant, precision.rawValue, provider.rawValue, found.count,
                found.sorted().map { String($0.prefix(16)) }.joined(separator: " "), separator: "\t")
        }
    }
}
