import Foundation
import LoomConfiguration
import LoomData
import LoomHardware
import LoomKernels
import LoomModel
import LoomPlan

/// What `gradloom tune` chose on this machine, kept in a file, so that trainings with `parallel.workers: auto` use it. Who
/// wants to begin anew deletes the file.
public struct TuningCache: Sendable {
    /// What a choice depends on: the processor, what may be used of it, and the shapes of the steps.
    package struct Key: Sendable, Codable, Equatable {
        let cpu, cpuModel: String
        let allowedCPUs: [Int]
        let quotaCPUs: Double?
        let instructionSet, gemm, precision: String
        let inputs: Int
        let layers: [String]
        let loss, optimizer: String
        let batch: Int
        let hasPenalty, clips, shuffles, fixedWorkers: Bool
        let groups: Int?

        enum CodingKeys: String, CodingKey {
            case cpu, gemm, precision, inputs, layers, loss, optimizer, batch, clips, shuffles, groups
            case cpuModel = "cpu_model"
            case allowedCPUs = "allowed_cpus"
            case quotaCPUs = "quota_cpus"
            case instructionSet = "instruction_set"
            case hasPenalty = "has_penalty"
            case fixedWorkers = "fixed_workers"
        }

        /// The key of a training with `inputs` features.
        /// - Throws: `TopologyError`.
        package init(_ configuration: Configuration, inputs: Int) throws {
            let topology = try Topology.machine()
            let allowance = try CPUAllowance.current(topology: topology)
            cpu = MachineDescription.current(topology: topology).processor
            cpuModel = MachineDescription.processorModel()
            allowedCPUs = allowance.allowedCPUs
            quotaCPUs = allowance.quota?.cpus
            instructionSet = (configuration.parallel.instructionSet ?? .active).rawValue
            gemm = configuration.parallel.gemmBackend.rawValue
            precision = configuration.training.precision.rawValue
            self.inputs = inputs
            layers = configuration.network.description(inputs: inputs).shapes
            loss = configuration.loss.kind.rawValue
            optimizer = configuration.optimizer.kind.rawValue
            batch = configuration.training.batch
            hasPenalty = configuration.loss.l2 != 0
            clips = configuration.optimizer.clipNorm != nil
            shuffles = configuration.data.shuffle != .none
            fixedWorkers = configuration.parallel.reproducible == .fixedWorkers
            groups = configuration.parallel.groups
        }
    }

    /// How a training is carried out fastest.
    package struct Choice: Sendable, Codable, Equatable {
        /// The number of workers.
        package var workers: Int
        /// Where they run: a `PlacementPolicy` as text.
        package var placement: String
        /// Samples of a shard; nil: chosen from the batch.
        package var shardRows: Int?
        /// How the gradient travels; nil: chosen from shapes.
        package var route: GradientRoute?
        /// The day on which it was found, such as "2026-01-31".
        package var date: String

        /// A choice.
        package init(workers: Int, placement: String, shardRows: Int?, route: GradientRoute?, date: String) {
            self.workers = workers
            self.placement = placement
            self.shardRows = shardRows
            self.route = route
            self.date = date
        }

        enum CodingKeys: String, CodingKey {
            case workers, placement, route, date
            case shardRows = "shard_rows"
        }
    }

    /// The file.
    public var path: String { file.path }
    private let file: CacheFile<Contents>

    private struct Entry: Codable {
        let key: Key
        let choice: Choice
    }

    private struct Contents: CacheContents {
        static let currentFormat = 1
        var format = currentFormat
        var entries: [Entry] = []
    }

    /// A cache in the file at `path`.
    public init(path: String) {
        file = CacheFile(path: path)
    }

    /// The user's, `gradloom/tuned.json` in the directory of caches; nil without a home.
    public static func user() -> TuningCache? { UserCache.path("tuned.json").map(TuningCache.init) }

    /// What is wrong with the file; nil: nothing, or it is not there.
    package var damage: String? {
        file.isDamaged ? "\(path) is damaged, and nothing of it is used; gradloom tune writes it anew" : nil
    }

    /// What was chosen for `key`; nil: nothing.
    package func choice(for key: Key) -> Choice? {
        file.read().entries.first { $0.key == key }.map(\.choice).flatMap {
            // A worker for each CPU is the most that is ever tried.
            (1...max(1, key.allowedCPUs.count)).contains($0.workers) && $0.shardRows ?? 1 >= 1 ? $0 : nil
        }
    }

    /// Keeps `choice` instead of an older one. False where the file cannot be written.
    package func keep(_ choice: Choice, for key: Key) -> Bool {
        var contents = file.read()
        contents.entries.removeAll { $0.key == key }
        contents.entries.append(Entry(key: key, choice: choice))
        return file.write(contents)
    }

    /// `configuration` as it was tuned: with `parallel.workers: auto`, the number of workers, and those of placement, route
    /// and rows of a shard that it leaves to the program. Nil: it gives a number, or was not tuned here.
    package func tuned(_ configuration: Configuration) -> (configuration: Configuration, choice: Choice)? {
        guard configuration.parallel.workers == nil, !file.read().entries.isEmpty,
            let inputs = try? configuration.data.source.featureCount(),
            let key = try? Key(configuration, inputs: inputs), let choice = choice(for: key),
            let placement = try? PlacementPolicy(parsing: choice.placement)
        else { return nil }
        var result = configuration
        result.parallel.workers = choice.workers
        if result.parallel.placement == .auto { result.parallel.placement = placement }
        if result.parallel.shardRows == nil { result.parallel.shardRows = choice.shardRows }
        if result.parallel.route == .automatic,
            let route = choice.route.flatMap({ route in
                ParallelSettings.Route(rawValue: route.rawValue)
            })
        {
            result.parallel.route = route
        }
        return (result, choice)
    }
}

extension NetworkDescription {
    /// What of every layer decides how fast it is, and the output map.
    fileprivate var shapes: [String] {
        layers.map { layer in
            let inputs = layer.inputs.map { " of " + $0.joined(separator: ",") } ?? ""
            return
                "\(layer.name) \(layer.preActivations) \(layer.activation.rawValue)\(layer.hasBias ? "" : " no bias")"
                + inputs
        } + dataParts.map { "part \($0.columns)" } + [output.rawValue]
    }
}
