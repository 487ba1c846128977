import LoomModel
import LoomReference
import TestSupport
import Testing

/// The optimizers on problems small enough for paper: ½(ŷ − t)² of one linear unit ŷ = w x + b.
@Suite struct ReferenceOptimizerTests {
    /// Weight and bias after each of `steps` steps, started at `weight` and `bias` (nil: no bias).
    private func train(
        _ optimizer: OptimizerDescription, steps: Int, weight: Double = 1, bias: Double? = nil, x: Double = 1,
        target: Double = 0, l2: Double = 0
    ) throws -> [(weight: Double, bias: Double?)] {
        let layer = LayerDescription(
            name: "line", units: 1, hasBias: bias != nil, weights: [[weight]], bias: bias.map { [$0] })
        var trainer = try ReferenceTrainer(
            network: NetworkDescription(inputs: 1, layers: [layer], output: .identity),
            loss: LossDescription(kind: .halfSquared, reduction: .sum, l2: l2), optimizer: optimizer,
            totalSteps: steps, stepsPerEpoch: 1)
        return try (0..<steps).map { _ in
            try trainer.step(inputs: [[x]], targets: .values([[target]]))
            return (trainer.parameters[0].weights[0][0], trainer.parameters[0].bias?[0])
        }
    }

    private func expectWeights(
        _ name: String, _ steps: [(weight: Double, bias: Double?)], _ wanted: [Double]
    ) {
        var comparison = Comparison(name, tolerance: Tolerance(absolute: 1e-14, relative: 0))
        comparison.compare("weights", steps.map(\.weight), wanted)
        #expect(comparison.passes, "\(comparison)")
    }

    // With x = 1, t = 0 and no bias the gradient is w itself; every test starts at w = 1, so g = 1.

    @Test func sgd() throws {
        // w ← w − 0.1 w = 0.9 w
        let steps = try train(OptimizerDescription(kind: .sgd, learningRate: 0.1), steps: 3)
        expectWeights("sgd", steps, [0.9, 0.81, 0.729])
    }

    @Test func momentum() throws {
        // v = 1, w = 1 − 0.1 · 1 = 0.9; v = 0.5 · 1 + 0.9 = 1.4, w = 0.9 − 0.14 = 0.76;
        // v = 0.5 · 1.4 + 0.76 = 1.46, w = 0.76 − 0.146 = 0.614
        let steps = try train(
            OptimizerDescription(kind: .momentum, learningRate: 0.1, momentum: 0.5), steps: 3)
        expectWeights("momentum", steps, [0.9, 0.76, 0.614])
    }

    @Test func nesterov() throws {
        // v = 1, w = 1 − 0.1 (1 + 0.5 · 1) = 0.85; v = 0.5 + 0.85 = 1.35, w = 0.85 − 0.1 (0.85 + 0.675) = 0.6975
        let steps = try train(
            OptimizerDescription(kind: .nesterov, learningRate: 0.1, momentum: 0.5), steps: 2)
        expectWeights("nesterov", steps, [0.85, 0.6975])
    }

    // β₁ = 0.5, β₂ = 0.75 and ε = 1, large enough to be seen:
    // m = 0.5, v = 0.25; m / (1 − 0.5) = 1, v / (1 − 0.75) = 1; w = 1 − 0.1 · 1 / (1 + 1) = 0.95.
    // m = 0.25 + 0.475 = 0.725, v = 0.1875 + 0.25 · 0.95² = 0.413125; m / (1 − 0.25) = 29/30,
    // v / (1 − 0.5625) = 0.413125 / 0.4375; w = 0.95 − 0.1 · (29/30) / (√(0.413125 / 0.4375) + 1)
    private func adam(_ kind: OptimizerDescription.Kind, weightDecay: Double = 0.2) -> OptimizerDescription {
        OptimizerDescription(
            kind: kind, learningRate: 0.1, beta1: 0.5, beta2: 0.75, epsilon: 1, weightDecay: weightDecay)
    }

    @Test func adam() throws {
        let second = 0.95 - 0.1 * (29.0 / 30) / ((0.413125 / 0.4375).squareRoot() + 1)
        expectWeights("adam", try train(adam(.adam), steps: 2), [0.95, second])
        #expect(abs(second - 0.900974) < 1e-6)
    }

    @Test func adamwDecaysWeightsOnly() throws {
        // ŷ = 1 + 0, so both gradients are 1 and both Adam parts 0.5:
        // w = 1 − 0.1 (0.5 + 0.2 · 1) = 0.93, b = 0.5 − 0.1 · 0.5 with a start at b = 0.5 and t = 0.5
        let step = try train(adam(.adamw), steps: 1, bias: 0.5, target: 0.5)[0]
        var comparison = Comparison("adamw", tolerance: Tolerance(absolute: 1e-14, relative: 0))
        comparison.compare("weight", step.weight, 0.93)
        comparison.compare("bias", try #require(step.bias), 0.45)
        #expect(comparison.passes, "\(comparison)")
        // Without decay it is Adam.
        expectWeights("adamw", try train(adam(.adamw, weightDecay: 0), steps: 1), [0.95])
    }

    @Test func decoupledDecayIsNotDividedByTheMoments() throws {
        // As above for the first step, then g = 0.93: m = 0.25 + 0.465 = 0.715, v = 0.1875 + 0.25 · 0.8649 = 0.403725
        let second = 0.93 - 0.1 * ((0.715 / 0.75) / ((0.403725 / 0.4375).squareRoot() + 1) + 0.2 * 0.93)
        expectWeights("adamw", try train(adam(.adamw), steps: 2), [0.93, second])
    }

    @Test func penaltyEntersTheGradientOfWeightsOnce() throws {
        // ŷ − t = 1 + 2 − 1 = 2; g_w = 2 + 2 · 0.25 · 1 = 2.5, g_b = 2
        let step = try train(
            OptimizerDescription(kind: .sgd, learningRate: 0.1), steps: 1, bias: 2, target: 1, l2: 0.25)[0]
        var comparison = Comparison("l2", tolerance: Tolerance(absolute: 1e-14, relative: 0))
        comparison.compare("weight", step.weight, 0.75)
        comparison.compare("bias", try #require(step.bias), 1.8)
        #expect(comparison.passes, "\(comparison)")
    }

    @Test(arguments: [(2.5, 0.5), (5.0, 1.0), (6.0, 1.0)])
    func clippingScalesTheWholeGradient(clipNorm: Double, factor: Double) throws {
        // x = 0.5, w = 1, b = 0, t = −3.5: ŷ − t = 4; g_b = 4, g_w = 4 · 0.5 + 2 · 0.5 · 1 = 3: norm 5
        let step = try train(
            OptimizerDescription(kind: .sgd, learningRate: 0.1, clipNorm: clipNorm), steps: 1, bias: 0,
            x: 0.5,
            target: -3.5, l2: 0.5)[0]
        var comparison = Comparison(
            "clipping at \(clipNorm)", tolerance: Tolerance(absolute: 1e-14, relative: 0))
        comparison.compare("weight", step.weight, 1 - 0.3 * factor)
        comparison.compare("bias", try #require(step.bias), -0.4 * factor)
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func clippedGradientEntersTheVelocity() throws {
        // g = 1 clipped to 0.5: v = 0.5, w = 0.95; g = 0.95 clipped to 0.5: v = 0.25 + 0.5 = 0.75, w = 0.875
        let steps = try train(
            OptimizerDescription(kind: .momentum, learningRate: 0.1, momentum: 0.5, clipNorm: 0.5), steps: 2)
        expectWeights("clipped momentum", steps, [0.95, 0.875])
    }

    @Test func scheduleMultipliesTheLearningRate() throws {
        // Two steps of warm-up to 0.2, then 0.2: w = 1 · (1 − 0.1) · (1 − 0.2) · (1 − 0.2)
        let optimizer = OptimizerDescription(
            kind: .sgd, learningRate: 0.2, schedule: LearningRateSchedule(warmupSteps: 2))
        expectWeights("warm-up", try train(optimizer, steps: 3), [0.9, 0.72, 0.576])
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let layer = LayerDescription(name: "out", units: 2, weights: [[1, 2], [3, 4]])
        let network = NetworkDescription(inputs: 2, layers: [layer], output: .identity)
        let squared = LossDescription(kind: .squaredSum)
        #expect(throws: ModelError.self) {
            try ReferenceTrainer(network: network, loss: .init(kind: .crossEntropy), optimizer: .init())
        }
        #expect(throws: ModelError.self) {
            var wide = network
            wide.inputs = 3
            _ = try ReferenceTrainer(network: wide, loss: squared, optimizer: .init())
        }
        #expect(throws: ModelError.self) {
            var empty = network
            empty.layers[0].weights = nil
            _ = try ReferenceTrainer(network: empty, loss: squared, optimizer: .init())
        }
        let trainer = try ReferenceTrainer(network: network, loss: squared, optimizer: .init())
        #expect(throws: ModelError.self) {
            try trainer.gradients(inputs: [[1, 2]], targets: .values([[1, 2, 3]]))
        }
        #expect(throws: ModelError.self) { try trainer.gradients(inputs: [[1, 2]], targets: .labels([2])) }
        let thresholds = try SeedFixtures.block("F3.4").referenceTrainer()
        #expect(throws: ModelError.self) {
            try thresholds.gradients(inputs: [[1, 2]], targets: .values([[1]]))
        }
    }
}
