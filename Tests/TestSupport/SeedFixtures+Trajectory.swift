import LoomReference

extension SeedFixtures {
    /// 5000 steps of gradient descent on four points (F3.18), started at the network of the fixture's dense block.
    public struct Trajectory: Sendable {
        /// The learning rate.
        public let learningRate: Double
        /// The loss before some of the steps, by step.
        public let losses: [Int: Double]
        /// The parameters before some of the steps, by step.
        public let parameters: [Int: [ReferenceLayer]]
        /// The first step before which all four points are decided rightly.
        public let firstStepWithAllCorrect: Int
        /// The logits of the four points before step 5000.
        public let lastLogits: [Double]
        /// The logit for x = 3.5 before step 5000.
        public let lastLogitOfTestPoint: Double

        /// The last step that numbers are given for.
        public var lastStep: Int { losses.keys.max()! }

        /// The tolerance of the loss before `step`.
        public func tolerance(step: Int) -> Tolerance {
            step <= 100 ? SeedFixtures.tolerance : SeedFixtures.lateTrajectoryTolerance
        }
    }

    /// The trajectory F3.18.
    public static let trajectory: Trajectory = {
        let json = fixture("F3.18")["trajectory"]!
        func byStep<Value>(_ key: String, _ value: (JSONValue) -> Value) -> [Int: Value] {
            Dictionary(
                uniqueKeysWithValues: json[key]!.elements!.map { ($0["step"]!.integer!, value($0)) })
        }
        return Trajectory(
            learningRate: json["rate"]!.number!,
            losses: byStep("loss_before_step") { $0["loss"]!.number! },
            parameters: byStep("parameters_before_step") { step in
                step["layers"]!.elements!.map { ReferenceLayer($0, weights: "W", bias: "b") }
            },
            firstStepWithAllCorrect: json["first_step_with_4_of_4"]!.integer!,
            lastLogits: json["logits_at_5000"]!.vector!,
            lastLogitOfTestPoint: json["logit_for_x_3.5_at_5000"]!.number!)
    }()

    /// A part of FX.1's batch with the sums over its rows: neither divided by the batch nor with the penalty.
    public struct Shard: Sendable {
        /// Its rows of the batch.
        public let rows: Range<Int>
        /// The sum of its samples' losses.
        public let lossSum: Double
        /// The sums of its samples' gradients.
        public let gradientSums: [ReferenceLayer]
    }

    /// The shards of FX.1, in the order of their rows.
    public static let shards: [Shard] = fixture("FX.1")["shards"]!.elements!.map { shard in
        let rows = shard["rows"]!.vector!.map { Int($0) }
        return Shard(
            rows: rows[0]..<rows[1], lossSum: shard["sum_loss"]!.number!,
            gradientSums: shard["sum_grads"]!.elements!.map { ReferenceLayer($0, weights: "dW", bias: "db") })
    }
}
