import Foundation
import LoomKernels
import LoomModel
import LoomTraining
import TestSupport
import Testing

/// Networks that are no chains, in the trainer: skip connections, outputs with several readers, layers with several
/// inputs, the data read at several depths, softmax-weighted layers.
@Suite struct TrainerGraphTests {
    // MARK: Against the reference

    /// Every optimizer in turn, with and without clipping, on random graphs in batches that do not divide.
    @Test(arguments: 1...40) func equalsTheReference(seed: Int) throws {
        let problem = RandomGraph.problem(seed: UInt64(seed), hidden: 2 + seed % 6, rows: 23)
        let kinds = OptimizerDescription.Kind.allCases
        let optimizer = OptimizerDescription(
            kind: kinds[seed % kinds.count], learningRate: 0.02, weightDecay: 0.1,
            clipNorm: seed.isMultiple(of: 3) ? 0.5 : nil)
        let schedule = TrainingSchedule(batchRows: 8, epochs: 3, maximumSteps: 7, seed: 5)
        try check(problem, optimizer, schedule, workers: 1 + seed % 3, Double.self, 1e-11, 1e-9)
        try check(problem, optimizer, schedule, workers: 1 + seed % 3, Float.self, 2e-5, 2e-4)
    }

    private func check<Scalar: LoomScalar>(
        _ problem: FastProblem, _ optimizer: OptimizerDescription, _ schedule: TrainingSchedule, workers: Int,
        _ type: Scalar.Type, _ absolute: Double, _ relative: Double
    ) throws {
        var reference = try ReferenceRun(problem, optimizer: optimizer, schedule: schedule)
        let trainer = try problem.trainer(
            type, optimizer: optimizer, schedule: schedule, team: TeamPlan(workers: workers, shardRows: 3))
        var comparison = Comparison(
            "\(problem) \(optimizer.kind) \(Scalar.precision)",
            tolerance: Tolerance(absolute: absolute, relative: relative))
        for step in 0..<trainer.totalSteps {
            let expected = try reference.step()
            comparison.compare("loss of step \(step)", trainer.run(steps: 1).loss, expected.totalLoss)
        }
        comparison.compare("parameters", trainer.parameters.layers, reference.trainer.parameters)
        // Evaluation and prediction run the same passes on chunks of their own.
        let evaluator = Evaluator(network: trainer.network, parameters: trainer.parameters, team: trainer.team)
        let data = try problem.dataset(type)
        let expected = try reference.trainer.gradients(inputs: problem.inputs, targets: .values(problem.targets))
        comparison.compare(
            "evaluation", try evaluator.evaluate(data, loss: problem.loss).loss, expected.totalLoss)
        let prediction = evaluator.predict(data)
        let values = withExtendedLifetime(prediction) { prediction.elements.map { Double($0) } }
        comparison.compare("prediction", values, expected.pass.prediction.flatMap { $0 })
        #expect(comparison.passes, "\(comparison)")
    }

    // MARK: The same bits

    @Test(arguments: 1...8, GemmBackend.allCases)
    func bitsForEveryNumberOfWorkers(seed: Int, provider: GemmBackend) throws {
        let problem = RandomGraph.problem(
            seed: UInt64(seed), hidden: 4, widths: 20...90, features: 37, outputs: 5, rows: 150)
        try checkBits(problem, Float.self, provider)
        try checkBits(problem, Double.self, provider)
    }

    private func checkBits<Scalar: LoomScalar>(
        _ problem: FastProblem, _: Scalar.Type, _ provider: GemmBackend
    ) throws {
        let hashes = try [1, 2, 3, 5, 8].map { workers in
            let trainer = try problem.trainer(
                Scalar.self, optimizer: OptimizerDescription(kind: .adam, learningRate: 0.01),
                schedule: TrainingSchedule(batchRows: 64, epochs: 2),
                team: TeamPlan(workers: workers, gemmBackend: provider))
            _ = trainer.run(steps: trainer.totalSteps)
            return trainer.parameters.hash
        }
        #expect(Set(hashes).count == 1, "\(problem) \(Scalar.precision) \(provider): \(hashes)")
    }

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
