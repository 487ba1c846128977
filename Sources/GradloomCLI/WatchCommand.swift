import ArgumentParser
import Foundation
import LoomConfiguration
import LoomReporting
import LoomRuns

/// `gradloom watch`
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show a run's course in the terminal while it goes on.",
        discussion: """
            Reads the run's files, so that it works beside a training of another terminal, or of \
            another machine with the same disk, and costs it nothing. It ends when the training \
            has ended. Where the output is no terminal, the curves are printed once.

            Examples:
              gradloom watch runs/digits-20260102T030405Z
              gradloom watch runs/digits-20260102T030405Z --once
            """)

    @Argument(help: ArgumentHelp("The run directory.", valueName: "run"), completion: .directory)
    var runDirectory: String

    @Option(help: ArgumentHelp("Seconds between two looks.", valueName: "s"))
    var interval = 1.0

    @Flag(help: "Print the curves once, and end.")
    var once = false

    func validate() throws {
        guard interval >= 0.1, interval <= 3600 else {
            throw ValidationError("--interval must be at least 0.1 and at most 3600.")
        }
    }

    func run() throws {
        try reportingFailures {
            let terminal = Terminal.standardOutput
            guard !once, terminal.canRewriteLines else {
                return try StandardOutput.write(RunWatch(RunRecord(runDirectory)).text(terminal: terminal, columns: 80))
            }
            while true {
                let record = try RunRecord(runDirectory)
                // To the upper left corner, and what is below gone.
                let text = RunWatch(record).text(terminal: terminal, columns: Terminal.standardOutputColumns())
                try StandardOutput.write("\u{1B}[H\u{1B}[J" + text)
                if record.done != nil { return }
                Thread.sleep(forTimeInterval: interval)
            }
        }
    }
}

/// What `gradloom watch` shows of a run.
struct RunWatch {
    private let record: RunRecord
    private static let rows = 10

    init(_ record: RunRecord) { self.record = record }

    func text(terminal: Terminal, columns: Int) -> String {
        var lines = [headline]
        let epochs = record.epochs
        let last = Double(max(record.configuration.training.epochs, epochs.last?.epoch ?? 1))
        func curve(_ name: String, _ colour: Int, _ value: (EpochEvent) -> Double?) -> CurvePlot.Series {
            CurvePlot.Series(
                name, colour: colour,
                points: epochs.compactMap { epoch in value(epoch).map { (Double(epoch.epoch), $0) } })
        }
        let plots = [
            ("loss", [curve("training", 34) { $0.loss }, curve("validation", 33) { $0.validationLoss }]),
            ("accuracy", [curve("training", 34) { $0.accuracy }, curve("validation", 33) { $0.validationAccuracy }]),
        ]
        for (title, series) in plots where series.contains(where: { !$0.points.isEmpty }) {
            lines.append("\n\(title)")
            lines += CurvePlot(series, lastX: last).lines(
                columns: min(columns, 120) - 1, rows: Self.rows, terminal: terminal)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// "digits-…: epoch 12 of 60, loss 0.123, validation loss 0.234, accuracy 97.1 %, 1.23 M samples/s"
    private var headline: String {
        guard let epoch = record.epochs.last else { return "\(record.name): no epoch has ended yet" }
        var parts = [
            "epoch \(NumberFormat.grouped(epoch.epoch)) of \(NumberFormat.grouped(record.configuration.training.epochs))",
            "loss \(NumberFormat.number(epoch.loss))",
        ]
        if let loss = epoch.validationLoss { parts.append("validation loss \(NumberFormat.number(loss))") }
        if let accuracy = epoch.validationAccuracy ?? epoch.accuracy {
            parts.append("accuracy \(NumberFormat.percentage(accuracy))")
        }
        parts.append("\(NumberFormat.samplesPerSecond(epoch.samplesPerSecond)) samples/s")
        return "\(record.name): " + parts.joined(separator: ", ") + (record.done == nil ? "" : "; it has ended")
    }
}
