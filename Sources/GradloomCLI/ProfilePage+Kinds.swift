import LoomMeasurement
import LoomReporting
import LoomRuns

extension ProfilePage {
    /// What each kind of operation takes over the numbers of workers; nil where one number of them was measured.
    var kinds: ReportPage.Section? {
        let kinds = report.kinds
        guard kinds.workers.count > 1 else { return nil }
        let refusal =
            kinds.kinds.contains { $0.amdahl.model != nil } ? nil : kinds.kinds.first?.amdahl.refusal
        let notes = [
            kinds.stopsScaling.map { $0.text.capitalizedFirst + "." } ?? "No kind of operation loses much.",
            "Means of all workers. What scales perfectly falls in proportion to the workers"
                + (report.profile.scaling == .strong ? "." : ", where the batch stays the same."),
            refusal.map { "A model of each kind: \($0)." },
        ].compactMap { $0 }
        return ReportPage.Section(
            "kinds", "Which operation stops scaling",
            content: [
                Figure(
                    "Time of a step by kind of operation, over workers",
                    note: notes.map { Markup("p", text: $0) }, chart: kindsChart, table: kindsTable
                ).markup
            ])
    }

    private var kindsUnit: TimeUnit { TimeUnit(report.kinds.kinds.flatMap(\.seconds).max() ?? 0) }

    private var kindsChart: LineChart {
        let workers = report.kinds.workers
        let unit = kindsUnit
        let shown = report.kinds.kinds.filter { kind in
            // A hundredth of what most takes is a line on the axis.
            (kind.seconds.max() ?? 0) > 0.01 * (report.kinds.kinds.flatMap(\.seconds).max() ?? 0)
        }
        let isWide = workersAxis.scale.kind == .logarithmic
        let series = shown.map { kind in
            let name = Self.readable(kind.kind)
            return LineChart.Series(
                name, ChartColour(operation: kind.kind), .line,
                points: zip(workers, kind.seconds).filter { !isWide || $0.1 > 0 }.map { workers, seconds in
                    LineChart.Point(
                        Double(workers), unit.value(seconds),
                        title:
                            "\(name), \(NumberFormat.counted(workers, "worker")): \(unit.textWithUnit(seconds)) a step")
                }, hasPoints: true)
        }
        let values = series.flatMap(\.values)
        return LineChart(
            "Time of a step by kind of operation, over the number of workers", x: workersAxis,
            y: ChartAxis(
                unit.name,
                scale: isWide
                    ? ChartScale(.logarithmic, domain: (values.min() ?? 1) / 1.3...(values.max() ?? 1) * 1.3)
                    : .fromZero(values)), series: series.reversed())
    }

    private var kindsTable: DataTable {
        let kinds = report.kinds
        let unit = kindsUnit
        var columns: [DataTable.Column] = [.text("operation")]
        columns += kinds.workers.map { .number(NumberFormat.counted($0, "worker"), unit: unit.name) }
        columns += [.number("efficiency"), .number("lost", unit: unit.name), .number("of the loss")]
        let hasModel = kinds.kinds.contains { $0.amdahl.model != nil }
        if hasModel { columns.append(.number("serial part")) }
        var table = DataTable("Kinds of operations over workers", columns: columns)
        for (index, kind) in kinds.kinds.enumerated() {
            let path = "/kinds/\(index)"
            var row: [DataTable.Cell] = [.text(Self.readable(kind.kind))]
            row += kind.seconds.enumerated().map { .number(unit.number($1, "\(path)/seconds/\($0)")) }
            let efficiency = kind.efficiency.last.flatMap { $0 }
            row += [
                .number(
                    efficiency.map { factor($0, "\(path)/efficiency/\(kind.efficiency.count - 1)") },
                    isBad: efficiency.map { $0 < EfficiencyTree.acceptable } ?? false),
                .number(unit.number(kind.lostSeconds, path + "/lost_seconds")),
                .number(percentage(kind.lostShare, path + "/lost_share")),
            ]
            if hasModel {
                row.append(.number(kind.amdahl.model.map { percentage($0.serialFraction, path + "/serial_fraction") }))
            }
            table.append(row)
        }
        return table
    }
}
