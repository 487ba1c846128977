import LoomMeasurement
import LoomReporting
import LoomRuns

extension ProfilePage {
    /// How the speed grows with workers; nil where one number of them was measured.
    var scaling: ReportPage.Section? {
        let rows = report.scaling.rows
        guard rows.count > 1 else { return nil }
        let kind =
            report.profile.scaling == .strong
            ? "The batch stays the same for every number of workers (strong scaling)."
            : "The batch grows with the workers (weak scaling)."
        let isModelled = report.scaling.amdahl.model != nil || report.scaling.universal.model != nil
        let intervals =
            " Bars are 95 % intervals of medians."
            + (isModelled ? " Rings are what models predict that have not seen the last point." : "")
        let sentences = report.heldOutText.split(separator: "\n").map { String($0).capitalizedFirst + "." }
        let notes = [kind + intervals] + sentences
        return ReportPage.Section(
            "scaling", "Scaling",
            content: [
                Figure(
                    "Speed over workers", note: notes.map { Markup("p", text: $0) }, chart: scalingChart,
                    table: scalingTable
                ).markup,
                Markup("h3", ["class": "apart"], text: "Where efficiency goes"),
                Markup(
                    "p", ["class": "soft"],
                    text: "Efficiency is about load balance × communication × computation; below "
                        + "\(EfficiencyTree.acceptable) a factor is red."),
                factorTable.markup,
            ])
    }

    private var scalingChart: LineChart {
        let rows = report.scaling.rows
        let first = rows[0]
        func ideal(_ workers: Int) -> Double { first.speed.median * Double(workers) / Double(first.workers) }
        var series = [
            LineChart.Series(
                "Ideal", .grey, .dashes, points: rows.map { .init(Double($0.workers), ideal($0.workers)) })
        ]
        series += modelSeries
        series.append(
            LineChart.Series(
                "Measured", .blue, .line,
                points: rows.map { row in
                    LineChart.Point(
                        Double(row.workers), row.speed.median, low: row.speed.low, high: row.speed.high,
                        title: "\(NumberFormat.counted(row.workers, "worker")): \(whole(row.speed.median)) samples/s, "
                            + "\(whole(row.speed.low)) to \(whole(row.speed.high))")
                }, hasPoints: true))
        let axis = workersAxis
        let isWide = axis.scale.kind == .logarithmic
        let ys = series.flatMap(\.values)
        return LineChart(
            "Samples per second over the number of workers",
            x: axis,
            y: ChartAxis(
                "samples/s",
                scale: isWide
                    ? ChartScale(.logarithmic, domain: (ys.min() ?? 1) / 1.3...(ys.max() ?? 1) * 1.3) : .fromZero(ys)),
            series: series)
    }

    /// The numbers of workers, which where they differ much would lie on each other without logarithms.
    var workersAxis: ChartAxis {
        let counts = report.scaling.rows.map(\.workers)
        let (first, last) = (Double(counts[0]), Double(counts[counts.count - 1]))
        return ChartAxis(
            "workers",
            scale: last / first > 16
                ? ChartScale(.logarithmic, domain: first / 1.1...last * 1.1)
                : ChartScale(.linear, domain: first - 0.15 * (last - first)...last + 0.06 * (last - first)),
            marks: counts.map { (Double($0), "\($0)") })
    }

    /// The curves of the models, which have not seen the largest number of workers, and what they predict for it.
    private var modelSeries: [LineChart.Series] {
        let rows = report.scaling.rows
        let points = rows.dropLast().map { ScalingPoint(workers: $0.workers, throughput: $0.speed.median) }
        let range = rows[0].workers...rows[rows.count - 1].workers
        let steps = Swift.stride(from: range.lowerBound, through: range.upperBound, by: max(1, range.count / 64))
        let places = Set(steps).union([range.upperBound]).sorted()
        let models: [(name: String, colour: ChartColour, speed: ((Int) -> Double)?, held: HeldOutPrediction?)] = [
            (
                "Amdahl's law", .orange, AmdahlFit.fit(points).model.map { fit in { fit.throughput(workers: $0) } },
                report.scaling.amdahl.model
            ),
            (
                "Universal Scalability Law", .purple,
                UniversalScalabilityFit.fit(points).model.map { fit in { fit.throughput(workers: $0) } },
                report.scaling.universal.model
            ),
        ]
        return models.flatMap { model -> [LineChart.Series] in
            guard let speed = model.speed, let held = model.held else { return [] }
            let title =
                "\(model.name) predicts \(whole(held.predicted.throughput)) samples/s for "
                + "\(held.predicted.workers) workers; \(whole(held.measured)) were measured"
            return [
                .init(model.name, model.colour, .dashes, points: places.map { .init(Double($0), speed($0)) }),
                .init(
                    "", model.colour, .ring,
                    points: [.init(Double(held.predicted.workers), held.predicted.throughput, title: title)]),
            ]
        }
    }

    private func whole(_ value: Double) -> String { NumberFormat.grouped(Int(value.rounded())) }

    private var scalingTable: DataTable {
        var table = DataTable(
            "Numbers of this chart",
            columns: [
                .number("workers"), .number("samples/s"), .number("from"), .number("to"), .number("speed-up"),
            ])
        for (index, row) in report.scaling.rows.enumerated() {
            let path = "/scaling/\(index)"
            table.append([
                .number(count(Double(row.workers), path + "/workers")),
                .number(count(row.speed.median, path + "/samples_per_second")),
                .number(count(row.speed.low, path + "/low")), .number(count(row.speed.high, path + "/high")),
                .number(factor(row.speedUp, path + "/speed_up")),
            ])
        }
        return table
    }

    private var factorTable: DataTable {
        var table = DataTable(
            "Factors of the efficiency",
            columns: [
                .number("workers"), .number("efficiency"), .number("load balance"), .number("communication"),
                .number("computation"),
            ])
        for (index, row) in report.scaling.rows.enumerated() {
            let path = "/scaling/\(index)"
            func cell(_ value: Double?, _ key: String) -> DataTable.Cell {
                .number(
                    value.map { factor($0, "\(path)/\(key)") },
                    isBad: value.map { $0 < EfficiencyTree.acceptable } ?? false)
            }
            table.append([
                .number(count(Double(row.workers), path + "/workers")), cell(row.efficiency, "efficiency"),
                cell(row.tree?.loadBalance, "load_balance"), cell(row.tree?.communication, "synchronisation"),
                cell(row.tree?.computation, "computation"),
            ])
        }
        return table
    }
}
