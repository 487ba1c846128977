import LoomData
import LoomExperiments
import LoomHardware
import LoomKernels
import LoomModel
import LoomTraining

/// A network, a loss and samples, given to the fast trainer in either precision.
public struct FastProblem: Sendable, CustomStringConvertible {
    public var network: NetworkDescription
    public var loss: LossDescription
    public var inputs: [[Double]]
    public var targets: [[Double]]
    public var description: String

    public init(_ block: DenseBlock) {
        network = block.network
        loss = block.training?.loss ?? LossDescription(kind: .squaredSum)
        inputs = block.inputs
        targets = block.training?.targets ?? block.prediction
        description = block.id
    }

    public init(_ problem: RandomProblem) {
        network = problem.network
        loss = problem.loss
        inputs = problem.inputs
        targets = problem.targets
        description = problem.description
    }

    public var outputs: Int { network.layers.last!.units }

    /// The samples as the trainer wants them.
    public func dataset<Scalar: LoomScalar>(_: Scalar.Type) throws -> Dataset<Scalar> {
        let source = try InlineSource(inputs: inputs, targets: targets)
        let needs = TargetNeeds(loss: loss, output: network.output, outputs: outputs)
        return try Dataset(source, conversion: TargetConversion(from: source, to: needs, base: .zero))
    }

    /// A trainer of the whole data as one batch, in file order, unless `schedule` says otherwise.
    public func trainer<Scalar: LoomScalar>(
        _: Scalar.Type, optimizer: OptimizerDescription = .init(), schedule: TrainingSchedule? = nil,
        team: TeamPlan = TeamPlan(workers: 1)
    ) throws -> Trainer<Scalar> {
        // One thread of its own for the BLAS: with more, its bits vary.
        _ = try BLASRuntime.prepare(workers: team.workers)
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
        for (index, tensor) in layout.tensors.enumerated() {
            let matrix = view(index).rowsOfDoubles
            if tensor.role == .weights {
                result.append(ReferenceLayer(weights: matrix, bias: nil))
            } else {
                result[result.count - 1].bias = matrix[0]
            }
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
