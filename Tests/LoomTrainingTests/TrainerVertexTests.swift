import LoomKernels
import LoomModel
import LoomTraining
import TestSupport
import Testing

/// Networks of vertices in the trainer against the exact numbers of the fixtures, in both precisions.
@Suite struct TrainerVertexTests {
    private static let float32Tolerance = Tolerance(absolute: 1e-5, relative: 1e-5)

    @Test(arguments: SeedFixtures.vertexBlocks, [1, 2])
    func everyNumber(_ block: VertexBlock, workers: Int) throws {
        try check(block, Double.self, SeedFixtures.tolerance, workers: workers)
        try check(block, Float.self, Self.float32Tolerance, workers: workers)
    }

    private func check<Scalar: LoomScalar>(
        _ block: VertexBlock, _ type: Scalar.Type, _ tolerance: Tolerance, workers: Int
    ) throws {
        var comparison = Comparison("\(block.fixture) \(Scalar.precision)", tolerance: tolerance)
        try comparePass(block, type, in: &comparison)
        let trainer = try block.problem(target: block.target).trainer(
            type, optimizer: OptimizerDescription(kind: .sgd, learningRate: block.learningRate),
            team: TeamPlan(workers: workers))
        #expect(trainer.network.layout.parameterCount == block.vertices.edges.reduce(0) { $0 + $1.weights!.count })
        let (loss, gradient) = trainer.gradient()
        comparison.compare("loss", loss, block.loss)
        comparison.compare("dl/dw", block.byEdge(gradient.layers), block.lossGradients)
        let report = trainer.run(steps: 1)
        comparison.compare("loss of the step", report.loss, block.loss)
        comparison.compare("weights after", block.byEdge(trainer.parameters.layers), block.weightsAfter)
        comparison.compare("loss after", trainer.gradient().loss, block.lossAfter)
        // With the target ŷ − 1 the loss has the derivative 1, so its gradient is that of ŷ.
        let problem = block.problem(target: block.prediction - 1)
        let ofPrediction = try problem.trainer(type, team: TeamPlan(workers: workers)).gradient().gradient
        comparison.compare("dy/dw", block.byEdge(ofPrediction.layers), block.predictionGradients)
        #expect(comparison.passes, "\(comparison)")
    }

    private func comparePass<Scalar: LoomScalar>(
        _ block: VertexBlock, _ type: Scalar.Type, in comparison: inout Comparison
    ) throws {
        let problem = block.problem(target: block.prediction - 1)
        let network = try Network<Scalar>(problem.network)
        let workspace = Workspace(
            network: network, parameters: network.initialParameters(), capacity: 1, keepsPreActivations: true)
        let data = try problem.dataset(type)
        guard case .values(let targets)? = data.targets else { return }
        let handle = workspace.handle
        let loss = try Loss<Scalar>(problem.loss, output: problem.network.output)
        var correct = 0
        handle.forward(rows: 0..<1, data: data.inputs)
        _ = loss.evaluate(
            handle, rows: 0..<1, targets: BatchTargets(labels: nil, values: targets), scale: 1, correct: &correct)
        handle.backward(rows: 0..<1, data: data.inputs)
        let layers = 0..<handle.layerCount
        block.compare(
            "a", block.byVertex(layers.map { handle.preActivations(of: $0).rowsOfDoubles[0] }, components: true),
            block.energies, in: &comparison)
        block.compare(
            "delta", block.byVertex(layers.map { handle.deltas(of: $0).rowsOfDoubles[0] }, components: true),
            block.deltas, in: &comparison)
        let outputs = layers.map { handle.sourceOutputs($0, data: data.inputs).rowsOfDoubles[0] }
        let hidden = block.outputs.filter { $0.key != block.vertices.outputs[0] }.mapValues { [$0] }
        block.compare("o", block.byVertex(outputs, components: false), hidden, in: &comparison)
        let dInputs = PaddedMatrix<Scalar>(rows: 1, columns: network.inputs)
        handle.inputGradient(rows: 0..<1, into: dInputs.view)
        comparison.compare(
            "dy/dx", dInputs.view.rowsOfDoubles[0], block.vertices.inputs.map { block.outputGradients[$0]! })
        handle.predict(rows: 0..<1)
        comparison.compare("prediction", handle.prediction.rowsOfDoubles[0], [block.prediction])
        withExtendedLifetime((workspace, data, dInputs)) {}
    }

    /// F4.7: a layered network of vertices is the dense one, layer for layer and bit for bit.
    @Test func layeredVerticesAreTheDenseNetwork() throws {
        let block = try #require(SeedFixtures.vertexBlocks.first { $0.fixture == "F4.7" })
        let dense = SeedFixtures.block("F4.7")
        #expect(block.network.layers.map(\.units) == dense.network.layers.map(\.units))
        #expect(block.network.layers.map(\.weights) == dense.network.layers.map(\.weights))
        let vertices = try block.problem(target: block.target).trainer(Float.self)
        let layers = try FastProblem(dense).trainer(Float.self)
        _ = (vertices.run(steps: 50), layers.run(steps: 50))
        #expect(vertices.parameters.layers == layers.parameters.layers)
        #expect(vertices.parameters.hash == layers.parameters.hash)
    }
}
