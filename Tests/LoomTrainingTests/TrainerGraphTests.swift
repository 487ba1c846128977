import Foundation
import LoomKernels
import LoomModel
import LoomTraining
import TestSupport
import Testing

/// Networks that are no chains, in the trainer. That random ones equal the reference, with the same bits for any number of
/// workers, is a property of trainings (`TrainingPropertyTests`).
@Suite struct TrainerGraphTests {
    // MARK: Equal networks

    /// The order in which layers are listed decides nothing but the order of the tensors.
    @Test func listingOrderDoesNotMatter() throws {
        let problem = RandomGraph.problem(seed: 12)
        var sorted = problem
        sorted.network = try NetworkGraph(problem.network).description
        #expect(sorted.network != problem.network)
        let (one, other) = (try problem.trainer(Double.self), try sorted.trainer(Double.self))
        _ = (one.run(steps: 5), other.run(steps: 5))
        #expect(one.parameters.hash == other.parameters.hash)
    }

    /// Two inputs with a matrix each are one input with both matrices side by side.
    @Test func severalInputsAreOneWideInput() throws {
        var random = TestRandom(seed: 4)
        func matrix(_ rows: Int, _ columns: Int) -> [[Double]] {
            (0..<rows).map { _ in (0..<columns).map { _ in random.uniform(0.5) } }
        }
        let (first, second, ofLayer) = (matrix(3, 4), matrix(3, 4), matrix(2, 3))
        let inputs = matrix(10, 4), targets = matrix(10, 2)
        let loss = LossDescription(kind: .squaredSum)
        func problem(_ layers: [LayerDescription]) -> FastProblem {
            FastProblem(
                network: NetworkDescription(inputs: 4, layers: layers, output: .identity), loss: loss,
                inputs: inputs, targets: targets, description: "")
        }
        let output = LayerDescription(
            name: "output", units: 2, inputs: ["hidden", "skip"], connectionWeights: [ofLayer, ofLayer])
        let graph = problem([
            LayerDescription(name: "hidden", units: 3, activation: .tanh, weights: first),
            LayerDescription(name: "skip", units: 3, activation: .tanh, inputs: ["input"], connectionWeights: [second]),
            output,
        ])
        let chain = problem([
            LayerDescription(name: "hidden", units: 6, activation: .tanh, weights: first + second),
            LayerDescription(name: "output", units: 2, weights: zip(ofLayer, ofLayer).map(+)),
        ])
        let (one, other) = (try graph.trainer(Double.self), try chain.trainer(Double.self))
        _ = (one.run(steps: 20), other.run(steps: 20))
        let (layers, wide) = (one.parameters.layers, other.parameters.layers)
        var comparison = Comparison("wide", tolerance: Tolerance(absolute: 1e-13, relative: 1e-12))
        comparison.compare("first", layers[0].weights + layers[1].weights, wide[0].weights)
        comparison.compare(
            "output", zip(layers[2].connections[0], layers[2].connections[1]).map(+), wide[1].weights)
        comparison.compare("bias", layers[2].bias, wide[1].bias)
        #expect(comparison.passes, "\(comparison)")
    }
}
