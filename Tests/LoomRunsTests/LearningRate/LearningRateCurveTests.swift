import LoomConfiguration
import LoomKernels
import Testing

@testable import LoomRuns
@testable import LoomTraining

/// The rates that a learning rate range test suggests.
@Suite struct LearningRateCurveTests {
    private let range = LearningRateRange(steps: 400)

    /// A loss that falls from 2 to 0.5 around the rate 1e-3, fastest there, and grows without end from 1e-1 on.
    private func losses(noise: Double = 0, from low: Double = 0.5) -> [Double] {
        let random = CounterRandom(seed: 1, purpose: .measurement)
        return (0..<range.steps).map { step in
            let rate = range.rate(step)
            let fall = (2 - low) / (1 + (rate / 1e-3) * (rate / 1e-3))
            return low + fall + 100 * max(0, rate - 1e-1) + noise * random.normal(at: UInt64(step))
        }
    }

    @Test func ratesGrowByTheSameFactor() {
        #expect(range.rate(0) == 1e-7 && range.rate(399) == 10)
        let factor = range.rate(1) / range.rate(0)
        for step in 1..<400 { #expect(abs(range.rate(step) / range.rate(step - 1) / factor - 1) < 1e-9) }
        #expect([1, 250, 10_000].map { LearningRateRange(stepsPerEpoch: $0).steps } == [200, 250, 500])
    }

    @Test(arguments: [0, 0.05])
    func theSteepestPlaceIsFound(noise: Double) throws {
        let curve = LearningRateCurve(losses: losses(noise: noise), range: range)
        let steepest = try #require(curve.steepest)
        // Within a quarter of a decade, which is less than what the smoothing averages over.
        #expect(steepest.rate > 1e-3 / 1.8 && steepest.rate < 1e-3 * 1.8, "\(steepest)")
        let minimum = try #require(curve.minimum), tenth = try #require(curve.tenthOfMinimum)
        #expect(minimum.rate > 5e-3 && minimum.rate < 1.2e-1 && tenth == minimum.rate / 10)
    }

    @Test(arguments: [0, 0.2])
    func nothingIsSuggestedWhereNothingIsLearnt(noise: Double) {
        let curve = LearningRateCurve(losses: losses(noise: noise, from: 2), range: range)
        #expect(curve.steepest == nil && curve.tenthOfMinimum == nil)
        let empty = LearningRateCurve(losses: [.nan], range: range)
        #expect(empty.points.isEmpty && empty.end == .diverged && empty.steepest == nil && empty.minimum == nil)
        #expect(LearningRateCurve(losses: [], range: range).end == .largestRate)
    }

    @Test func divergenceIsAMultipleOfTheBestLoss() {
        let flat = [Double](repeating: 1, count: 200)
        #expect(!LearningRateCurve.hasDiverged(flat))
        // The mean of a step of 1 to x is 0.9 + 0.1 x.
        #expect(!LearningRateCurve.hasDiverged(flat + [30]) && LearningRateCurve.hasDiverged(flat + [40]))
        #expect(LearningRateCurve.hasDiverged(flat + [.infinity]) && LearningRateCurve.hasDiverged([.nan]))
        // Of the first losses none decides.
        #expect(!LearningRateCurve.hasDiverged([0.001, 100]))
        #expect(LearningRateCurve(losses: flat + [.nan, 1], range: range).points.count == 200)
    }

    @Test func ratesHaveTwoDigits() {
        #expect([0.0012345, 0.98765, 1.2e-7, 9.96].map(LearningRateCurve.rounded) == [0.0012, 0.99, 1.2e-7, 10])
    }

    /// Each step is trained at its own rate, whatever the optimizer's schedule says.
    @Test(arguments: ["sgd", "momentum", "nesterov", "adam", "adamw"])
    func stepsHaveTheRatesOfTheRange(kind: String) throws {
        let text = """
            data: {synthetic: {task: mixture, samples: 200, inputs: 4, classes: 3, seed: 1}, validation: 0.2}
            network: {layers: [{units: 8, activation: relu}, {units: 3}], output: softmax}
            optimizer: {kind: \(kind), learning_rate: 0.1, schedule: {kind: cosine, warmup_steps: 5}}
            training: {batch: 32, epochs: 2, steps: 3, early_stopping: {patience: 1}}
            """
        let settings = LearningRateFinder<Float>.configuration(try Configuration(yaml: text, file: "c.yaml"))
        let experiment = try Experiment<Float>(settings, machine: MachineSetup(workers: 1, policy: .none))
        let finder = LearningRateFinder(experiment)
        #expect(finder.range.steps == 200)
        var rates: [Double] = []
        let curve = finder.run { _ in rates.append(experiment.trainer.learningRate) }
        #expect(rates == (0..<rates.count).map(finder.range.rate))
        #expect(curve.points.count >= 100 && experiment.trainer.step >= curve.points.count)
        experiment.trainer.fixedLearningRate = nil
        #expect(experiment.trainer.learningRate <= 0.1)
        // All of them learn this task at some rate.
        #expect(curve.steepest != nil)
    }
}
