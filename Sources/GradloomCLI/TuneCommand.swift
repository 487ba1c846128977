import ArgumentParser
import Foundation
import LoomConfiguration
import LoomData
import LoomHardware
import LoomKernels
import LoomMeasurement
import LoomReporting
import LoomRuns

/// `gradloom tune`
struct TuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune",
        abstract: "Find the fastest number of workers, placement, shards and route for a training.",
        discussion: """
            Runs the configuration's own steps on its own data in many ways, in turn, and gives \
            up the slow ones. Results keep their bits. What was chosen is kept for this \
            machine: train uses it where the configuration has parallel.workers: auto.

            Examples:
              gradloom tune configs/quickstart.yaml
              gradloom tune configs/quickstart.yaml --budget 2m --output tuned.yaml
              gradloom tune configs/digits.yaml --batch 32,64,128 --target-loss 0.1
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long is measured at most, such as 30s or 2m.", valueName: "time"))
    var budget = TimeSpan(seconds: 60)

    @Option(
        help: ArgumentHelp("Write the configuration with the choice, for train.", valueName: "file"),
        completion: .file())
    var output: String?

    @OptionGroup var outputs: OutputOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Try these batches, too, with commas between them; the one that reaches --target-loss first wins.",
            valueName: "list"))
    var batch: Counts?

    @Option(parsing: .unconditional, help: ArgumentHelp("The training loss to reach; with --batch.", valueName: "loss"))
    var targetLoss: Double?

    @Flag(help: "Also try what changes the bits of the result: other shards, and other groups of samples.")
    var allowOtherBits = false

    @Flag(help: "Measure all candidates until the budget is used up: none leaves early.")
    var exhaustive = false

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    func validate() throws {
        guard (batch == nil) == (targetLoss == nil) else {
            throw ValidationError("--batch and --target-loss belong together.")
        }
        if let targetLoss, !targetLoss.isFinite { throw ValidationError("--target-loss must be a finite number.") }
        guard budget.seconds >= 1, budget.seconds <= 86_400 else {
            throw ValidationError("--budget must be at least 1s and at most 24h.")
        }
        try GradloomCLI.validate("--output", output, replacesNot: options.configuration, called: "configuration")
    }

    func run() throws {
        try reportingFailures {
            let settings = try options.settings()
            try settings.validateForTraining(file: options.configuration)
            switch settings.training.precision.scalar {
            case .float32: try tune(settings, Float.self)
            case .float64: try tune(settings, Double.self)
            }
        }
    }

    private func tune<Scalar: LoomScalar>(_ settings: Configuration, _: Scalar.Type) throws {
        let file = try outputs.file("--output", output)
        let largest = try max(
            MachineSetup.largestTeam(
                policy: settings.parallel.placement, provider: settings.parallel.gemmBackend),
            settings.parallel.workers ?? 1)
        let machine = try MachineSetup(settings, workers: largest)
        for note in machine.notes { printNote(note) }
        let data = try PreparedData<Scalar>(
            settings.data, network: settings.network.description(inputs: 0), loss: settings.loss)
        for note in data.notes { printNote(note) }
        var request = TuneMeasurement.Request()
        request.budgetSeconds = budget.seconds
        request.allowsOtherBits = allowOtherBits
        request.isExhaustive = exhaustive
        let progress = TuneProgress(budgetSeconds: budget.seconds)
        defer { progress.end() }
        let report: TuneReport
        if let batch, let targetLoss {
            let tuning = try BatchTuning(
                settings, request, batches: batch.values, targetLoss: targetLoss, data: data.training, machine: machine
            ) { progress.show($0, batch: $1) }
            report = TuneReport(
                tuning: tuning.best.tuning, settings: tuning.best.configuration, machine: machine, batches: tuning)
        } else {
            let tuning = try TuneMeasurement(settings, request, data: data.training, machine: machine) {
                progress.show($0, batch: nil)
            }
            report = TuneReport(tuning: tuning, settings: settings, machine: machine, batches: nil)
        }
        progress.end()
        try keep(report, inputs: data.training.featureCount, in: file)
    }

    private func keep(_ report: TuneReport, inputs: Int, in file: OutputFile?) throws {
        var report = report
        if report.isWorthKeeping, let cache = TuningCache.user() {
            let isKept = try cache.keep(report.choice, for: TuningCache.Key(report.settings, inputs: inputs))
            if isKept { report.cachePath = cache.path } else { report.refusedCachePath = cache.path }
        }
        if let file {
            try file.write(report.configurationText(source: options.configuration))
            report.outputPath = file.path
        }
        report.configurationPath = options.configuration
        report.configurationOverrides = options.overrides.values
        if json {
            try JSONLines.print(report)
        } else {
            try StandardOutput.write(report.text)
        }
    }
}

/// How far a tuning is, on standard error: one rewritten line on a terminal, a line a stage elsewhere.
final class TuneProgress {
    private let budgetSeconds: Double
    private let terminal = Terminal.standardError
    private var nextDraw = 0.0
    private var shownStage: String?
    private var isVisible = false

    init(budgetSeconds: Double) { self.budgetSeconds = budgetSeconds }

    func show(_ progress: TuneMeasurement.Progress, batch: Int?) {
        let stage = "\(batch ?? 0) \(progress.stage)"
        if !terminal.canRewriteLines {
            guard stage != shownStage else { return }
        } else {
            guard progress.seconds >= nextDraw || stage != shownStage else { return }
            nextDraw = progress.seconds + 0.1
        }
        shownStage = stage
        let fastest = progress.fastest
        let text =
            (batch.map { "batch \($0), " } ?? "") + "stage \(progress.stage): \(progress.candidates) "
            + "candidate\(progress.candidates == 1 ? "" : "s"), "
            + String(format: "%.0f of %.0f s", progress.seconds, budgetSeconds)
            + ", fastest: \(fastest.workers) worker\(fastest.workers == 1 ? "" : "s") "
            + "(\(String(format: "%.2f", progress.ratio)) times the configuration)"
        if terminal.canRewriteLines {
            let columns = Terminal.standardErrorColumns()
            StandardError.write("\r\u{1B}[K" + text.prefix(max(1, columns - 1)))
            isVisible = true
        } else {
            StandardError.write(text + "\n")
        }
    }

    /// Leaves a clean line behind.
    func end() {
        if isVisible { StandardError.write("\r\u{1B}[K") }
        isVisible = false
    }
}
