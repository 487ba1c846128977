import Foundation
import LoomConfiguration
import LoomReporting
import LoomRuns

/// What the page of `gradloom report` has in numbers: its JSON object.
struct RunReport: Encodable {
    /// The beginning of a run, or where it went on: how many epochs ended before the next one.
    struct Start: Encodable {
        let workers, epochs: Int
    }

    struct Run: Encodable {
        let name: String
        let run: RunEvent?
        let starts: [Start]
        let epochs: [EpochEvent]
        let done: DoneEvent?
        let evaluation: EvaluationEvent?
        let residuals: [ResidualEntry]

        /// - Parameters:
        ///   - name: What the page calls it.
        ///   - residuals: Of the regression that was evaluated.
        init(_ record: RunRecord, name: String, evaluation: EvaluationEvent?, residuals: [ResidualEntry]) {
            (self.name, run, epochs, done) = (name, record.run, record.epochs, record.done)
            starts = record.starts.enumerated().map { index, start in
                Start(workers: start.workers, epochs: record.epochStarts.count { $0 == index })
            }
            (self.evaluation, self.residuals) = (evaluation, residuals)
        }

        /// The epochs that ended between two interruptions.
        var parts: [Range<Int>] {
            var first = 0
            let parts = starts.map { start in
                defer { first += start.epochs }
                return first..<first + start.epochs
            }
            return parts.isEmpty ? [epochs.indices] : parts
        }
    }
    let runs: [Run]
}

/// The page that `gradloom report` writes.
struct RunPage {
    let report: RunReport
    let records: [RunRecord]

    init(_ report: RunReport, records: [RunRecord]) { (self.report, self.records) = (report, records) }

    /// The name of the element with the JSON object.
    static let jsonIdentifier = "runs"

    var runs: [RunReport.Run] { report.runs }

    /// The page.
    func html() throws -> String {
        let sections = [results, learning, predictions, differences, speed, provenance].compactMap { $0 }
        return ReportPage(
            title: runs.count == 1 ? "\(runs[0].name): a run of Gradloom" : "\(runs.count) runs of Gradloom",
            header: header, sections: sections,
            footer: [
                Markup(
                    "p",
                    text: "Hover over a chart for its numbers, or open the table below it. The element "
                        + "#\(Self.jsonIdentifier) of this page has all of them as JSON.")
            ], json: (try JSONLines.text(report), Self.jsonIdentifier)
        ).html
    }

    /// The colour of a run in all charts.
    func colour(_ index: Int) -> ChartColour {
        let colours: [ChartColour] = [.blue, .orange, .green, .purple, .sky, .vermilion, .yellow]
        return colours[index % colours.count]
    }

    /// A number of run `index`, at `pointer` below it.
    func number(_ value: Double?, _ index: Int, _ pointer: String) -> ReportNumber? {
        value.map { value in
            let isLarge = value.isFinite && abs(value) >= 1000 && abs(value) < 1e15
            let text = isLarge ? NumberFormat.grouped(Int(value.rounded())) : NumberFormat.number(value)
            return ReportNumber(text, value, "/runs/\(index)/\(pointer)")
        }
    }

    /// A share of run `index`.
    func percentage(_ value: Double?, _ index: Int, _ pointer: String) -> ReportNumber? {
        value.map { ReportNumber(NumberFormat.percentage($0), $0, "/runs/\(index)/\(pointer)") }
    }

    /// A whole number of run `index`.
    func whole(_ value: Int?, _ index: Int, _ pointer: String) -> ReportNumber? {
        value.map { ReportNumber(NumberFormat.grouped($0), Double($0), "/runs/\(index)/\(pointer)") }
    }

    // MARK: Results

    private var header: [Markup] {
        let names = runs.map(\.name)
        let heading = runs.count == 1 ? names[0] : "\(runs.count) runs"
        return [
            Markup(
                "p", ["class": "kicker"], text: runs.count == 1 ? "A run of Gradloom" : names.joined(separator: ", ")),
            Markup("h1", text: heading),
        ]
    }

    private var results: ReportPage.Section {
        var table = DataTable(
            "Results",
            columns: [
                .text("run"), .text("state"), .number("epochs"), .number("steps"), .number("loss"),
                .number("validation loss"),
                .number("accuracy"), .number("validation accuracy"), .number("samples/s"),
            ])
        for (index, run) in runs.enumerated() {
            let (last, epoch) = (run.epochs.count - 1, run.epochs.last)
            table.append([
                .text(run.name), .text(run.done == nil ? "not ended" : "ended"),
                .number(whole(epoch?.epoch, index, "epochs/\(last)/epoch")),
                .number(whole(epoch?.step, index, "epochs/\(last)/step")),
                .number(number(epoch?.loss, index, "epochs/\(last)/loss")),
                .number(number(epoch?.validationLoss, index, "epochs/\(last)/validation_loss")),
                .number(percentage(epoch?.accuracy, index, "epochs/\(last)/accuracy")),
                .number(percentage(epoch?.validationAccuracy, index, "epochs/\(last)/validation_accuracy")),
                .number(number(run.done?.samplesPerSecond, index, "done/samples_per_second")),
            ])
        }
        let note =
            "Losses and accuracies after the last epoch; with early stopping the parameters may be those of another one."
        return ReportPage.Section(
            "results", "Results", content: [Markup("p", ["class": "soft"], text: note), table.markup])
    }
}
