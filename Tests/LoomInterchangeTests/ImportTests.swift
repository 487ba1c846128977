import Foundation
import LoomData
import LoomKernels
import LoomModel
import LoomRuns
import TestSupport
import Testing

@testable import LoomInterchange

/// What other programs give.
@Suite struct ImportTests {
    private static let samples = (0..<9).map { row in (0..<4).map { sin(Double(row * 4 + $0)) } }

    /// A graph of these nodes on four columns `x`, with the output `y`.
    private func graph(_ nodes: [ONNXModel.Node], _ constants: [ONNXModel.Tensor]) -> ONNXModel {
        var model = ONNXModel()
        (model.nodes, model.constants) = (nodes, constants)
        model.inputs = [.init(name: "x", type: .float32, columns: 4)]
        model.outputs = [.init(name: "y", type: .float32, columns: nil)]
        return model
    }

    private func matrix(_ name: String, _ rows: Int, _ columns: Int, seed: Double) -> ONNXModel.Tensor {
        .init(
            name: name, shape: rows == 0 ? [columns] : [rows, columns],
            values: .float64((0..<max(rows, 1) * columns).map { sin(seed + Double($0)) }))
    }

    /// What the interpreter and the imported network make of the samples.
    private func check(_ model: ONNXModel, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let read = try ONNXModel(decoding: model.encoded())
        let description = try DenseGraph(read).description
        let network = try Network<Double>(description)
        let workspace = Workspace(
            network: network, parameters: network.initialParameters(), capacity: 9, training: false,
            gemmBackend: .builtin)
        let buffer = AlignedBuffer<Double>(Self.samples.flatMap { $0 })
        let data = MatrixView(pointer: buffer.pointer, rows: 9, columns: 4, stride: 4)
        defer { withExtendedLifetime((buffer, workspace)) {} }
        workspace.handle.forward(rows: 0..<9, data: data)
        workspace.handle.predict(rows: 0..<9)
        let ours = workspace.handle.prediction.rowsOfDoubles.flatMap { $0 }
        let theirs = try ONNXInterpreter(model.encoded()).run(
            .init(shape: [9, 4], numbers: Self.samples.flatMap { $0 }))["y"]
        let expected = try #require(theirs).numbers
        #expect(ours.count == expected.count, sourceLocation: sourceLocation)
        for (one, other) in zip(ours, expected) { #expect(abs(one - other) < 1e-12, sourceLocation: sourceLocation) }
    }

    private static let activations = ["Relu", "Sigmoid", "Tanh", "Atan", "Exp", "Softplus"]

    @Test(arguments: activations, ["Softmax", "Sigmoid", "Identity"])
    func chainsAreRead(activation: String, output: String) throws {
        let attributes: [(name: String, value: ONNXModel.Node.Attribute)] = [("transB", .int(1))]
        try check(
            graph(
                [
                    .init(
                        operation: "Gemm", inputs: ["x", "fc1.weight", "fc1.bias"], outputs: ["a"],
                        attributes: attributes),
                    .init(operation: activation, inputs: ["a"], outputs: ["b"]),
                    .init(operation: "Gemm", inputs: ["b", "fc2.weight"], outputs: ["c"], attributes: attributes),
                    .init(
                        operation: output, inputs: ["c"], outputs: ["y"],
                        attributes: output == "Softmax" ? [("axis", .int(1))] : []),
                ],
                [
                    matrix("fc1.weight", 5, 4, seed: 1), matrix("fc1.bias", 0, 5, seed: 2),
                    matrix("fc2.weight", 3, 5, seed: 3),
                ]))
    }

    /// scikit-learn's converter writes products and sums; what comes before them becomes part of the weights.
    @Test func productsAndSumsAreRead() throws {
        try check(
            graph(
                [
                    .init(operation: "Sub", inputs: ["x", "mean"], outputs: ["p"]),
                    .init(operation: "Div", inputs: ["p", "deviation"], outputs: ["q"]),
                    .init(operation: "MatMul", inputs: ["q", "W1"], outputs: ["a"]),
                    .init(operation: "Add", inputs: ["a", "b1"], outputs: ["b"]),
                    .init(operation: "Tanh", inputs: ["b"], outputs: ["c"]),
                    .init(operation: "Concat", inputs: ["c", "x"], outputs: ["d"], attributes: [("axis", .int(1))]),
                    .init(operation: "MatMul", inputs: ["d", "W2"], outputs: ["e"]),
                    .init(operation: "MatMul", inputs: ["q", "W3"], outputs: ["f"]),
                    .init(operation: "Add", inputs: ["e", "f"], outputs: ["g"]),
                    .init(operation: "Sigmoid", inputs: ["g"], outputs: ["y"]),
                ],
                [
                    matrix("mean", 0, 4, seed: 1),
                    .init(name: "deviation", shape: [4], values: .float64([1, 2, 0.5, 4])),
                    matrix("W1", 4, 5, seed: 2), matrix("b1", 0, 5, seed: 3), matrix("W2", 9, 2, seed: 4),
                    matrix("W3", 4, 2, seed: 5),
                ]))
    }

    @Test(arguments: [
        ("LeakyRelu", "the operator LeakyRelu, which makes 'y', has no counterpart here"),
        ("Relu", "the last layer has the activation relu"),
    ]) func graphsOfOtherKindsAreRefused(operation: String, reason: String) throws {
        let model = graph(
            [
                .init(operation: "MatMul", inputs: ["x", "W"], outputs: ["a"]),
                .init(operation: operation, inputs: ["a"], outputs: ["y"]),
            ], [matrix("W", 4, 2, seed: 1)])
        let error = #expect(throws: InterchangeError.self) { try DenseGraph(model) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    /// Every beginning of a file, and a byte changed anywhere: an error, or another model, but never a trap.
    @Test func damagedFilesAreSurvived() throws {
        let model = graph(
            [
                .init(operation: "Gemm", inputs: ["x", "W", "b"], outputs: ["a"], attributes: [("transB", .int(1))]),
                .init(operation: "Softmax", inputs: ["a"], outputs: ["y"], attributes: [("axis", .int(1))]),
            ], [matrix("W", 3, 4, seed: 1), matrix("b", 0, 3, seed: 2)])
        let bytes = model.encoded()
        var refusals = 0
        func read(_ bytes: [UInt8]) {
            do {
                _ = try ImportedNetwork(DenseGraph(ONNXModel(decoding: bytes)).description)
            } catch {
                refusals += 1
            }
        }
        for count in bytes.indices { read(Array(bytes[..<count])) }
        for index in bytes.indices {
            for mask: UInt8 in [1, 0x10, 0x80, 0xFF] {
                var changed = bytes
                changed[index] ^= mask
                read(changed)
            }
        }
        #expect(refusals > bytes.count)
    }

    // MARK: Parameters

    private static let network = NetworkDescription(
        inputs: 4,
        layers: [
            LayerDescription(name: "a", units: 5, activation: .tanh),
            LayerDescription(name: "b", units: 2, inputs: ["a", "input"]),
        ], output: .softmax)

    private func inFile(
        _ tensors: [Safetensors.Tensor], npz: Bool, _ body: (ParameterFile) throws -> Void
    ) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "\(UUID()).\(npz ? "npz" : "safetensors")"
        ).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try AtomicFile.write(to: path) { output in
            guard npz else { return try Safetensors(tensors: tensors).append(to: output) }
            var archive = ZipWriter()
            for tensor in tensors {
                let content = NpyWriter.bytes(tensor.values.converted(to: Double.self), shape: tensor.shape)
                try content.withUnsafeBytes {
                    try output.append(archive.header(of: tensor.name + ".npy", content: $0))
                    try output.append($0)
                }
            }
            try output.append(archive.directory())
        }
        try body(ParameterFile(path))
    }

    private func tensor(_ name: String, _ shape: [Int]) -> Safetensors.Tensor {
        .init(name: name, shape: shape, values: .float64((0..<shape.reduce(1, *)).map { Double($0) }))
    }

    @Test(arguments: [false, true]) func parametersAreFoundByTheirPrefixes(npz: Bool) throws {
        let tensors = [
            tensor("model.0.weight", [5, 4]), tensor("model.0.bias", [5]), tensor("b.weight", [2, 9]),
            tensor("b.bias", [2]),
        ]
        try inFile(tensors, npz: npz) { file in
            #expect(file.inputs(of: Self.network, prefixes: ["a": "model.0"]) == 4)
            let found = try file.parameters(of: Network<Float>(Self.network), prefixes: ["a": "model.0"])
            let values = Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0.values.converted(to: Double.self)) })
            #expect(values["a.weights"] == (0..<20).map { Double($0) })
            // The columns of each input.
            #expect(values["b.weights.a"] == [0, 1, 2, 3, 4, 9, 10, 11, 12, 13])
            #expect(values["b.weights.input"] == [5, 6, 7, 8, 14, 15, 16, 17])
            #expect(values["b.bias"] == [0, 1] && values.count == 5)
            let error = #expect(throws: InterchangeError.self) {
                try file.parameters(of: Network<Float>(Self.network), prefixes: [:])
            }
            #expect(error?.description.contains("--map a=PREFIX") == true)
            let unknown = #expect(throws: InterchangeError.self) {
                try file.parameters(of: Network<Float>(Self.network), prefixes: ["c": "b"])
            }
            #expect(unknown?.description.contains("the layers are a, b") == true)
        }
        try inFile([tensor("a.weight", [4, 5])], npz: npz) { file in
            let error = #expect(throws: InterchangeError.self) {
                try file.parameters(of: Network<Float>(Self.network), prefixes: [:])
            }
            #expect(error?.description.contains("save it transposed") == true)
        }
    }
}
