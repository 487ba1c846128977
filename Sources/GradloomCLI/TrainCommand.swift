import ArgumentParser
import Foundation
import LoomConfiguration
import LoomData
import LoomHardware
import LoomKernels
import LoomMeasurement
import LoomReporting
import LoomRuns
import LoomTraining

extension TrainingSettings.OnNaN: ExpressibleByArgument {}
extension Fold: ExpressibleByArgument {
    /// Such as 2/5.
    public init?(argument: String) { self.init(argument) }
}

/// `gradloom train`
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train the network that a configuration describes.",
        discussion: """
            Writes a run directory with the resolved configuration, the metrics, a summary and \
            checkpoints. Ctrl-C ends after the current step, with a checkpoint.

            Examples:
              gradloom train configs/quickstart.yaml
              gradloom train configs/digits.yaml --set optimizer.learning_rate=0.05
              gradloom train --resume runs/digits-20260102T030405Z
              gradloom train configs/quickstart.yaml --profile profile.json
            """)

    @Argument(help: "The configuration, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var configuration: String?

    @OptionGroup var overrides: OverrideOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number of workers, instead of the configuration's parallel.workers.", valueName: "n"))
    var workers: Int?

    @Option(
        name: .customLong("on-nan"),
        help: ArgumentHelp(
            "When a loss is no finite number: stop, or rollback to the last good checkpoint and on at half of the learning rate; instead of the configuration's training.on_nan.",
            valueName: "stop|rollback"))
    var onNaN: TrainingSettings.OnNaN?

    @Flag(help: "Train in mixed precision where float32 is faster, too: the bits are the same on every processor.")
    var forcePrecision = false

    @Option(
        help: ArgumentHelp(
            "Validate on one part of as many of one size, such as 2/5, and train on the others; instead of the fraction of the configuration's data.validation.",
            valueName: "i/k"))
    var fold: Fold?

    @Option(
        help: ArgumentHelp("Go on with an interrupted run, from its newest checkpoint.", valueName: "run"),
        completion: .directory)
    var resume: String?

    @Option(
        name: .customLong("until-epoch"), parsing: .unconditional,
        help: ArgumentHelp(
            "End after this epoch, as by Ctrl-C: --resume goes on to training.epochs, for which the schedule is made.",
            valueName: "n"))
    var untilEpoch: Int?

    @Flag(
        help: """
            Instead of a training: raise the learning rate from step to step until the loss diverges, and suggest one.
            """)
    var learningRateFinder = false

    @Flag(
        help: """
            With --resume: go on although this version, or parallel.gemm, gives other bits than those that the run \
            began with.
            """)
    var acceptNumerics = false

    @Flag(
        help: """
            With --resume: go on although data or settings are others than those that the run was trained with. Without: \
            replace the file of --profile.
            """)
    var force = false

    @Option(
        help: ArgumentHelp(
            "Write where the time of the training's steps goes to a file: what gradloom profile --json prints.",
            valueName: "file.json"),
        completion: .file(extensions: ["json"]))
    var profile: String?

    @Flag(help: "Print one JSON object a line on standard output; everything else goes to standard error.")
    var json = false

    @Flag(help: "Print nothing but errors, and with --json the JSON lines.")
    var quiet = false

    func validate() throws {
        guard (configuration == nil) != (resume == nil) else {
            throw ValidationError("Give a configuration to train, or --resume with a run directory.")
        }
        if fold != nil && resume != nil {
            throw ValidationError("--fold is for a new training: a run that goes on has its fold.")
        }
        if acceptNumerics && resume == nil {
            throw ValidationError("--accept-numerics is for --resume.")
        }
        if force && resume == nil && profile == nil { throw ValidationError("--force is for --resume or --profile.") }
        if let configuration {
            try GradloomCLI.validate("--profile", profile, replacesNot: configuration, called: "configuration")
        }
        try GradloomCLI.validate(workers: workers)
        if let untilEpoch, untilEpoch < 1 { throw ValidationError("--until-epoch must be at least 1.") }
        try validateLearningRateFinder()
    }

    func run() throws {
        try reportingFailures {
            let path = try resume.map { try RunDirectory(existing: $0).configurationPath } ?? configuration!
            // The configuration of a run that goes on is nobody's to correct.
            let settings = try Configuration.load(
                path: path,
                overrides: overrides.and(workers: workers) + (onNaN.map { ["training.on_nan=\($0.rawValue)"] } ?? [])
                    + (forcePrecision ? ["training.force_precision=true"] : []),
                fold: fold, note: resume == nil ? printNote : { _ in })
            try settings.validateForTraining(file: path)
            switch (settings.training.precision.scalar, learningRateFinder) {
            case (.float32, false): try train(settings, path: path, Float.self)
            case (.float64, false): try train(settings, path: path, Double.self)
            case (.float32, true): try findLearningRate(settings, path: path, Float.self)
            case (.float64, true): try findLearningRate(settings, path: path, Double.self)
            }
        }
    }

    private func train<Scalar: LoomScalar>(_ settings: Configuration, path: String, _: Scalar.Type) throws {
        let started = ContinuousClock.now
        let profileFile = try profileFile()
        let tuned = try TunedMachine(settings)
        let stop = StopRequest()
        let loading = TransferProgress(quiet: quiet)
        let experiment = try Experiment<Scalar>(
            tuned.configuration, machine: tuned.machine, stop: stop, readsInitialParameters: resume == nil,
            willReserve: showMemoryPlan
        ) { done, total in
            loading.update(done: done, worked: done, of: total, unit: "samples", bytes: nil)
        }
        loading.finish()
        let ceilings = CeilingCache.user()
        let ceiling = ArithmeticPeak(of: experiment, cache: ceilings)
        // Until here nothing is written, and a signal ends the program at once; from here on it has to leave a whole run.
        stop.raiseOnSignals()
        let run = try resume.map {
            try ResumedRun(
                path: $0, experiment: experiment, accepted: .init(numerics: acceptNumerics, settings: force),
                original: Configuration.load(path: path), settings: settings)
        }
        if !quiet { run?.notes.forEach(printNote) }
        let name =
            run?.name ?? URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        let directory =
            try run?.directory
            ?? RunDirectory.create(
                in: settings.run.directory, name: name, configuration: settings.withChosenNumerics().yaml())
        let lock = try run?.lock ?? RunLock(directory)
        defer { withExtendedLifetime(lock) {} }
        // That of an earlier version may be written in another way.
        let configurationText =
            run == nil
            ? settings.withChosenNumerics().yaml()
            : try? String(contentsOfFile: directory.configurationPath, encoding: .utf8)
        let checkpoints = CheckpointStore(
            directory: directory.checkpointsPath, keep: settings.run.checkpoint.keep)
        let output = try TrainingOutput(
            experiment: experiment, ceiling: ceiling, ceilings: ceilings, name: name, directory: directory, json: json,
            quiet: quiet)
        defer { output.abandon() }
        try output.begin()
        let loadingSeconds = (ContinuousClock.now - started) / .seconds(1)
        let begin = Date()
        let measured = profileFile.map { _ in TrainingProfile(experiment) }
        let result = try experiment.train(
            checkpoints: checkpoints, metrics: output.metrics, configurationFile: configurationText,
            history: run?.history ?? ValidationHistory(),
            clock: measured?.clock ?? experiment.clock(), regionMeasured: { measured?.add($0) }
        ) { event in
            output.report(event)
            if case .epochEnded(let epoch) = event, let untilEpoch, epoch.epoch + 1 >= untilEpoch { stop.raise() }
        }
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        let lost = try output.end(result, seconds: seconds, loadingSeconds: loadingSeconds).map(report)
        if let measured, let profileFile, !result.hasDiverged {
            try write(
                measured.result(ceilingGflops: output.ceiling.gflops, cache: ceilings), to: profileFile,
                settings: tuned.configuration,
                provenance: ProfileProvenance(
                    version: GradloomCommand.version, date: begin,
                    command: ["gradloom"] + CommandLine.arguments.dropFirst(), file: path,
                    configuration: tuned.configuration, machine: tuned.machine), machine: tuned.machine)
        }
        try exitStatus(
            of: result, signal: stop.signal, checkpoints: checkpoints, trainer: experiment.trainer,
            onNaN: settings.training.onNaN)
        if let lost { throw lost }
    }

    /// Where the profile goes. With --resume, --force is about the run: it must not be asked for because of a file.
    private func profileFile() throws -> OutputFile? {
        guard let profile else { return nil }
        let isNew = resume == nil
        return try companionFile(
            "--profile",
            OutputFile(
                profile, replaces: force && isNew,
                remedy: isNew ? "--force replaces it" : "name another file, or remove it"))
    }

    /// Before anything large is reserved, so that a user sees what is about to happen.
    func showMemoryPlan(_ plan: MemoryPlan) {
        guard !quiet else { return }
        var lines = ["note: " + memoryPlanLine(plan)]
        if let available = MachineMemory.available(), let warning = memoryWarning(plan, available: available) {
            lines.append("warning: " + warning)
        }
        StandardError.write(lines.joined(separator: "\n") + "\n")
    }

    private func write(
        _ profile: ProfileMeasurement?, to file: OutputFile, settings: Configuration, provenance: ProfileProvenance,
        machine: MachineSetup
    ) throws {
        guard let profile else {
            fail("the training was too short for a profile: no step was measured, and ‘\(file.path)’ was not written")
            throw ExitCode(ExitStatus.nothingMeasured)
        }
        let report = ProfileReport(
            profile: profile, scaling: ProfileScaling(profile), kinds: ProfileKinds(profile),
            verdict: ProfileVerdict(ProfileFacts(profile, configuration: settings, machine: machine)),
            provenance: provenance)
        try file.write(JSONLines.line(report))
    }

    private func exitStatus<Scalar>(
        of result: TrainingResult, signal: Int32?, checkpoints: CheckpointStore, trainer: Trainer<Scalar>,
        onNaN: TrainingSettings.OnNaN
    ) throws {
        switch result.end {
        case .completed, .stoppedEarly:
            return
        case .interrupted:
            if signal == nil, let untilEpoch, trainer.lastEpoch + 1 >= untilEpoch { return }
            // Without a signal it was a closed pipe.
            throw ExitCode(ExitStatus.signalled(signal ?? SIGPIPE))
        case .diverged(let step):
            let kept =
                checkpoints.newest.map { "the last checkpoint before it is \($0)" }
                ?? "there is no checkpoint yet"
            let (attempts, remedy) =
                switch onNaN {
                case .stop: ("", "--on-nan rollback, ")
                case .rollback:
                    (" even at \(NumberFormat.number(trainer.learningRateFactor)) × optimizer.learning_rate", "")
                }
            fail(
                "training diverged\(attempts): the loss of step \(NumberFormat.grouped(step + 1)) is not a finite number, which began in "
                    + "\(trainer.firstArrayNotFinite); \(kept); try \(remedy)a smaller optimizer.learning_rate, optimizer.clip_norm, or "
                    + "data.standardize: true")
            throw ExitCode(ExitStatus.diverged)
        }
    }
}
