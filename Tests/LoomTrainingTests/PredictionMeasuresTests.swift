import LoomData
import LoomKernels
import LoomModel
import TestSupport
import Testing

@testable import LoomTraining

/// What an evaluator measures of a network's predictions, chunk by chunk on any number of workers.
@Suite struct PredictionMeasuresTests {
    /// Of a data set or samples that are made meanwhile: the same bits for any number of workers.
    private func measured<Scalar: LoomScalar>(
        _ feed: SampleFeed<Scalar>, network: Network<Scalar>, loss: LossDescription, mostPortions: Int = 1024
    ) throws -> (PredictionMeasures, predictions: [[Double]]) {
        var results: [PredictionMeasures] = []
        var predictions: [[Double]] = []
        for workers in [1, 2, 3, 5] {
            try PreparedBLAS.prepare(workers: workers)
            let evaluator = Evaluator(
                network: network, parameters: network.initialParameters(), team: WorkerTeam(workers: workers))
            results.append(try evaluator.measure(feed, loss: loss, mostPortions: mostPortions))
            #expect(results.last?.evaluation == (try evaluator.evaluate(feed, loss: loss)))
            let buffer = evaluator.predict(try feed.evenlySpaced(atMost: .max))
            predictions = withExtendedLifetime(buffer) {
                MatrixView(
                    pointer: buffer.pointer, rows: feed.sampleCount, columns: network.outputs, stride: network.outputs
                ).rowsOfDoubles
            }
        }
        #expect(results.allSatisfy { $0 == results[0] })
        return (results[0], predictions)
    }

    private func measured(
        _ problem: FastProblem, mostPortions: Int = 1024
    ) throws -> (PredictionMeasures, predictions: [[Double]]) {
        try measured(
            .resident(problem.dataset(Double.self)), network: Network<Double>(problem.network), loss: problem.loss,
            mostPortions: mostPortions)
    }

    @Test func classesAreCounted() throws {
        let problem = FastProblem.made(layers: [6, 9, 4], output: .softmax, rows: 700, seed: 3)
        let (measures, predictions) = try measured(problem)
        let expected = ClassificationMeasures(
            labels: problem.targets.map { $0.firstIndex(of: 1)! },
            predictions: predictions.map { $0.firstIndex(of: $0.max()!)! }, classes: 4)
        #expect(measures.classification == expected)
        #expect(measures.binary.isEmpty && measures.regression == nil)
        let right = (0..<4).reduce(0) { $0 + expected.confusionMatrix![$1][$1] }
        #expect(measures.evaluation.accuracy == Double(right) / 700)
    }

    /// Fewer and more chunks than portions, and the last one not full.
    @Test(arguments: [(5, 3), (700, 3), (700, 1024), (3000, 3)])
    func probabilitiesOfTwoClassesAreMeasured(rows: Int, portions: Int) throws {
        for (output, units) in [(OutputMap.softmax, 2), (.sigmoid, 1)] {
            let problem = FastProblem.made(layers: [3, 4, units], output: output, rows: rows, seed: 5)
            let (measures, predictions) = try measured(problem, mostPortions: portions)
            let expected = BinaryMeasures(
                probabilities: predictions.map { $0.last! }, targets: problem.targets.map { $0.last! == 1 })
            let binary = try #require(measures.binary.first)
            #expect(measures.binary.count == 1 && measures.classification?.classes.count == 2)
            #expect(measures.classification?.classes[1] == binary.scores)
            #expect(measures.classification?.confusionMatrix?.joined().reduce(0, +) == rows)
            #expect(binary.rocAUC == expected.rocAUC && binary.averagePrecision == expected.averagePrecision)
            #expect(binary.calibration.map(\.count) == expected.calibration.map(\.count))
            #expect(binary.calibration.map(\.positiveShare) == expected.calibration.map(\.positiveShare))
            // Portions are added up in another order.
            #expect(abs(binary.logLoss - expected.logLoss) < 1e-12 * expected.logLoss)
            #expect(abs(binary.brierScore - expected.brierScore) < 1e-12)
            for (bin, other) in zip(binary.calibration, expected.calibration) where bin.count > 0 {
                #expect(abs(bin.meanPrediction! - other.meanPrediction!) < 1e-12)
            }
        }
    }

    @Test func decisionsAreMeasuredOneByOne() throws {
        let problem = FastProblem.made(layers: [5, 7, 3], output: .sigmoid, rows: 600, seed: 4)
        let (measures, predictions) = try measured(problem)
        #expect(measures.binary.count == 3 && measures.classification?.confusionMatrix == nil)
        for output in 0..<3 {
            let expected = BinaryMeasures(
                probabilities: predictions.map { $0[output] }, targets: problem.targets.map { $0[output] == 1 })
            #expect(measures.binary[output].scores == expected.scores)
            #expect(measures.classification?.classes[output] == expected.scores)
            #expect(measures.binary[output].rocAUC == expected.rocAUC)
            #expect(abs(measures.binary[output].logLoss - expected.logLoss) < 1e-12)
        }
    }

    @Test func errorsAreMeasuredTargetByTarget() throws {
        let problem = FastProblem.made(layers: [5, 7, 3], output: .identity, rows: 1900, seed: 4)
        let (measures, predictions) = try measured(problem, mostPortions: 3)
        #expect(measures.classification == nil && measures.binary.isEmpty)
        let expected = RegressionMeasures(predictions: predictions, targets: problem.targets)
        let regression = try #require(measures.regression)
        for (own, other) in zip(regression.targets + [regression.average], expected.targets + [expected.average]) {
            #expect(abs(own.meanAbsoluteError - other.meanAbsoluteError) < 1e-12)
            #expect(abs(own.rootMeanSquaredError - other.rootMeanSquaredError) < 1e-12)
            #expect(abs(own.r2Score! - other.r2Score!) < 1e-12)
        }
    }

    /// Outputs of components get their predictions beside the logits.
    @Test func softmaxWeightedOutputsAreARegression() throws {
        let random = try #require(
            RandomProblem.trainableOutputs.first { $0.output == .softmaxWeighted })
        let problem = FastProblem(
            RandomProblem(
                seed: 9, layers: [3, 9, 5], activation: .tanh, output: random.output,
                loss: LossDescription(kind: random.loss), rows: 300))
        let (measures, predictions) = try measured(problem)
        let expected = RegressionMeasures(predictions: predictions, targets: problem.targets)
        for (own, other) in zip(try #require(measures.regression).targets, expected.targets) {
            #expect(abs(own.meanAbsoluteError - other.meanAbsoluteError) < 1e-12)
        }
    }

    /// With a squared loss, targets decide whether outputs between 0 and 1 are decisions or numbers.
    @Test func squaredLossesHaveDecisionsOrNumbers() throws {
        var problem = FastProblem.made(layers: [4, 6, 2], output: .sigmoid, rows: 300, seed: 8)
        problem.loss = LossDescription(kind: .squaredSum)
        let decisions = try measured(problem).0
        #expect(decisions.binary.count == 2 && decisions.classification != nil && decisions.regression == nil)
        problem.targets[277][1] = 0.5
        let (numbers, predictions) = try measured(problem)
        #expect(numbers.binary.isEmpty && numbers.classification == nil)
        let expected = RegressionMeasures(predictions: predictions, targets: problem.targets)
        let average = try #require(numbers.regression?.average)
        #expect(abs(average.meanAbsoluteError - expected.average.meanAbsoluteError) < 1e-12)
    }

    @Test func samplesThatAreMadeAreMeasuredLikeThoseInMemory() throws {
        let source = try SyntheticSource(.init(task: .xor, samples: 800, inputs: 5, seed: 5, noise: 0.3))
        let loss = LossDescription(kind: .crossEntropy)
        let conversion = try TargetConversion(from: source, to: .decisions(1))
        let network = try Network<Float>(
            NetworkDescription(
                inputs: 5,
                layers: [
                    LayerDescription(name: "a", units: 8, activation: .tanh), LayerDescription(name: "b", units: 1),
                ], output: .sigmoid))
        let kept = SampleFeed.resident(
            try Dataset<Float>(source, rows: .range(7..<790), conversion: conversion))
        let made = SampleFeed<Float>.generated(
            try GeneratedSamples(source, range: 7..<790, conversion: conversion, standardization: nil))
        let measures = try measured(made, network: network, loss: loss).0
        #expect(measures == (try measured(kept, network: network, loss: loss).0))
        #expect(measures.binary.first?.samples == 783 && measures.binary.first?.rocAUC != nil)
    }
}
