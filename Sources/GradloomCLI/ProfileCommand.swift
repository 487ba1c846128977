import ArgumentParser
import Foundation
import LoomConfiguration
import LoomMeasurement
import LoomReporting
import LoomRuns

/// `gradloom profile`
struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Show where the time of a training goes, and what stops it from scaling.",
        discussion: """
            Runs the steps that train would run, on the same data, with several numbers of \
            workers in turn, and writes nothing but what is asked for. It says first what \
            limits the training here, and what to try. What changed between profiles is said by \
            gradloom profile compare: see gradloom help profile compare.

            Examples:
              gradloom profile configs/quickstart.yaml
              gradloom profile configs/quickstart.yaml --workers 1,2 --seconds 20
              gradloom profile configs/quickstart.yaml --steps 1000 --json
              gradloom profile configs/quickstart.yaml --trace steps.perfetto-trace
              gradloom profile configs/quickstart.yaml --report profile.html
              gradloom profile compare before.json after.json
              gradloom profile configs/quickstart.yaml --simulate "pack:2 l3:4 core:8 pu:2"
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The numbers of workers, with commas between them; 1, 2, 4 … and all by default.", valueName: "list"))
    var workers: Counts?

    @Option(help: "Whether the batch stays the same (strong) or grows with the workers (weak).")
    var scaling = ProfileMeasurement.Scaling.strong

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("About how long is measured, in all; 10 by default.", valueName: "s"))
    var seconds: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Instead of --seconds: the steps to run, at least, with each number of workers.", valueName: "n"))
    var steps: Int?

    @Option(
        help: ArgumentHelp(
            "Write the last steps of the largest number of workers as a trace, for ui.perfetto.dev.", valueName: "file"),
        completion: .file())
    var trace: String?

    @Option(
        name: .customLong("report"),
        help: ArgumentHelp("Write a page with charts, one HTML file that needs no network.", valueName: "file"),
        completion: .file(extensions: ["html"]))
    var page: String?

    @OptionGroup var outputs: OutputOptions

    @OptionGroup var simulation: SimulationOptions

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    func validate() throws {
        if seconds != nil && steps != nil { throw ValidationError("Give --seconds or --steps, not both.") }
        if let seconds, !(0.1...3600).contains(seconds) {
            throw ValidationError("--seconds must be at least 0.1 and at most 3600.")
        }
        if let steps, !(1...100_000_000).contains(steps) {
            throw ValidationError("--steps must be at least 1 and at most 100000000.")
        }
        if page != nil && simulation.simulate != nil {
            throw ValidationError("--simulate has no measured steps for a report: give it without --report.")
        }
        for (option, path) in [("--report", page), ("--trace", trace)] {
            try GradloomCLI.validate(option, path, replacesNot: options.configuration, called: "configuration")
        }
        if let page, let trace, isSameFile(page, trace) {
            throw ValidationError("--report and --trace are one file; give two.")
        }
        try simulation.validate(isStrong: scaling == .strong, trace: trace, steps: steps)
    }

    func run() throws {
        try reportingFailures {
            let settings = try options.settings()
            try settings.validateForTraining(file: options.configuration)
            var request = ProfileMeasurement.Request()
            if let topology = simulation.simulate {
                return try simulation.run(
                    settings, on: topology, workers: workers?.values, seconds: seconds ?? request.seconds, json: json)
            }
            let (traceFile, pageFile) = (try outputs.file("--trace", trace), try outputs.file("--report", page))
            request.workerCounts = workers?.values
            request.scaling = scaling
            if let seconds { request.seconds = seconds }
            request.steps = steps
            let machine = try MachineSetup(
                settings, workers: workers?.values.max() ?? settings.parallel.workers)
            for note in machine.notes { printNote(note) }
            let begin = Date()
            let profile = try ProfileMeasurement(settings, request, machine: machine, cache: .user())
            guard let last = profile.counts.last else {
                throw Self.divergence()
            }
            let report = ProfileReport(
                profile: profile, scaling: ProfileScaling(profile), kinds: ProfileKinds(profile),
                verdict: ProfileVerdict(ProfileFacts(profile, configuration: settings, machine: machine)),
                provenance: ProfileProvenance(
                    version: GradloomCommand.version, date: begin,
                    command: ["gradloom"] + CommandLine.arguments.dropFirst(), file: options.configuration,
                    configuration: settings, machine: machine))
            if let traceFile { try last.trace().write(to: traceFile) }
            try pageFile?.write(ProfilePage(report, machine: machine).html())
            if json {
                try JSONLines.print(report)
            } else {
                try StandardOutput.write(report.text)
            }
        }
    }
}

extension ProfileCommand {
    /// Says that there is nothing to show.
    static func divergence() -> ExitCode {
        fail("the training diverged before anything was measured; try a smaller optimizer.learning_rate")
        return ExitCode(ExitStatus.diverged)
    }
}

extension ProfileMeasurement.Scaling: ExpressibleByArgument {}
