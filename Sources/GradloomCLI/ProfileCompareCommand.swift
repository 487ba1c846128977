import ArgumentParser
import LoomMeasurement
import LoomRuns

/// `gradloom profile compare`
struct ProfileCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Say what changed beyond noise between profiles.",
        discussion: """
            Compares files that profile --json wrote: speeds by number of workers, and with the \
            largest one a step and its operations. Ratios are of times: above 1 is slower. Two \
            profiles of one program differ, too: four of each side show how much, of fewer \
            --run-noise is assumed. The exit code is 0 when no number of workers is slower, 1 when \
            one is, and 2 when noise hides it.

            Examples:
              gradloom profile compare before.json after.json
              gradloom profile compare --before b?.json --after a?.json
              gradloom profile compare before.json after.json --run-noise 0.01 --json
            """)

    @Argument(help: "Two profiles: before, and after.", completion: .file(extensions: ["json"]))
    var profiles: [String] = []

    @Option(
        parsing: .upToNextOption, help: ArgumentHelp("Several profiles before.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var before: [String] = []

    @Option(
        parsing: .upToNextOption, help: ArgumentHelp("Several profiles after.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var after: [String] = []

    @Option(
        parsing: .unconditional, help: ArgumentHelp("The smallest change that matters, as a part.", valueName: "part"))
    var relevantChange = ChangeRule().relevantChange

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How far the speeds of equal runs are apart, as a part: their standard deviation.", valueName: "part"))
    var runNoise = ChangeRule().runNoise

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    func validate() throws {
        let areTwo = profiles.count == 2 && before.isEmpty && after.isEmpty
        guard areTwo || (profiles.isEmpty && !before.isEmpty && !after.isEmpty) else {
            throw ValidationError("Give two profiles, or --before and --after with one or more each.")
        }
        for (name, value) in [("relevant-change", relevantChange), ("run-noise", runNoise)]
        where !(value >= 0 && value < 1) {
            throw ValidationError("--\(name) must be at least 0 and below 1.")
        }
    }

    func run() throws {
        try reportingFailures {
            let (old, new) = profiles.isEmpty ? (before, after) : ([profiles[0]], [profiles[1]])
            let comparison = try ProfileComparison(
                before: old.map(ProfileRecord.init(path:)), after: new.map(ProfileRecord.init(path:)),
                rule: ChangeRule(relevantChange: relevantChange, runNoise: runNoise))
            let report = ProfileCompareReport(comparison: comparison)
            if json {
                try JSONLines.printInSnakeCase(report)
            } else {
                for difference in comparison.differences { printNote(difference.text) }
                try StandardOutput.write(report.text)
            }
            switch comparison.outcome {
            case .noWorse: break
            case .worse: throw ExitCode(ExitStatus.worse)
            case .cannotTell: throw ExitCode(ExitStatus.cannotTell)
            }
        }
    }
}

/// The commands below `gradloom profile`, a tree of its own: `profile` takes a configuration where the argument parser looks
/// for a subcommand.
struct ProfileSubcommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: GradloomCommand.configuration.commandName, version: GradloomCommand.version,
        subcommands: [Profile.self])

    /// Usage errors look like all others.
    static let _errorLabel = GradloomCommand._errorLabel

    struct Profile: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: ProfileCommand.configuration.commandName, subcommands: [ProfileCompareCommand.self])
    }

    /// Whether `arguments` name one of them, or ask for its help.
    static func areMeant(by arguments: [String]) -> Bool {
        let names = [Profile.configuration, ProfileCompareCommand.configuration].compactMap(\.commandName)
        return arguments.starts(with: names) || arguments.starts(with: ["help"] + names)
    }
}
