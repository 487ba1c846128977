import Foundation
import LoomConfiguration
import LoomData
import LoomHardware
import LoomKernels
import LoomModel
import LoomRuns
import LoomTraining

/// Run directories: evaluated and predicted with, and gone on with to the end.
struct RunReader: InputReader {
    static let name = "run"
    private static let run = "run"
    private let directory: String
    private let machine: MachineSetup
    private let settings: Configuration
    /// The same with as many workers as were tuned.
    private let automatic: Configuration
    private let good: Input
    private let tunedKey: TuningCache.Key
    private let tuned: [UInt8]

    /// Trains a small network twice as long as its run says, so that the run can be gone on with.
    init(directory: String) throws {
        self.directory = directory
        try Input.write([UInt8](Self.samples.utf8), to: directory + "/d.csv")
        let path = directory + "/c.yaml"
        settings = try Configuration(yaml: Self.configuration, file: path)
        automatic = try Configuration(yaml: Self.configuration, file: path, overrides: ["parallel.workers=auto"])
        machine = try MachineSetup(workers: 1, policy: .none)
        let runs = directory + "/made"
        let run = try RunDirectory.create(in: runs, name: "r", configuration: settings.yaml())
        let short = try Configuration(yaml: Self.configuration, file: path, overrides: ["training.epochs=2"])
        let experiment = try Experiment<Float>(short, machine: machine)
        let metrics = try MetricsFile(appendingTo: run.metricsPath)
        _ = try experiment.train(
            checkpoints: CheckpointStore(directory: run.checkpointsPath, keep: 2), metrics: metrics,
            history: ValidationHistory(), clock: nil, regionMeasured: { _ in }
        ) { event in
            guard case .epochEnded(let epoch) = event else { return }
            try? metrics.append(
                EpochEvent(
                    epoch: epoch.epoch + 1, step: epoch.step, loss: 1, accuracy: nil,
                    validationLoss: epoch.validation?.loss, validationAccuracy: nil, samplesPerSecond: 1, seconds: 1))
        }
        try Input.write([UInt8]("{\"end\": \"interrupted\"}\n".utf8), to: run.summaryPath)
        let cache = TuningCache(path: runs + "/tuned.json")
        tunedKey = try TuningCache.Key(automatic, inputs: 2)
        _ = cache.keep(
            .init(workers: 2, placement: "none", shardRows: 16, route: nil, date: "2026-01-31"), for: tunedKey)
        tuned = [UInt8](try Data(contentsOf: URL(fileURLWithPath: cache.path)))
        var good = Input([Self.tunedFile: tuned])
        for (name, part) in try Input(directory: run.path).parts { good.parts[Self.run + "/" + name] = part }
        self.good = good
        try FileManager.default.removeItem(atPath: runs)
    }

    private static let tunedFile = "tuned.json"
    private static let configurationFile = "run/config.yaml"
    private static let samples = (0..<12).map { "\($0 % 5),\($0 % 7),\($0 % 3 == 0 ? "no" : "yes")\n" }.joined()
    private static let configuration = """
        data: {csv: {path: d.csv, label: -1}, validation: 0.25, standardize: true}
        network: {layers: [{units: 3, activation: tanh}, {units: 2}], output: softmax}
        optimizer: {kind: adam, learning_rate: 0.1}
        training: {batch: 4, epochs: 4, early_stopping: {patience: 3}}
        run: {checkpoint: {every: {steps: 2}, keep: 2}}
        parallel: {placement: none, workers: 1}

        """

    private var checkpoints: [String] { good.parts.keys.filter { $0.hasSuffix(".safetensors") }.sorted() }

    var corpus: [CorpusEntry] {
        let newest = checkpoints.filter { $0.contains("step-") }.last!
        func metadata(_ key: String, _ value: String, error: String?) -> CorpusEntry {
            var input = good
            for name in checkpoints { input[name] = Self.replacing(key, by: value, in: unsummed(name)) }
            return CorpusEntry("\(key) is \(value)", input, error: error)
        }
        func state(_ key: String, _ value: String, error: String?) -> CorpusEntry {
            var input = good
            let text = String(decoding: good[newest], as: UTF8.self)
            let state = text.firstMatch(of: /"training_state":"((?:\\.|[^"\\])*)"/).map { String($0.1) } ?? ""
            let pattern = try? Regex("\\\\\"\(key)\\\\\":[^,{}]*")
            let changed = pattern.map { state.replacing($0, with: "\\\"\(key)\\\":\(value)") } ?? state
            for name in checkpoints { input[name] = Self.replacing("training_state", by: changed, in: unsummed(name)) }
            return CorpusEntry("\(key) of the state is \(value)", input, error: error)
        }
        func with(_ name: String, error: String?, _ change: (inout Input) -> Void) -> CorpusEntry {
            var input = good
            change(&input)
            return CorpusEntry(name, input, error: error)
        }
        func line(_ epoch: String, _ loss: String) -> [UInt8] {
            let text =
                "{\"accuracy\":null,\"epoch\":\(epoch),\"event\":\"epoch\",\"loss\":1,\"samples_per_second\":1,\"seconds\":1,\"step\":2,"
                + "\"validation_accuracy\":null,\"validation_loss\":\(loss)}\n"
            return [UInt8](text.utf8)
        }
        func oldWithMetrics(_ name: String, _ bytes: [UInt8]) -> CorpusEntry {
            with(name, error: nil) { input in
                for name in checkpoints { input[name] = Self.removing("training_state", from: unsummed(name)) }
                input["run/metrics.jsonl"] = bytes
            }
        }
        return [
            CorpusEntry("good", good),
            metadata("inputs", "-1", error: "inputs"), metadata("inputs", "0", error: "inputs"),
            metadata("inputs", "1000000000000", error: "inputs"),
            metadata("inputs", "9223372036854775807", error: "inputs"),
            metadata("inputs", "3", error: "weights"), metadata("step", "-1", error: "step"),
            metadata("step", "9223372036854775807", error: "step"),
            metadata("step", "99999999999999999999", error: "step"),
            metadata("class_names", "[]", error: "class_names"),
            metadata("feature_names", "[\\\"a\\\"]", error: "feature_names"),
            metadata("target_names", "[]", error: "target_names"),
            state("steps", "9223372036854775807", error: "training_state"),
            state("samples", "9223372036854775807", error: "training_state"),
            state("correct", "9223372036854775807", error: "training_state"),
            state("epoch", "9223372036854775807", error: "training_state"),
            state("epoch", "-9223372036854775808", error: "training_state"),
            state("metrics_bytes", "1000000", error: "metrics.jsonl"),
            state("metrics_bytes", "9223372036854775807", error: "training_state"),
            oldWithMetrics("an epoch before all numbers", line("-9223372036854775808", "0.5")),
            oldWithMetrics("an epoch behind all numbers", line("9223372036854775807", "0.5")),
            with("metadata that were changed", error: "its metadata") { input in
                for name in checkpoints { input[name] = Self.replacing("inputs", by: "2 ", in: good[name]) }
            },
            with("no checkpoint", error: "no checkpoint") { input in
                for name in checkpoints { input.parts[name] = nil }
                input.parts["run/checkpoints"] = .directory
            },
            with("a directory for a checkpoint", error: "‘") { input in
                for name in checkpoints { input.parts[name] = .directory }
            },
            with("a link to itself", error: "‘") { input in
                for name in checkpoints { input.parts[name] = .link(String(name.split(separator: "/").last!)) }
            },
            with("a checkpoint of a step that no integer holds", error: nil) { input in
                input["run/checkpoints/step-99999999999999999999.safetensors"] = good[newest]
            },
            with("a directory for the configuration", error: "config.yaml") {
                $0.parts[Self.configurationFile] = .directory
            },
            with("metrics that are gone", error: "metrics.jsonl") { $0.parts["run/metrics.jsonl"] = nil },
            with("a summary of something else", error: nil) { $0["run/summary.json"] = [0xff, 0x00] },
        ]
    }

    /// A good checkpoint without checksums, which would keep every change of its header from being looked at.
    private func unsummed(_ name: String) -> [UInt8] { Self.removing("checksums", from: good[name]) }

    /// A checkpoint with another value in its metadata.
    private static func replacing(_ key: String, by value: String, in bytes: [UInt8]) -> [UInt8] {
        changed(bytes) { header in
            guard let pattern = try? Regex("\"\(key)\":\"(?:\\\\.|[^\"\\\\])*\"") else { return header }
            let entry = "\"\(key)\":\"\(value)\""
            let changed = header.replacing(pattern, with: entry)
            return changed == header ? header.replacing("\"inputs\":", with: entry + ",\"inputs\":") : changed
        }
    }

    private static func removing(_ key: String, from bytes: [UInt8]) -> [UInt8] {
        changed(bytes) { header in
            // With one of its commas: the first entry has none before it.
            let entry = "\"\(key)\":\"(?:\\\\.|[^\"\\\\])*\""
            guard let pattern = try? Regex("\(entry),|,?\(entry)") else { return header }
            return header.replacing(pattern, with: "")
        }
    }

    private static func changed(_ bytes: [UInt8], _ change: (String) -> String) -> [UInt8] {
        guard bytes.count > 8 else { return bytes }
        let length = min(bytes.count - 8, Int(bytes[0]) | Int(bytes[1]) << 8)
        let header = String(decoding: bytes[8..<8 + length], as: UTF8.self)
        return SafetensorsReader.bytes(change(header), data: Array(bytes[(8 + length)...]))
    }

    private static let words =
        [
            "\"", "{", "}", "[", "]", ",", ":", "null", "true", "\n", "\"epoch\":", "\"step\":", "\"workers\":",
            "\"placement\":",
            "\"0-1048575\"", "\"format\":", "\"entries\":", "\"shard_rows\":", "\"route\":\"all_reduce\"", "\"NaN\"",
            "\"Infinity\"",
        ] + Mutations.numbers
    private static let keys = [
        "step", "inputs", "numerics", "label_base", "class_names", "feature_names", "target_names", "checksums",
        "training_state",
        "format",
    ]
    private static let values = [
        "", "{}", "[]", "[\\\"a\\\"]", "[\\\"no\\\",\\\"yes\\\"]", "[\\\"no\\\",\\\"no\\\"]", "[1]", "fma-0", "fma-1",
        "auto", "a", "\\u0000",
    ]

    func mutant(_ random: inout Random) -> Input {
        var input = good
        for _ in 0...random.below(2) {
            switch random.below(10) {
            case 0: changeFiles(&input, &random)
            case 1: change(Self.tunedFile, of: &input, &random)
            case 2: change("run/metrics.jsonl", of: &input, &random)
            case 3: change(Self.configurationFile, of: &input, &random)
            default: changeCheckpoint(&input, &random)
            }
        }
        return input
    }

    private func change(_ name: String, of input: inout Input, _ random: inout Random) {
        var bytes = input[name]
        for _ in 0...random.below(3) { Mutations.change(&bytes, &random, tokens: Self.words, other: tuned) }
        input[name] = bytes
    }

    private func changeCheckpoint(_ input: inout Input, _ random: inout Random) {
        let name = random.pick(checkpoints)
        var bytes = input[name]
        guard bytes.count > 8, bytes[2..<8].allSatisfy({ $0 == 0 }) else { return }
        if random.once(in: 2) { bytes = Self.removing("checksums", from: bytes) }
        switch random.below(4) {
        case 0: SafetensorsReader.change(&bytes, &random, other: good[name])
        case 1:
            bytes = Self.replacing(random.pick(Self.keys), by: random.pick(Self.values + Mutations.numbers), in: bytes)
        case 2: bytes = Self.removing(random.pick(Self.keys), from: bytes)
        default: changeState(&bytes, &random)
        }
        input[name] = bytes
        // The newest one alone may be damaged, or all of them.
        if random.once(in: 2) { for other in checkpoints { input[other] = bytes } }
    }

    /// Changes a number of the state that is kept with a checkpoint.
    private func changeState(_ bytes: inout [UInt8], _ random: inout Random) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let state = text.firstMatch(of: /"training_state":"((?:\\.|[^"\\])*)"/)?.1 else { return }
        var changed = [UInt8](state.utf8)
        Mutations.replaceNumber(&changed, &random)
        if random.once(in: 4) { Mutations.replaceNumber(&changed, &random) }
        bytes = Self.replacing("training_state", by: String(decoding: changed, as: UTF8.self), in: bytes)
    }

    private func changeFiles(_ input: inout Input, _ random: inout Random) {
        let name = random.pick(input.parts.keys.sorted())
        switch random.below(5) {
        case 0: input.parts[name] = nil
        case 1: input.parts[name] = .directory
        case 2:
            input.parts[name] = .link(
                random.pick([".", "..", "/dev/null", "/dev/zero", "nowhere", "/proc/self/mem", name]))
        case 3:
            input.parts["run/checkpoints/step-\(random.pick(Mutations.numbers.dropLast())).safetensors"] =
                input.parts[name]
        default: input[random.pick(input.parts.keys.sorted())] = input[name]
        }
    }

    func read(_ input: Input) throws -> Outcome {
        let run = directory + "/" + Self.run
        let files = [run, directory + "/d.csv", "of the run"]
        let types: [any Error.Type] = [
            ConfigurationError.self, DataError.self, SafetensorsError.self, ModelError.self, RunError.self,
            RunDirectoryError.self,
            AtomicFile.WriteError.self,
        ]
        try readTuned(input)
        let used = try outcome(of: files, types: types) { try use(run) }
        // The same directory gone on with, by its own configuration.
        let resumed = try outcome(of: files, types: types) {
            guard input[Self.configurationFile] == good[Self.configurationFile] else { return }
            try resume(run)
        }
        if case .refusal = used { return used }
        return resumed
    }

    /// What `evaluate` and `predict` do.
    private func use(_ run: String) throws {
        let directory = try RunDirectory(existing: run)
        let configuration = try Configuration.load(path: directory.configurationPath)
        let checkpoints = CheckpointStore(directory: directory.checkpointsPath, keep: 1)
        guard let path = checkpoints.best ?? checkpoints.newest else { throw RunError.noCheckpoint(run: run) }
        let model = try SavedModel<Float>(configuration, checkpoint: Safetensors(contentsOf: path), machine: machine)
        try require(model.parameters.hash.count == 64, "no hash")
        // Data of other configurations are another reader's.
        guard configuration.data == settings.data else { return }
        let options = CSVOptions(label: .index(-1))
        let source = try CSVSource(
            path: self.directory + "/d.csv", options: options, matching: model.knownColumns, readsTargets: false)
        let predictions = try model.predict(source)
        try require(predictions.count == source.count * model.network.outputs, "\(predictions.count) predictions")
        _ = try model.evaluateOwnData()
    }

    /// What `train --resume` does.
    private func resume(_ run: String) throws {
        let experiment = try Experiment<Float>(settings, machine: machine)
        let total = experiment.trainer.totalSteps
        let resumed = try ResumedRun(
            path: run, experiment: experiment, accepted: .init(), original: settings, settings: settings)
        try require((0...total).contains(experiment.trainer.step), "step \(experiment.trainer.step) of \(total)")
        for note in resumed.notes { try require(!note.isEmpty, "an empty note") }
        let metrics = try MetricsFile(appendingTo: resumed.directory.metricsPath)
        let result = try experiment.train(
            checkpoints: nil, metrics: metrics, history: resumed.history, clock: nil, regionMeasured: { _ in }
        ) { _ in }
        try require(result.isOver || result.hasDiverged, "it did not end")
        try require(experiment.trainer.parameters.hash.count == 64, "no hash")
    }

    /// What a training with `parallel.workers: auto` does: a damaged file counts as empty, or is told of.
    private func readTuned(_ input: Input) throws {
        guard input[Self.tunedFile] != tuned else { return }
        let cache = TuningCache(path: directory + "/" + Self.tunedFile)
        if let damage = cache.damage { try require(damage.contains(cache.path), "damage without a file: \(damage)") }
        guard cache.choice(for: tunedKey) != nil else { return }
        let machine = try TunedMachine(automatic, cache: cache)
        _ = try Experiment<Float>(machine.configuration, machine: machine.machine)
    }
}
