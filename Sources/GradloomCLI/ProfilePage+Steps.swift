import Foundation
import LoomMeasurement
import LoomReporting
import LoomRuns

extension ProfilePage {
    /// The distribution of the steps' times; nil without any.
    var steps: ReportPage.Section? {
        let seconds = last.profile.stepSeconds
        guard let quantiles = Quantiles(seconds) else { return nil }
        let unit = TimeUnit(quantiles.p50)
        return ReportPage.Section(
            "steps", "Times of steps",
            content: [
                Markup(
                    "div", ["class": "figures"],
                    [histogram(seconds, quantiles, unit).markup, tail(seconds, quantiles, unit).markup])
            ] + slowSteps(unit))
    }

    private func histogram(_ seconds: [Double], _ quantiles: Quantiles, _ unit: TimeUnit) -> Figure {
        let times = seconds.map(unit.value)
        // Beyond, single steps would leave the others no room.
        let limit = unit.value(min(quantiles.p99, 3 * quantiles.p50))
        let outside = times.filter { $0 > limit }.count
        let marks = [("median", quantiles.p50), ("90 %", quantiles.p90)].map {
            HistogramChart.Marker(unit.value($1), label: $0)
        }
        var table = DataTable("Quantiles", columns: [.text("steps"), .number("within", unit: unit.name)])
        for (name, value, key) in [
            ("half", quantiles.p50, "p50"), ("90 %", quantiles.p90, "p90"), ("99 %", quantiles.p99, "p99"),
            ("all", quantiles.max, "max"),
        ] {
            table.append([.text(name), .number(unit.number(value, "/step_seconds/\(key)"))])
        }
        return Figure(
            "How long steps take",
            note: [
                Markup(
                    "p",
                    text:
                        "\(NumberFormat.counted(seconds.count, "step")); \(NumberFormat.grouped(outside)) of them, above "
                        + "\(String(format: "%.4g", limit)) \(unit.name), are in the other chart alone.")
            ],
            chart: HistogramChart(
                "Histogram of the times of steps", bins: HistogramChart.bins(times, upTo: limit), title: unit.name,
                unit: unit.name, counted: "steps", markers: marks), width: .half, table: table)
    }

    /// The slowest steps: how long one of so many takes at least.
    private func tail(_ seconds: [Double], _ quantiles: Quantiles, _ unit: TimeUnit) -> Figure {
        let sorted = seconds.sorted(by: >)
        // The j-th largest of n is what one step of n / j takes at least: ranks with equal ratios, and the first ten.
        let ranks = Set((1...10).map { $0 } + (0..<120).map { Int(10 * exp2(Double($0) / 8)) }).filter {
            $0 <= sorted.count
        }
        let values = ranks.map { unit.value(sorted[$0 - 1]) }
        let points = ranks.sorted(by: >).map { rank in
            let value = sorted[rank - 1]
            let every = Double(sorted.count) / Double(rank)
            return LineChart.Point(
                every, unit.value(value),
                title: "one step of \(NumberFormat.number(every, significantDigits: 3)) takes "
                    + "\(unit.textWithUnit(value)) or longer")
        }
        let isWide = quantiles.max > 6 * quantiles.p50
        return Figure(
            "The slow ones",
            note: [
                Markup(
                    "p",
                    text: "One step of so many takes this long or longer; the longest took "
                        + "\(unit.textWithUnit(quantiles.max)).")
            ],
            chart: LineChart(
                "Times of the slowest steps",
                x: ChartAxis(
                    "one step of so many", scale: ChartScale(.logarithmic, domain: 1...Double(max(2, sorted.count)))),
                y: ChartAxis(
                    unit.name,
                    scale: isWide
                        ? ChartScale(.logarithmic, domain: (values.min() ?? 1) / 1.2...(values.max() ?? 1) * 1.2)
                        : .fromZero(values)),
                series: [LineChart.Series("steps", .blue, .line, points: points)], height: 260), width: .half)
    }

    /// The slowest steps with what the system counted meanwhile.
    private func slowSteps(_ unit: TimeUnit) -> [Markup] {
        let slow = last.slowSteps
        guard !slow.slowest.isEmpty else { return [] }
        let causes = SlowStep.Cause.allCases.compactMap { cause in
            slow.causes[cause].map { "\(NumberFormat.grouped($0)) \(cause.rawValue)" }
        }
        return [
            Markup("h3", ["class": "apart"], text: "Slow steps, and what happened in them"),
            Markup(
                "p", ["class": "soft"],
                text: "\(NumberFormat.counted(slow.count, "step")) took longer than \(SlowSteps.limit) medians: "
                    + "\(causes.joined(separator: ", ")). Counts are of all workers in that very step, stolen and throttled "
                    + "time is that of the region of steps that it was in."),
            slowTable(slow, unit).markup,
        ]
    }

    private func slowTable(_ slow: SlowSteps, _ unit: TimeUnit) -> DataTable {
        var table = DataTable(
            "Slow steps",
            columns: [
                .number("step"), .number("time", unit: unit.name), .number("of median"), .text("cause"),
                .number("core taken"), .number("slept"), .number("moved"), .number("faults"),
                .number("stood still", unit: unit.name), .number("stolen", unit: "ms"),
                .number("throttled", unit: "ms"),
            ])
        for (index, step) in slow.slowest.enumerated() {
            let path = "/slow_steps/\(index)"
            func events(_ value: Int?, _ key: String) -> DataTable.Cell {
                .number(value.map { count(Double($0), "\(path)/\(key)") })
            }
            func milliseconds(_ seconds: Double?, _ key: String) -> DataTable.Cell {
                .number(seconds.map { ReportNumber(String(format: "%.0f", $0 * 1e3), $0, "\(path)/\(key)") })
            }
            table.append([
                events(step.step, "step"), .number(unit.number(step.seconds, path + "/seconds")),
                .number(factor(step.ratio, path + "/ratio")), .text(step.cause.rawValue),
                events(step.events?.involuntarySwitches, "involuntary_switches"),
                events(step.events?.voluntarySwitches, "voluntary_switches"),
                events(step.events?.migrations, "migrations"), events(step.events?.faults, "faults"),
                // Both clocks were read one after the other: a step may seem to have run for longer than it took.
                .number(
                    step.events.flatMap { events in
                        events.notRunningSeconds > 0
                            ? unit.number(events.notRunningSeconds, path + "/not_running_seconds") : nil
                    }),
                milliseconds(step.stolenSeconds, "stolen_seconds"),
                milliseconds(step.throttledSeconds, "throttled_seconds"),
            ])
        }
        return table
    }
}
