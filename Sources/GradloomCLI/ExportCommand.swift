import ArgumentParser
import Foundation
import LoomConfiguration
import LoomInterchange
import LoomKernels
import LoomRuns
import LoomTraining

/// `gradloom export`
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a trained network for another program.",
        discussion: """
            onnx has the whole way from a sample to its prediction: the input 'input', samples × \
            columns of the data, in float32, what training made of the columns, and the outputs \
            'prediction' and, for classes, 'label'. A column of categories is the category's \
            index, and a missing value NaN. safetensors has the parameters under the names of \
            PyTorch's modules, 'LAYER.weight' and 'LAYER.bias', and npz the same as NumPy arrays; \
            both describe the network as JSON.

            Examples:
              gradloom export runs/digits-20260102T030405Z --output digits.onnx
              gradloom export runs/digits-20260102T030405Z --output digits.safetensors
              gradloom export runs/digits-20260102T030405Z --output digits.npz
            """)

    /// What other programs read.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case onnx, safetensors, npz
    }

    @OptionGroup var options: ModelOptions

    @Option(help: "The kind of file; by default what the output is called.")
    var format: Format?

    @Option(
        help: ArgumentHelp("The file to write; - for standard output.", valueName: "file"),
        completion: .file(extensions: ["onnx", "safetensors", "npz"]))
    var output: String

    @OptionGroup var outputs: OutputOptions

    private var chosenFormat: Format? {
        format ?? Format(rawValue: URL(fileURLWithPath: output).pathExtension.lowercased())
    }

    func validate() throws {
        guard chosenFormat != nil else {
            throw ValidationError("--output must end in .onnx, .safetensors or .npz, or --format say what is written.")
        }
    }

    func run() throws {
        try reportingFailures {
            let stored = try options.modelFile()
            switch stored.configuration.training.precision.scalar {
            case .float32: try export(stored, Float.self)
            case .float64: try export(stored, Double.self)
            }
        }
    }

    private func export<Scalar: LoomScalar>(_ stored: ModelFile, _ type: Scalar.Type) throws {
        let destination = try OutputFile(output, replaces: outputs.force)
        let model = TrainedModel(try options.model(stored, type))
        switch chosenFormat! {
        case .onnx:
            let onnx = try model.onnx(version: GradloomCommand.version)
            try destination.write { try $0.append(onnx) }
        case .safetensors: try destination.write { try model.safetensors().append(to: $0) }
        case .npz: try destination.write { try model.writeNpz(to: $0) }
        }
    }
}
