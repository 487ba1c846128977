import LoomKernels
import LoomModel
import TestSupport
import Testing

/// Forward, loss and backward of the fast passes against the exact numbers of the fixtures, in both precisions.
struct FixtureTests {
    private static let float32Tolerance = Tolerance(absolute: 1e-5, relative: 1e-5)

    @Test(arguments: SeedFixtures.denseBlocks)
    func forward(_ block: DenseBlock) throws {
        try checkForward(block, Double.self, SeedFixtures.tolerance)
        try checkForward(block, Float.self, Self.float32Tolerance)
    }

    @Test(arguments: SeedFixtures.trainableBlocks)
    func gradients(_ block: DenseBlock) throws {
        try checkGradients(block, Double.self, SeedFixtures.tolerance)
        try checkGradients(block, Float.self, Self.float32Tolerance)
    }

    private func workspace<Scalar: LoomScalar>(
        _ block: DenseBlock, _: Scalar.Type
    ) throws -> Workspace<Scalar> {
        let network = try Network<Scalar>(block.network)
        return Workspace(
            network: network, parameters: network.initialParameters(), capacity: block.inputs.count,
            keepsPreActivations: true)
    }

    private func checkForward<Scalar: LoomScalar>(
        _ block: DenseBlock, _ type: Scalar.Type, _ tolerance: Tolerance
    ) throws {
        let workspace = try workspace(block, type)
        let data = try FastProblem(block).dataset(type)
        let rows = 0..<block.inputs.count
        let handle = workspace.handle
        handle.forward(rows: rows, data: data.inputs)
        var comparison = Comparison("\(block.id) \(Scalar.precision)", tolerance: tolerance)
        for layer in 0..<handle.layerCount - 1 {
            comparison.compare(
                "Z[\(layer)]", handle.preActivations(of: layer).rowsOfDoubles, block.preActivations[layer])
            comparison.compare(
                "U[\(layer)]", handle.sourceOutputs(layer, data: data.inputs).rowsOfDoubles, block.outputs[layer])
        }
        handle.predict(rows: rows)
        comparison.compare("prediction", handle.prediction.rowsOfDoubles, block.prediction)
        #expect(comparison.passes, "\(comparison)")
        withExtendedLifetime((workspace, data)) {}
    }

    private func checkGradients<Scalar: LoomScalar>(
        _ block: DenseBlock, _ type: Scalar.Type, _ tolerance: Tolerance
    ) throws {
        let expected = try #require(block.training)
        let workspace = try workspace(block, type)
        let problem = FastProblem(block)
        let data = try problem.dataset(type)
        let rows = 0..<block.inputs.count
        let handle = workspace.handle
        let loss = try Loss<Scalar>(expected.loss, output: block.network.output)
        let batch = try TargetMemory(data, rows: rows.count)
        handle.forward(rows: rows, data: data.inputs)
        var correct = 0
        let scale = loss.scale(samples: rows.count)
        let sum = loss.evaluate(handle, rows: rows, targets: batch.targets, scale: scale, correct: &correct)
        handle.backward(rows: rows, data: data.inputs)
        let dInputs = PaddedMatrix<Scalar>(rows: rows.count, columns: block.network.inputs)
        handle.inputGradient(rows: rows, into: dInputs.view)

        var comparison = Comparison("\(block.id) \(Scalar.precision)", tolerance: tolerance)
        let last = handle.layerCount - 1
        comparison.compare("Z[\(last)]", handle.logits.rowsOfDoubles, block.preActivations[last])
        comparison.compare("data loss", scale * sum, expected.dataLoss)
        for layer in 0...last {
            comparison.compare("dZ[\(layer)]", handle.deltas(of: layer).rowsOfDoubles, expected.deltas[layer])
        }
        comparison.compare("dX", dInputs.view.rowsOfDoubles, expected.inputGradients)
        #expect(comparison.passes, "\(comparison)")
        withExtendedLifetime((workspace, data, batch, dInputs)) {}
    }

    /// Shards of one batch written separately are the batch: forward, loss and backward touch their own rows only.
    @Test(arguments: SeedFixtures.trainableBlocks)
    func partsOfABatch(_ block: DenseBlock) throws {
        let expected = try #require(block.training)
        let workspace = try workspace(block, Double.self)
        let data = try FastProblem(block).dataset(Double.self)
        let loss = try Loss<Double>(expected.loss, output: block.network.output)
        let count = block.inputs.count
        let batch = try TargetMemory(data, rows: count)
        let handle = workspace.handle
        var sum = 0.0
        var correct = 0
        for row in (0..<count).reversed() {
            let rows = row..<row + 1
            handle.forward(rows: rows, data: data.inputs)
            sum += loss.evaluate(
                handle, rows: rows, targets: batch.targets, scale: loss.scale(samples: count), correct: &correct)
            handle.backward(rows: rows, data: data.inputs)
        }
        var comparison = Comparison(block.id, tolerance: SeedFixtures.tolerance)
        comparison.compare("data loss", loss.scale(samples: count) * sum, expected.dataLoss)
        for layer in 0..<handle.layerCount {
            comparison.compare("dZ[\(layer)]", handle.deltas(of: layer).rowsOfDoubles, expected.deltas[layer])
        }
        #expect(comparison.passes, "\(comparison)")
        withExtendedLifetime((workspace, data, batch)) {}
    }
}
