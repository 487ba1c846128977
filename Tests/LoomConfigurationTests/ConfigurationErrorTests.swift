import Testing

@testable import LoomConfiguration

/// A text in a configuration and the message that it gives.
struct Mistake: CustomTestStringConvertible, Sendable {
    let yaml: String
    let message: String
    var testDescription: String { yaml }

    /// `section` after the minimal configuration.
    init(_ section: String, _ message: String) {
        yaml = MinimalConfiguration.with(section)
        self.message = message
    }

    init(data: String, _ message: String) {
        yaml = "data:\n  \(data)\n\(MinimalConfiguration.network)"
        self.message = message
    }

    init(network: String, _ message: String) {
        yaml = "\(MinimalConfiguration.data)\nnetwork:\n  \(network)"
        self.message = message
    }

    init(whole yaml: String, _ message: String) {
        self.yaml = yaml
        self.message = message
    }
}

@Suite("Messages about mistakes in configurations")
struct ConfigurationErrorTests {
    static let keys = [
        Mistake(
            "optimizer: {learing_rate: 0.1}",
            "run.yaml:3:13: optimizer.learing_rate: unknown key; did you mean 'learning_rate'?"),
        Mistake("optimiser: {}", "run.yaml:3:1: optimiser: unknown key; did you mean 'optimizer'?"),
        Mistake(
            "training:\n  learning_rate: 0.1",
            "run.yaml:4:3: training.learning_rate: unknown key; did you mean optimizer.learning_rate?"),
        Mistake(
            "training: {weight_dekay: 0.1}",
            "run.yaml:3:12: training.weight_dekay: unknown key; did you mean optimizer.weight_decay?"),
        Mistake(
            "optimizer: {seed: 1}",
            "run.yaml:3:13: optimizer.seed: unknown key; did you mean one of data.synthetic.seed, "
                + "data.validation.seed, network.initialization.seed and training.seed?"),
        Mistake(
            network: "{layers: [{units: 10}], output: softmax, seed: 1}",
            "run.yaml:3:44: network.seed: unknown key; did you mean network.initialization.seed?"),
        Mistake(
            "loss: {zzzzzz: 1}",
            "run.yaml:3:8: loss.zzzzzz: unknown key; expected one of kind, reduction and l2"),
        Mistake(
            "loss: {l1: 1}", "run.yaml:3:8: loss.l1: unknown key; expected one of kind, reduction and l2"),
        Mistake(
            "zzzzzz: null",
            "run.yaml:3:1: zzzzzz: unknown key; expected one of data, network, loss, optimizer, "
                + "training, parallel and run"),
        Mistake(
            whole: MinimalConfiguration.data,
            "run.yaml:1:1: network: the key is missing; expected a mapping: the network"),
        Mistake(
            network: "layers:\n    - {activation: relu}\n    - {units: 10}\n  output: softmax",
            "run.yaml:4:7: network.layers.0.units: the key is missing; expected a whole number, 1 or more: the number "
                + "of its outputs"),
        Mistake(
            network: "{layers: [{units: 10}]}",
            "run.yaml:3:3: network.output: the key is missing; expected softmax, sigmoid, identity, threshold or "
                + "softmax_weighted, or the name of a vertex or a list of them: the map from the last layer to the "
                + "prediction; or the output vertices"),
        Mistake(
            "loss: {}\ntraining: {}\nloss: {l2: 1}",
            "run.yaml:3:1: the key 'loss' is given more than once in this mapping; keep one of them"),
        Mistake(
            "loss: {}\ntraining: {}\ntraining: {}\nloss: {l2: 1}",
            "run.yaml:3:1: the keys 'loss' and 'training' are given more than once in this mapping; keep one of each"
        ),
        Mistake("training: {? [a, b] : 1}", "run.yaml:3:14: a key must be a word, not a list or a mapping"),
    ]

    static let types = [
        Mistake("training: 3", "run.yaml:3:11: training: expected a mapping of keys to values, found 3"),
        Mistake(
            "training: [1]", "run.yaml:3:11: training: expected a mapping of keys to values, found a list"),
        Mistake(
            "optimizer: {learning_rate: fast}",
            "run.yaml:3:28: optimizer.learning_rate: expected a number above 0, found 'fast'"),
        Mistake(
            "optimizer: {learning_rate: \"0.1\"}",
            "run.yaml:3:28: optimizer.learning_rate: expected a number above 0, found the text '0.1'; remove the quotes"
        ),
        Mistake(
            "optimizer:\n  learning_rate:",
            "run.yaml:4:17: optimizer.learning_rate: expected a number above 0, found nothing"),
        Mistake(
            "optimizer: {clip_norm: {max: 1}}",
            "run.yaml:3:24: optimizer.clip_norm: expected a number above 0, found a mapping"),
        Mistake(
            "training: {batch: true}",
            "run.yaml:3:19: training.batch: expected auto or a whole number, 1 or more, found true"),
        Mistake(
            "training: {batch: 1e3}",
            "run.yaml:3:19: training.batch: expected auto or a whole number, 1 or more, found 1e3; write 1000"),
        Mistake(
            "training: {batch: 0.5}",
            "run.yaml:3:19: training.batch: expected auto or a whole number, 1 or more, found 0.5"),
        Mistake(
            "training: {batch: 0100}",
            "run.yaml:3:19: training.batch: expected auto or a whole number, 1 or more, found '0100'"),
        Mistake(
            "training: {drop_last: yes}",
            "run.yaml:3:23: training.drop_last: expected true or false, found 'yes'; write true"),
        Mistake(
            "training: {drop_last: Off}",
            "run.yaml:3:23: training.drop_last: expected true or false, found 'Off'; write false"),
        Mistake(
            "training: {drop_last: 1}", "run.yaml:3:23: training.drop_last: expected true or false, found 1"),
        Mistake(
            "training: {drop_last: 'true'}",
            "run.yaml:3:23: training.drop_last: expected true or false, found the text 'true'"),
        Mistake(
            "optimizer: {kind: adm}",
            "run.yaml:3:19: optimizer.kind: expected sgd, momentum, nesterov, adam or adamw, found 'adm'; did you mean "
                + "'adam'?"),
        Mistake(
            "optimizer: {kind: lbfgs}",
            "run.yaml:3:19: optimizer.kind: expected sgd, momentum, nesterov, adam or adamw, found 'lbfgs'"),
        Mistake(
            "optimizer: {kind: [sgd]}",
            "run.yaml:3:19: optimizer.kind: expected sgd, momentum, nesterov, adam or adamw, found a list"),
        Mistake(
            "run: {directory: ''}",
            "run.yaml:3:18: run.directory: expected the path of a directory, found the text ''"),
        Mistake(
            "parallel: {workers: atuo}",
            "run.yaml:3:21: parallel.workers: expected auto or a whole number, 1 or more, found 'atuo'; did you mean 'auto'?"
        ),
        Mistake(
            "parallel: {workers: 0}",
            "run.yaml:3:21: parallel.workers: expected auto or a whole number, 1 or more, found 0"),
        Mistake(
            "parallel: {placement: spraed}",
            "run.yaml:3:23: parallel.placement: expected auto, compact, spread, per-l3, none or a list of CPUs such as "
                + "\"0,2,4-7\", found 'spraed'; did you mean 'spread'?"),
        Mistake(
            "parallel: {placement: \"7-4\"}",
            "run.yaml:3:23: parallel.placement: expected auto, compact, spread, per-l3, none or a list of CPUs such as "
                + "\"0,2,4-7\", found the text '7-4'"),
        Mistake(
            "run: {checkpoint: {every: [1]}}",
            "run.yaml:3:27: run.checkpoint.every: expected auto, epoch, end, never or {steps: N}, found a list"),
        Mistake(
            "run: {checkpoint: {every: epochs}}",
            "run.yaml:3:27: run.checkpoint.every: expected auto, epoch, end or never, found 'epochs'; did you mean 'epoch'?"
        ),
        Mistake(
            "run: {checkpoint: {every: {steps: 0}}}",
            "run.yaml:3:35: run.checkpoint.every.steps: expected a whole number, 1 or more, found 0"),
    ]

    static let ranges = [
        Mistake(
            "optimizer: {learning_rate: -0.1}",
            "run.yaml:3:28: optimizer.learning_rate: expected a number above 0, found -0.1"),
        Mistake(
            "optimizer: {learning_rate: .inf}",
            "run.yaml:3:28: optimizer.learning_rate: expected a number above 0, found .inf; the number must be finite"
        ),
        Mistake(
            "optimizer: {kind: adam, beta1: 1}",
            "run.yaml:3:32: optimizer.beta1: expected a number, 0 or more and below 1, found 1"),
        Mistake("loss: {l2: -1e-3}", "run.yaml:3:12: loss.l2: expected a number, 0 or more, found -1e-3"),
        Mistake(
            "optimizer: {schedule: {kind: one_cycle, peak_fraction: 1.0}}",
            "run.yaml:3:56: optimizer.schedule.peak_fraction: expected a number above 0 and below 1, found 1.0"
        ),
        Mistake(
            "optimizer: {schedule: {kind: cosine, floor: 2}}",
            "run.yaml:3:45: optimizer.schedule.floor: expected a number from 0 to 1, found 2"),
        Mistake(
            "training: {epochs: 0}",
            "run.yaml:3:20: training.epochs: expected a whole number, 1 or more, found 0"),
        Mistake(
            "training: {seed: -1}",
            "run.yaml:3:18: training.seed: expected a whole number, 0 or more, found -1"),
        Mistake(
            "training: {seed: 18_446_744_073_709_551_616}",
            "run.yaml:3:18: training.seed: expected a whole number, 0 or more, found 18_446_744_073_709_551_616; at most "
                + "18446744073709551615 is possible"),
    ]

    static let syntax = [
        Mistake(
            "training: {batch: 1",
            "run.yaml:4:1: not valid YAML: did not find expected ',' or '}', while parsing a flow mapping that starts in "
                + "line 3"),
        Mistake(
            "a: b: c", "run.yaml:3:5: not valid YAML: mapping values are not allowed in this context"),
        Mistake(
            whole: "a: 1\n---\nb: 2",
            "run.yaml:2:1: not valid YAML: but found another document, expected a single document in the stream that starts in line 1"
        ),
        Mistake(
            whole: "",
            "run.yaml: data: the key is missing; expected a mapping: the data and how they are used\n"
                + "run.yaml: network: the key is missing; expected a mapping: the network"),
        Mistake(whole: "[1, 2]", "run.yaml:1:1: expected a mapping of keys to values, found a list"),
    ]

    @Test("names place, key, what was expected and what to do", arguments: keys + types + ranges + syntax)
    func message(_ mistake: Mistake) {
        #expect(Configuration.problems(mistake.yaml) == mistake.message)
    }

    @Test("reports all mistakes of a file in the order of its lines")
    func allMistakes() {
        let yaml = """
            training: {epochs: 0, batch: 1.5}
            optimizer: {kind: adamm, beta1: 2, lr: 0.1}
            data: {synthetic: {task: teacher}}
            """
        #expect(
            Configuration.problems(yaml) == """
                run.yaml:1:1: network: the key is missing; expected a mapping: the network
                run.yaml:1:20: training.epochs: expected a whole number, 1 or more, found 0
                run.yaml:1:30: training.batch: expected auto or a whole number, 1 or more, found 1.5
                run.yaml:2:19: optimizer.kind: expected sgd, momentum, nesterov, adam or adamw, found 'adamm'; did you \
                mean 'adam'?
                run.yaml:2:33: optimizer.beta1: expected a number, 0 or more and below 1, found 2
                run.yaml:2:36: optimizer.lr: unknown key; did you mean 'learning_rate'?
                run.yaml:3:19: data.synthetic.samples: the key is missing; expected a whole number, 1 or more: the \
                number of samples
                """)
    }

    @Test("tells a missing file, an unreadable one and one that is no text by message and exit code")
    func files() throws {
        func error(_ path: String) -> ConfigurationError? {
            #expect(throws: ConfigurationError.self) { try Configuration.load(path: path) }
        }
        let missing = error("/nonexistent/run.yaml")
        #expect(missing?.description == "/nonexistent/run.yaml: there is no such file")
        #expect(missing?.exitCode == 66)
        let directory = error("/")
        #expect(directory?.description == "/: this is a directory, expected a file")
        #expect(directory?.exitCode == 66)
        let binary = error("/proc/self/exe")
        #expect(binary?.description == "/proc/self/exe: the file is a program, expected YAML text; name another file")
        #expect(binary?.exitCode == 78)
    }
}
