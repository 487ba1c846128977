import ArgumentParser
import Foundation
import LoomData
import LoomExperiments
import LoomHardware
import LoomKernels
import LoomReporting
import LoomTraining

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
            """)

    @Argument(help: "The configuration, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var configuration: String?

    @OptionGroup var overrides: OverrideOptions

    @Option(
        help: ArgumentHelp(
            "The number of workers, instead of the configuration's parallel.workers.", valueName: "n"))
    var workers: Int?

    @Option(
        help: ArgumentHelp("Go on with an interrupted run, from its newest checkpoint.", valueName: "run"),
        completion: .directory)
    var resume: String?

    @Flag(
        help: """
            With --resume: go on although this version, or parallel.gemm, gives other bits than those that the run \
            began with.
            """)
    var acceptNumerics = false

    @Flag(help: "Print one JSON object a line on standard output; everything else goes to standard error.")
    var json = false

    @Flag(help: "Print nothing but errors, and with --json the JSON lines.")
    var quiet = false

    func validate() throws {
        guard (configuration == nil) != (resume == nil) else {
            throw ValidationError("Give a configuration to train, or --resume with a run directory.")
        }
        if acceptNumerics && resume == nil {
            throw ValidationError("--accept-numerics is for --resume.")
        }
        try GradloomCLI.validate(workers: workers)
    }

    func run() throws {
        try reportingFailures {
            let path = try resume.map { try RunDirectory(existing: $0).configurationPath } ?? configuration!
            // The configuration of a run that goes on is nobody's to correct.
            let settings = try Configuration.load(
                path: path, overrides: overrides.and(workers: workers), note: resume == nil ? printNote : { _ in })
            try settings.validateForTraining(file: path)
            switch settings.training.precision {
            case .float32: try train(settings, path: path, Float.self)
            case .float64: try train(settings, path: path, Double.self)
            }
        }
    }

    private func train<Scalar: LoomScalar>(_ settings: Configuration, path: String, _: Scalar.Type) throws {
        let started = ContinuousClock.now
        let machine = try MachineSetup(
            workers: settings.parallel.workers, policy: settings.parallel.placement,
            instructions: settings.parallel.instructionSet)
        let stop = StopRequest()
        let experiment = try Experiment<Scalar>(
            settings, machine: machine, ceilings: .user(), stop: stop, willReserve: showMemoryPlan)
        // From here on something is written, so that a signal has to leave it whole.
        stop.raiseOnSignals()
        let run = try resume.map {
            try ResumedRun(
                path: $0, experiment: experiment, acceptsNumerics: acceptNumerics,
                isChanged: !overrides.and(workers: workers).isEmpty)
        }
        let name =
            run?.name ?? URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        let directory =
            try run?.directory
            ?? RunDirectory.create(in: settings.run.directory, name: name, configuration: settings.yaml())
        let checkpoints = CheckpointStore(
            directory: directory.checkpointsPath, keep: settings.run.checkpoint.keep)
        let output = try TrainingOutput(
            experiment: experiment, name: name, directory: directory, json: json, quiet: quiet)
        defer { output.abandon() }
        try output.begin()
        let result = try experiment.train(checkpoints: checkpoints, earlierLosses: run?.losses ?? []) {
            output.report($0)
        }
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        try output.end(result, seconds: seconds)
        try exitStatus(of: result, signal: stop.signal, checkpoints: checkpoints)
    }

    /// Before anything large is reserved, so that a user sees what is about to happen.
    private func showMemoryPlan(_ plan: MemoryPlan) {
        guard !quiet else { return }
        var lines = ["note: " + memoryPlanLine(plan)]
        if let available = MachineMemory.available(), let warning = memoryWarning(plan, available: available) {
            lines.append("warning: " + warning)
        }
        FileHandle.standardError.write(Data((lines.joined(separator: "\n") + "\n").utf8))
    }

    private func exitStatus(of result: TrainingResult, signal: Int32?, checkpoints: CheckpointStore) throws {
        switch result.end {
        case .completed, .stoppedEarly:
            return
        case .interrupted:
            throw ExitCode(ExitStatus.signalled(signal ?? SIGINT))
        case .diverged(let step):
            let kept =
                checkpoints.newest.map { "the last checkpoint before it is \($0)" }
                ?? "there is no checkpoint yet"
            fail(
                "training diverged: the loss of step \(NumberFormat.grouped(step + 1)) is not a finite "
                    + "number; \(kept); try a smaller optimizer.learning_rate, optimizer.clip_norm, "
                    + "or data.standardize: true")
            throw ExitCode(ExitStatus.diverged)
        }
    }
}

/// A run to go on with.
private struct ResumedRun {
    let directory: RunDirectory
    /// The validation losses of its epochs before the checkpoint, in their order.
    let losses: [ValidationLoss]

    /// The directory's name.
    var name: String { URL(fileURLWithPath: directory.path).lastPathComponent }

    /// Brings `experiment` to where the run in `path` was at its newest checkpoint.
    ///
    /// - Parameters:
    ///   - acceptsNumerics: Whether the steps to come may have another definition of their bits than those before.
    ///   - isChanged: Whether the configuration is no longer the run's; the run then keeps the new one.
    init<Scalar: LoomScalar>(
        path: String, experiment: Experiment<Scalar>, acceptsNumerics: Bool, isChanged: Bool
    ) throws {
        directory = try RunDirectory(existing: path)
        guard let newest = CheckpointStore(directory: directory.checkpointsPath, keep: 1).newest else {
            throw RunError.noCheckpoint(run: path)
        }
        let trainer = experiment.trainer
        let checkpoint = try Safetensors(contentsOf: newest)
        let (its, ours) = (Checkpoint.numerics(of: checkpoint), experiment.numerics)
        guard its == ours || acceptsNumerics else {
            throw RunError.otherNumerics(run: path, its: its, ours: ours)
        }
        try trainer.restore(checkpoint)
        guard trainer.step < trainer.totalSteps else {
            let training = experiment.configuration.training
            let isLimited = trainer.totalSteps < training.epochs * trainer.epochs.stepsPerEpoch
            throw RunError.complete(
                run: path, steps: trainer.totalSteps, key: isLimited ? "training.steps" : "training.epochs")
        }
        losses = try Self.losses(in: directory.metricsPath, until: trainer.step)
        if let best = experiment.configuration.training.earlyStopping?.bestEpoch(endingAfter: losses) {
            throw RunError.stoppedEarly(run: path, bestEpoch: best + 1)
        }
        if isChanged {
            try AtomicFile.write(experiment.configuration.yaml(), to: directory.configurationPath)
        }
    }

    /// The validation losses of the epochs up to `step`. An epoch that was trained again after a crash counts
    /// once.
    private static func losses(in path: String, until step: Int) throws -> [ValidationLoss] {
        let text = (try? String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)) ?? ""
        let epochs = text.split(separator: "\n").compactMap {
            try? JSONLines.value(EpochEvent.self, from: String($0))
        }
        let losses = epochs.filter { $0.step <= step }.map { ($0.epoch - 1, $0.validationLoss) }
        return Dictionary(losses) { $1 }.compactMap { epoch, loss in
            loss.map { ValidationLoss(epoch: epoch, loss: $0) }
        }.sorted { $0.epoch < $1.epoch }
    }
}
