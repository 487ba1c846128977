import LoomModel
import LoomTraining

extension LossDescription {
    /// The keys of `loss`. The default of `kind` depends on the network's output.
    static var section: SettingsSection<LossDescription> {
        var section = SettingsSection(initial: LossDescription(kind: .crossEntropy))
        section.key(
            "kind", \.kind, .choice(),
            default: "cross_entropy (output softmax, sigmoid), otherwise squared_sum",
            "the loss of one sample; half_squared is half of squared_sum")
        section.key("reduction", \.reduction, .choice(), "mean or sum over the batch")
        section.key(
            "l2", \.l2, .number(.notNegative), "λ of the penalty λ Σ‖W‖² over all weights, not biases")
        return section
    }

    /// The kind that suits `output`.
    static func defaultKind(for output: OutputMap) -> Kind {
        switch output {
        case .softmax, .sigmoid: .crossEntropy
        case .identity, .threshold, .softmaxWeighted: .squaredSum
        }
    }
}

extension OptimizerDescription {
    /// The keys of `optimizer`.
    static var section: SettingsSection<OptimizerDescription> {
        var section = SettingsSection(initial: OptimizerDescription())
        section.key("kind", \.kind, .choice(), "the rule by which gradients change the parameters")
        section.key("learning_rate", \.learningRate, .number(.positive), "the step size, before the schedule")
        section.key(
            "momentum", \.momentum, .number(.belowOne), when: .when("kind", \.kind, is: .momentum, .nesterov),
            "the part of the last step's velocity that stays")
        let adam = SettingsCondition.when("kind", \Self.kind, is: .adam, .adamw)
        section.key("beta1", \.beta1, .number(.belowOne), when: adam, "the decay of the gradient's mean")
        section.key(
            "beta2", \.beta2, .number(.belowOne), when: adam, "the decay of the squared gradient's mean")
        section.key(
            "epsilon", \.epsilon, .number(.positive), when: adam, "added to the root in the denominator")
        section.key(
            "weight_decay", \.weightDecay, .number(.notNegative), when: .when("kind", \.kind, is: .adamw),
            "the decoupled decay of weights, not of biases")
        section.optionalKey(
            "clip_norm", \.clipNorm, .number(.positive), default: "no clipping",
            "the largest norm of the whole gradient; a longer one is scaled down to it")
        section.key(
            "schedule", \.schedule, LearningRateSchedule.section.type(), "how the learning rate changes")
        return section
    }
}

extension LearningRateSchedule {
    fileprivate static var section: SettingsSection<LearningRateSchedule> {
        func kind(_ kinds: Kind...) -> SettingsCondition<LearningRateSchedule> {
            SettingsCondition(
                holds: { kinds.contains($0.kind) },
                problem: {
                    "not used with kind \($0.kind.rawValue); it belongs to kind \(kinds.map(\.rawValue).alternatives)"
                }, keys: ["kind"])
        }
        var section = SettingsSection(initial: LearningRateSchedule())
        section.key("kind", \.kind, .choice(), "the curve")
        section.key("warmup_steps", \.warmupSteps, .whole(0), "steps of linear warm-up before the curve")
        section.key(
            "factor", \.factor, .number(.positive), when: kind(.step, .exponential),
            "what multiplies the rate every every_epochs epochs (step) or every epoch (exponential)")
        section.key("every_epochs", \.everyEpochs, .whole(1), when: kind(.step), "epochs between two changes")
        section.key(
            "floor", \.floor, .number(.fraction), when: kind(.cosine, .oneCycle),
            "the last rate as a part of learning_rate")
        section.key(
            "initial_factor", \.initialFactor, .number(.fraction), when: kind(.oneCycle),
            "the first rate as a part of learning_rate")
        section.key(
            "peak_fraction", \.peakFraction, .number(.insideUnit), when: kind(.oneCycle),
            "where the peak is, as a part of all steps after the warm-up")
        return section
    }
}
