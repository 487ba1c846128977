import LoomData
import LoomReporting
import LoomRuns

/// `summary.json`: the result and where it comes from.
struct RunSummary: Encodable {
    let done: DoneEvent
    let run: RunEvent
    let summary: TrainingSummary
    let bestPossible: BestPossible?
    let end: TrainingEnd
    let machine: MachineSetup

    func encode(to encoder: any Encoder) throws {
        try done.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(endName, forKey: .end)
        try container.encode(summary.epochs, forKey: .epochs)
        try container.encode(summary.time.seconds, forKey: .seconds)
        try container.encode(summary.accuracy, forKey: .accuracy)
        try container.encode(summary.validationLoss, forKey: .validationLoss)
        try container.encode(summary.validationAccuracy, forKey: .validationAccuracy)
        try container.encode(summary.constantLoss, forKey: .constantLoss)
        try container.encode(summary.constantValidationLoss, forKey: .constantValidationLoss)
        try container.encode(bestPossible, forKey: .bestPossible)
        try container.encode(summary.checkpointIntervalSeconds, forKey: .checkpointIntervalSeconds)
        try container.encode(summary.longestAtRiskSeconds, forKey: .longestAtRiskSeconds)
        try container.encode(run, forKey: .run)
        try container.encode(machine.machine, forKey: .machine)
        try container.encode(machine.allowance, forKey: .allowance)
        try container.encode(machine.blas, forKey: .blas)
        try container.encode(GradloomCommand.version, forKey: .version)
    }

    private var endName: String {
        switch end {
        case .completed: "completed"
        case .stoppedEarly: "stopped_early"
        case .interrupted: "interrupted"
        case .diverged: "diverged"
        }
    }

    enum CodingKeys: String, CodingKey {
        case end, epochs, seconds, accuracy, run, machine, allowance, blas
        case validationLoss = "validation_loss"
        case validationAccuracy = "validation_accuracy"
        case checkpointIntervalSeconds = "checkpoint_interval_seconds"
        case longestAtRiskSeconds = "longest_at_risk_seconds"
        case constantLoss = "constant_loss"
        case bestPossible = "best_possible"
        case constantValidationLoss = "constant_validation_loss"
        case version = "gradloom_version"
    }
}

extension BestPossible {
    /// The figures as a sentence; nil where none is known, or all are perfect.
    var note: String? {
        func text(_ name: String, _ figure: Figure?, perfect: Double, _ format: (Double) -> String) -> String? {
            guard let figure, figure.value != perfect else { return nil }
            let error = figure.standardError.map { " ± \(format($0))" } ?? ""
            return "\(name) \(format(figure.value))\(error)"
        }
        let figures = [
            text("accuracy", accuracy, perfect: 1) { NumberFormat.percentage($0) },
            text("cross entropy", crossEntropy, perfect: 0) { NumberFormat.number($0) },
            text("mean squared error", meanSquaredError, perfect: 0) { NumberFormat.number($0) },
        ].compactMap { $0 }
        guard !figures.isEmpty else { return nil }
        return "the best possible on new samples of this task: \(figures.joined(separator: ", ")) (\(method))"
    }
}
