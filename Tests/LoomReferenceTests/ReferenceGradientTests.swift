import LoomModel
import LoomReference
import TestSupport
import Testing

/// The reference's gradients against central differences of its own loss.
@Suite struct ReferenceGradientTests {
    /// Every activation × output × loss × reduction, with and without penalty and bias.
    static let problems: [RandomProblem] = RandomProblem.trainableActivations.enumerated().flatMap {
        index, activation in
        RandomProblem.trainableOutputs.enumerated().flatMap { pair, combination in
            LossDescription.Reduction.allCases.map { reduction in
                let penalized = (index + pair).isMultiple(of: 2) == (reduction == .sum)
                return awayFromKinks(
                    activation: activation, output: combination.output,
                    loss: LossDescription(
                        kind: combination.loss, reduction: reduction, l2: penalized ? 0.03 : 0),
                    hasBias: !(pair + index).isMultiple(of: 5))
            }
        }
    }

    /// The first seed whose pre-activations keep away from 0, where relu has no derivative.
    private static func awayFromKinks(
        activation: Activation, output: OutputMap, loss: LossDescription, hasBias: Bool
    ) -> RandomProblem {
        for seed in 1... {
            let problem = RandomProblem(
                seed: UInt64(seed), layers: [3, 4, 3, 2], activation: activation, output: output, loss: loss,
                rows: 3, hasBias: hasBias)
            guard activation == .relu else { return problem }
            let pass = try! problem.referenceTrainer().forward(inputs: problem.inputs)
            let hidden = pass.preActivations.dropLast().joined().joined()
            if hidden.allSatisfy({ abs($0) > 1e-3 }) && hidden.contains(where: { $0 > 0 }) { return problem }
        }
        fatalError("no seed found")
    }

    @Test func allCombinationsAreThere() {
        #expect(Self.problems.count == 8 * 10 * 2)
    }

    @Test(arguments: problems)
    func gradientsAgreeWithCentralDifferences(problem: RandomProblem) throws {
        let targets = ReferenceTargets.values(problem.targets)
        let trainer = try problem.referenceTrainer()
        let gradients = try trainer.gradients(inputs: problem.inputs, targets: targets)

        func loss(_ parameters: [ReferenceLayer], _ inputs: [[Double]]) throws -> Double {
            try ReferenceTrainer(
                network: problem.network, loss: problem.loss, optimizer: .init(), parameters: parameters
            ).totalLoss(inputs: inputs, targets: targets)
        }
        func difference(at value: Double, _ lossAt: (Double) throws -> Double) rethrows -> Double {
            let step = 1e-5 * max(1, abs(value))
            return try (lossAt(value + step) - lossAt(value - step)) / (2 * step)
        }
        // h² · f''' / 6 ≈ 1e-9 for the third derivatives of these networks, rounding 1e-16 / h ≈ 1e-11.
        var comparison = Comparison(problem.description, tolerance: Tolerance(absolute: 2e-8, relative: 2e-8))
        for (index, layer) in trainer.parameters.enumerated() {
            for (unit, row) in layer.weights.enumerated() {
                for (column, weight) in row.enumerated() {
                    let wanted = try difference(at: weight) { value in
                        var changed = trainer.parameters
                        changed[index].weights[unit][column] = value
                        return try loss(changed, problem.inputs)
                    }
                    comparison.compare(
                        "dW[\(index)][\(unit)][\(column)]", gradients.layers[index].weights[unit][column],
                        wanted)
                }
            }
            for (unit, bias) in (layer.bias ?? []).enumerated() {
                let wanted = try difference(at: bias) { value in
                    var changed = trainer.parameters
                    changed[index].bias![unit] = value
                    return try loss(changed, problem.inputs)
                }
                comparison.compare("db[\(index)][\(unit)]", gradients.layers[index].bias![unit], wanted)
            }
        }
        for (row, features) in problem.inputs.enumerated() {
            for (column, feature) in features.enumerated() {
                let wanted = try difference(at: feature) { value in
                    var changed = problem.inputs
                    changed[row][column] = value
                    return try loss(trainer.parameters, changed)
                }
                comparison.compare("dX[\(row)][\(column)]", gradients.inputs[row][column], wanted)
            }
        }
        #expect(comparison.passes, "\(comparison)")
    }

    /// Targets that do not add up to 1: −Σ tₖ log softmax(z)ₖ has the gradient Σt · softmax − t.
    @Test func softTargetsOfAnySum() throws {
        let problem = RandomProblem(
            seed: 3, layers: [2, 3], activation: .identity, output: .softmax,
            loss: LossDescription(kind: .crossEntropy, reduction: .sum), rows: 1)
        let trainer = try problem.referenceTrainer()
        let targets = ReferenceTargets.values([[0.5, 1.25, 0.75]])
        let gradients = try trainer.gradients(inputs: problem.inputs, targets: targets)
        var comparison = Comparison("soft targets", tolerance: Tolerance(absolute: 1e-8, relative: 1e-8))
        for unit in 0..<3 {
            var changed = trainer.parameters
            changed[0].bias![unit] += 1e-5
            let above = try ReferenceTrainer(
                network: problem.network, loss: problem.loss, optimizer: .init(), parameters: changed
            ).totalLoss(inputs: problem.inputs, targets: targets)
            changed[0].bias![unit] -= 2e-5
            let below = try ReferenceTrainer(
                network: problem.network, loss: problem.loss, optimizer: .init(), parameters: changed
            ).totalLoss(inputs: problem.inputs, targets: targets)
            comparison.compare("delta[\(unit)]", gradients.deltas[0][0][unit], (above - below) / 2e-5)
        }
        #expect(comparison.passes, "\(comparison)")
    }
}
