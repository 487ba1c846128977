import Foundation
import LoomData
import LoomModel
import LoomTraining
import Testing

@testable import LoomConfiguration

@Suite("Reading configurations")
struct ConfigurationReadingTests {
    @Test("what is not given has its default")
    func defaults() throws {
        let configuration = try Configuration.reading(MinimalConfiguration.with())
        #expect(
            configuration
                == Configuration(
                    data: DataDescription(source: .synthetic(.init(task: .teacher, samples: 100))),
                    network: NetworkSettings(layers: [.init(name: "layer1", units: 10)], output: .softmax)))
        #expect(configuration.loss == LossDescription(kind: .crossEntropy, reduction: .mean, l2: 0))
        #expect(configuration.optimizer == OptimizerDescription())
        #expect(configuration.training.batch == 256)
        #expect(configuration.parallel.workers == nil)
        #expect(configuration.run.checkpoint.every == .automatic)
    }

    @Test("every key reaches its place")
    func everyKey() throws {
        let configuration = try Configuration.reading(
            """
            data:
              csv: {path: a/x.csv, label: [y, -1], ignored: [id, 0], header: true, separator: ";"}
              labels: {base: 1}
              validation: {csv: {path: ../v.csv, label: "0"}}
              shuffle: false
              standardize: true
            network:
              layers:
                - {name: first, units: 2, activation: relu, relu_at_zero: 1, bias: [0.5, -1], weights: [[1, 2], [3, 4], [5, 6]]}
                - {units: 1, bias: false}
              output: sigmoid
              weights_layout: in_by_out
              initialization: {kind: xavier, distribution: normal, seed: 9}
            loss: {kind: half_squared, reduction: sum, l2: 1e-3}
            optimizer:
              kind: adamw
              learning_rate: 0.5
              beta1: 0.8
              beta2: 0.99
              epsilon: 1e-7
              weight_decay: 0
              clip_norm: 2
              schedule: {kind: one_cycle, warmup_steps: 5, floor: 0.1, initial_factor: 0.2, peak_fraction: 0.4}
            training:
              {batch: 7, epochs: 2, steps: 9, seed: 18_446_744_073_709_551_615, precision: float64, drop_last: true,
               early_stopping: {patience: 4, minimum_improvement: 0.25}}
            parallel:
              {workers: 2, placement: "4-5", route: all_reduce, groups: 8, gemm: openblas, instruction_set: avx2,
               shard_rows: 16, reproducible: fixed_workers, team: fork_join}
            run: {directory: out, checkpoint: {every: never, keep: 5}}
            """)
        #expect(
            configuration.data
                == DataDescription(
                    source: .csv(
                        .init(
                            path: "/experiments/a/x.csv",
                            options: .init(
                                header: .present, separator: ";", targets: [.name("y"), .index(-1)],
                                ignored: [.name("id"), .index(0)]))),
                    labels: .fromOne,
                    validation: .source(.csv(.init(path: "/v.csv", options: .init(label: .name("0"))))),
                    shuffle: .none, standardize: true))
        #expect(
            configuration.network
                == NetworkSettings(
                    layers: [
                        .init(
                            name: "first", units: 2, activation: .relu, reluAtZero: .one,
                            weights: [[1, 3, 5], [2, 4, 6]], bias: [0.5, -1]),
                        .init(name: "layer2", units: 1, hasBias: false),
                    ], output: .sigmoid, initialization: .init(kind: .xavier, distribution: .normal, seed: 9))
        )
        #expect(configuration.loss == LossDescription(kind: .halfSquared, reduction: .sum, l2: 1e-3))
        #expect(
            configuration.optimizer
                == OptimizerDescription(
                    kind: .adamw, learningRate: 0.5, beta1: 0.8, beta2: 0.99, epsilon: 1e-7, weightDecay: 0,
                    clipNorm: 2,
                    schedule: .init(
                        kind: .oneCycle, warmupSteps: 5, floor: 0.1, initialFactor: 0.2, peakFraction: 0.4)))
        var training = TrainingSettings()
        training.batch = 7
        training.epochs = 2
        training.steps = 9
        training.seed = .max
        training.precision = .float64
        training.dropLast = true
        training.earlyStopping = EarlyStopping(patience: 4, minimumImprovement: 0.25)
        #expect(configuration.training == training)
        var parallel = ParallelSettings()
        parallel.workers = 2
        parallel.placement = .cpus([4, 5])
        (parallel.route, parallel.groups) = (.allReduce, 8)
        parallel.gemm = .openBLAS
        parallel.instructions = .avx2
        parallel.shardRows = 16
        parallel.reproducible = .fixedWorkers
        parallel.team = .forkJoin
        #expect(configuration.parallel == parallel)
        var run = RunSettings()
        run.directory = "out"
        run.checkpoint.every = .never
        run.checkpoint.keep = 5
        #expect(configuration.run == run)
    }

    @Test(
        "defaults follow other keys",
        arguments: [
            ("output: identity", LossDescription.Kind.squaredSum), ("output: sigmoid", .crossEntropy),
            ("output: threshold", .squaredSum),
        ])
    func dependentDefaults(output: String, loss: LossDescription.Kind) throws {
        let configuration = try Configuration.reading(
            """
            data: {synthetic: {task: spirals, samples: 10}}
            network: {layers: [{units: 2}], \(output), initialization: {kind: xavier}}
            loss: {reduction: sum}
            """)
        #expect(configuration.loss == LossDescription(kind: loss, reduction: .sum))
        #expect(configuration.network.initialization.distribution == .uniform)
        #expect(configuration.data.source == .synthetic(SyntheticDescription(task: .spirals, samples: 10)))
    }

    @Test(
        "numbers are what they look like",
        arguments: [
            ("1_000_000", 1e6), ("1e-3", 1e-3), (".5", 0.5), ("5.", 5), ("+2.5E+2", 250), ("0.000_1", 1e-4),
            ("-0", 0),
        ])
    func numbers(text: String, value: Double) {
        #expect(SettingsNumber.real(text) == value)
    }

    @Test(
        "what looks otherwise is no number",
        arguments: [
            "", "_1", "1_", "010", "0x10", "1:30", "1e", "e3", ".", "--1", "1.2.3", "1e400", "inf", "nan",
            "1 ",
        ])
    func noNumbers(text: String) {
        #expect(SettingsNumber.real(text) == nil)
        #expect(SettingsNumber.whole(text, as: Int.self) == nil)
    }

    @Test("a regression of a teacher has targets instead of classes")
    func regression() throws {
        let configuration = try Configuration.reading(
            """
            data: {synthetic: {task: teacher, samples: 10, targets: 3}}
            network: {layers: [{units: 3}], output: identity}
            """)
        guard case .synthetic(let task) = configuration.data.source else {
            Issue.record("a synthetic source was given")
            return
        }
        #expect(task.classes == nil)
        #expect(task.targets == 3)
    }

    @Test(
        "the nearest name",
        arguments: [
            ("learing_rate", "learning_rate"), ("LEARNING_RATE", "learning_rate"), ("lr", "learning_rate"),
            ("batch_size", "batch"), ("decay", "weight_decay"), ("epohcs", "epochs"), ("bacth", "batch"),
            ("x", nil),
            ("banana", nil), ("rat", nil),
        ])
    func nearest(text: String, name: String?) {
        #expect(NearestName.find(text, in: ["learning_rate", "batch", "weight_decay", "epochs"]) == name)
    }

    @Test(
        "edit distance",
        arguments: [
            ("", "abc", 3), ("abc", "abc", 0), ("ab", "ba", 1), ("kitten", "sitting", 3), ("abcd", "acbd", 1),
        ])
    func distance(first: String, second: String, distance: Int) {
        #expect(NearestName.editDistance(Array(first), Array(second)) == distance)
        #expect(NearestName.editDistance(Array(second), Array(first)) == distance)
    }

    @Test func theBatchFitsTheDataUnlessItIsGiven() throws {
        func training(_ overrides: String...) throws -> TrainingSettings {
            let yaml = "data: {synthetic: {task: xor, samples: 9}}\nnetwork: {layers: [{units: 2}], output: softmax}\n"
            let configuration = try Configuration(yaml: yaml, file: "a.yaml", overrides: overrides)
            #expect(try Configuration(yaml: configuration.yaml(), file: "b.yaml") == configuration)
            return configuration.training
        }
        #expect(try training().fitsBatch && training().batch == 256)
        #expect(try training("training.batch=auto").fitsBatch)
        #expect(try !training("training.batch=256").fitsBatch && training("training.batch=8").batch == 8)
        var settings = TrainingSettings()
        settings.batch = 256
        #expect(!settings.fitsBatch)
    }

    // MARK: Files

    @Test func aConfigurationThroughAPipe() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try #require(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        let yaml = "data: {synthetic: {task: xor, samples: 9}}\nnetwork: {layers: [{units: 2}], output: softmax}\n"
        Thread.detachNewThread { try? Data(yaml.utf8).write(to: URL(fileURLWithPath: path)) }
        let configuration = try Configuration.load(path: path)
        #expect(configuration.network.layers.map(\.units) == [2])
    }

    @Test(arguments: [
        ([0x23, 0x20, 0x4d, 0xe4, 0x0a] as [UInt8], ":1:4: the byte 0xE4 is not text in UTF-8"),
        (Array("# a\n# é ".utf8) + [0xff], ":2:5: the byte 0xFF is not text in UTF-8"),
        ([0xff, 0xfe, 0x61, 0], ": the file is a text in UTF-16, expected YAML text; save it as UTF-8"),
        ([0x1f, 0x8b, 8], ": the file is compressed with gzip"), ([0x61, 0, 0x3a, 0], ":1:2: there is a zero byte"),
    ])
    func aFileThatIsNoText(bytes: [UInt8], message: String) throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data(bytes).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        #expect {
            try Configuration.load(path: url.path)
        } throws: { error in
            "\(error)".hasPrefix(url.path + message) && (error as? ConfigurationError)?.exitCode == 78
        }
    }

    // MARK: Aliases

    @Test func aliasesOfAliasesDoNotFillTheMemory() throws {
        let ten = Array(repeating: "*a", count: 10)
        var yaml = "a0: &a0 [l,l,l,l,l,l,l,l,l,l]\n"
        for level in 1...9 {
            yaml += "a\(level): &a\(level) [" + ten.map { $0 + "\(level - 1)" }.joined(separator: ",") + "]\n"
        }
        #expect {
            try Configuration(yaml: yaml, file: "a.yaml")
        } throws: { error in
            "\(error)".hasPrefix("a.yaml:") && "\(error)".contains("aliases repeat their anchors so often")
        }
        // An anchor that is used a few times is what aliases are for.
        let inputs = Array(repeating: "[1, 2]", count: 5000).joined(separator: ", ")
        let targets = Array(repeating: "0", count: 5000).joined(separator: ", ")
        let shared = """
            data:
              inline: {inputs: &i [\(inputs)], targets: &t [\(targets)]}
              validation: {inline: {inputs: *i, targets: *t}}
            network: {layers: [{units: 2}], output: softmax}
            """
        guard case .source(.inline(let inline)) = try Configuration(yaml: shared, file: "a.yaml").data.validation else {
            Issue.record("the validation data are inline")
            return
        }
        #expect(inline.inputs.count == 5000 && inline.targets.count == 5000)
    }

    @Test(arguments: [1, 3, 300])
    func nestingIsLimited(anchors: Int) {
        var yaml = ""
        for anchor in 0..<anchors {
            let inner = anchor == 0 ? "x" : "*a\(anchor - 1)"
            let depth = anchors == 1 ? 1200 : 600
            yaml +=
                "a\(anchor): &a\(anchor) "
                + String(repeating: "[", count: depth) + inner + String(repeating: "]", count: depth) + "\n"
        }
        #expect {
            try Configuration(yaml: yaml, file: "a.yaml")
        } throws: { error in
            "\(error)".hasPrefix("a.yaml:") && "\(error)".contains("lie in each other more than 1000 deep")
        }
    }
}
