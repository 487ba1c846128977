import ArgumentParser
import Foundation
import LoomConfiguration
import LoomHardware
import LoomRuns
import LoomTraining

extension SweepSearch: ExpressibleByArgument {}
extension SweepMetric: ExpressibleByArgument {}

/// `gradloom sweep`
struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Search the hyperparameters with which a configuration trains best.",
        discussion: """
            Trains a configuration with many combinations of values, several at once, each a \
            process on cores of its own, and ranks them by the best epoch of each. A list of \
            values has commas, as in 32,64; a range two points, as in 16..256, 0.8..0.99 or \
            1e-4..1e-1:log. Ctrl-C ends the trainings with checkpoints: --resume goes on.

            Examples:
              gradloom sweep configs/digits.yaml --set training.batch=32,64 --output sweep
              gradloom sweep configs/digits.yaml --set loss.l2=1e-6..1e-2:log --output sweep
              gradloom sweep configs/spirals.yaml --folds 5 --output folds
              gradloom sweep --resume sweep
            """)

    @Argument(help: "The configuration, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var configuration: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "The values of a key: one, a list a,b,c, or a range a..b, with :log behind it for equal ratios and :n for n points of a grid, of which a range has 5 otherwise; may be repeated.",
            valueName: "key.path=values"))
    var values: [String] = []

    @Option(
        help: ArgumentHelp("The directory that the sweep makes for its runs and results.", valueName: "dir"),
        completion: .directory)
    var output: String?

    @Option(
        help: ArgumentHelp(
            "All combinations, random ones, or successive halving: many trials begin, and the best ones go on. The default is grid, and random where a key has a range.",
            valueName: "grid|random|halving"))
    var search: SweepSearch?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("How many trials are drawn; 20 otherwise.", valueName: "n"))
    var trials: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("What trials are drawn by: the same seed, the same trials; 1 otherwise.", valueName: "n"))
    var seed: UInt64?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "With halving: one in n trials goes on, for n times the epochs; 3 otherwise.", valueName: "n"))
    var reduction: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Score every trial by the mean over k folds of the data.", valueName: "k"))
    var folds: Int?

    @Option(
        help: ArgumentHelp("What trials are compared by; validation_loss otherwise.", valueName: "measure"))
    var metric: SweepMetric?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many trainings go on at once; as many as there are cores otherwise.", valueName: "n"))
    var jobs: Int?

    @Option(
        help: ArgumentHelp("Go on with an interrupted sweep; with --jobs, --json and --quiet alone.", valueName: "dir"),
        completion: .directory)
    var resume: String?

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    @Flag(help: "Print nothing but errors and the result.")
    var quiet = false

    func validate() throws {
        guard (configuration == nil) != (resume == nil) else {
            throw ValidationError("Give a configuration, or --resume with the directory of a sweep.")
        }
        if resume != nil {
            let isNew =
                !values.isEmpty || output != nil || search != nil || trials != nil || seed != nil || reduction != nil
                || folds != nil || metric != nil
            if isNew { throw ValidationError("--resume goes on with what was asked: only --jobs may be another.") }
            return try validate("--jobs", jobs, atLeast: 1)
        }
        if output == nil { throw ValidationError("Give --output, a directory for the sweep's runs and results.") }
        for value in values where value.split(separator: "=").count < 2 {
            throw ValidationError("--set '\(value)' is not KEY.PATH=VALUES, such as training.batch=32,64,128.")
        }
        try validate("--trials", trials, atLeast: 1)
        try validate("--reduction", reduction, atLeast: 2)
        try validate("--folds", folds, atLeast: 2)
        if let folds, folds > SweepPlan.mostFolds {
            throw ValidationError("--folds must be at most \(SweepPlan.mostFolds).")
        }
        try validate("--jobs", jobs, atLeast: 1)
    }

    private func validate(_ option: String, _ value: Int?, atLeast least: Int) throws {
        if let value, value < least { throw ValidationError("\(option) must be at least \(least).") }
    }

    func run() throws {
        try reportingFailures {
            let begin = ContinuousClock.now
            _ = try SweepExecution.machine(jobs: jobs)
            let sweep = try resume.map { try SweepDirectory.existing($0) } ?? newSweep()
            let stop = StopRequest()
            // From here on a signal leaves a sweep that can go on.
            stop.raiseOnSignals()
            let progress = SweepProgress(sweep.plan, isQuiet: quiet)
            defer { progress.finish() }
            var execution = try SweepExecution(sweep, jobs: jobs, stop: stop, progress: progress)
            try execution.run()
            progress.finish()
            var report = SweepReport(
                plan: sweep.plan, standings: execution.course.standings, directory: sweep.path,
                jobs: execution.mostJobs, seconds: (ContinuousClock.now - begin) / .seconds(1),
                isOver: execution.signal == nil)
            if report.isOver, let best = try report.bestConfigurationText() {
                try AtomicFile.write(best, to: sweep.bestPath)
                report.bestPath = sweep.bestPath
            }
            if json { try JSONLines.print(report) } else { try StandardOutput.write(report.text) }
            if let signal = execution.signal { throw ExitCode(ExitStatus.signalled(signal)) }
            if report.bestPath == nil {
                throw SweepError.noScore(
                    failed: report.standings.count, why: report.standings.compactMap(\.problem).first)
            }
        }
    }

    private func newSweep() throws -> SweepDirectory {
        guard let configuration, let output else { preconditionFailure("both were looked for") }
        try SweepDirectory.checkIsFree(output)
        var request = SweepRequest(configuration: configuration, settings: values)
        request.search = search
        request.trials = trials
        request.seed = seed ?? request.seed
        request.reduction = reduction
        request.folds = folds
        request.metric = metric ?? request.metric
        return try SweepDirectory.create(output, plan: request.plan(note: quiet ? { _ in } : printNote))
    }
}
