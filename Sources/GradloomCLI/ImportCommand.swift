import ArgumentParser
import Foundation
import LoomConfiguration
import LoomInterchange
import LoomModel
import LoomRuns

/// `gradloom import`
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Begin with a network or the parameters of another program.",
        discussion: """
            Of an ONNX model, whose graph has to be one of dense layers, layers and parameters are \
            taken; of safetensors and npz files the parameters, for the network of the \
            configuration. A layer's are called 'LAYER.weight' and 'LAYER.bias', as PyTorch's \
            modules call them; --map names a layer's prefix where it is another one. The output is \
            a configuration, with the parameters beside it, to be trained or checked as any other.

            Examples:
              gradloom import model.onnx --config digits.yaml --output new.yaml
              gradloom import model.safetensors --config digits.yaml --output new.yaml \\
                --map layer1=fc1 --map layer2=fc2
            """)

    @Argument(
        help: "The file: .onnx, .safetensors or .npz.",
        completion: .file(extensions: ["onnx", "safetensors", "npz"]))
    var input: String

    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "The configuration with the data and all but an ONNX model's network.", valueName: "configuration"),
        completion: .file(extensions: ["yaml", "yml"]))
    var base: String

    @Option(
        help: ArgumentHelp(
            "The configuration to write, FILE.yaml; FILE.safetensors is written, too.", valueName: "file"),
        completion: .file(extensions: ["yaml"]))
    var output: String

    @Option(
        name: .customLong("map"),
        help: ArgumentHelp(
            "safetensors, npz: what a layer's tensors begin with; may be repeated.", valueName: "layer=prefix"))
    var prefixes: [String] = []

    @Option(
        help: ArgumentHelp("ONNX: the output that is the prediction; by default the first one.", valueName: "name"))
    var prediction: String?

    @OptionGroup var outputs: OutputOptions

    private var isONNX: Bool { input.lowercased().hasSuffix(".onnx") }

    func validate() throws {
        guard [".onnx", ".safetensors", ".npz"].contains(where: { input.lowercased().hasSuffix($0) }) else {
            throw ValidationError("The input must end in .onnx, .safetensors or .npz.")
        }
        guard output.hasSuffix(".yaml") else { throw ValidationError("--output must end in .yaml.") }
        guard prefixes.allSatisfy({ $0.contains("=") }) else { throw ValidationError("--map wants LAYER=PREFIX.") }
        guard !isONNX || prefixes.isEmpty else { throw ValidationError("--map is for safetensors and npz.") }
        guard isONNX || prediction == nil else { throw ValidationError("--prediction is for ONNX.") }
        try GradloomCLI.validate("--output", output, replacesNot: base, called: "configuration")
        try GradloomCLI.validate("--output", parametersPath, replacesNot: input, called: "input")
    }

    private var parametersPath: String { String(output.dropLast(5)) + ".safetensors" }

    func run() throws {
        try reportingFailures {
            let configurationFile = try OutputFile(output, replaces: outputs.force)
            let parametersFile = try OutputFile(parametersPath, replaces: outputs.force)
            let absolutePath = URL(fileURLWithPath: parametersPath).standardizedFileURL.path
            let (configuration, tensors) = try isONNX ? network(absolutePath) : parameters(absolutePath)
            try parametersFile.write { try Safetensors(tensors: tensors).append(to: $0) }
            try configurationFile.write { try $0.append(configuration.yaml()) }
        }
    }

    private func network(_ parametersPath: String) throws -> (Configuration, [Safetensors.Tensor]) {
        let bytes: [UInt8]
        do {
            bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: input)))
        } catch {
            throw InterchangeError("cannot read '\(input)': \(error.localizedDescription)")
        }
        let imported: ImportedNetwork
        do {
            imported = try ImportedNetwork(DenseGraph(ONNXModel(decoding: bytes), prediction: prediction).description)
        } catch let error as InterchangeError {
            throw InterchangeError("\(input): \(error)")
        }
        let section = try imported.section(parameters: parametersPath)
        return (
            try Configuration.load(path: base, overrides: ["network=" + section], note: printNote), imported.tensors
        )
    }

    private func parameters(_ parametersPath: String) throws -> (Configuration, [Safetensors.Tensor]) {
        // In place of a rule that the configuration may have.
        let initialization = try JSONLines.text(["parameters": parametersPath])
        let settings = try Configuration.load(
            path: base, overrides: ["network.initialization=" + initialization], note: printNote)
        let prefixes = Dictionary(
            self.prefixes.map { entry in
                let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), String(parts[1]))
            }, uniquingKeysWith: { $1 })
        let file = try ParameterFile(input)
        // Layers that read the data tell how many features there are.
        guard let inputs = file.inputs(of: settings.network.description(inputs: 1), prefixes: prefixes) else {
            throw InterchangeError(
                "\(input) has no weights of a layer that reads only the data; name the tensors' prefixes with --map "
                    + "LAYER=PREFIX")
        }
        let network = try Network<Double>(settings.network.description(inputs: inputs))
        return (settings, try file.parameters(of: network, prefixes: prefixes))
    }
}
