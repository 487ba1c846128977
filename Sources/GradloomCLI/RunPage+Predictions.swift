import LoomReporting
import LoomRuns
import LoomTraining

extension RunPage {
    /// The largest confusion matrix that is shown whole.
    private static let mostClasses = 20
    /// The share of a class from which on a mistake is marked.
    private static let markedShare = 0.05

    /// What the predictions of each run are worth.
    var predictions: ReportPage.Section? {
        let content = runs.enumerated().flatMap { index, run -> [Markup] in
            guard let evaluation = run.evaluation else { return [] }
            let heading = Markup("h3", ["class": "apart"], text: run.name)
            let source = Markup(
                "p", ["class": "soft"],
                text: "On the \(NumberFormat.grouped(evaluation.measures.evaluation.samples)) samples of the run's "
                    + "\(evaluation.data) data, after step \(NumberFormat.grouped(evaluation.step)).")
            return [heading, source] + tables(evaluation, index)
        }
        return content.isEmpty ? nil : ReportPage.Section("predictions", "Predictions", content: content)
    }

    private func tables(_ evaluation: EvaluationEvent, _ index: Int) -> [Markup] {
        let measures = evaluation.measures
        var parts: [Markup] = []
        if let classification = measures.classification {
            parts.append(scores(classification, evaluation, index).markup)
            if let matrix = classification.confusionMatrix, matrix.count <= Self.mostClasses {
                parts.append(confusion(matrix, evaluation.names, index).markup)
            }
        }
        if let binary = measures.binary.first, measures.binary.count == 1 {
            parts.append(calibration(binary, evaluation.names.className(1), index))
        }
        if let regression = measures.regression {
            parts.append(errors(regression, evaluation.names, index).markup)
            parts += residuals(index)
        }
        return parts
    }

    private func scores(
        _ classification: ClassificationMeasures, _ evaluation: EvaluationEvent, _ index: Int
    ) -> DataTable {
        let name = evaluation.measures.areDecisions ? evaluation.names.decision : evaluation.names.className
        var table = DataTable(
            "Scores of the classes",
            columns: [.text("class"), .number("precision"), .number("recall"), .number("F1"), .number("samples")])
        for (place, scores) in classification.classes.enumerated() {
            let pointer = "evaluation/classification/classes/\(place)"
            table.append([
                .text(name(place)), .number(number(scores.precision, index, "\(pointer)/precision")),
                .number(number(scores.recall, index, "\(pointer)/recall")),
                .number(number(scores.f1Score, index, "\(pointer)/f1_score")),
                .number(whole(scores.support, index, "\(pointer)/support")),
            ])
        }
        return table
    }

    /// Rows are what samples are, columns what they are taken for.
    private func confusion(_ matrix: [[Int]], _ names: OutputNames, _ index: Int) -> DataTable {
        var table = DataTable(
            "Who is taken for whom",
            columns: [.text("is")] + matrix.indices.map { .number("as \(names.className($0))") })
        for (row, counts) in matrix.enumerated() {
            let limit = Double(counts.reduce(0, +)) * Self.markedShare
            table.append(
                [.text(names.className(row))]
                    + counts.enumerated().map { column, count in
                        .number(
                            whole(count, index, "evaluation/classification/confusion_matrix/\(row)/\(column)"),
                            isBad: row != column && Double(count) > limit)
                    })
        }
        return table
    }

    private func calibration(_ binary: BinaryMeasures, _ name: String, _ index: Int) -> Markup {
        let points = binary.calibration.compactMap { bin -> LineChart.Point? in
            guard let mean = bin.meanPrediction, let share = bin.positiveShare else { return nil }
            return LineChart.Point(
                mean, share,
                title:
                    "\(NumberFormat.counted(bin.count, "sample")): predicted \(NumberFormat.percentage(mean)), right "
                    + NumberFormat.percentage(share))
        }
        var table = DataTable(
            "Calibration in numbers", columns: [.number("samples"), .number("mean prediction"), .number("share")])
        for (place, bin) in binary.calibration.enumerated() where bin.count > 0 {
            let pointer = "evaluation/binary/0/calibration_curve/\(place)"
            table.append([
                .number(whole(bin.count, index, "\(pointer)/count")),
                .number(number(bin.meanPrediction, index, "\(pointer)/mean_predicted_value")),
                .number(number(bin.positiveShare, index, "\(pointer)/fraction_of_positives")),
            ])
        }
        let axis = ChartScale(.linear, domain: 0...1)
        return Figure(
            "Calibration of \(name)",
            note: [
                Markup(
                    "p", text: "Samples with predictions in the same tenth: the share that is \(name) over their mean.")
            ],
            chart: LineChart(
                "The share of samples that are \(name) over the predicted probability",
                x: ChartAxis("predicted", scale: axis), y: ChartAxis("share", scale: axis),
                series: [
                    LineChart.Series("as predicted", .grey, .dashes, points: [.init(0, 0), .init(1, 1)]),
                    LineChart.Series("measured", colour(index), .line, points: points, hasPoints: true),
                ]), table: table
        ).markup
    }

    private func errors(_ regression: RegressionMeasures, _ names: OutputNames, _ index: Int) -> DataTable {
        var table = DataTable(
            "Errors", columns: [.text("target"), .number("MAE"), .number("RMSE"), .number("R²")])
        for (place, errors) in regression.targets.enumerated() {
            let pointer = "evaluation/regression/targets/\(place)"
            table.append([
                .text(names.value(place)),
                .number(number(errors.meanAbsoluteError, index, "\(pointer)/mean_absolute_error")),
                .number(number(errors.rootMeanSquaredError, index, "\(pointer)/root_mean_squared_error")),
                .number(number(errors.r2Score, index, "\(pointer)/r2_score")),
            ])
        }
        return table
    }
}
