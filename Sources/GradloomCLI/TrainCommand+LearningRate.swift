import ArgumentParser
import Foundation
import LoomConfiguration
import LoomKernels
import LoomReporting
import LoomRuns

extension TrainCommand {
    /// Refuses what makes no sense of a training that is thrown away.
    func validateLearningRateFinder() throws {
        guard learningRateFinder else { return }
        let others = [
            (resume != nil, "--resume"), (profile != nil, "--profile"), (untilEpoch != nil, "--until-epoch"),
            (onNaN != nil, "--on-nan"),
        ]
        for (isGiven, option) in others where isGiven {
            throw ValidationError(
                "--learning-rate-finder is a test from the beginning, which leaves nothing behind: it goes without \(option)."
            )
        }
    }

    /// The learning rate range test, instead of a training.
    func findLearningRate<Scalar: LoomScalar>(_ settings: Configuration, path: String, _: Scalar.Type) throws {
        let tuned = try TunedMachine(LearningRateFinder<Scalar>.configuration(settings))
        let loading = TransferProgress(quiet: quiet)
        let experiment = try Experiment<Scalar>(
            tuned.configuration, machine: tuned.machine, willReserve: showMemoryPlan
        ) { done, total in
            loading.update(done: done, worked: done, of: total, unit: "samples", bytes: nil)
        }
        loading.finish()
        if !quiet { experiment.notes.forEach(printNote) }
        let finder = LearningRateFinder(experiment)
        let report = LearningRateReport(
            curve: finder.run(), range: finder.range, configurationPath: path,
            // The next command has another rate.
            overrides: overrides.and(workers: workers).filter { !$0.hasPrefix("optimizer.learning_rate=") }
                .flatMap { ["--set", $0] }
                + (fold.map { ["--fold", $0.text] } ?? []) + (forcePrecision ? ["--force-precision"] : []),
            configured: settings.optimizer.learningRate)
        if json {
            try JSONLines.print(report)
        } else {
            try StandardOutput.write(
                report.text(terminal: .standardOutput, columns: Terminal.standardOutputColumns()))
        }
    }
}

/// What `gradloom train --learning-rate-finder` prints.
struct LearningRateReport {
    let curve: LearningRateCurve
    let range: LearningRateRange
    /// The configuration's file.
    let configurationPath: String
    /// The words of the command line that change it.
    let overrides: [String]
    /// The configuration's own rate.
    let configured: Double

    private static let rows = 10

    private var steepest: Double? { curve.steepest.map { LearningRateCurve.rounded($0.rate) } }
    private var tenthOfMinimum: Double? { curve.tenthOfMinimum.map(LearningRateCurve.rounded) }

    // MARK: Text

    func text(terminal: Terminal, columns: Int) -> String {
        ([headline] + plot(terminal: terminal, columns: columns) + [""] + suggestions).joined(separator: "\n") + "\n"
    }

    /// "digits: 163 steps, learning rate 1.0e-07 to 0.33, where the loss became more than 4 times its best, or no number"
    private var headline: String {
        let name = URL(fileURLWithPath: configurationPath).deletingPathExtension().lastPathComponent
        let last = curve.points.last.map { NumberFormat.number($0.rate, significantDigits: 2) } ?? NumberFormat.missing
        let end =
            switch curve.end {
            case .diverged:
                "where the loss became more than \(Int(LearningRateCurve.divergence)) times its best, or no number"
            case .largestRate: "without diverging"
            }
        return "\(name): \(NumberFormat.counted(curve.points.count, "step")), learning rate "
            + "\(NumberFormat.number(range.smallest, significantDigits: 2)) to \(last), \(end)"
    }

    /// Until the loss is clearly above where it began: the rest would leave the curve before it flat.
    private func plot(terminal: Terminal, columns: Int) -> [String] {
        let smoothed = curve.points.map(\.smoothedLoss)
        guard let lowest = smoothed.indices.min(by: { smoothed[$0] < smoothed[$1] }) else { return [] }
        let highest = smoothed[...lowest].max() ?? 0
        let shown = curve.points.prefix(
            (smoothed[lowest...].firstIndex { $0 > 1.2 * highest } ?? smoothed.count - 1) + 1)
        let points = shown.enumerated().map { (x: Double($0.offset + 1), y: $0.element.smoothedLoss) }
        let labels = (
            NumberFormat.number(range.smallest, significantDigits: 2),
            NumberFormat.number(shown[shown.count - 1].rate, significantDigits: 2)
        )
        let series = CurvePlot.Series("loss, smoothed, by learning rate", colour: 34, points: points)
        return ["", "loss"]
            + CurvePlot([series], lastX: Double(points.count), xLabels: labels).lines(
                columns: min(columns, 120) - 1, rows: Self.rows, terminal: terminal)
    }

    private var suggestions: [String] {
        guard let steepest, let tenthOfMinimum, let minimum = curve.minimum else {
            return [
                "No rate is suggested: the loss did not fall by more than chance. Look at the data, data.standardize and the "
                    + "first weights."
            ]
        }
        var table = TextTable(columns: [.init("learning rate", alignment: .right), .init("rule")])
        table.append(["\(steepest)", "the loss falls fastest there"])
        table.append([
            "\(tenthOfMinimum)",
            "a tenth of \(NumberFormat.number(minimum.rate, significantDigits: 2)), where the loss was smallest",
        ])
        table.append(["\(configured)", "the configuration as it is"])
        let words =
            ["gradloom", "train", configurationPath] + overrides + ["--set", "optimizer.learning_rate=\(steepest)"]
        return [table.rendered(), "Next: \(ShellText.joined(words))"]
    }
}

// MARK: JSON

extension LearningRateReport: Encodable {
    private struct PointRecord: Encodable {
        let point: LearningRateCurve.Point

        enum CodingKeys: String, CodingKey {
            case loss
            case learningRate = "learning_rate"
            case smoothedLoss = "smoothed_loss"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(point.rate, forKey: .learningRate)
            try container.encode(point.loss, forKey: .loss)
            try container.encode(point.smoothedLoss, forKey: .smoothedLoss)
        }
    }

    enum CodingKeys: String, CodingKey {
        case event, points, diverged, steepest, configured
        case tenthOfMinimum = "tenth_of_minimum"
        case rateOfMinimum = "rate_of_minimum"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("learning_rates", forKey: .event)
        try container.encode(curve.points.map(PointRecord.init), forKey: .points)
        try container.encode(curve.end == .diverged, forKey: .diverged)
        try container.encode(steepest, forKey: .steepest)
        try container.encode(tenthOfMinimum, forKey: .tenthOfMinimum)
        try container.encode(curve.minimum?.rate, forKey: .rateOfMinimum)
        try container.encode(configured, forKey: .configured)
    }
}
