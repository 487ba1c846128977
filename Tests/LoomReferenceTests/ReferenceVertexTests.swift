import LoomModel
import LoomReference
import TestSupport
import Testing

/// Networks of vertices in the reference trainer against the exact numbers of the fixtures.
@Suite struct ReferenceVertexTests {
    @Test(arguments: SeedFixtures.vertexBlocks) func everyNumber(_ block: VertexBlock) throws {
        var comparison = Comparison(block.fixture, tolerance: SeedFixtures.tolerance)
        // With the target ŷ − 1 the loss has the derivative 1, so all gradients are those of ŷ.
        let ofPrediction = try gradients(block, target: block.prediction - 1)
        let pass = ofPrediction.pass
        block.compare(
            "a", block.byVertex(pass.preActivations.map { $0[0] }, components: true), block.energies, in: &comparison)
        block.compare(
            "delta", block.byVertex(ofPrediction.deltas.map { $0[0] }, components: true), block.deltas,
            in: &comparison)
        let output = block.vertices.outputs[0]
        let hidden = block.outputs.filter { $0.key != output }.mapValues { [$0] }
        block.compare("o", block.byVertex(pass.outputs.map { $0[0] }, components: false), hidden, in: &comparison)
        let hiddenGradients = block.outputGradients.filter { $0.key != output }.mapValues { [$0] }
        block.compare(
            "dy/do", block.byVertex(ofPrediction.outputGradients.map { $0[0] }, components: false),
            hiddenGradients, in: &comparison)
        comparison.compare(
            "dy/dx", ofPrediction.inputs[0], block.vertices.inputs.map { block.outputGradients[$0]! })
        comparison.compare("prediction", pass.prediction, [[block.prediction]])
        comparison.compare("dy/dw", block.byEdge(ofPrediction.layers), block.predictionGradients)
        let ofLoss = try gradients(block, target: block.target)
        comparison.compare("loss", ofLoss.totalLoss, block.loss)
        comparison.compare("dl/dw", block.byEdge(ofLoss.layers), block.lossGradients)
        #expect(comparison.passes, "\(comparison)")
    }

    @Test(arguments: SeedFixtures.vertexBlocks) func step(_ block: VertexBlock) throws {
        let problem = block.problem(target: block.target)
        var trainer = try ReferenceTrainer(
            network: problem.network, loss: problem.loss,
            optimizer: OptimizerDescription(kind: .sgd, learningRate: block.learningRate))
        try trainer.step(inputs: problem.inputs, targets: .values(problem.targets))
        var comparison = Comparison(block.fixture, tolerance: SeedFixtures.tolerance)
        comparison.compare("weights", block.byEdge(trainer.parameters), block.weightsAfter)
        comparison.compare(
            "loss", try trainer.totalLoss(inputs: problem.inputs, targets: .values(problem.targets)),
            block.lossAfter)
        #expect(comparison.passes, "\(comparison)")
    }

    private func gradients(_ block: VertexBlock, target: Double) throws -> ReferenceGradients {
        let problem = block.problem(target: target)
        return try ReferenceTrainer(network: problem.network, loss: problem.loss, optimizer: .init())
            .gradients(inputs: problem.inputs, targets: .values(problem.targets))
    }

    /// F4.1: one unit, and the cases where a naive formula overflows.
    @Test func softmaxWeightedUnit() throws {
        let json = SeedFixtures.fixture("F4.1")
        var comparison = Comparison("F4.1", tolerance: SeedFixtures.tolerance)
        let a = try #require(json["inputs"]?["a"]?.vector)
        let expected = try #require(json["expected"])
        comparison.compare("o", ReferenceFunctions.softmaxWeighted(a), try #require(expected["o"]?.number))
        comparison.compare(
            "delta", ReferenceFunctions.softmaxWeightedDerivative(a), try #require(expected["delta"]?.vector))
        comparison.compare("softmax", ReferenceFunctions.softmax(a), try #require(expected["softmax"]?.vector))
        for edge in try #require(json["edge_cases"]?.elements) {
            let a = try #require(edge["a"]?.vector)
            comparison.compare("o of \(a)", ReferenceFunctions.softmaxWeighted(a), try #require(edge["o"]?.number))
            if let delta = edge["delta"]?.vector {
                comparison.compare("delta of \(a)", ReferenceFunctions.softmaxWeightedDerivative(a), delta)
            }
        }
        #expect(comparison.passes, "\(comparison)")
    }

    /// Central differences on random graphs: every parameter and every input.
    @Test(arguments: 1...(Effort.isSoak ? 100 : 8)) func gradientsAgreeWithCentralDifferences(seed: Int) throws {
        let smooth: [Activation] = [.sigmoid, .tanh, .arctan, .softplus, .softmaxWeighted, .identity]
        let problem = RandomGraph.problem(seed: UInt64(seed), rows: 3, activations: smooth)
        let targets = ReferenceTargets.values(problem.targets)
        let trainer = try ReferenceTrainer(network: problem.network, loss: problem.loss, optimizer: .init())
        let gradients = try trainer.gradients(inputs: problem.inputs, targets: targets)
        func loss(_ parameters: [ReferenceLayer], _ inputs: [[Double]]) throws -> Double {
            try ReferenceTrainer(
                network: trainer.network, loss: problem.loss, optimizer: .init(), parameters: parameters
            ).totalLoss(inputs: inputs, targets: targets)
        }
        var comparison = Comparison("\(problem)", tolerance: Tolerance(absolute: 1e-7, relative: 1e-7))
        let step = 1e-5
        for (index, layer) in trainer.parameters.enumerated() {
            for (connection, weights) in layer.connections.enumerated() {
                for row in weights.indices {
                    for column in weights[row].indices {
                        var sides: [Double] = []
                        for sign in [1.0, -1] {
                            var moved = trainer.parameters
                            moved[index].connections[connection][row][column] += sign * step
                            sides.append(try loss(moved, problem.inputs))
                        }
                        comparison.compare(
                            "W[\(index)][\(connection)][\(row), \(column)]",
                            gradients.layers[index].connections[connection][row][column],
                            (sides[0] - sides[1]) / (2 * step))
                    }
                }
            }
        }
        for row in problem.inputs.indices {
            for column in problem.inputs[row].indices {
                let sides = try [1.0, -1].map { sign in
                    var inputs = problem.inputs
                    inputs[row][column] += sign * step
                    return try loss(trainer.parameters, inputs)
                }
                comparison.compare(
                    "x[\(row), \(column)]", gradients.inputs[row][column], (sides[0] - sides[1]) / (2 * step))
            }
        }
        #expect(comparison.passes, "\(comparison)")
    }
}
