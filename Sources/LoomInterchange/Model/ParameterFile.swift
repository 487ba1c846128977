import Foundation
import LoomData
import LoomKernels
import LoomModel
import LoomRuns

/// The parameters of a network in the file of another program.
package struct ParameterFile {
    private let path: String
    private let tensors: [String: Safetensors.Tensor]

    /// Reads a safetensors file or an archive of NumPy arrays.
    /// - Throws: `SafetensorsError`, `DataError` or `InterchangeError`.
    package init(_ path: String) throws {
        self.path = path
        let found: [Safetensors.Tensor]
        if path.lowercased().hasSuffix(".npz") {
            let archive = try NpzArchive(path: path)
            found = try archive.keys.map { try Self.tensor($0, of: archive) }
        } else {
            found = try Safetensors(contentsOf: path).tensors
        }
        tensors = Dictionary(found.map { ($0.name, $0) }) { $1 }
    }

    private static func tensor(_ name: String, of archive: NpzArchive) throws(DataError) -> Safetensors.Tensor {
        let array = try archive.array(name)
        try array.verify()
        let buffer = AlignedBuffer<Double>(count: array.rows * array.columns, repeating: 0)
        array.read(
            rows: Array(0..<UInt64(array.rows))[...],
            into: MatrixView(pointer: buffer.pointer, rows: array.rows, columns: array.columns, stride: array.columns))
        return .init(name: name, shape: array.shape, values: .float64(buffer.array))
    }

    /// The features that the layers of `description` read, by the weights of one that reads nothing else; nil: there is none.
    package func inputs(of description: NetworkDescription, prefixes: [String: String]) -> Int? {
        guard let graph = try? NetworkGraph(description) else { return nil }
        for (layer, sources) in zip(graph.description.layers, graph.sources) {
            guard sources.count == 1, case .data = sources[0] else { continue }
            let prefix = prefixes[layer.name] ?? layer.name
            if let weights = tensors["\(prefix).weight"] ?? tensors["\(prefix).weights"], weights.shape.count == 2 {
                return weights.shape[1]
            }
        }
        return nil
    }

    /// The parameters of `network`, under its own names.
    ///
    /// A layer's are called `LAYER.weight`, pre-activations × inputs, with several inputs side by side, and `LAYER.bias`, or as in
    /// a checkpoint; `prefixes` has other names for layers, such as `fc1` or `model.0`.
    /// - Throws: `InterchangeError` that names the layer, and the tensors that there are.
    package func parameters<Scalar>(
        of network: Network<Scalar>, prefixes: [String: String]
    ) throws(InterchangeError) -> [Safetensors.Tensor] {
        for name in prefixes.keys.sorted() where !network.layers.contains(where: { $0.name == name }) {
            throw InterchangeError(
                "--map names the layer '\(name)', but the layers are \(network.layers.map(\.name).joined(separator: ", "))"
            )
        }
        var result: [Safetensors.Tensor] = []
        for layer in network.layers {
            let prefix = prefixes[layer.name] ?? layer.name
            result += try weights(of: layer, prefix: prefix, in: network)
            if let bias = layer.bias {
                let tensor = network.layout.tensors[bias]
                result.append(try one("\(prefix).bias", tensor.shape, as: tensor.name, layer: layer.name))
            }
        }
        return result
    }

    private func weights<Scalar>(
        of layer: Network<Scalar>.Layer, prefix: String, in network: Network<Scalar>
    ) throws(InterchangeError) -> [Safetensors.Tensor] {
        let own = layer.connections.map { network.layout.tensors[$0.weights] }
        if own.allSatisfy({ tensors[$0.name] != nil }), prefix == layer.name {
            var result: [Safetensors.Tensor] = []
            for tensor in own { result.append(try one(tensor.name, tensor.shape, as: tensor.name, layer: layer.name)) }
            return result
        }
        let widths = layer.connections.map(\.sourceColumns.count)
        let count = widths.reduce(0, +)
        let whole = try one("\(prefix).weight", [layer.preActivations, count], as: "", layer: layer.name)
        let numbers = whole.values.converted(to: Double.self)
        var first = 0
        return zip(own, widths).map { tensor, width in
            defer { first += width }
            let values = (0..<layer.preActivations).flatMap { numbers[$0 * count + first..<$0 * count + first + width] }
            return Safetensors.Tensor(name: tensor.name, shape: tensor.shape, values: .float64(values))
        }
    }

    private func one(
        _ name: String, _ shape: [Int], as own: String, layer: String
    ) throws(InterchangeError) -> Safetensors.Tensor {
        guard let tensor = tensors[name] else {
            let there = tensors.keys.sorted().prefix(20).joined(separator: ", ")
            throw InterchangeError(
                "\(path) has no '\(name)' for the layer '\(layer)'; it has \(there)\(tensors.count > 20 ? ", …" : ""). Name the "
                    + "tensors' prefix with --map \(layer)=PREFIX")
        }
        guard tensor.shape == shape else {
            let isTransposed = tensor.shape == Array(shape.reversed()) && shape.count == 2
            throw InterchangeError(
                "'\(name)' in \(path) has the shape \(tensor.shape), and the layer '\(layer)' \(shape)"
                    + (isTransposed ? ": it seems to be inputs × outputs; save it transposed" : ""))
        }
        return .init(name: own, shape: shape, values: tensor.values)
    }
}
