import Foundation
import LoomData
import LoomKernels
import LoomModel
import TestSupport
import Testing

@testable import LoomTraining

/// What a network has to beat, by hand.
@Suite struct ConstantPredictionTests {
    private func dataset(_ targets: [[Double]], _ loss: LossDescription, _ output: OutputMap) throws -> Dataset<Double>
    {
        try FastProblem(
            network: NetworkDescription(
                inputs: 1, layers: [LayerDescription(name: "a", units: targets[0].count)], output: output),
            loss: loss, inputs: targets.map { _ in [0] }, targets: targets, description: ""
        ).dataset(Double.self)
    }

    private func expect(
        _ targets: [[Double]], _ loss: LossDescription, _ output: OutputMap, is expected: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let data = try dataset(targets, loss, output)
        let constant = try #require(ConstantPrediction(for: data, loss: loss, output: output))
        let found = try #require(constant.loss(on: data))
        #expect(abs(found - expected) < 1e-12 * max(1, abs(expected)), sourceLocation: sourceLocation)
    }

    /// Three of one class, one of another: their entropy.
    @Test func classes() throws {
        let targets: [[Double]] = [[1, 0], [1, 0], [0, 1], [1, 0]]
        let entropy = -(0.75 * log(0.75) + 0.25 * log(0.25))
        try expect(targets, LossDescription(kind: .crossEntropy), .softmax, is: entropy)
        try expect(targets, LossDescription(kind: .crossEntropy, reduction: .sum), .softmax, is: 4 * entropy)
        // Yes or no for each unit.
        try expect(targets, LossDescription(kind: .crossEntropy), .sigmoid, is: 2 * entropy)
    }

    @Test func shares() throws {
        let targets: [[Double]] = [[0.5, 0.5], [1, 0]]
        try expect(
            targets, LossDescription(kind: .crossEntropy), .softmax, is: -(0.75 * log(0.75) + 0.25 * log(0.25)))
    }

    /// Means 2 and 10, so squares of 1 and 4 in each row.
    @Test func values() throws {
        let targets: [[Double]] = [[1, 8], [3, 12]]
        try expect(targets, LossDescription(kind: .squaredSum), .identity, is: 5)
        try expect(targets, LossDescription(kind: .halfSquared), .identity, is: 2.5)
        try expect(targets, LossDescription(kind: .squaredSum, reduction: .sum), .identity, is: 10)
    }

    /// Weights of 3 and 1: shares of ¾ and ¼, and a mean of 5 with squares of 1 and 9.
    @Test func weights() throws {
        let loss = LossDescription(kind: .crossEntropy)
        let classes = try dataset([[1, 0], [0, 1]], loss, .softmax).weighted(samples: [3, 1])
        let shares = try #require(ConstantPrediction(for: classes, loss: loss, output: .softmax))
        #expect(shares.outputs == [0.75, 0.25])
        let entropy = -(3 * log(0.75) + log(0.25)) / 2
        #expect(try abs(#require(shares.loss(on: classes)) - entropy) < 1e-12)
        let squares = LossDescription(kind: .squaredSum, reduction: .sum)
        let values = try dataset([[4], [8]], squares, .identity).weighted(samples: [3, 1])
        let mean = try #require(ConstantPrediction(for: values, loss: squares, output: .identity))
        #expect(mean.outputs == [5] && mean.loss(on: values) == 12)
    }

    /// The penalty has no part in it, and a class that is certain costs nothing.
    @Test func whatIsCertain() throws {
        try expect([[0, 1], [0, 1]], LossDescription(kind: .crossEntropy, l2: 3), .softmax, is: 0)
        try expect([[1], [1]], LossDescription(kind: .crossEntropy), .sigmoid, is: 0)
    }

    /// By the shares of the training data; a class that these do not have has no finite loss.
    @Test func otherDataAreJudgedByTheTrainingData() throws {
        let loss = LossDescription(kind: .crossEntropy)
        let constant = try #require(
            ConstantPrediction(
                for: dataset([[1, 0], [1, 0], [0, 1], [1, 0]], loss, .softmax), loss: loss, output: .softmax))
        #expect(constant.outputs == [0.75, 0.25])
        let other = try #require(constant.loss(on: dataset([[0, 1], [1, 0]], loss, .softmax)))
        #expect(abs(other + (log(0.25) + log(0.75)) / 2) < 1e-12)
        let one = try #require(
            ConstantPrediction(for: dataset([[1, 0], [1, 0]], loss, .softmax), loss: loss, output: .softmax))
        #expect(try one.loss(on: dataset([[0, 1]], loss, .softmax)) == nil)
    }
}
