import Foundation
import LoomReporting
import LoomRuns
import LoomTraining

/// The measures of predictions as tables.
struct MeasuresReport {
    let measures: PredictionMeasures
    let names: OutputNames

    /// The most classes whose confusion matrix is shown.
    static let mostMatrixClasses = 12
    /// The most rows of a table with a row for each output; of more outputs the worst `shownRows` are shown.
    static let mostRows = 40
    private static let shownRows = 20
    private static let shownPairs = 10

    /// One table each.
    var parts: [String] {
        var parts: [String] = []
        if let classification = measures.classification {
            parts.append(scores(classification))
            if let matrix = classification.confusionMatrix {
                if matrix.count <= Self.mostMatrixClasses {
                    parts.append(confusion(matrix))
                } else if let mistakes = mostConfused(classification) {
                    parts.append(mistakes)
                }
            }
        }
        if measures.areDecisions {
            parts.append(decisions)
        } else if let binary = measures.binary.first {
            parts += [probabilities(binary), calibration(binary)]
        }
        if let regression = measures.regression { parts.append(errors(regression)) }
        return parts
    }

    private func className(_ index: Int) -> String {
        measures.areDecisions ? names.decision(index) : names.className(index)
    }

    private func scores(_ classification: ClassificationMeasures) -> String {
        var table = TextTable(
            columns: [.init(measures.areDecisions ? "output" : "class")]
                + ["precision", "recall", "F1", "support"].map { .init($0, alignment: .right) })
        func append(_ name: String, _ scores: ClassificationMeasures.Scores) {
            table.append(
                [name] + [scores.precision, scores.recall, scores.f1Score].map(Self.decimals)
                    + [NumberFormat.grouped(scores.support)])
        }
        let rows = Self.worst(classification.classes.count) { classification.classes[$0].f1Score }
        for index in rows { append(className(index), classification.classes[index]) }
        append("mean", classification.macroAverage)
        append("weighted mean", classification.weightedAverage)
        return Self.heading(rows.count, of: classification.classes.count, by: "F1") + table.rendered(indent: 2)
    }

    private func confusion(_ matrix: [[Int]]) -> String {
        var table = TextTable(
            columns: [.init("actual \\ predicted")]
                + matrix.indices.map { .init(Self.short(className($0)), alignment: .right) })
        for (index, row) in matrix.enumerated() { table.append([className(index)] + row.map(NumberFormat.grouped)) }
        return table.rendered(indent: 2)
    }

    /// Nil where there are no mistakes.
    private func mostConfused(_ classification: ClassificationMeasures) -> String? {
        let pairs = classification.mostConfused(atMost: Self.shownPairs)
        guard !pairs.isEmpty else { return nil }
        var table = TextTable(
            columns: [.init("most confused"), .init("predicted as"), .init("samples", alignment: .right)])
        for pair in pairs {
            table.append([className(pair.actual), className(pair.predicted), NumberFormat.grouped(pair.count)])
        }
        return table.rendered(indent: 2)
    }

    private static let probabilityTitles = ["ROC AUC", "average precision", "log loss", "Brier score"]

    private static func probabilityCells(_ binary: BinaryMeasures) -> [String] {
        [binary.rocAUC, binary.averagePrecision].map(decimals)
            + [binary.logLoss, binary.brierScore].map { NumberFormat.number($0) }
    }

    private func probabilities(_ binary: BinaryMeasures) -> String {
        var table = TextTable(
            columns: [.init("probability of"), .init(names.className(1), alignment: .right)])
        for (title, cell) in zip(Self.probabilityTitles, Self.probabilityCells(binary)) { table.append([title, cell]) }
        return table.rendered(indent: 2)
    }

    private var decisions: String {
        var table = TextTable(
            columns: [.init("output")] + Self.probabilityTitles.map { .init($0, alignment: .right) })
        let rows = Self.worst(measures.binary.count) { measures.binary[$0].averagePrecision ?? 0 }
        for index in rows { table.append([names.decision(index)] + Self.probabilityCells(measures.binary[index])) }
        return Self.heading(rows.count, of: measures.binary.count, by: "average precision") + table.rendered(indent: 2)
    }

    private func calibration(_ binary: BinaryMeasures) -> String {
        var table = TextTable(
            columns: [.init("predicted")]
                + ["mean", "share of \(names.className(1))", "samples"].map { .init($0, alignment: .right) })
        for (index, bin) in binary.calibration.enumerated() {
            table.append([
                String(format: "%.1f to %.1f", Double(index) / 10, Double(index + 1) / 10),
                Self.decimals(bin.meanPrediction), Self.decimals(bin.positiveShare), NumberFormat.grouped(bin.count),
            ])
        }
        return table.rendered(indent: 2)
    }

    private func errors(_ regression: RegressionMeasures) -> String {
        var table = TextTable(
            columns: [.init("target")] + ["MAE", "RMSE", "R²"].map { .init($0, alignment: .right) })
        func append(_ name: String, _ errors: RegressionMeasures.Errors) {
            table.append(
                [name] + [errors.meanAbsoluteError, errors.rootMeanSquaredError].map { NumberFormat.number($0) }
                    + [errors.r2Score.map { NumberFormat.number($0) } ?? NumberFormat.missing])
        }
        let count = regression.targets.count
        let rows = Self.worst(count) { regression.targets[$0].r2Score ?? 0 }
        for index in rows { append(names.value(index), regression.targets[index]) }
        if count > 1 { append("mean", regression.average) }
        return Self.heading(rows.count, of: count, by: "R²") + table.rendered(indent: 2)
    }

    /// The outputs to show, in their order: all, or those of many for which `score` is lowest, NaN before all.
    static func worst(_ count: Int, _ score: (Int) -> Double) -> [Int] {
        guard count > mostRows else { return Array(0..<count) }
        let scores = (0..<count).map { index in
            let score = score(index)
            return (score: score.isNaN ? -.infinity : score, index: index)
        }
        return scores.sorted { $0 < $1 }.prefix(shownRows).map(\.index).sorted()
    }

    private static func heading(_ shown: Int, of count: Int, by score: String) -> String {
        shown == count ? "" : "  the \(shown) of \(NumberFormat.grouped(count)) with the lowest \(score)\n"
    }

    private static func decimals(_ value: Double?) -> String {
        value.map { $0.isNaN ? "NaN" : String(format: "%.4f", $0) } ?? NumberFormat.missing
    }

    private static func short(_ name: String) -> String {
        name.count <= 12 ? name : name.prefix(11) + "…"
    }
}
