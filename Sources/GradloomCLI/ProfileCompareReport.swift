import Foundation
import LoomMeasurement
import LoomReporting
import LoomRuns

/// What `gradloom profile compare` prints: one JSON object, or a verdict and tables.
struct ProfileCompareReport {
    let comparison: ProfileComparison

    /// Operations with less of the time of a step, before and after, are left out of tables unless they changed.
    private static let smallestShare = 0.0005

    // MARK: Text

    var text: String {
        [verdictText + ".\n", speedsText, operationsText].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// One sentence, without its full stop.
    var verdictText: String {
        guard !comparison.speeds.isEmpty else { return "Cannot tell: the profiles have no number of workers in common" }
        switch comparison.outcome {
        case .worse:
            let slower = comparison.speeds.filter { $0.change.verdict == .worse }
            return "Worse: " + slower.map(Self.sentence).joined(separator: "; ")
        case .noWorse:
            let isBetter = comparison.speeds.contains { $0.change.verdict == .better }
            return (isBetter ? "Better: " : "No worse: ")
                + comparison.speeds.filter { ($0.change.verdict == .better) == isBetter }.map(Self.sentence)
                .joined(separator: "; ")
        case .cannotTell:
            let unclear = comparison.speeds.filter { !$0.change.isNoWorse }
            return "Cannot tell: " + unclear.map(Self.sentence).joined(separator: "; ") + adviceText
        }
    }

    private var adviceText: String {
        let runs = min(comparison.runsBefore, comparison.runsAfter)
        if let smallest = comparison.smallestVisibleChange {
            return "; as equal runs differ, profiles as few as these show a change above "
                + "\(NumberFormat.percentage(smallest, digits: 0)) at best: give at least \(ChangeRule.fewestRuns) of each side, "
                + "or --run-noise if equal runs are closer here than "
                + NumberFormat.percentage(comparison.rule.runNoise, digits: 0)
        }
        return "; the \(runs) runs of a side are too far apart: give more of them, or longer ones"
    }

    private static func sentence(_ speed: ProfileComparison.Speed) -> String {
        let workers = NumberFormat.counted(speed.workers, "worker")
        guard let ratio = speed.change.ratio else { return "\(workers): no samples to compare" }
        return "\(workers) \(speed.workers == 1 ? "takes" : "take") \(factor(ratio.median)) times as long as before "
            + "(\(interval(speed.change)))"
    }

    private var speedsText: String {
        guard !comparison.speeds.isEmpty else { return "" }
        var table = TextTable(columns: [
            .init("workers", alignment: .right), .init("samples/s before", alignment: .right),
            .init("after", alignment: .right), .init("time", alignment: .right),
            .init("interval", alignment: .right), .init("verdict"),
        ])
        for speed in comparison.speeds {
            func figure(_ value: Double?) -> String { value.map(NumberFormat.samplesPerSecond) ?? NumberFormat.missing }
            table.append([
                "\(speed.workers)", figure(speed.before), figure(speed.after), Self.factor(speed.change.ratio?.median),
                Self.interval(speed.change), Self.word(speed.change.verdict),
            ])
        }
        return table.rendered()
    }

    private var operationsText: String {
        guard let step = comparison.step else { return "" }
        var table = TextTable(columns: [
            .init("operation"), .init("layer"), .init("before", unit: "µs", alignment: .right),
            .init("after", unit: "µs", alignment: .right), .init("time", alignment: .right),
            .init("interval", alignment: .right), .init("verdict"),
        ])
        func append(_ name: String, _ layer: String?, _ time: ProfileComparison.Duration) {
            func microseconds(_ seconds: Double?) -> String {
                seconds.map { String(format: "%.2f", $0 * 1e6) } ?? NumberFormat.missing
            }
            let verdict =
                switch (time.before, time.after) {
                case (nil, _?): "new"
                case (_?, nil): "gone"
                default: Self.word(time.change.verdict)
                }
            table.append([
                name, layer ?? "", microseconds(time.before), microseconds(time.after),
                Self.factor(time.change.ratio?.median), Self.interval(time.change), verdict,
            ])
        }
        append("step", nil, step)
        for operation in comparison.operations where isShown(operation) {
            append(operation.kind, operation.layer, operation.time)
        }
        return "A step of the largest number of workers, operations as the mean of all workers:\n" + table.rendered()
    }

    private func isShown(_ operation: ProfileComparison.Operation) -> Bool {
        func share(_ part: Double?, _ step: Double?) -> Double { (part ?? 0) / max(step ?? 0, 1e-12) }
        return [.worse, .better].contains(operation.time.change.verdict)
            || share(operation.time.before, comparison.step?.before) >= Self.smallestShare
            || share(operation.time.after, comparison.step?.after) >= Self.smallestShare
    }

    private static func factor(_ ratio: Double?) -> String {
        ratio.map { String(format: $0 < 100 ? "%.2f" : "%.0f", $0) } ?? NumberFormat.missing
    }

    private static func interval(_ change: Change) -> String {
        change.ratio.map { "\(factor($0.low))–\(factor($0.high))" } ?? NumberFormat.missing
    }

    private static func word(_ verdict: ChangeVerdict) -> String {
        verdict.rawValue.replacing("_", with: " ")
    }
}

// MARK: JSON

extension ProfileCompareReport: Encodable {
    private struct Time: Encodable {
        var kind, layer: String?
        var workers: Int?
        let before, after, ratio, low, high: Double?
        let confidence: Double
        let verdict: ChangeVerdict

        init(_ change: Change, before: Double?, after: Double?) {
            (self.before, self.after) = (before, after)
            (ratio, low, high) = (change.ratio?.median, change.ratio?.low, change.ratio?.high)
            confidence = change.ratio?.confidence ?? 0
            verdict = change.verdict
        }

        init(_ time: ProfileComparison.Duration) { self.init(time.change, before: time.before, after: time.after) }
    }

    private struct Rule: Encodable {
        let relevantChange, confidence, runNoise: Double
        let runsBefore, runsAfter: Int
    }

    private enum CodingKeys: String, CodingKey {
        case event, outcome, text, speeds, step, operations, differences, rule
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("comparison", forKey: .event)
        try container.encode(comparison.outcome, forKey: .outcome)
        try container.encode(verdictText, forKey: .text)
        try container.encode(
            comparison.speeds.map { speed in
                var time = Time(speed.change, before: speed.before, after: speed.after)
                time.workers = speed.workers
                return time
            }, forKey: .speeds)
        try container.encode(comparison.step.map(Time.init), forKey: .step)
        try container.encode(
            comparison.operations.map { operation in
                var time = Time(operation.time)
                (time.kind, time.layer) = (operation.kind, operation.layer)
                return time
            }, forKey: .operations)
        try container.encode(comparison.differences, forKey: .differences)
        let rule = comparison.rule
        try container.encode(
            Rule(
                relevantChange: rule.relevantChange, confidence: rule.confidence, runNoise: rule.runNoise,
                runsBefore: comparison.runsBefore, runsAfter: comparison.runsAfter), forKey: .rule)
    }
}
