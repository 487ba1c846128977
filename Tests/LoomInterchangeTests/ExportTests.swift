import Foundation
import LoomConfiguration
import LoomData
import LoomKernels
import LoomModel
import LoomRuns
import TestSupport
import Testing

@testable import LoomInterchange

/// What other programs get.
@Suite struct ExportTests {
    private static let training = """
        optimizer: {kind: momentum, learning_rate: 0.01}
        parallel: {workers: 2, placement: none}
        """
    private static let task =
        "data: {synthetic: {task: mixture, samples: 120, inputs: 7, classes: 3, seed: 1}, standardize: true}\n"

    /// Every activation and output, several inputs of a layer, features in parts, scales.
    static let configurations: [String: String] =
        Dictionary(
            uniqueKeysWithValues: ["sigmoid", "relu", "arctan", "tanh", "exp", "softplus"].map {
                ($0, task + "network: {layers: [{units: 9, activation: \($0)}, {units: 3}], output: softmax}\n")
            }
        ).merging([
            "two classes": """
            data: {synthetic: {task: mixture, samples: 120, inputs: 7, classes: 2, seed: 1}}
            network: {layers: [{units: 9, activation: relu}, {units: 1}], output: sigmoid}

            """,
            "softmax-weighted": """
            data: {synthetic: {task: friedman1, samples: 120, inputs: 7, seed: 1}}
            network: {layers: [{units: 5, activation: softmax_weighted, components: 3}, {units: 2, bias: false},
              {units: 1, components: 4}], output: softmax_weighted}

            """,
            "skip connections": """
            data: {synthetic: {task: friedman1, samples: 120, inputs: 7, seed: 1}, standardize: true}
            network: {layers: [{name: a, units: 5, activation: tanh}, {name: b.c, units: 6, activation: relu, inputs: [a, input]},
              {name: d, units: 1, inputs: [b.c, input, a]}], output: identity}

            """,
            "vertices": """
            data: {inline: {inputs: [[0.8, -0.6, 0.1, 0, 0, 0, 1]], targets: [0.9]}}
            network:
              inputs: [x1, x2, x3, x4, x5, x6, x7]
              vertices: [{name: v, kind: softmax_weighted, components: 2}, {name: p, kind: sigmoid}, {name: out, kind: sigmoid}]
              edges:
                - {from: x1, to: v, weights: [0.4, -0.4]}
                - {from: x2, to: v, weights: [-0.3, 1.4]}
                - {from: x6, to: p, weight: 0.3}
                - {from: v, to: p, weight: -1}
                - {from: x7, to: out, weight: 2}
                - {from: p, to: out, weight: 1}
              output: out
            loss: {kind: half_squared}

            """,
        ]) { $1 }

    private static let samples = (0..<13).map { row in (0..<7).map { sin(Double(row * 7 + $0)) * 1.5 } }

    /// A model after two epochs.
    private func model<Scalar: LoomScalar>(
        _ text: String, _: Scalar.Type, files: [String: String] = [:]
    ) throws -> (model: SavedModel<Scalar>, directory: String) {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for (name, content) in files {
            try content.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
        let precision = Scalar.precision == .float32 ? "float32" : "float64"
        let configuration = try Configuration(
            yaml: text + Self.training + "\ntraining: {epochs: 2, precision: \(precision)}\n",
            file: directory + "/c.yaml")
        let machine = try MachineSetup(configuration)
        let experiment = try Experiment<Scalar>(configuration, machine: machine)
        let store = CheckpointStore(directory: directory, keep: 1)
        _ = try experiment.train(checkpoints: store) { _ in }
        let model = try SavedModel<Scalar>(
            configuration, checkpoint: Safetensors(contentsOf: store.newest!), machine: machine)
        return (model, directory)
    }

    private func predictions<Scalar>(_ model: SavedModel<Scalar>, _ source: any DataSource) throws -> [Double] {
        let predictions = try model.predict(source)
        return (0..<source.count * model.network.outputs).map { Double(predictions.pointer[$0]) }
    }

    private func differ(_ one: [Double], _ other: [Double]) -> Double {
        guard one.count == other.count else { return .infinity }
        return zip(one, other).map { abs($0 - $1) / max(1, abs($0)) }.max() ?? 0
    }

    @Test(arguments: configurations.keys.sorted()) func onnxPredictsTheSame(name: String) throws {
        try checkONNX(Self.configurations[name]!, Float.self)
        try checkONNX(Self.configurations[name]!, Double.self)
    }

    private func checkONNX<Scalar: LoomScalar>(_ text: String, _: Scalar.Type) throws {
        let (model, directory) = try model(text, Scalar.self)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let graph = try ONNXInterpreter(TrainedModel(model).onnx(version: "1"))
        #expect(graph.inputs == ["input"])
        let source = try InlineSource(inputs: Self.samples.map { $0.map { Double(Float($0)) } })
        let ours = try predictions(model, source)
        let numbers = Self.samples.flatMap { $0.map { Double(Float($0)) } }
        let results = try graph.run(.init(shape: [13, 7], numbers: numbers))
        let theirs = try #require(results["prediction"])
        #expect(theirs.shape == [13, model.network.outputs])
        #expect(differ(ours, theirs.numbers) < 2e-6)
        guard let label = results["label"] else { return #expect(graph.outputs == ["prediction"]) }
        let outputs = model.network.outputs
        let expected = (0..<13).map { row -> Double in
            let numbers = ours[row * outputs..<(row + 1) * outputs]
            return outputs == 1
                ? (numbers.first! >= 0.5 ? 1 : 0) : Double(numbers.firstIndex(of: numbers.max()!)! - row * outputs)
        }
        #expect(label.numbers == expected)
    }

    /// Categories by their index, missing values, texts as labels.
    @Test func onnxHasWhatTrainingMadeOfATable() throws {
        let colours = ["red", "green", "blue"]
        let rows = (0..<60).map { row -> [String] in
            let x = sin(Double(row)) * 3
            let colour = row % 7 == 0 ? "" : colours[row % 3]
            return ["\(x)", colour, row % 5 == 0 ? "" : "\(cos(Double(row)))", x > 0 ? "yes, of course" : "no"]
        }
        func table(_ rows: [[String]]) -> String {
            (["x,colour,z,answer"] + rows.map { "\($0[0]),\($0[1]),\($0[2]),\"\($0[3])\"" }).joined(separator: "\n")
                + "\n"
        }
        let (model, directory) = try model(
            """
            data: {csv: {path: t.csv, label: answer, missing: mean, categories: [colour]}, standardize: true}
            network: {layers: [{units: 8, activation: tanh}, {units: 2}], output: softmax}

            """, Float.self, files: ["t.csv": table(rows)])
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let exported = TrainedModel(model)
        let graph = try ONNXInterpreter(exported.onnx(version: "1"))
        let columns = try JSONDecoder().decode(
            [CSVColumn].self, from: Data(try #require(graph.metadata["columns"]).utf8))
        #expect(columns.map(\.name) == ["x", "colour", "z"])
        let numbers = rows.flatMap { row in
            zip(row, columns).map { cell, column -> Double in
                if cell.isEmpty { return .nan }
                return column.categories.map { Double($0.firstIndex(of: cell)!) } ?? Double(Float(cell)!)
            }
        }
        let results = try graph.run(.init(shape: [60, 3], numbers: numbers))
        guard case .csv(let table) = model.configuration.data.source else { return }
        let (path, options) = (table.path, table.options)
        let source = try CSVSource(
            path: path, options: options, matching: model.knownColumns,
            readsTargets: false)
        let ours = try predictions(model, source)
        #expect(differ(ours, try #require(results["prediction"]).numbers) < 2e-6)
        let expected = (0..<60).map { model.className(ours[2 * $0] >= ours[2 * $0 + 1] ? 0 : 1) }
        #expect(try #require(results["label"]).texts == expected)
        #expect(Set(expected).isSubset(of: ["no", "yes, of course"]))
    }

    /// Names and shapes of PyTorch's modules, in both kinds of files.
    @Test func tensorsAreThoseOfModules() throws {
        let (model, directory) = try model(Self.configurations["skip connections"]!, Float.self)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let exported = TrainedModel(model)
        try AtomicFile.write(to: directory + "/m.safetensors") { try exported.safetensors().append(to: $0) }
        let file = try Safetensors(contentsOf: directory + "/m.safetensors")
        let shapes = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.shape) })
        #expect(
            shapes == [
                "a.weight": [5, 7], "a.bias": [5], "b_c.weight": [6, 12], "b_c.bias": [6], "d.weight": [1, 18],
                "d.bias": [1],
                "standardization.mean": [7], "standardization.deviation": [7],
            ])
        let description = try JSONDecoder().decode(
            ModelDescription.self, from: Data(try #require(file.metadata["description"]).utf8))
        #expect(description == exported.description)
        #expect(description.layers.map(\.name) == ["a", "b_c", "d"])
        #expect(description.layers[1].inputs == [.layer("a"), .features(first: 0, count: 7)])
        // Weights of several inputs stand side by side.
        let checkpoint = model.parameters
        let index = try #require(checkpoint.layout.tensors.firstIndex { $0.name == "b.c.weights.input" })
        let weights = try file.tensor("b_c.weight").values.converted(to: Float.self)
        let ofInput = (0..<6).flatMap { row -> ArraySlice<Float> in
            let begin = row * 12
            return weights[begin + 5..<begin + 12]
        }
        #expect(ofInput == checkpoint.values(index))

        try AtomicFile.write(to: directory + "/m.npz") { try exported.writeNpz(to: $0) }
        // Vectors are no samples.
        for tensor in file.tensors where tensor.shape.count == 2 {
            let source = try ArraySource(npz: directory + "/m.npz", inputs: tensor.name, targets: nil)
            #expect(source.count == tensor.shape[0] && source.featureCount == tensor.shape.dropFirst().reduce(1, *))
            try source.verifyContent()
        }
    }
}
