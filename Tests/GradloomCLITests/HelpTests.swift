import Foundation
import Testing

@Suite struct HelpTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    @Test(arguments: HelpTexts.all)
    func helpSaysWhatACommandDoes(text: HelpTexts) throws {
        let outcome = try workplace.run(text.arguments)
        #expect(outcome.exitCode == 0)
        #expect(outcome.output == text.text + "\n")
        #expect(outcome.errors == "")
        // A terminal of 80 columns shows all but the usage line, which is one.
        let long = outcome.output.split(separator: "\n").filter { $0.count > 80 && !$0.hasPrefix("USAGE") }
        #expect(long == [])
    }

    @Test func aCommandWithoutArgumentsHelps() throws {
        let outcome = try workplace.run()
        #expect(outcome.exitCode == 0)
        #expect(outcome.output == HelpTexts.gradloom.text + "\n")
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func completionScriptsKnowTheCommands(shell: String) throws {
        let outcome = try workplace.run("--generate-completion-script", shell)
        #expect(outcome.exitCode == 0)
        for word in ["train", "evaluate", "predict", "doctor", "peak", "topology", "resume", "per-l3"] {
            #expect(outcome.output.contains(word))
        }
    }

    @Test(
        arguments: [
            Mistake(
                name: "unknown command", arguments: ["trian"], exitCode: 64,
                message: """
                    error: There is no command 'trian'; the commands are train, evaluate, watch, report, predict, export, import, generate, \
                    convert, inspect, jacobian, graph, check, sweep, tune, profile, doctor, peak, and topology.
                    Usage: gradloom <subcommand>
                      See 'gradloom --help' for more information.
                    """),
            Mistake(
                name: "unknown option", arguments: ["topology", "--wrokers", "2"], exitCode: 64,
                message: """
                    error: Unknown option '--wrokers'. Did you mean '--workers'?
                    \(usage("topology"))
                    """),
            Mistake(
                name: "neither configuration nor run", arguments: ["train"], exitCode: 64,
                message: """
                    error: Give a configuration to train, or --resume with a run directory.
                    \(usage("train"))
                    """),
            Mistake(
                name: "configuration and run", arguments: ["train", "a.yaml", "--resume", "b"], exitCode: 64,
                message: """
                    error: Give a configuration to train, or --resume with a run directory.
                    \(usage("train"))
                    """),
            Mistake(
                name: "no worker", arguments: ["train", "a.yaml", "--workers", "0"], exitCode: 64,
                message: "error: --workers must be at least 1.\n\(usage("train"))"),
            Mistake(
                name: "no worker to evaluate", arguments: ["evaluate", "run", "--workers", "0"], exitCode: 64,
                message: "error: --workers must be at least 1.\n\(usage("evaluate"))"),
            Mistake(
                name: "override without value", arguments: ["train", "a.yaml", "--set", "training.epochs"],
                exitCode: 64,
                message: """
                    error: --set 'training.epochs' is not KEY.PATH=VALUE, such as training.epochs=3.
                    \(usage("train"))
                    """),
            Mistake(
                name: "output of another kind",
                arguments: ["predict", "run", "--input", "x.csv", "--output", "y.txt"], exitCode: 64,
                message: "error: --output must end in .csv or .npy.\n\(usage("predict"))"),
            Mistake(
                name: "targets without data", arguments: ["evaluate", "run", "--targets", "y.npy"],
                exitCode: 64,
                message: "error: --targets belongs to --data FILE.\n\(usage("evaluate"))"),
            Mistake(
                name: "label without data", arguments: ["evaluate", "run", "--label", "-1"], exitCode: 64,
                message: "error: --label belongs to --data FILE.\n\(usage("evaluate"))"),
            Mistake(
                name: "scale without data", arguments: ["evaluate", "run", "--scale", "1/255"], exitCode: 64,
                message: "error: --scale belongs to --data FILE.\n\(usage("evaluate"))"),
            Mistake(
                name: "peak of no precision", arguments: ["peak", "--precision", "float16"], exitCode: 64,
                message: """
                    error: The value 'float16' is invalid for '--precision <precision>'. Please provide one of \
                    'float32' and 'float64'.
                    Help:  --precision <precision>  The only precision to measure, also of the configuration's \
                    products.
                    \(usage("peak"))
                    """),
            Mistake(
                name: "peak of no configuration", arguments: ["peak", "--set", "training.batch=4"], exitCode: 64,
                message: "error: --set belongs to a configuration.\n\(usage("peak"))"),
            Mistake(
                name: "peak in no time", arguments: ["peak", "--seconds", "0"], exitCode: 64,
                message: "error: --seconds must be above 0 and at most 60.\n\(usage("peak"))"),
            // A number that begins with a dash is a number.
            Mistake(
                name: "peak of less than no worker", arguments: ["peak", "--workers", "-1"], exitCode: 64,
                message: "error: --workers must be at least 1.\n\(usage("peak"))"),
            Mistake(
                name: "peak of no worker", arguments: ["peak", "--workers", "0"], exitCode: 64,
                message: "error: --workers must be at least 1.\n\(usage("peak"))"),
            Mistake(
                name: "doctor of no configuration", arguments: ["doctor", "--set", "training.batch=4"], exitCode: 64,
                message: "error: --set belongs to a configuration.\n\(usage("doctor"))"),
            Mistake(
                name: "doctor in no time", arguments: ["doctor", "--seconds", "0"], exitCode: 64,
                message: "error: --seconds must be above 0 and at most 60.\n\(usage("doctor"))"),
            Mistake(
                name: "doctor for hours", arguments: ["doctor", "--seconds", "61"], exitCode: 64,
                message: "error: --seconds must be above 0 and at most 60.\n\(usage("doctor"))"),
            Mistake(
                name: "doctor of no worker", arguments: ["doctor", "--workers", "0"], exitCode: 64,
                message: "error: --workers must be at least 1.\n\(usage("doctor"))"),
            Mistake(
                name: "unknown placement", arguments: ["topology", "--placement", "nearby"], exitCode: 64,
                message: """
                    error: The value 'nearby' is invalid for '--placement <placement>'
                    Help:  --placement <placement>  auto, compact, spread, per-l3, none or a list of CPUs \
                    such as 0,2,4-7.
                    \(usage("topology"))
                    """),
        ])
    func usageErrorsShowTheUsage(mistake: Mistake) throws {
        try mistake.check(in: workplace)
    }
}

/// What follows the message of a usage error.
private func usage(_ command: String) -> String {
    let help = HelpTexts.all.first { $0.command == command }!.text
    let line = help.split(separator: "\n").first { $0.hasPrefix("USAGE: ") }!
    return
        "Usage: \(line.dropFirst("USAGE: ".count))\n  See 'gradloom \(command) --help' for more information."
}
