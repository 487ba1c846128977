import GradloomInternals

/// A small training whose parameters are compared bit by bit, between two versions of the program and between ways to
/// carry it out: one epoch of a few batches, the last of which is smaller.
public struct HashedTraining: Sendable {
    /// The network, the batch and the usual optimizer.
    public let workload: Workload
    /// What differs from the workload's own training, `plain` if nothing does.
    public let variant: String
    private let optimizer: OptimizerDescription
    private let l2: Double
    private let lastRows: Int

    /// Every way in which a gradient is formed, added up and used: small networks of all shapes.
    public static let workloads = [
        Workload("chains", [4, 32, 16, 4], 2500, .tanh, .softmax, .adam),
        Workload("long-groups", [4, 8, 4], 9000, .tanh, .softmax, .sgd),
        Workload("tiny", [32, 64, 10], 64, .relu, .softmax, .sgd),
        Workload("tiny-adam", [20, 30, 5], 200, .sigmoid, .softmax, .adam),
        Workload("odd", [37, 93, 61, 11], 96, .tanh, .softmax, .momentum),
        Workload("halves", [100, 200, 10], 256, .arctan, .softmax, .sgd),
        Workload("mnist", [196, 128, 10], 128, .relu, .softmax, .momentum),
        Workload("broad", [256, 600, 600, 10], 64, .sigmoid, .softmax, .momentum),
        Workload("ctr", [128, 128, 64, 1], 1024, .relu, .sigmoid, .sgd),
        Workload("regression", [13, 50, 1], 96, .softplus, .identity, .adam),
        Workload("logistic", [300, 1], 500, .relu, .sigmoid, .sgd),
        Workload("large-batch", [64, 300, 10], 1500, .tanh, .softmax, .momentum),
        Workload("small-batch", [64, 300, 10], 24, .exp, .softmax, .sgd),
        Workload.graphs[1].resized([96, 80, 40, 80, 10], batch: 160),
    ]

    /// All workloads, each plain, with an L2 penalty, with clipping, and with every optimizer.
    public static let all = workloads.flatMap { workload in
        let kinds = OptimizerDescription.Kind.allCases.filter { $0 != workload.optimizer }
        return [
            HashedTraining(workload, "plain"),
            HashedTraining(workload, "whole batches", lastRows: 0),
            HashedTraining(workload, "l2", l2: 0.001),
            HashedTraining(workload, "clip", clipNorm: 0.05),
            HashedTraining(workload, "l2 and clip", clipNorm: 0.05, l2: 0.001),
        ] + kinds.map { HashedTraining(workload, $0.rawValue, kind: $0) }
    }

    private init(
        _ workload: Workload, _ variant: String, kind: OptimizerDescription.Kind? = nil, clipNorm: Double? = nil,
        l2: Double = 0, lastRows: Int? = nil
    ) {
        self.workload = workload
        self.variant = variant
        self.l2 = l2
        self.lastRows = lastRows ?? workload.batch * 2 / 5
        optimizer = OptimizerDescription(kind: kind ?? workload.optimizer, learningRate: 0.01, clipNorm: clipNorm)
    }

    /// Trains, and returns the SHA-256 of the parameters.
    public func hash<Scalar: LoomScalar>(_: Scalar.Type, team: TeamPlan) throws -> String {
        let source = RandomSource(
            samples: 3 * workload.batch + lastRows, features: workload.sizes[0], output: workload.output,
            outputs: workload.sizes[workload.sizes.count - 1])
        var loss = workload.loss
        loss.l2 = l2
        let needs = TargetNeeds(loss: loss, output: workload.output, outputs: workload.sizes[workload.sizes.count - 1])
        let trainer = try Trainer<Scalar>(
            network: workload.network, loss: loss, optimizer: optimizer,
            schedule: TrainingSchedule(batchRows: workload.batch, epochs: 1), team: team,
            data: Dataset(source, conversion: TargetConversion(from: source, to: needs)))
        while trainer.step < trainer.totalSteps {
            guard trainer.run(steps: 1 + trainer.step).divergedStep == nil else { return "diverged" }
        }
        return trainer.parameters.hash
    }
}
