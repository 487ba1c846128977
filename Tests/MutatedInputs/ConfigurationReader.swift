import Foundation
import LoomConfiguration
import LoomHardware
import LoomModel

/// Configuration files, and what `--set` puts over them.
struct ConfigurationReader: InputReader {
    static let name = "configuration"
    private static let file = "c.yaml"
    /// One override a line.
    private static let overridesFile = "overrides"
    private let directory: String
    private let seeds: [[UInt8]]
    private let tokens: [String]

    init(directory: String) throws {
        self.directory = directory
        let configs = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("configs")
        seeds =
            try FileManager.default.subpathsOfDirectory(atPath: configs.path).sorted().filter { $0.hasSuffix(".yaml") }
            .map { [UInt8](try Data(contentsOf: configs.appendingPathComponent($0))) } + [[UInt8](Self.rich.utf8)]
        let keys = Set(Configuration.reference.flatMap { $0.path.split(separator: ".").map { "\($0): " } }).sorted()
        tokens = Self.punctuation + keys + keys + Self.words + Mutations.numbers
    }

    private static let punctuation = [
        ": ", "- ", "? ", "&a ", "*a", "*a ", "&b ", "*b", "<<: *a", "!!int ", "!!binary ", "!!set ", "!t ", "!<x> ",
        "|\n", ">\n",
        "|2-\n", "'", "\"", "{", "}", "[", "]", ", ", " #", "%YAML 1.1\n---\n", "\n---\n", "\n...\n", "\t", "~", "null",
        "\\u0000",
        "\\xff", "\u{feff}", "\u{85}", "\u{2028}", "@", "`", "\r\n", "\n  ", "\n    ",
    ]
    private static let words = [
        "true", "false", "yes", "auto", "none", "never", "all", "0-4294967295", "0-1048575,0-1048575", "0,1", "teacher",
        "blobs",
        "spirals", "xor", "linear", "friedman1", "softmax", "sigmoid", "identity", "threshold", "softmax_weighted",
        "relu",
        "tanh", "cross_entropy", "squared_sum", "adam", "sgd", "momentum", "cosine", "step", "constant", "float64",
        "openblas",
        "all_reduce", "partition", "fixed_workers", "one_hot", "input", "output", "inline", "../../../etc/passwd",
        "/dev/zero", "é",
    ]

    /// Keys that no example has.
    private static let rich = """
        data: {npy: {inputs: x.npy, targets: y.npy}, validation: {csv: {path: v.csv, label: -1, header: true, separator: ";"}},
          labels: {base: 1}, shuffle: false, standardize: true}
        network:
          layers: &l
            - {name: a, units: 4, activation: relu, inputs: [input], bias: false}
            - {name: b, units: 3, activation: softmax_weighted, components: 2, inputs: [a, input]}
            - {name: c, units: 2, inputs: [a, b], weights: {a: [[1, 2, 3, 4], [1, 2, 3, 4]], b: [[0, 0, 1], [1, 0, 0]]}, bias: [0, 1]}
          output: softmax
          initialization: {kind: constant, value: 0.1, seed: 18446744073709551615}
        loss: {kind: cross_entropy, reduction: mean, l2: 1e-3}
        optimizer: {kind: adamw, learning_rate: 0.1, beta1: 0.8, epsilon: 1e-7, weight_decay: 0.1, clip_norm: 2,
          schedule: {kind: cosine, warmup_steps: 3, floor: 0.1}}
        training: {batch: 64, epochs: 3, steps: 10, seed: 7, precision: float64, drop_last: true,
          early_stopping: {patience: 2, minimum_improvement: 0.01}}
        parallel: {workers: 2, placement: "0,2-3", team: gang, shard_rows: 16, route: partition, groups: 4, gemm: builtin}
        run: {directory: runs, checkpoint: {every: {steps: 5}, keep: 3}}

        """

    var corpus: [CorpusEntry] {
        func bomb(_ levels: Int, _ last: String) -> [UInt8] {
            var text = "a0: &a0 [x, x]\n"
            for level in 1...levels {
                text +=
                    "a\(level): &a\(level) [\([String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
            }
            return [UInt8]((text + last).utf8)
        }
        func set(_ overrides: String..., error: String) -> CorpusEntry {
            CorpusEntry(
                "set-" + overrides[0],
                [Self.file: seeds[0], Self.overridesFile: [UInt8](overrides.joined(separator: "\n").utf8)],
                error: error)
        }
        func text(_ name: String, _ text: String, error: String?) -> CorpusEntry {
            CorpusEntry(name, [Self.file: [UInt8](text.utf8)], error: error)
        }
        return [
            text("empty", "", error: "the key is missing"), text("rich", Self.rich, error: nil),
            text("a zero byte", "data:\0", error: "zero byte"),
            text("an anchor in itself", "data: &a [*a]", error: "c.yaml:1"),
            text("an alias without its anchor", "data: *a", error: "c.yaml:1"),
            CorpusEntry("aliases of aliases", [Self.file: bomb(12, "")], error: "aliases repeat"),
            CorpusEntry("aliases of aliases as a key", [Self.file: bomb(12, "? *a12\n: 1\n")], error: "c.yaml"),
            text("lists in lists", String(repeating: "[", count: 100_000), error: "deep"),
            text("mappings in mappings", String(repeating: "{a: ", count: 100_000), error: "deep"),
            text("lists in lists in lines", String(repeating: "- ", count: 20_000), error: "deep"),
            text("keys in keys", String(repeating: "? ", count: 20_000), error: "deep"),
            set("parallel.placement=0-65535,0-65535,0-65535,0-65535,0-65535,0-65535", error: "placement"),
            set("data.synthetic.samples=1000000000000000000", error: "samples"),
            set("network.layers.9223372036854775808.units=3", error: "is a list of"),
            set("network.layers.-1.units=3", error: "is a list of"), set("=", error: "not a key path"),
            set("..=1", error: "not a key path"), set("a", error: "expected KEY.PATH=VALUE"),
        ]
    }

    func mutant(_ random: inout Random) -> Input {
        var text = random.pick(seeds)
        if !random.once(in: 6) {
            for _ in 0...random.below(random.once(in: 4) ? 12 : 3) { change(&text, &random) }
        }
        var input = Input([Self.file: text])
        if random.once(in: 3) {
            let overrides = (0...random.below(3)).map { _ in override(&random) }
            input[Self.overridesFile] = Array(overrides.joined(separator: [0x0a]))
        }
        return input
    }

    private func change(_ text: inout [UInt8], _ random: inout Random) {
        switch random.below(8) {
        case 0: nest(&text, &random)
        case 1, 2: replaceWord(&text, &random)
        default: Mutations.change(&text, &random, tokens: tokens, other: random.pick(seeds))
        }
    }

    /// Replaces what stands behind a colon, a comma or a bracket.
    private func replaceWord(_ text: inout [UInt8], _ random: inout Random) {
        let from = random.below(text.count + 1)
        guard let start = text[from...].firstIndex(where: { [0x3a, 0x2c, 0x5b, 0x7b].contains($0) }) else { return }
        let end = text[(start + 1)...].firstIndex { [0x2c, 0x0a, 0x5d, 0x7d, 0x3a].contains($0) } ?? text.count
        text.replaceSubrange(start + 1..<end, with: (" " + random.pick(tokens)).utf8)
    }

    /// Inserts lists in lists, or aliases of aliases.
    private func nest(_ text: inout [UInt8], _ random: inout Random) {
        let piece: String
        if random.once(in: 2) {
            let depth = random.pick([2, 10, 998, 1001, 3000])
            piece = String(repeating: random.pick(["[", "{a: ", "- ", "? ", "[[", "{? "]), count: depth)
        } else {
            let levels = 1 + random.below(9)
            piece =
                "\nn0: &n0 [1, 2]\n"
                + (1...levels).map { "n\($0): &n\($0) [*n\($0 - 1), *n\($0 - 1), *n\($0 - 1)]\n" }.joined()
                + random.pick(["", "? *n\(levels)\n: 1\n", "data: *n\(levels)\n"])
        }
        text.insert(contentsOf: piece.utf8, at: random.once(in: 2) ? text.count : random.below(text.count + 1))
    }

    private func override(_ random: inout Random) -> [UInt8] {
        let path = random.pick(Configuration.reference).path.split(separator: ".").map { key in
            key == "N" ? random.pick(["0", "1", "-1", "9223372036854775808", "a"]) : String(key)
        }.joined(separator: ".")
        var text = [UInt8]("\(path)=\(random.pick(tokens))".utf8)
        if random.once(in: 4) { Mutations.change(&text, &random, tokens: tokens, other: random.pick(seeds)) }
        return text.filter { $0 != 0x0a }
    }

    func read(_ input: Input) throws -> Outcome {
        let path = directory + "/" + Self.file
        let overrides = String(decoding: input[Self.overridesFile], as: UTF8.self).split(separator: "\n").map(
            String.init)
        return try outcome(of: [path, "--set "], types: [ConfigurationError.self]) {
            let configuration: Configuration
            do throws(ConfigurationError) {
                configuration = try Configuration.load(path: path, overrides: overrides)
            } catch {
                for text in error.issues.map(\.description) {
                    try require(
                        text.hasPrefix(path) || text.hasPrefix("--set "), "an error that names no file: ‘\(text)’")
                }
                throw error
            }
            let written = configuration.yaml()
            let again = try Configuration(yaml: written, file: path)
            try require(again == configuration, "what it writes reads as something else: \(written)")
            try use(configuration)
            try configuration.validateForTraining(file: path)
        }
    }

    /// What every command does first: networks and plans that fit are made, others refused with a text.
    private func use(_ configuration: Configuration) throws {
        try require(configuration.differencesInMeaning(from: configuration).isEmpty, "differs from itself")
        do {
            let network = configuration.network.description(inputs: 3)
            try NetworkGraph(network).checkSizes()
        } catch let error as NetworkGraphError {
            try require(!error.description.isEmpty, "an error without a text")
        } catch let error as ModelError {
            try require(!error.description.isEmpty, "an error without a text")
        }
    }
}
