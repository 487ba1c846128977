import Foundation
import LoomData
import LoomHardware
import LoomKernels
import LoomModel
import LoomReference
import LoomTraining

/// A network, a loss and samples, given to the fast trainer in either precision.
public struct FastProblem: Sendable, CustomStringConvertible {
    /// The network.
    public var network: NetworkDescription
    /// The loss.
    public var loss: LossDescription
    /// The samples: rows × features.
    public var inputs: [[Double]]
    /// Target values: rows × outputs.
    public var targets: [[Double]]
    /// How much each sample counts; nil: once.
    public var weights: [Double]?
    /// What tells it from others.
    public var description: String

    /// The network and batch of a fixture.
    public init(_ block: DenseBlock) {
        network = block.network
        loss = block.training?.loss ?? LossDescription(kind: .squaredSum)
        inputs = block.inputs
        targets = block.training?.targets ?? block.prediction
        description = block.id
    }

    /// A random network and batch.
    public init(_ problem: RandomProblem) {
        network = problem.network
        loss = problem.loss
        inputs = problem.inputs
        targets = problem.targets
        description = problem.description
    }

    /// A network whose weights the initialisation draws, relu in its hidden layers, and random samples between ±1: quick
    /// to make at any size. Softmax and sigmoid get cross entropy, identity the squared sum.
    public static func made(
        layers: [Int], output: OutputMap, rows: Int, seed: UInt64,
        reduction: LossDescription.Reduction = .mean
    ) -> FastProblem {
        var random = TestRandom(seed: seed &+ 1000)
        let last = layers.count - 2
        let network = NetworkDescription(
            inputs: layers[0],
            layers: layers.dropFirst().enumerated().map { index, units in
                LayerDescription(
                    name: "layer\(index + 1)", units: units, activation: index == last ? .identity : .relu)
            }, output: output, initialization: Initialization(kind: .he, seed: seed))
        let inputs = (0..<rows).map { _ in
            (0..<layers[0]).map { _ in Double(Int32(truncatingIfNeeded: random.next() >> 40)) / 0x1p24 }
        }
        let targets = (0..<rows).map { _ in
            let label = Int(random.next() % UInt64(layers.last!))
            return (0..<layers.last!).map { unit in
                switch output {
                case .softmax: unit == label ? 1.0 : 0
                case .sigmoid, .threshold: Double(random.next() & 1)
                case .identity, .softmaxWeighted: random.uniform(1)
                }
            }
        }
        let kind: LossDescription.Kind = output == .identity ? .squaredSum : .crossEntropy
        return FastProblem(
            network: network, loss: LossDescription(kind: kind, reduction: reduction), inputs: inputs,
            targets: targets,
            description: layers.map(String.init).joined(separator: "-") + " \(output) seed \(seed)")
    }

    /// A problem made of its parts.
    public init(
        network: NetworkDescription, loss: LossDescription, inputs: [[Double]], targets: [[Double]],
        description: String
    ) {
        self.network = network
        self.loss = loss
        self.inputs = inputs
        self.targets = targets
        self.description = description
    }

    /// The number of the network's outputs.
    public var outputs: Int { targets[0].count }

    /// The samples as the trainer wants them.
    public func dataset<Scalar: LoomScalar>(_: Scalar.Type) throws -> Dataset<Scalar> {
        let source = try InlineSource(inputs: inputs, targets: targets)
        let needs = TargetNeeds(loss: loss, output: network.output, outputs: outputs)
        return try Dataset(source, conversion: TargetConversion(from: source, to: needs, base: .zero))
            .weighted(samples: weights)
    }

    /// A trainer of the whole data as one batch, in file order, unless `schedule` says otherwise.
    public func trainer<Scalar: LoomScalar>(
        _: Scalar.Type, optimizer: OptimizerDescription = .init(), schedule: TrainingSchedule? = nil,
        team: TeamPlan = TeamPlan(workers: 1)
    ) throws -> Trainer<Scalar> {
        try PreparedBLAS.prepare(workers: team.workers)
        return try Trainer(
            network: network, loss: loss, optimizer: optimizer,
            schedule: schedule
                ?? TrainingSchedule(batchRows: inputs.count, epochs: 1_000_000, shuffles: false),
            team: team, data: dataset(Scalar.self))
    }
}

extension ParameterBuffer {
    /// The tensors as the reference has them, layer by layer.
    public var layers: [ReferenceLayer] {
        var result: [ReferenceLayer] = []
        var connections: [[[Double]]] = []
        for (index, tensor) in layout.tensors.enumerated() {
            let matrix = rows(index).map { $0.map { Double($0) } }
            if tensor.role == .bias {
                result[result.count - 1].bias = matrix[0]
                continue
            }
            // LAYER.weights, or LAYER.weights.INPUT for each of several inputs.
            let layer = tensor.name.components(separatedBy: ".weights")[0]
            let before = index > 0 ? layout.tensors[index - 1].name.components(separatedBy: ".weights") : []
            connections = before.count > 1 && before[0] == layer ? connections + [matrix] : [matrix]
            if connections.count > 1 { result.removeLast() }
            result.append(ReferenceLayer(connections: connections, bias: nil))
        }
        return result
    }
}

extension MatrixView where Scalar: BinaryFloatingPoint {
    /// The elements, row by row.
    public var rowsOfDoubles: [[Double]] {
        (0..<rows).map { row in (0..<columns).map { Double(self[row, $0]) } }
    }
}
