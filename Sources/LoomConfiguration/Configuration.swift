import LoomData
import LoomModel
import LoomTraining

/// What a training run was asked to do: an immutable value, read strictly from YAML.
///
/// An unknown key, a wrong type, a missing key or a value out of range is an error that names file, line, key path,
/// what was expected and the nearest valid name; all errors of a file are reported together. Numbers may have
/// underscores between digits; `null` as a value means that the key is not given. Paths of data and parameters are
/// relative to the file's directory, in overrides to the current directory, and become absolute.
public struct Configuration: Sendable, Equatable {
    /// The data and how they are used.
    public internal(set) var data: DataDescription
    /// The network.
    public internal(set) var network: NetworkSettings
    /// What training minimises.
    public internal(set) var loss: LossDescription
    /// How gradients change the parameters.
    public internal(set) var optimizer: OptimizerDescription
    /// How long, in which steps and in which precision.
    public package(set) var training: TrainingSettings
    /// Who works, where, and on which parts.
    public package(set) var parallel: ParallelSettings
    /// What the run leaves behind.
    public internal(set) var run: RunSettings

    /// A configuration made in code; `loss` defaults to what suits the network's output.
    public init(
        data: DataDescription, network: NetworkSettings, loss: LossDescription? = nil,
        optimizer: OptimizerDescription = .init(), training: TrainingSettings = .init(),
        parallel: ParallelSettings = .init(), run: RunSettings = .init()
    ) {
        self.data = data
        self.network = network
        self.loss = loss ?? LossDescription(kind: LossDescription.defaultKind(for: network.output))
        self.optimizer = optimizer
        self.training = training
        self.parallel = parallel
        self.run = run
    }

    /// Reads the file at `path`, and then replaces or adds values by `overrides`, each `KEY.PATH=VALUE`.
    ///
    /// - Parameters:
    ///   - fold: The part of the data that validates, instead of the configuration's fraction.
    ///   - isDataAlone: Whether the network may be missing, because only the data are looked at.
    ///   - note: Gets a line for every key with a former name, which is still read.
    /// - Throws: `ConfigurationError`; its exit code tells a missing file from a wrong one.
    public static func load(
        path: String, overrides: [String] = [], fold: Fold? = nil, isDataAlone: Bool = false,
        note: (String) -> Void = { _ in }
    ) throws(ConfigurationError) -> Configuration {
        let yaml = try Self.text(path)
        return try Configuration(
            yaml: yaml, file: path, overrides: overrides, fold: fold, isDataAlone: isDataAlone, note: note)
    }

    /// The text of the file at `path`.
    private static func text(_ path: String) throws(ConfigurationError) -> String {
        let file: FileBytes
        do throws(FileBytes.Failure) {
            file = try FileBytes.open(path)
        } catch {
            throw ConfigurationError(
                [.init(place: .file(path), keyPath: "", problem: error.problem)], exitCode: error.isMissing ? 66 : 74)
        }
        defer { withExtendedLifetime(file) {} }
        if let format = FileFormat.known(file.bytes) {
            let problem = "the file is \(format.what), expected YAML text; \(format.remedy)"
            throw ConfigurationError([.init(place: .file(path), keyPath: "", problem: problem)])
        }
        if let fault = UTF8Text.firstFault(in: file.bytes) {
            let line = UTF8Text.line(of: fault, in: file.bytes)
            let (problem, remedy) = UTF8Text.describe(file.bytes, faultAt: fault)
            let before = String(decoding: file.bytes[line.start..<fault], as: UTF8.self).count
            let place = ConfigurationError.Place.position(file: path, line: line.number, column: before + 1)
            throw ConfigurationError([.init(place: place, keyPath: "", problem: "\(problem); \(remedy)")])
        }
        // Editors on Windows mark UTF-8 with a byte order mark.
        return String(
            decoding: file.bytes.dropFirst(file.bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0), as: UTF8.self)
    }

    /// Reads `yaml`, the text of `file`, and then replaces or adds values by `overrides`, each `KEY.PATH=VALUE`.
    ///
    /// - Parameters:
    ///   - fold: The part of the data that validates, instead of the configuration's fraction.
    ///   - isDataAlone: Whether the network may be missing, because only the data are looked at.
    ///   - note: Gets a line for every key with a former name, which is still read.
    /// - Throws: `ConfigurationError`.
    public init(
        yaml: String, file: String, overrides: [String] = [], fold: Fold? = nil, isDataAlone: Bool = false,
        note: (String) -> Void = { _ in }
    ) throws(ConfigurationError) {
        let reading = SettingsReading(file: file)
        var root = SettingsNode(content: .mapping([]), origin: .program)
        do {
            if let node = try SettingsNode.parse(yaml: yaml) { root = node }
        } catch {
            let origin =
                error.position.map { SettingsOrigin.file(line: $0.line, column: $0.column) } ?? .program
            reading.report("", at: origin, error.problem)
            throw ConfigurationError(reading.issues)
        }
        FormerKeys.rename(in: &root, reading)
        for override in overrides.compactMap({ SettingsOverride($0, reading: reading) }) {
            override.apply(to: &root, reading: reading)
        }
        // An override may replace a whole mapping.
        FormerKeys.rename(in: &root, reading)
        if let fold { root.validate(on: fold) }
        if isDataAlone { root.addNetworkIfMissing() }
        self = try Self.read(root, reading)
        reading.notes.forEach(note)
    }

    /// Reads `root`, after what was already reported.
    static func read(
        _ root: SettingsNode, _ reading: SettingsReading
    ) throws(ConfigurationError) -> Configuration {
        let configuration = section.read(SettingsValue(node: root, path: "", reading: reading))
        guard reading.issues.isEmpty, let configuration else { throw ConfigurationError(reading.issues) }
        return configuration
    }

    /// The whole configuration with every default filled in: reading it gives an equal value, whatever the file is
    /// called and wherever it lies. Keys without a meaning, such as `momentum` with `adam`, are left out.
    public func yaml() -> String {
        Self.section.write(self).yaml()
    }

    /// All keys, in the order of the sections: made from the lists by which configurations are read.
    public static let reference: [KeyReference] = section.references(below: "")

    /// Checks what only matters for training: no threshold, through which no gradient passes.
    ///
    /// - Parameter file: The configuration's file, for the message.
    /// - Throws: `ConfigurationError`.
    public func validateForTraining(file: String? = nil) throws(ConfigurationError) {
        let place = file.map { ConfigurationError.Place.file($0) } ?? .value
        var issues: [ConfigurationError.Issue] = []
        let reason = "the derivative of threshold is 0 almost everywhere, so no gradient passes it"
        let units: [(key: String, name: String, activation: Activation)] =
            if let vertices = network.vertices {
                vertices.vertices.enumerated().map { ("vertices.\($0).kind", "vertex '\($1.name)'", $1.kind) }
            } else {
                network.layers.enumerated().map { ("layers.\($0).activation", "layer '\($1.name)'", $1.activation) }
            }
        for unit in units where unit.activation == .threshold {
            issues.append(
                .init(
                    place: place, keyPath: "network.\(unit.key)",
                    problem: "\(unit.name) cannot be trained: \(reason); train with sigmoid or tanh"))
        }
        if network.output == .threshold, network.vertices == nil {
            issues.append(
                .init(
                    place: place, keyPath: "network.output",
                    problem:
                        "the network cannot be trained: \(reason); train with sigmoid, which is at least 0.5 "
                        + "exactly where threshold is 1"))
        }
        if let (keyPath, problem) = mixedPrecisionObstacle {
            issues.append(.init(place: place, keyPath: keyPath, problem: problem))
        }
        if !issues.isEmpty { throw ConfigurationError(issues) }
    }
}

// MARK: Sections

extension Configuration {
    static var section: SettingsSection<Configuration> {
        var section = SettingsSection(
            initial: Configuration(
                data: DataDescription(source: .inline(InlineDescription(inputs: [], targets: []))),
                network: NetworkSettings(layers: [], output: .softmax)))
        section.requiredKey("data", \.data, DataDescription.section.type(), "the data and how they are used")
        section.requiredKey("network", \.network, NetworkSettings.type, "the network")
        section.key("loss", \.loss, LossDescription.section.type(), "what training minimises")
        section.key(
            "optimizer", \.optimizer, OptimizerDescription.section.type(),
            "how gradients change the parameters")
        section.key("training", \.training, TrainingSettings.section.type(), "how long and in which steps")
        section.key("parallel", \.parallel, ParallelSettings.section.type(), "who works, and where")
        section.key("run", \.run, RunSettings.section.type(), "what a run leaves behind")
        section.resolve = { configuration, reader in configuration.resolve(reader) }
        return section
    }

    private mutating func resolve(_ reader: SettingsReader) {
        if !reader.has("loss.kind") {
            loss.kind = LossDescription.defaultKind(for: network.output)
        }
        let hasOutput = reader["network"] != nil && reader.isSound("network.output")
        if hasOutput, reader.isSound("loss"), loss.kind == .crossEntropy,
            [.identity, .threshold, .softmaxWeighted].contains(network.output)
        {
            reader.report(
                "loss.kind",
                "cross_entropy compares probabilities, but network.output is \(network.output.rawValue); use the output "
                    + "softmax (one class per sample) or sigmoid (yes or no per unit), or the loss squared_sum"
            )
        }
        checkMixedPrecision(reader)
        if training.earlyStopping != nil, reader.isSound("data.validation"), data.validation == .none {
            reader.report(
                "training.early_stopping",
                "needs a validation loss, but data.validation is not given; give it a fraction, such as 0.1")
        }
    }
}
