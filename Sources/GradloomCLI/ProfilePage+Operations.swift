import Foundation
import LoomMeasurement
import LoomReporting
import LoomRuns

extension ChartColour {
    /// The colour of a kind of operation, in every chart of the page.
    init(operation kind: String) {
        self =
            switch kind {
            case "forward": .blue
            case "backward": .green
            case "gradient": .orange
            case "gather", "prefetch", "copy": .sky
            case "update", "fused_update": .purple
            case "sum": .vermilion
            case StepProfile.wait: .grey
            case "recovery": .ink
            default: .yellow
            }
    }
}

extension ProfilePage {
    /// The kinds of operations of the largest number of workers, in the order of the program, waits last.
    var operationKinds: [String] {
        let all = last.profile.entries.map(\.kind).filter { $0 != StepProfile.wait }
        return all.reduce(into: [String]()) { kinds, kind in
            if !kinds.contains(kind) { kinds.append(kind) }
        } + [StepProfile.wait]
    }

    static func readable(_ kind: String) -> String { kind.replacing("_", with: " ") }

    /// One entry a colour: rare kinds share one.
    func legend(of kinds: [String]) -> [LegendEntry] {
        let colours = kinds.map { ChartColour(operation: $0) }.reduce(into: [ChartColour]()) { colours, colour in
            if !colours.contains(colour) { colours.append(colour) }
        }
        return colours.map { colour in
            let names = kinds.filter { ChartColour(operation: $0) == colour }.map(Self.readable)
            return LegendEntry(names.joined(separator: ", "), colour, .fill)
        }
    }

    func workerName(_ worker: Int) -> String { "worker \(worker)" }

    /// Where the time of a step goes.
    var operations: ReportPage.Section {
        let unit = TimeUnit(last.profile.secondsByWorker.max() ?? 0)
        let kinds = operationKinds
        let rows = (0..<last.workers).map { worker in
            StackedBars.Row(
                workerName(worker),
                parts: kinds.map { kind in
                    let own = last.profile.entries.filter { $0.worker == worker && $0.kind == kind }
                    let seconds = own.reduce(0) { $0 + $1.secondsPerStep }
                    let share = own.reduce(0) { $0 + $1.share }
                    return StackedBars.Part(
                        unit.value(seconds), ChartColour(operation: kind), label: Self.readable(kind),
                        title: "worker \(worker), \(Self.readable(kind)): \(unit.textWithUnit(seconds)) a step, "
                            + NumberFormat.percentage(share))
                })
        }
        return ReportPage.Section(
            "operations", "Where the time of a step goes",
            content: [
                Figure(
                    "Time of a step by kind of operation",
                    note: [
                        Markup(
                            "p",
                            text: "Means over the measured steps, \(workersText), route "
                                + "\(Self.readable(last.profile.route)).")
                    ],
                    chart: StackedBars(
                        "Time of a step by kind of operation, for each worker", title: unit.name, rows: rows,
                        legend: legend(of: kinds)), table: operationTable
                ).markup
            ])
    }

    private var operationTable: DataTable {
        let unit = TimeUnit(last.profile.secondsByWorker.max() ?? 0)
        var table = DataTable(
            "All operations, by worker and layer",
            columns: [
                .number("worker"), .text("operation"), .text("layer"), .number("time a step", unit: unit.name),
                .number("share"), .number("speed", unit: "GFLOP/s"), .number("of peak"), .number("of alone"),
                .number("memory", unit: "GB/s"),
            ])
        for (index, entry) in last.profile.entries.enumerated() {
            let path = "/operations/\(index)"
            table.append([
                .number(count(Double(entry.worker), path + "/worker")), .text(Self.readable(entry.kind)),
                .text(entry.layer.map(Self.readable)), .number(unit.number(entry.secondsPerStep, path + "/seconds")),
                .number(percentage(entry.share, path + "/share")),
                .number(entry.gflops.map { speed($0, path + "/gflops") }),
                .number(entry.gflops.map { percentage($0 / report.ceilingOfWorker, path + "/peak_fraction") }),
                .number(entry.ceilingFraction.map { percentage($0, path + "/ceiling_fraction") }),
                .number(entry.gigabytesPerSecond.map { speed($0, path + "/gigabytes_per_second") }),
            ])
        }
        return table
    }

    // MARK: Timeline

    /// A median step and a slow one; nil where no step is whole.
    var timeline: ReportPage.Section? {
        let steps = MeasuredStep.all(in: last.laps)
        guard let quantiles = Quantiles(steps.map(\.seconds)),
            let median = steps.min(by: { abs($0.seconds - quantiles.p50) < abs($1.seconds - quantiles.p50) }),
            let slow = steps.max(by: { $0.seconds < $1.seconds })
        else { return nil }
        let moment = TimelineChart.Moment(
            slow.unit.value(median.seconds),
            label: "the end of the median step: \(slow.unit.textWithUnit(median.seconds))")
        let ratio = String(format: "%.1f", slow.seconds / median.seconds)
        var figures = [
            figure(
                median, title: "A median step",
                note: "Step \(NumberFormat.grouped(median.number)): \(median.unit.textWithUnit(median.seconds)), the "
                    + "median of the last \(NumberFormat.counted(steps.count, "measured step")).", moment: nil)
        ]
        if slow.number != median.number {
            figures.append(
                figure(
                    slow, title: "The slowest of these steps",
                    note: "Step \(NumberFormat.grouped(slow.number)): \(slow.unit.textWithUnit(slow.seconds)), "
                        + "\(ratio) times the median, whose end is the dotted line.", moment: moment))
        }
        return ReportPage.Section("timeline", "Two steps in time", content: figures.map(\.markup))
    }

    private func figure(
        _ step: MeasuredStep, title: String, note: String, moment: TimelineChart.Moment?
    ) -> Figure {
        let unit = step.unit
        var table = DataTable(
            "Operations and waits of this step",
            columns: [
                .number("worker"), .text("operation"), .number("from", unit: unit.name), .number("to", unit: unit.name),
            ])
        let rows = step.spans.enumerated().map { worker, spans in
            TimelineChart.Row(
                workerName(worker),
                spans: spans.map { span in
                    let name = Self.readable(span.name)
                    let length = unit.textWithUnit(span.end - span.start)
                    table.append([
                        .text("\(worker)"), .text(name), .text(unit.text(span.start)), .text(unit.text(span.end)),
                    ])
                    return TimelineChart.Span(
                        unit.value(span.start), unit.value(span.end), ChartColour(operation: span.kind), label: name,
                        title: "worker \(worker), \(name): \(length), from \(unit.textWithUnit(span.start)) on")
                })
        }
        let kinds = operationKinds.filter { kind in step.spans.joined().contains { $0.kind == kind } }
        return Figure(
            title, note: [Markup("p", text: note)],
            chart: TimelineChart(
                title, title: unit.name, rows: rows, legend: legend(of: kinds), moment: moment), table: table)
    }
}

/// A step that all workers have measured laps of.
struct MeasuredStep {
    /// An operation, or a wait.
    struct Span {
        /// What it was, with its layer.
        let name: String
        /// Seconds from the step's beginning.
        let start, end: Double

        var kind: String { String(name.prefix { $0 != " " }) }
    }

    let number: Int
    /// By worker.
    let spans: [[Span]]
    /// From the first beginning to the last end.
    let seconds: Double

    var unit: TimeUnit { TimeUnit(seconds) }

    /// The steps of which every worker has all laps, in their order.
    static func all(in laps: ProfileLaps) -> [MeasuredStep] {
        let byWorker = laps.workers.indices.map { worker in
            Dictionary(laps.steps(worker: worker).map { ($0[0].step, $0) }) { first, _ in first }
        }
        guard let first = byWorker.first else { return [] }
        return first.keys.sorted().compactMap { number in
            let steps = byWorker.compactMap { $0[number] }
            guard steps.count == byWorker.count else { return nil }
            return MeasuredStep(number: number, steps)
        }
    }

    private init(number: Int, _ steps: [[ProfileLaps.Lap]]) {
        let begin = steps.map { $0[0].nanoseconds }.min() ?? 0
        func seconds(_ lap: ProfileLaps.Lap) -> Double { Double(lap.nanoseconds - begin) * 1e-9 }
        self.number = number
        spans = steps.map { laps in
            zip(laps, laps.dropFirst()).map { Span(name: $1.name ?? "", start: seconds($0), end: seconds($1)) }
        }
        self.seconds = spans.compactMap { $0.last?.end }.max() ?? 0
    }
}
