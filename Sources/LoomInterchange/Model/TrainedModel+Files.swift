import Foundation
import LoomData
import LoomRuns

extension TrainedModel {
    /// The tensors as PyTorch's modules call them: `LAYER.weight`, pre-activations × inputs, and `LAYER.bias`; with standardised
    /// features `standardization.mean` and `standardization.deviation`. The metadata have the description as JSON.
    package func safetensors() -> Safetensors {
        Safetensors(tensors: tensors, metadata: ["format": "pt", "description": descriptionText])
    }

    /// A NumPy archive of the same tensors; `description.json` in it is the description.
    /// - Throws: `InterchangeError` for more than an archive holds.
    package func writeNpz(to output: borrowing AtomicFile.Output) throws {
        let files = tensors.map { tensor in
            switch tensor.values {
            case .float32(let values): (tensor.name + ".npy", NpyWriter.bytes(values, shape: tensor.shape))
            case .float64(let values): (tensor.name + ".npy", NpyWriter.bytes(values, shape: tensor.shape))
            }
        }
        let all = files + [("description.json", Data(descriptionText.utf8))]
        let bytes = all.reduce(0) { $0 + $1.1.count + 2 * $1.0.utf8.count + 100 }
        guard bytes <= ZipWriter.mostBytes else {
            throw InterchangeError("the parameters take more than the 4 GB of an npz archive; choose safetensors")
        }
        var archive = ZipWriter()
        for (name, content) in all {
            try content.withUnsafeBytes { content in
                try output.append(archive.header(of: name, content: content))
                try output.append(content)
            }
        }
        try output.append(archive.directory())
    }

    private var tensors: [Safetensors.Tensor] {
        var tensors: [Safetensors.Tensor] = []
        for (layer, parameters) in zip(description.layers, parameters) {
            tensors.append(
                .init(
                    name: "\(layer.name).weight", shape: [layer.preActivations, layer.inputCount],
                    values: parameters.weights))
            if let bias = parameters.bias {
                tensors.append(.init(name: "\(layer.name).bias", shape: [layer.preActivations], values: bias))
            }
        }
        if let standardization {
            let shape = [standardization.means.count]
            tensors += [
                .init(name: "standardization.mean", shape: shape, values: .float64(standardization.means)),
                .init(name: "standardization.deviation", shape: shape, values: .float64(standardization.deviations)),
            ]
        }
        return tensors
    }

    /// The description as JSON; the same text for the same model.
    package var descriptionText: String {
        // A description has texts and whole numbers.
        (try? JSONLines.text(description)) ?? ""
    }
}
