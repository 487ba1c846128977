import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomModel
import LoomTraining

/// A small training that was made up, and the ways in which it is carried out: what a property is tried on.
struct TrainingCase: Sendable, Equatable {
    /// A layer with everything that it reads.
    struct Layer: Sendable, Equatable {
        var name: String
        var units: Int
        var activation = Activation.identity
        var components: Int?
        var reluAtZero = ReluAtZero.zero
        var hasBias = true
        var inputs: [String]
    }

    /// Who does the steps: never part of the bits.
    struct Way: Sendable, Equatable {
        var workers = 1
        var route = ParallelSettings.Route.automatic
        var team = TeamRequest.auto
        var placement = PlacementPolicy.none
        /// Whether samples are made while training.
        var isGenerated = false
    }

    /// It alone decides the case, unless that was made simpler.
    var seed: UInt64
    var features = 1
    var samples = 1
    /// Hidden layers, each after what it reads, and then the output.
    var layers: [Layer]
    /// Whether layers are listed from the output to the data.
    var listsBackwards = false
    var output = OutputMap.identity
    var loss = LossDescription(kind: .squaredSum)
    var optimizer = OptimizerDescription()
    var dataSeed: UInt64 = 1
    var weightSeed: UInt64 = 1
    var orderSeed: UInt64 = 1
    var shuffles = false
    var standardizes = false
    var batch = 1
    var dropsLast = false
    var steps = 1
    var precision = Precision.float64
    var gemm = ParallelSettings.Gemm.builtin
    var groups: Int?
    var shardRows: Int?
    /// The ways beside one worker alone.
    var ways = [Way(workers: 2)]
    /// The steps before the checkpoint.
    var savedStep = 0

    /// One worker, as everything is chosen.
    static let alone = Way()
}

// MARK: As a configuration

extension TrainingCase {
    /// What `gradloom train` reads, and what the tests read: there is no other way from a case to a training.
    func yaml(_ way: Way = alone) -> String {
        let units = layers[layers.count - 1].units
        let isClasses = output == .softmax || output == .sigmoid
        let task = flow([
            ("task", "teacher"), ("samples", "\(samples)"), ("inputs", "\(features)"),
            (isClasses ? "classes" : "targets", "\(isClasses ? max(2, units) : units)"), ("hidden", "4"),
            ("seed", "\(dataSeed)"),
        ])
        let data = flow([
            ("synthetic", task), ("shuffle", "\(shuffles)"), ("standardize", "\(standardizes)"),
            ("materialize", way.isGenerated ? "never" : "memory"),
        ])
        let training = flow([
            ("batch", "\(batch)"), ("steps", "\(steps)"), ("epochs", "\(steps)"), ("seed", "\(orderSeed)"),
            ("precision", precision.rawValue), ("drop_last", "\(dropsLast)"),
        ])
        let parallel = flow([
            ("gemm", gemm.rawValue), ("groups", groups.map { "\($0)" }), ("shard_rows", shardRows.map { "\($0)" }),
            ("workers", "\(way.workers)"), ("route", way.route.rawValue), ("team", way.team.rawValue),
            ("placement", way.placement.description),
        ])
        let lines =
            ["data: \(data)", "network:", "  layers:"] + listed.map { "    - \($0)" }
            + [
                "  output: \(output.rawValue)", "  initialization: {kind: xavier, seed: \(weightSeed)}",
                "loss: {kind: \(loss.kind.rawValue), reduction: \(loss.reduction.rawValue), l2: \(loss.l2)}",
                "optimizer: \(optimizerText)", "training: \(training)", "parallel: \(parallel)",
            ]
        return lines.map { $0 + "\n" }.joined()
    }

    /// The configuration of a way.
    func configuration(_ way: Way = alone) throws -> Configuration {
        try Configuration(yaml: yaml(way), file: "case.yaml")
    }

    private var listed: [String] {
        let texts = layers.enumerated().map { index, layer in
            let before = index == 0 ? NetworkDescription.dataName : layers[index - 1].name
            let isLast = index == layers.count - 1
            return flow([
                ("name", layer.name), ("units", "\(layer.units)"),
                ("activation", isLast ? nil : layer.activation.rawValue),
                ("components", layer.components.map { "\($0)" }),
                ("relu_at_zero", layer.reluAtZero == .one ? "1" : nil), ("bias", layer.hasBias ? nil : "false"),
                (
                    "inputs",
                    !listsBackwards && layer.inputs == [before]
                        ? nil : "[\(layer.inputs.joined(separator: ", "))]"
                ),
            ])
        }
        return listsBackwards ? texts.reversed() : texts
    }

    private var optimizerText: String {
        let rule = optimizer
        let hasMomentum = rule.kind == .momentum || rule.kind == .nesterov
        let isAdam = rule.kind == .adam || rule.kind == .adamw
        let schedule = rule.schedule
        let decays = schedule.kind == .step || schedule.kind == .exponential
        let hasFloor = schedule.kind == .cosine || schedule.kind == .oneCycle
        return flow([
            ("kind", rule.kind.rawValue), ("learning_rate", "\(rule.learningRate)"),
            ("momentum", hasMomentum ? "\(rule.momentum)" : nil), ("beta1", isAdam ? "\(rule.beta1)" : nil),
            ("beta2", isAdam ? "\(rule.beta2)" : nil), ("epsilon", isAdam ? "\(rule.epsilon)" : nil),
            ("weight_decay", rule.kind == .adamw ? "\(rule.weightDecay)" : nil),
            ("clip_norm", rule.clipNorm.map { "\($0)" }),
            (
                "schedule",
                schedule == LearningRateSchedule()
                    ? nil
                    : flow([
                        ("kind", schedule.kind.rawValue), ("warmup_steps", "\(schedule.warmupSteps)"),
                        ("factor", decays ? "\(schedule.factor)" : nil),
                        ("floor", hasFloor ? "\(schedule.floor)" : nil),
                    ])
            ),
        ])
    }

    /// A mapping in one line; keys without a value are left out.
    private func flow(_ entries: [(key: String, value: String?)]) -> String {
        "{" + entries.compactMap { key, value in value.map { "\(key): \($0)" } }.joined(separator: ", ") + "}"
    }
}

extension TrainingCase.Way: CustomStringConvertible {
    var description: String {
        "\(workers) worker\(workers == 1 ? "" : "s"), route \(route.rawValue), team \(team.rawValue), placement \(placement)"
            + (isGenerated ? ", samples made while training" : "")
    }
}

extension TrainingCase: CustomStringConvertible {
    /// A file that `gradloom train` reads, the other ways in its comments.
    var description: String {
        let ways = ways.map { "#   \($0)\n" }.joined()
        return yaml() + "# as by one worker alone, so by\n" + ways
            + "# with a checkpoint after step \(savedStep) of \(steps)\n"
    }
}
