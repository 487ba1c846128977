import LoomData
import LoomKernels
import LoomModel
import LoomTraining
import TestSupport
import Testing

/// Gradient descent on whole numbers: every sum is exact in any order, so the parameters equal integer arithmetic.
@Suite struct TrainerIntegerTests {
    /// Linear layers on whole numbers, the squared sum and a rate of 1.
    struct Case: Sendable, CustomStringConvertible {
        let layers: [Int]
        let rows: Int
        let batchRows: Int
        let steps: Int
        var velocityFactor = 0
        var l2 = 0
        var description: String {
            "\(layers) \(rows) by \(batchRows), \(steps) steps, velocity × \(velocityFactor), λ \(l2)"
        }
    }

    /// Numbers stay below 2²⁴, which float32 counts to.
    static let float32Cases = [
        Case(layers: [5, 3], rows: 13, batchRows: 13, steps: 2),
        Case(layers: [5, 3], rows: 13, batchRows: 5, steps: 3),
        Case(layers: [5, 3], rows: 13, batchRows: 4, steps: 3, l2: 1),
        Case(layers: [19, 33], rows: 40, batchRows: 20, steps: 2, velocityFactor: 1),
        Case(layers: [70, 2], rows: 10, batchRows: 5, steps: 2, l2: 2),
        Case(layers: [4, 5, 3], rows: 9, batchRows: 9, steps: 1, l2: 1),
        Case(layers: [3, 17, 4], rows: 40, batchRows: 40, steps: 1),
    ]
    /// Numbers stay below 2⁵³.
    static let float64Cases =
        float32Cases + [
            Case(layers: [5, 3], rows: 13, batchRows: 4, steps: 7, velocityFactor: 2, l2: 1),
            Case(layers: [4, 5, 3], rows: 9, batchRows: 4, steps: 2, velocityFactor: 1),
            Case(layers: [3, 4, 5, 2], rows: 11, batchRows: 6, steps: 1, l2: 3),
            Case(layers: [37, 93, 11], rows: 50, batchRows: 41, steps: 1),
        ]

    @Test(arguments: float32Cases, [1, 2, 3, 7]) func float32(_ training: Case, workers: Int) throws {
        try check(training, Float.self, largest: 1 << 24, workers: workers)
    }

    @Test(arguments: float64Cases, [1, 2, 3, 7]) func float64(_ training: Case, workers: Int) throws {
        try check(training, Double.self, largest: 1 << 53, workers: workers)
    }

    private func check<Scalar: LoomScalar>(
        _ training: Case, _ type: Scalar.Type, largest: Int, workers: Int
    ) throws {
        var model = IntegerModel(training)
        var problem = FastProblem.made(
            layers: training.layers, output: .identity, rows: training.rows, seed: 1, reduction: .sum)
        problem.inputs = model.inputs.map { $0.map(Double.init) }
        problem.targets = model.targets.map { $0.map(Double.init) }
        problem.loss.l2 = Double(training.l2)
        for index in problem.network.layers.indices {
            problem.network.layers[index].activation = .identity
            problem.network.layers[index].weights = model.weights[index].map { $0.map(Double.init) }
            problem.network.layers[index].bias = model.biases[index].map(Double.init)
        }
        let trainer = try problem.trainer(
            type,
            optimizer: OptimizerDescription(
                kind: training.velocityFactor == 0 ? .sgd : .momentum, learningRate: 1,
                momentum: Double(training.velocityFactor)),
            schedule: TrainingSchedule(
                batchRows: training.batchRows, epochs: 10, maximumSteps: training.steps, shuffles: false),
            team: TeamPlan(workers: workers, shardRows: 3))
        for step in 0..<training.steps {
            let loss = model.step(step)
            let report = trainer.run(steps: 1)
            #expect(report.steps == 1)
            #expect(report.loss == Double(loss))
            for layer in training.layers.indices.dropLast() {
                #expect(
                    trainer.parameters.values(2 * layer) == model.weights[layer].joined().map { Scalar($0) })
                #expect(trainer.parameters.values(2 * layer + 1) == model.biases[layer].map { Scalar($0) })
            }
        }
        #expect(model.largest < largest, "\(training): \(model.largest)")
        #expect(model.largest > 100, "the steps change something")
    }
}

/// The training of a `Case` in integers.
private struct IntegerModel {
    let inputs: [[Int]]
    let targets: [[Int]]
    private(set) var weights: [[[Int]]]
    private(set) var biases: [[Int]]
    /// The largest number that any sum had.
    private(set) var largest = 0
    private var weightVelocities: [[[Int]]]
    private var biasVelocities: [[Int]]
    private let training: TrainerIntegerTests.Case

    init(_ training: TrainerIntegerTests.Case) {
        self.training = training
        var random = TestRandom(seed: 17)
        func matrix(_ rows: Int, _ columns: Int, _ bound: Int) -> [[Int]] {
            (0..<rows).map { _ in (0..<columns).map { _ in Int.random(in: -bound...bound, using: &random) } }
        }
        inputs = matrix(training.rows, training.layers[0], 1)
        targets = matrix(training.rows, training.layers.last!, 3)
        weights = zip(training.layers, training.layers.dropFirst()).map { matrix($1, $0, 1) }
        biases = training.layers.dropFirst().map { matrix(1, $0, 2)[0] }
        weightVelocities = weights.map { $0.map { $0.map { _ in 0 } } }
        biasVelocities = biases.map { $0.map { _ in 0 } }
    }

    /// Every partial sum is at most the sum of magnitudes.
    private mutating func sum(_ terms: [Int]) -> Int {
        largest = max(largest, terms.reduce(0) { $0 + abs($1) })
        return terms.reduce(0, +)
    }

    /// One step on the batch of `step`, in file order; returns the loss before it.
    mutating func step(_ step: Int) -> Int {
        let stepsPerEpoch = (training.rows + training.batchRows - 1) / training.batchRows
        let start = step % stepsPerEpoch * training.batchRows
        let batch = Array(start..<min(training.rows, start + training.batchRows))
        var outputs = [batch.map { inputs[$0] }]
        for layer in weights.indices {
            outputs.append(
                outputs[layer].map { x in
                    weights[layer].indices.map { unit in
                        sum(zip(weights[layer][unit], x).map { $0 * $1 } + [biases[layer][unit]])
                    }
                })
        }
        var deltas = zip(outputs.last!, batch).map { z, sample in
            zip(z, targets[sample]).map { 2 * ($0 - $1) }
        }
        var loss = 0
        for row in deltas {
            loss += sum(row.map { $0 / 2 * ($0 / 2) })
        }
        loss += training.l2 * weights.joined().joined().reduce(0) { $0 + $1 * $1 }
        for layer in weights.indices.reversed() {
            let before = weights[layer]
            for unit in before.indices {
                for column in before[unit].indices {
                    let terms = batch.indices.map { deltas[$0][unit] * outputs[layer][$0][column] }
                    let gradient = sum(terms + [2 * training.l2 * before[unit][column]])
                    weightVelocities[layer][unit][column] *= training.velocityFactor
                    weightVelocities[layer][unit][column] += gradient
                    weights[layer][unit][column] -= sum([weightVelocities[layer][unit][column]])
                }
                biasVelocities[layer][unit] *= training.velocityFactor
                biasVelocities[layer][unit] += sum(deltas.map { $0[unit] })
                biases[layer][unit] -= sum([biasVelocities[layer][unit]])
            }
            deltas = deltas.map { delta in
                before[0].indices.map { column in sum(delta.indices.map { delta[$0] * before[$0][column] }) }
            }
        }
        largest = max(largest, (Array(weights.joined().joined()) + biases.joined()).map(abs).max()!)
        return loss
    }
}
