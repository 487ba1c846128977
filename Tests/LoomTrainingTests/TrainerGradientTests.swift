import LoomKernels
import LoomModel
import LoomReference
import LoomTraining
import TestSupport
import Testing

/// The fast gradient against central differences of the fast loss, and its independence of how the batch is cut.
@Suite struct TrainerGradientTests {
    /// Every activation × output × loss, half of them with a penalty, sums and means.
    static let problems: [RandomProblem] = RandomProblem.trainableActivations.enumerated().flatMap {
        index, activation in
        RandomProblem.trainableOutputs.enumerated().map { pair, combination in
            let even = (index + pair).isMultiple(of: 2)
            return awayFromKinks(
                activation: activation, output: combination.output,
                loss: LossDescription(
                    kind: combination.loss, reduction: even ? .sum : .mean,
                    l2: pair.isMultiple(of: 3) ? 0.03 : 0),
                hasBias: !(pair + index).isMultiple(of: 5))
        }
    }

    /// The first seed whose pre-activations keep away from 0, where relu has no derivative.
    private static func awayFromKinks(
        activation: Activation, output: OutputMap, loss: LossDescription, hasBias: Bool
    ) -> RandomProblem {
        for seed in 1... {
            let problem = RandomProblem(
                seed: UInt64(seed), layers: [3, 5, 4, 2], activation: activation, output: output, loss: loss,
                rows: 5, hasBias: hasBias)
            guard activation == .relu else { return problem }
            let pass = try! problem.referenceTrainer().forward(inputs: problem.inputs)
            let hidden = pass.preActivations.dropLast().joined().joined()
            if hidden.allSatisfy({ abs($0) > 1e-3 }) && hidden.contains(where: { $0 > 0 }) { return problem }
        }
        fatalError("no seed found")
    }

    @Test func allCombinationsAreThere() {
        #expect(Self.problems.count == 8 * 10)
    }

    @Test(arguments: problems)
    func gradientsAgreeWithCentralDifferences(problem: RandomProblem) throws {
        let trainer = try FastProblem(problem).trainer(Double.self, team: TeamPlan(workers: 2, shardRows: 2))
        let tensors = trainer.network.layout.tensors
        // A copy: every gradient is formed in the same memory.
        let analytic = ParameterBuffer<Double>(layout: trainer.network.layout)
        analytic.copy(from: trainer.gradient().gradient)
        // h² · f''' / 6 ≈ 1e-9 for the third derivatives of these networks, rounding 1e-16 / h ≈ 1e-11.
        // A softmax-weighted output has larger ones.
        let error = problem.network.output == .softmaxWeighted ? 2e-7 : 2e-8
        var comparison = Comparison(problem.description, tolerance: Tolerance(absolute: error, relative: error))
        for (index, tensor) in tensors.enumerated() {
            let view = trainer.parameters.view(index)
            for element in 0..<tensor.count {
                // As they lie: neither side of the comparison depends on it.
                let (row, column) = element.quotientAndRemainder(dividingBy: tensor.columns)
                let value = view[row, column]
                let step = 1e-5 * max(1, abs(value))
                view[row, column] = value + step
                let above = trainer.gradient().loss
                view[row, column] = value - step
                let below = trainer.gradient().loss
                view[row, column] = value
                comparison.compare(
                    "\(tensor.name)[\(row), \(column)]", analytic.view(index)[row, column],
                    (above - below) / (2 * step))
            }
        }
        #expect(comparison.passes, "\(comparison)")
        #expect(comparison.comparedCount == trainer.network.layout.parameterCount)
    }

    /// `gradient()` is the gradient of the batch that the next step trains on, and changes nothing.
    @Test(arguments: [nil, 0.1]) func gradientIsThatOfTheNextStep(clipNorm: Double?) throws {
        let problem = FastProblem(
            RandomProblem(
                seed: 4, layers: [3, 6, 2], activation: .tanh, output: .softmax,
                loss: LossDescription(kind: .crossEntropy, l2: 0.05), rows: 11))
        let optimizer = OptimizerDescription(kind: .adam, clipNorm: clipNorm)
        let schedule = TrainingSchedule(batchRows: 4, epochs: 2)
        var reference = try ReferenceRun(problem, optimizer: optimizer, schedule: schedule)
        let trainer = try problem.trainer(Double.self, optimizer: optimizer, schedule: schedule)
        for step in 0..<trainer.totalSteps {
            let (parameters, state) = (trainer.parameters.hash, trainer.state.second!.hash)
            let expected = try reference.gradients(of: step)
            let (loss, gradient) = trainer.gradient()
            var comparison = Comparison(
                "step \(step)", tolerance: Tolerance(absolute: 1e-12, relative: 1e-10))
            comparison.compare("loss", loss, expected.totalLoss)
            comparison.compare("gradient", gradient.layers, expected.layers)
            #expect(comparison.passes, "\(comparison)")
            #expect(trainer.step == step)
            #expect(trainer.parameters.hash == parameters && trainer.state.second!.hash == state)
            try reference.step()
            _ = trainer.run(steps: 1)
        }
    }

    /// At exactly 0 relu's derivative is what the layer says: no gradient passes, or all of it.
    @Test(arguments: ReluAtZero.allCases) func reluAtZero(_ reluAtZero: ReluAtZero) throws {
        var problem = FastProblem(
            RandomProblem(
                seed: 4, layers: [3, 6, 2], activation: .relu, output: .softmax,
                loss: LossDescription(kind: .crossEntropy), rows: 5, reluAtZero: reluAtZero))
        problem.network.layers[0].weights = Array(repeating: [0, 0, 0], count: 6)
        problem.network.layers[0].bias = Array(repeating: 0, count: 6)
        let expected = try ReferenceTrainer(
            network: problem.network, loss: problem.loss, optimizer: OptimizerDescription()
        ).gradients(inputs: problem.inputs, targets: .values(problem.targets))
        let gradient = try problem.trainer(Double.self).gradient().gradient
        var comparison = Comparison("\(reluAtZero)", tolerance: Tolerance(absolute: 1e-14, relative: 1e-12))
        comparison.compare("gradient", gradient.layers, expected.layers)
        #expect(comparison.passes, "\(comparison)")
        #expect(gradient.values(0).contains { $0 != 0 } == (reluAtZero == .one))
    }

    // MARK: Partitions

    /// Batches of 1 to 40 samples on 1 to 9 workers, in shards of one sample and of three: the gradient is that of the
    /// whole batch, with the bits of one worker.
    @Test(arguments: 1...9) func everyPartitionOfABatch(workers: Int) throws {
        for rows in 1...40 {
            let problem = FastProblem(
                RandomProblem(
                    seed: UInt64(rows), layers: [3, 5, 2], activation: .sigmoid, output: .identity,
                    loss: LossDescription(
                        kind: .halfSquared, reduction: rows.isMultiple(of: 2) ? .mean : .sum),
                    rows: rows))
            let expected = try ReferenceTrainer(
                network: problem.network, loss: problem.loss, optimizer: OptimizerDescription()
            ).gradients(inputs: problem.inputs, targets: .values(problem.targets))
            for shardRows in [1, 3] {
                let trainer = try problem.trainer(
                    Double.self, team: TeamPlan(workers: workers, shardRows: shardRows))
                #expect(trainer.shardCount == (rows + shardRows - 1) / shardRows)
                let (loss, gradient) = trainer.gradient()
                var comparison = Comparison(
                    "\(rows) rows in shards of \(shardRows)",
                    tolerance: Tolerance(absolute: 1e-13, relative: 1e-11))
                comparison.compare("loss", loss, expected.totalLoss)
                comparison.compare("gradient", gradient.layers, expected.layers)
                #expect(comparison.passes, "\(comparison)")
                let alone = try problem.trainer(Double.self, team: TeamPlan(workers: 1, shardRows: shardRows))
                #expect(alone.gradient().loss == loss && alone.gradients.hash == gradient.hash)
            }
        }
    }
}
