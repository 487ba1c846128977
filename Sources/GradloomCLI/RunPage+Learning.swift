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
        let wereInterrupted = runs.contains { $0.starts.count > 1 }
        let figure = curve(
            "Samples a second in each epoch", "samples/s",
            // An epoch may have ended without a step of its own, right after an interruption.
            [("", "samples_per_second", .line, { $0.seconds > 0 ? $0.samplesPerSecond : nil })],
            note: wereInterrupted ? "A curve has a gap where its run was interrupted and went on." : nil, isSpeed: true)
        return ReportPage.Section("speed", "Speed", content: [table.markup, figure])
    }

    private typealias Curve = (name: String, key: String, mark: ChartMark, value: (EpochEvent) -> Double?)

    /// Numbers over epochs, of all runs.
    /// - Parameter isSpeed: Whether they are those of a machine: then an interruption parts them.
    private func curve(
        _ title: String, _ unit: String, _ curves: [Curve], note: String? = nil, isSpeed: Bool = false
    ) -> Markup {
        let series = runs.indices.flatMap { index in curves.flatMap { parts(of: $0, index, isSpeed: isSpeed) } }
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
            title, note: note.map { [Markup("p", text: $0)] } ?? [],
            chart: LineChart(
                "\(title) over epochs", x: ChartAxis("epoch", scale: ChartScale(.linear, domain: 1...max(2, last))),
                y: ChartAxis(unit, scale: scale), series: series),
            table: table(title, curves, isSpeed: isSpeed)
        ).markup
    }

    /// The parts of a curve of run `index`.
    private func parts(of curve: Curve, _ index: Int, isSpeed: Bool) -> [LineChart.Series] {
        let run = runs[index]
        let parts = isSpeed ? run.parts : [run.epochs.indices]
        let names = [runs.count > 1 || curve.name.isEmpty ? run.name : "", curve.name].filter { !$0.isEmpty }
        var name = names.joined(separator: ", ")
        return parts.enumerated().compactMap { start, part in
            let workers = isSpeed && start < run.starts.count ? run.starts[start].workers : nil
            let who = workers.map { ", " + NumberFormat.counted($0, "worker") } ?? ""
            let points = run.epochs[part].compactMap { epoch in
                curve.value(epoch).map {
                    LineChart.Point(
                        Double(epoch.epoch), $0,
                        title: "\(run.name), epoch \(epoch.epoch)\(who): \(curve.name) \(NumberFormat.number($0))")
                }
            }
            guard !points.isEmpty else { return nil }
            // The legend has a run once.
            defer { name = "" }
            return LineChart.Series(
                name, colour(index), curve.mark, points: points,
                hasPoints: run.epochs.count < 30 || points.count == 1)
        }
    }

    private func table(_ title: String, _ curves: [Curve], isSpeed: Bool) -> DataTable {
        var table = DataTable(
            "\(title) in numbers",
            columns: [.text("run"), .number("epoch")] + (isSpeed ? [.number("workers")] : [])
                + curves.map { .number($0.name.isEmpty ? "samples/s" : $0.name) })
        for (index, run) in runs.enumerated() {
            for (start, part) in run.parts.enumerated() {
                let workers = start < run.starts.count ? run.starts[start].workers : nil
                for place in part {
                    let epoch = run.epochs[place]
                    table.append(
                        [.text(run.name), .number(whole(epoch.epoch, index, "epochs/\(place)/epoch"))]
                            + (isSpeed ? [.number(whole(workers, index, "starts/\(start)/workers"))] : [])
                            + curves.map { .number(number($0.value(epoch), index, "epochs/\(place)/\($0.key)")) })
                }
            }
        }
        return table
    }
}
