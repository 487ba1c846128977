import ArgumentParser
import Foundation
import LoomConfiguration
import LoomKernels
import LoomReporting
import LoomRuns
import LoomTraining

/// `gradloom report`
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write a page about one or several runs.",
        discussion: """
            The page has learning curves, what the predictions are worth, where configurations \
            differ, speed, and where the results come from: one HTML file that needs no network. \
            Predictions are measured as gradloom evaluate does; --no-predictions leaves that out.

            Examples:
              gradloom report runs/digits-20260102T030405Z --output digits.html
              gradloom report runs/digits-* --output digits.html --no-predictions
            """)

    @Argument(help: "The run directories.", completion: .directory)
    var runs: [String]

    @Option(
        help: ArgumentHelp("The page to write; - for standard output.", valueName: "file"),
        completion: .file(extensions: ["html"]))
    var output: String

    @Flag(name: .customLong("no-predictions"), help: "Leave out what needs the data: only the files of runs are read.")
    var leavesOutPredictions = false

    @OptionGroup var outputs: OutputOptions

    func validate() throws {
        guard Set(runs.map { URL(fileURLWithPath: $0).standardizedFileURL.path }).count == runs.count else {
            throw ValidationError("One run is named twice.")
        }
    }

    func run() throws {
        try reportingFailures {
            let destination = try OutputFile(output, replaces: outputs.force)
            let records = try runs.map { try RunRecord($0) }
            let entries = zip(records, RunRecord.names(of: records)).map { record, name in
                let measured = leavesOutPredictions ? nil : measured(record, name)
                return RunReport.Run(
                    record, name: name, evaluation: measured?.evaluation, residuals: measured?.residuals ?? [])
            }
            let page = try RunPage(RunReport(runs: entries), records: records).html()
            try destination.write { try $0.append(page) }
        }
    }

    private typealias Measured = (evaluation: EvaluationEvent, residuals: [ResidualEntry])

    /// Nothing where there is no checkpoint yet, or the data have changed; a note says why.
    private func measured(_ record: RunRecord, _ name: String) -> Measured? {
        do {
            switch record.configuration.training.precision.scalar {
            case .float32: return try measured(record, Float.self)
            case .float64: return try measured(record, Double.self)
            }
        } catch {
            printNote("the predictions of \(name) are left out: \(error)")
            return nil
        }
    }

    private func measured<Scalar: LoomScalar>(_ record: RunRecord, _: Scalar.Type) throws -> Measured {
        let model: SavedModel<Scalar> = try ModelFile(record.directory.path).model()
        let own = try model.measureOwnData(residualsOf: RunPage.mostTargets)
        let evaluation = EvaluationEvent(
            model, data: EvaluationEvent.ownData(isValidation: own.isValidation), measures: own.measures)
        let residuals = own.residuals.enumerated().compactMap { index, residuals in
            residuals.map { ResidualEntry(name: evaluation.names.value(index), residuals: $0) }
        }
        return (evaluation, residuals)
    }
}
