import LoomData
import LoomKernels
import LoomModel
import LoomReference
import TestSupport
import Testing

@testable import LoomTraining

/// Loss, accuracy and predictions over a data set, in chunks, on any number of workers.
@Suite struct EvaluatorTests {
    struct Case: Sendable, CustomStringConvertible {
        let problem: RandomProblem
        var description: String { problem.description }
    }

    /// Less than a chunk, whole chunks, and a rest; all losses.
    static let cases: [Case] = [1, 255, 256, 257, 700].flatMap { rows in
        RandomProblem.trainableOutputs.enumerated().map { index, combination in
            Case(
                problem: RandomProblem(
                    seed: UInt64(rows + index), layers: [3, 9, 5], activation: .tanh,
                    output: combination.output,
                    loss: LossDescription(
                        kind: combination.loss, reduction: index.isMultiple(of: 2) ? .mean : .sum, l2: 0.3),
                    rows: rows))
        }
    }

    @Test(arguments: cases) func equalsTheReference(_ evaluation: Case) throws {
        try check(evaluation.problem, Double.self, Tolerance(absolute: 1e-12, relative: 1e-11))
        try check(evaluation.problem, Float.self, Tolerance(absolute: 1e-6, relative: 1e-5))
    }

    private func check<Scalar: LoomScalar>(
        _ problem: RandomProblem, _ type: Scalar.Type, _ tolerance: Tolerance
    ) throws {
        let reference = try problem.referenceTrainer()
        let pass = reference.forward(inputs: problem.inputs)
        var fast = FastProblem(problem)
        if problem.inputs.count % 2 == 0 { fast.weights = problem.inputs.indices.map { Double($0 % 3) } }
        let data = try fast.dataset(type)
        let network = try Network<Scalar>(fast.network)
        let parameters = network.initialParameters()
        var comparison = Comparison("\(problem) \(Scalar.precision)", tolerance: tolerance)
        var results: [Evaluation] = []
        var predictions: [[Scalar]] = []
        for workers in [1, 2, 3, 5] {
            try PreparedBLAS.prepare(workers: workers)
            let evaluator = Evaluator(
                network: network, parameters: parameters, team: WorkerTeam(workers: workers))
            results.append(try evaluator.evaluate(data, loss: problem.loss))
            predictions.append(values(evaluator.predict(data)))
        }
        // The same bits for every number of workers.
        #expect(results.allSatisfy { $0 == results[0] } && predictions.allSatisfy { $0 == predictions[0] })
        #expect(results[0].samples == problem.inputs.count)
        comparison.compare(
            "loss", results[0].loss,
            try reference.totalLoss(
                inputs: problem.inputs, targets: .values(problem.targets), weights: fast.weights))
        comparison.compare("prediction", predictions[0].map { Double($0) }, Array(pass.prediction.joined()))
        #expect(comparison.passes, "\(comparison)")
        #expect(results[0].accuracy == accuracy(problem, pass))
    }

    private func values<Scalar>(_ buffer: AlignedBuffer<Scalar>) -> [Scalar] {
        withExtendedLifetime(buffer) { Array(buffer.elements) }
    }

    /// Rows for softmax, elements for sigmoid, nothing for a regression.
    private func accuracy(_ problem: RandomProblem, _ pass: ReferencePass) -> Double? {
        switch problem.network.output {
        case .softmax:
            let right = zip(pass.logits, problem.labels!).filter { $0.firstIndex(of: $0.max()!) == $1 }
            return Double(right.count) / Double(pass.logits.count)
        case .sigmoid:
            let right = zip(pass.logits.joined(), problem.targets.joined()).filter {
                ($0 >= 0) == ($1 >= 0.5)
            }
            return Double(right.count) / Double(pass.logits.count * problem.targets[0].count)
        case .identity, .threshold, .softmaxWeighted:
            return nil
        }
    }

    /// Class indices and one-hot rows are the same targets.
    @Test func labelsEqualOneHotRows() throws {
        let problem = RandomProblem(
            seed: 8, layers: [4, 6, 5], activation: .relu, output: .softmax,
            loss: LossDescription(kind: .crossEntropy), rows: 300)
        let source = try InlineSource(inputs: problem.inputs, targets: problem.targets)
        let labels = try Dataset<Double>(
            source, conversion: TargetConversion(from: source, to: .classes(5), base: .zero))
        let rows = try Dataset<Double>(
            source, conversion: TargetConversion(from: source, to: .values(5), base: .zero))
        guard case .labels = labels.targets, case .values = rows.targets else {
            Issue.record("the targets must have the two forms")
            return
        }
        let network = try Network<Double>(problem.network)
        try PreparedBLAS.prepare(workers: 2)
        let evaluator = Evaluator(
            network: network, parameters: network.initialParameters(), team: WorkerTeam(workers: 2))
        let byLabels = try evaluator.evaluate(labels, loss: problem.loss)
        let byRows = try evaluator.evaluate(rows, loss: problem.loss)
        #expect(abs(byLabels.loss - byRows.loss) < 1e-13 * byLabels.loss)
        #expect(byLabels.accuracy == byRows.accuracy)
    }

    /// The penalty counts once, however many chunks there are, and follows the parameters.
    @Test func penaltyIsThatOfTheParametersOfNow() throws {
        let problem = FastProblem.made(layers: [20, 40, 3], output: .softmax, rows: 600, seed: 4)
        let data = try problem.dataset(Double.self)
        let network = try Network<Double>(problem.network)
        let parameters = network.initialParameters()
        try PreparedBLAS.prepare(workers: 3)
        let evaluator = Evaluator(network: network, parameters: parameters, team: WorkerTeam(workers: 3))
        func penalty(_ l2: Double) throws -> Double {
            let loss = LossDescription(kind: .crossEntropy, reduction: .mean, l2: l2)
            let without = LossDescription(kind: .crossEntropy, reduction: .mean)
            return try evaluator.evaluate(data, loss: loss).loss
                - evaluator.evaluate(data, loss: without).loss
        }
        func squares() -> Double {
            [0, 2].reduce(0) { sum, tensor in parameters.values(tensor).reduce(sum) { $0 + $1 * $1 } }
        }
        #expect(abs(try penalty(0.5) - 0.5 * squares()) < 1e-12 * squares())
        // Biases are not part of it.
        parameters.setValues(1, to: Array(repeating: 7, count: 40))
        #expect(abs(try penalty(0.5) - 0.5 * squares()) < 1e-12 * squares())
        parameters.setValues(0, to: parameters.values(0).map { 3 * $0 })
        #expect(abs(try penalty(2) - 2 * squares()) < 1e-12 * squares())
    }

    /// The evaluation after a step is the loss that the next step of the whole data begins with.
    @Test func agreesWithTheTrainer() throws {
        let problem = FastProblem.made(layers: [7, 12, 4], output: .softmax, rows: 90, seed: 4)
        let trainer = try problem.trainer(Double.self, team: TeamPlan(workers: 2))
        let evaluator = Evaluator(
            network: trainer.network, parameters: trainer.parameters, team: trainer.team)
        let data = try problem.dataset(Double.self)
        for _ in 0..<3 {
            let evaluation = try evaluator.evaluate(data, loss: problem.loss)
            let report = trainer.run(steps: 1)
            #expect(abs(evaluation.loss - report.loss) < 1e-13)
            #expect(evaluation.accuracy == report.accuracy)
        }
    }

    /// Predictions have the bits of the provider that was chosen. 700 inputs: the providers add them in other orders.
    @Test(arguments: GemmBackend.allCases) func productsAreTheChosenOnes(provider: GemmBackend) throws {
        let problem = FastProblem.made(layers: [700, 30], output: .identity, rows: 40, seed: 4)
        let data = try problem.dataset(Float.self)
        let network = try Network<Float>(problem.network)
        let parameters = network.initialParameters()
        try PreparedBLAS.prepare(workers: 1)
        let evaluator = Evaluator(
            network: network, parameters: parameters, team: WorkerTeam(workers: 1), gemmBackend: provider)
        let workspace = Workspace(network: network, parameters: parameters, capacity: 40, training: false)
        let products = GemmMemory<Float>(backend: provider, workers: 1)
        var handle = workspace.handle
        handle.gemm = products.gemms[0]
        withExtendedLifetime((workspace, products)) {
            handle.forward(rows: 0..<40, data: data.inputs)
            handle.predict(rows: 0..<40)
            let expected = (0..<40).flatMap { row in (0..<30).map { handle.logits[row, $0] } }
            #expect(values(evaluator.predict(data)) == expected)
        }
    }

    @Test func thresholdPredictsButHasNoLoss() throws {
        let problem = RandomProblem(
            seed: 8, layers: [4, 6, 5], activation: .threshold, output: .threshold,
            loss: LossDescription(kind: .squaredSum), rows: 300)
        let data = try FastProblem(problem).dataset(Float.self)
        let network = try Network<Float>(problem.network)
        let evaluator = Evaluator(
            network: network, parameters: network.initialParameters(), team: WorkerTeam(workers: 1))
        let expected = try problem.referenceTrainer().forward(inputs: problem.inputs).prediction.joined()
        #expect(values(evaluator.predict(data)).map { Double($0) } == Array(expected))
        #expect(throws: ModelError.self) { try evaluator.evaluate(data, loss: problem.loss) }
    }
}
