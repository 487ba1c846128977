import ArgumentParser
import Foundation
import LoomData
import LoomExperiments
import LoomKernels
import LoomReporting
import LoomTraining

/// `gradloom train`
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train the network that a configuration describes.",
        discussion: """
            Writes a run directory with the resolved configuration, the metrics, a summary and checkpoints. Ctrl-C ends
            after the current step, with a checkpoint.

            Examples:
              gradloom train configs/quickstart.yaml
              gradloom train configs/digits.yaml --set optimizer.learning_rate=0.05 --workers 1
              gradloom train --resume runs/digits-20260102T030405Z
            """)

    @Argument(help: "The configuration, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var configuration: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Replace a value of the configuration; may be repeated.", valueName: "key.path=value"))
    var overrides: [String] = []

    @Option(help: "The number of workers, instead of the configuration's parallel.workers.")
    var workers: Int?

    @Option(help: ArgumentHelp("Go on with an interrupted run, from its newest checkpoint.", valueName: "run"),
        completion: .directory)
    var resume: String?

    @Flag(help: "Print one JSON object a line on standard output; everything else goes to standard error.")
    var json = false

    @Flag(help: "Print nothing but errors, and with --json the JSON lines.")
    var quiet = false

    func validate() throws {
        guard (configuration == nil) != (resume == nil) else {
            throw ValidationError("Give a configuration to train, or --resume with a run directory.")
        }
        if let workers, workers < 1 { throw ValidationError("--workers must be at least 1.") }
    }

    func run() throws {
        try reportingFailures {
            let path = try resume.map { try RunDirectory(existing: $0).configurationPath } ?? configuration!
            let all = overrides + (workers.map { ["parallel.workers=\($0)"] } ?? [])
            let settings = try Configuration.load(path: path, overrides: all)
            try settings.validateForTraining(file: path)
            switch settings.training.precision {
            case .float32: try train(settings, path: path, Float.self)
            case .float64: try train(settings, path: path, Double.self)
            }
        }
    }

    private func train<Scalar: LoomScalar>(_ settings: Configuration, path: String, _: Scalar.Type) throws {
        let started = ContinuousClock.now
        let machine = try MachineSetup(workers: settings.parallel.workers, policy: settings.parallel.placement)
        let experiment = try Experiment<Scalar>(settings, machine: machine)
        let name =
            resume == nil ? URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent : "resumed"
        let directory =
            try resume.map { try RunDirectory(existing: $0) }
            ?? RunDirectory.create(in: settings.run.directory, name: name, configuration: settings.yaml())
        let checkpoints = CheckpointStore(
            directory: directory.checkpointsPath, keep: settings.run.checkpoint.keep)
        if resume != nil { try restoreNewest(experiment, checkpoints) }
        let output = try TrainingOutput(
            experiment: experiment, name: name, directory: directory, json: json, quiet: quiet)
        try output.begin()
        let result = try experiment.train(checkpoints: checkpoints) { output.report($0) }
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        try output.end(result, seconds: seconds)
        try exitStatus(of: result, experiment: experiment, checkpoints: checkpoints)
    }

    private func restoreNewest<Scalar: LoomScalar>(
        _ experiment: Experiment<Scalar>, _ checkpoints: CheckpointStore
    ) throws {
        guard let newest = checkpoints.newest else {
            throw RunDirectoryError.incomplete(path: resume!, missing: "checkpoints/step-….safetensors")
        }
        try experiment.trainer.restore(Safetensors(contentsOf: newest))
    }

    private func exitStatus<Scalar: LoomScalar>(
        of result: TrainingResult, experiment: Experiment<Scalar>, checkpoints: CheckpointStore
    ) throws {
        switch result.end {
        case .completed, .stoppedEarly:
            return
        case .interrupted:
            throw ExitCode(ExitStatus.signalled(experiment.stopSignal))
        case .diverged(let step):
            let kept = checkpoints.newest.map { "the last good checkpoint is \($0)" } ?? "there is no checkpoint yet"
            fail(
                "the loss of step \(step + 1) is not a finite number, so training stopped before that step; \(kept). "
                    + "Try a smaller optimizer.learning_rate, optimizer.clip_norm, or data.standardize: true")
            throw ExitCode(ExitStatus.diverged)
        }
    }
}
