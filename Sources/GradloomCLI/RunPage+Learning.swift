import LoomReporting
import LoomRuns

extension RunPage {
    /// Losses and accuracies, and what the speed was, epoch by epoch.
    var learning: ReportPage.Section? {
        guard runs.contains(where: { !$0.epochs.isEmpty }) else { return nil }
        var figures = [
            curve(
                "Loss", "loss",
                [
                    ("training", "loss", .line, { $0.loss }),
                    ("validation", "validation_loss", .dashes, { $0.validationLoss }),
                ])
        ]
        if runs.contains(where: { $0.epochs.contains { $0.accuracy != nil } }) {
            figures.append(
                curve(
                    "Accuracy", "accuracy",
                    [
                        ("training", "accuracy", .line, { $0.accuracy }),
                        ("validation", "validation_accuracy", .dashes, { $0.validationAccuracy }),
                    ]))
        }
        return ReportPage.Section("learning", "Learning", content: figures)
    }

    /// How fast it was.
    var speed: ReportPage.Section? {
        guard runs.contains(where: { !$0.epochs.isEmpty }) else { return nil }
        var table = DataTable(
            "Speed",
            columns: [
                .text("run"), .number("samples/s"), .number("GFLOP/s"), .number("of the arithmetic peak"),
                .number("training"),
                .number("workers"),
            ])
        for (index, run) in runs.enumerated() {
            table.append([
                .text(run.name), .number(number(run.done?.samplesPerSecond, index, "done/samples_per_second")),
                .number(number(run.done?.gflops, index, "done/gflops")),
                .number(percentage(run.done?.ceilingFraction, index, "done/ceiling_fraction")),
                .text(run.done.map { NumberFormat.duration(seconds: $0.time.trainingSeconds) }),
                .number(whole(run.run?.workers, index, "run/workers")),
            ])
        }
        let figure = curve(
            "Samples a second in each epoch", "samples/s", [("", "samples_per_second", .line, { $0.samplesPerSecond })])
        return ReportPage.Section("speed", "Speed", content: [table.markup, figure])
    }

    private typealias Curve = (name: String, key: String, mark: ChartMark, value: (EpochEvent) -> Double?)

    /// Numbers over epochs, of all runs.
    private func curve(_ title: String, _ unit: String, _ curves: [Curve]) -> Markup {
        var series: [LineChart.Series] = []
        for (index, run) in runs.enumerated() {
            for curve in curves {
                let points = run.epochs.compactMap { epoch in
                    curve.value(epoch).map {
                        LineChart.Point(
                            Double(epoch.epoch), $0,
                            title: "\(run.name), epoch \(epoch.epoch): \(curve.name) \(NumberFormat.number($0))")
                    }
                }
                guard !points.isEmpty else { continue }
                let name = [runs.count > 1 || curve.name.isEmpty ? run.name : "", curve.name].filter { !$0.isEmpty }
                series.append(
                    LineChart.Series(
                        name.joined(separator: ", "), colour(index), curve.mark, points: points,
                        hasPoints: points.count < 30))
            }
        }
        let ys = series.flatMap(\.values).filter(\.isFinite)
        let (low, high) = (ys.min() ?? 0, ys.max() ?? 1)
        let last = Double(runs.flatMap { $0.epochs.map(\.epoch) }.max() ?? 1)
        let scale: ChartScale
        if low > 0, high / low > 20 {
            scale = ChartScale(.logarithmic, domain: low / 1.1...high * 1.1)
        } else if low > 0.5 * high {
            scale = ChartScale(.linear, domain: low - 0.08 * (high - low)...high + 0.08 * (high - low))
        } else {
            scale = .fromZero(ys)
        }
        return Figure(
            title,
            chart: LineChart(
                "\(title) over epochs", x: ChartAxis("epoch", scale: ChartScale(.linear, domain: 1...max(2, last))),
                y: ChartAxis(unit, scale: scale), series: series), table: table(title, curves)
        ).markup
    }

    private func table(_ title: String, _ curves: [Curve]) -> DataTable {
        var table = DataTable(
            "\(title) in numbers",
            columns: [.text("run"), .number("epoch")] + curves.map { .number($0.name.isEmpty ? "samples/s" : $0.name) })
        for (index, run) in runs.enumerated() {
            for (place, epoch) in run.epochs.enumerated() {
                table.append(
                    [.text(run.name), .number(whole(epoch.epoch, index, "epochs/\(place)/epoch"))]
                        + curves.map { .number(number($0.value(epoch), index, "epochs/\(place)/\($0.key)")) })
            }
        }
        return table
    }
}
