import LoomKernels
import TestSupport
import Testing

@testable import LoomModel

/// The memory of a batch, and the passes over parts of it.
@Suite struct WorkspaceTests {
    private func problem(_ activation: Activation, rows: Int = 9) -> FastProblem {
        FastProblem(
            RandomProblem(
                seed: 6, layers: [5, 19, 17, 3], activation: activation, output: .softmax,
                loss: LossDescription(kind: .crossEntropy), rows: rows))
    }

    @Test(arguments: Activation.allCases) func matricesAreAlignedAndApart(activation: Activation) throws {
        try checkMatrices(Float.self, activation)
        try checkMatrices(Double.self, activation)
    }

    private func checkMatrices<Scalar: LoomScalar>(_: Scalar.Type, _ activation: Activation) throws {
        let network = try Network<Scalar>(problem(activation).network)
        let parameters = network.initialParameters()
        for (training, keeps) in [(true, false), (false, false), (true, true), (false, true)] {
            let workspace = Workspace(
                network: network, parameters: parameters, capacity: 7, training: training,
                keepsPreActivations: keeps)
            let handle = workspace.handle
            var starts: [Int: Int] = [:]
            for layer in 0..<handle.layerCount {
                let isHidden = layer < handle.layerCount - 1
                let combines = isHidden && activation == .softmaxWeighted
                let rows = network.layers[layer].preActivations
                for matrix in [
                    handle.outputs(of: layer), handle.preActivations(of: layer), handle.deltas(of: layer),
                    handle.layers[layer].outputGradients,
                ] {
                    #expect(matrix.rows == 7)
                    #expect(matrix.stride == Padding.stride(columns: matrix.columns, of: Scalar.self))
                    #expect(Int(bitPattern: matrix.pointer).isMultiple(of: 64))
                    starts[Int(bitPattern: matrix.pointer)] = 7 * matrix.stride * MemoryLayout<Scalar>.stride
                }
                #expect(handle.outputs(of: layer).columns == network.layers[layer].units)
                #expect(handle.preActivations(of: layer).columns == rows)
                if training { #expect(handle.deltas(of: layer).columns == rows) }
                #expect((handle.deltas(of: layer).pointer != handle.outputs(of: layer).pointer) == training)
                let splits = handle.layers[layer].outputGradients.pointer != handle.deltas(of: layer).pointer
                #expect(splits == (training && combines))
                // The derivatives of relu (0 at 0), sigmoid, tanh and exp need the outputs only.
                let needsZ: Set<Activation> = [.arctan, .softplus, .threshold]
                let keepsZ =
                    isHidden
                    && (combines || (training && needsZ.contains(activation)) || (keeps && activation != .identity))
                #expect((handle.preActivations(of: layer).pointer != handle.outputs(of: layer).pointer) == keepsZ)
            }
            // Together they are all of the memory, without overlap.
            let sorted = starts.sorted { $0.key < $1.key }
            for (one, next) in zip(sorted, sorted.dropFirst()) { #expect(one.key + one.value == next.key) }
            #expect(sorted.reduce(0) { $0 + $1.value } == workspace.bytes)
            if training, !keeps { #expect(workspace.bytes == 7 * Workspace.bytesPerSample(of: network)) }
        }
    }

    /// Beside packed outputs and deltas of the hidden layers there are the last layer's, what derivatives need, and sums.
    @Test(arguments: [
        (Activation.relu, false, [[], [], [3, 3]]),
        // z, from which the derivative is computed.
        (.arctan, false, [[19], [17], [3, 3]]),
        // Two products make ∂L/∂u of the first layer, and two z of the second one.
        (.relu, true, [[19], [17], [3, 3]]), (.arctan, true, [[19, 19], [17], [3, 3]]),
    ]) func besidePackedMatrices(activation: Activation, skips: Bool, expected: [[Int]]) throws {
        let network = try Network<Float>(
            NetworkDescription(
                inputs: 5,
                layers: [
                    LayerDescription(name: "first", units: 19, activation: activation),
                    LayerDescription(
                        name: "second", units: 17, activation: activation,
                        inputs: skips ? ["input", "first"] : ["first"]),
                    LayerDescription(name: "third", units: 3, inputs: skips ? ["first", "second"] : ["second"]),
                ], output: .softmax))
        let workspace = Workspace(
            besidePacked: network, parameters: network.initialParameters(), capacity: 7, gemmBackend: .builtin)
        var starts: [UnsafeMutablePointer<Float>: MatrixView<Float>] = [:]
        for layer in 0..<3 {
            let handle = workspace.handle.layers[layer]
            var columns: [Int] = []
            for matrix in [handle.preActivations, handle.outputGradients, handle.outputs, handle.deltas]
            where matrix.columns > 0 && starts[matrix.pointer] == nil {
                starts[matrix.pointer] = matrix
                columns.append(matrix.columns)
            }
            #expect(columns == expected[layer], "layer \(layer)")
        }
        let elements = starts.values.reduce(0) { $0 + 7 * $1.stride }
        #expect(workspace.bytes == elements * MemoryLayout<Float>.stride)
        #expect(workspace.bytes == 7 * Workspace.bytesPerSample(besidePacked: network))
    }

    /// Kept pre-activations are z, and the outputs beside them u.
    @Test func keptPreActivations() throws {
        let problem = problem(.tanh)
        let network = try Network<Double>(problem.network)
        let workspace = Workspace(
            network: network, parameters: network.initialParameters(), capacity: 9, training: false,
            keepsPreActivations: true)
        let data = try problem.dataset(Double.self)
        workspace.handle.forward(rows: 0..<9, data: data.inputs)
        let random = RandomProblem(
            seed: 6, layers: [5, 19, 17, 3], activation: .tanh, output: .softmax, loss: problem.loss, rows: 9)
        let expected = try random.referenceTrainer().forward(inputs: problem.inputs)
        var comparison = Comparison("tanh", tolerance: Tolerance(absolute: 1e-13, relative: 1e-13))
        for layer in 0..<2 {
            comparison.compare(
                "Z", workspace.handle.preActivations(of: layer).rowsOfDoubles, expected.preActivations[layer])
            comparison.compare("U", workspace.handle.outputs(of: layer).rowsOfDoubles, expected.outputs[layer])
        }
        #expect(comparison.passes, "\(comparison)")
        withExtendedLifetime((workspace, data)) {}
    }

    /// A pass over some rows writes these rows and no other, whatever the shapes of its calls.
    @Test(arguments: [0..<9, 0..<4, 3..<7, 8..<9], [1, 2, 3, .max])
    func passesWriteTheirOwnRows(rows: Range<Int>, rowsPerCall: Int) throws {
        let problem = problem(.softplus)
        let network = try Network<Double>(problem.network)
        let parameters = network.initialParameters()
        let data = try problem.dataset(Double.self)
        let batch = try TargetMemory(data, rows: 9)
        let loss = try Loss<Double>(problem.loss, output: .softmax)
        func run(_ rows: Range<Int>, rowsPerCall: Int) -> Workspace<Double> {
            let workspace = Workspace(network: network, parameters: parameters, capacity: 9)
            workspace.fillBytes(0xff)
            let shapes = Array(
                repeating: CallShape(rowsPerForwardCall: rowsPerCall, rowsPerBackwardCall: rowsPerCall), count: 3)
            let handle = workspace.handle
            var correct = 0
            handle.forward(rows: rows, data: data.inputs, callShapes: shapes)
            _ = loss.evaluate(handle, rows: rows, targets: batch.targets, scale: 0.5, correct: &correct)
            handle.backward(rows: rows, data: data.inputs, callShapes: shapes)
            return workspace
        }
        let whole = run(0..<9, rowsPerCall: .max)
        let part = run(rows, rowsPerCall: rowsPerCall)
        var comparison = Comparison("rows \(rows)", tolerance: Tolerance(absolute: 1e-14, relative: 1e-13))
        for layer in 0..<3 {
            for (got, want) in [
                (part.handle.outputs(of: layer), whole.handle.outputs(of: layer)),
                (part.handle.preActivations(of: layer), whole.handle.preActivations(of: layer)),
                (part.handle.deltas(of: layer), whole.handle.deltas(of: layer)),
            ] {
                comparison.compare(
                    "layer \(layer)", got.rows(rows).rowsOfDoubles, want.rows(rows).rowsOfDoubles)
                for row in (0..<9) where !rows.contains(row) {
                    #expect((0..<got.stride).allSatisfy { got.pointer[row * got.stride + $0].isNaN })
                }
            }
        }
        #expect(comparison.passes, "\(comparison)")
        withExtendedLifetime((whole, part, data, batch)) {}
    }

    @Test func touchWritesTheRowsOfEveryMatrix() throws {
        let network = try Network<Float>(problem(.arctan).network)
        let workspace = Workspace(network: network, parameters: network.initialParameters(), capacity: 6)
        workspace.fillBytes(0xff)
        workspace.touch(rows: 2..<4)
        let handle = workspace.handle
        for layer in 0..<3 {
            for matrix in [handle.outputs(of: layer), handle.preActivations(of: layer), handle.deltas(of: layer)] {
                for row in 0..<6 {
                    let values = (0..<matrix.stride).map { matrix.pointer[row * matrix.stride + $0] }
                    #expect(values.allSatisfy { (2..<4).contains(row) ? $0 == 0 : $0.isNaN })
                }
            }
        }
        withExtendedLifetime(workspace) {}
    }

    /// Predictions replace the logits of their rows.
    @Test(arguments: OutputMap.allCases) func predictions(output: OutputMap) throws {
        let random = RandomProblem(
            seed: 2, layers: [4, 6, 5], activation: .sigmoid, output: output,
            loss: LossDescription(kind: .squaredSum), rows: 8)
        let problem = FastProblem(random)
        let network = try Network<Double>(problem.network)
        let workspace = Workspace(
            network: network, parameters: network.initialParameters(), capacity: 8, training: false)
        let data = try problem.dataset(Double.self)
        workspace.handle.forward(rows: 0..<8, data: data.inputs)
        let before = workspace.handle.logits.rowsOfDoubles
        workspace.handle.predict(rows: 2..<5)
        let expected = try random.referenceTrainer().forward(inputs: problem.inputs).prediction
        let after = workspace.handle.logits.rowsOfDoubles
        let prediction = workspace.handle.prediction.rowsOfDoubles
        var comparison = Comparison("\(output)", tolerance: Tolerance(absolute: 1e-14, relative: 1e-13))
        comparison.compare("prediction", Array(prediction[2..<5]), Array(expected[2..<5]))
        #expect(comparison.passes, "\(comparison)")
        #expect(after[..<2] == before[..<2] && after[5...] == before[5...])
        withExtendedLifetime((workspace, data)) {}
    }
}
