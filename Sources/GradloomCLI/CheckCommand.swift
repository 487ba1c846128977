import ArgumentParser
import LoomConfiguration
import LoomHardware
import LoomReference
import LoomReporting
import LoomRuns

/// `gradloom check`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Compare a configuration's gradients, computed in several ways.",
        discussion: """
            At the first parameters, on the first samples: central differences, the reference, \
            the fast trainer in both precisions, and every number of workers. Where arrays are \
            large, central differences are taken of some elements; the table says of how many. \
            Elements beside the kink of a relu are left out and named. The exit code is 1 when an \
            error is too large.

            With --reproducible, the bits of trainings are compared instead; the exit code is 1 \
            when they differ.

            Examples:
              gradloom check configs/xor.yaml
              gradloom check configs/digits.yaml --samples 16 --elements 100
              gradloom check configs/xor.yaml --corrupt hidden
              gradloom check configs/digits.yaml --reproducible
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "Make the check fail: scale the gradient of this layer by 1.01, or with --reproducible change one weight.",
            valueName: "layer"))
    var corrupt: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("Samples of the batch.", valueName: "n"))
    var samples = 8

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Elements of an array to take central differences of.", valueName: "n"))
    var elements = 32

    @Option(parsing: .unconditional, help: ArgumentHelp("The seed that chooses the elements.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The largest number of workers; 4, or one per allowed core.", valueName: "n"))
    var workers: Int?

    @Flag(
        help: """
            Compare the bits of a training instead: its first steps with other workers, routes, teams, placements and \
            instructions, profiled, and interrupted.
            """)
    var reproducible = false

    @Flag(help: "With --reproducible: check mixed precision where float32 is faster, too.")
    var forcePrecision = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("With --reproducible: the steps of each training; a quarter of a second.", valueName: "n"))
    var steps: Int?

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    func validate() throws {
        try GradloomCLI.validate(workers: workers)
        if samples < 1 { throw ValidationError("--samples must be at least 1.") }
        if let steps {
            guard reproducible else { throw ValidationError("--steps is for --reproducible.") }
            if steps < 1 { throw ValidationError("--steps must be at least 1.") }
        }
        if forcePrecision, !reproducible { throw ValidationError("--force-precision is for --reproducible.") }
        if elements < 1 { throw ValidationError("--elements must be at least 1.") }
    }

    func run() throws {
        try reportingFailures {
            let settings = try options.settings(forcePrecision ? ["training.force_precision=true"] : [])
            try settings.parallel.instructionSet?.select()
            if reproducible { return try checkBits(settings) }
            if settings.training.precision == .mixedBFloat16 {
                printNote(
                    "gradients are compared in float32 and float64: bfloat16 has other errors than central differences can see; "
                        + "--reproducible compares the bits of mixed precision")
            }
            var chosen = NetworkCheck.Options()
            chosen.samples = samples
            chosen.elements = elements
            chosen.seed = seed
            chosen.corrupted = corrupt
            chosen.workers = try largestTeam(settings)
            let check = try NetworkCheck(settings, options: chosen)
            let failed = check.rows.count { !$0.passed }
            try end(
                check, text: Self.text(check),
                failure: check.passed
                    ? nil : "\(failed) of \(check.rows.count) comparisons have too large an error")
        }
    }

    /// Prints what was found, and ends the command with `failure`, if there is one.
    private func end(_ check: some Encodable, text: @autoclosure () -> String, failure: String?) throws {
        if json {
            try JSONLines.print(check)
        } else {
            try StandardOutput.write(text())
        }
        if let failure {
            fail(failure)
            throw ExitCode(ExitStatus.checkFailed)
        }
    }

    private func largestTeam(_ settings: Configuration) throws -> Int {
        try workers
            ?? max(4, MachineSetup(workers: nil, policy: .none, provider: settings.parallel.gemmBackend).workers)
    }

    private func checkBits(_ settings: Configuration) throws {
        try settings.validateForTraining(file: options.configuration)
        var chosen = ReproducibilityCheck.Options()
        chosen.steps = steps
        chosen.corrupted = corrupt
        chosen.workers = try largestTeam(settings)
        let check = try ReproducibilityCheck(settings, options: chosen)
        let (others, all) = (check.rows.count { $0.isSame == false }, check.rows.count { $0.done != nil })
        try end(
            check, text: reproducibilityText(check),
            failure: check.passed ? nil : "\(others) of \(all) trainings have other bits than the first")
    }

    private static func text(_ check: NetworkCheck) -> String {
        var table = TextTable(columns: [
            .init("check"), .init("array"), .init("worst error", alignment: .right),
            .init("threshold", alignment: .right), .init("compared", alignment: .right), .init(""),
        ])
        var last = ""
        for row in check.rows {
            let compared = row.checked == row.count ? "\(row.count)" : "\(row.checked) of \(row.count)"
            table.append([
                row.check == last ? "" : row.check, row.array,
                row.threshold == 0 && row.worstError == 0
                    ? "equal" : NumberFormat.number(row.worstError, significantDigits: 2),
                row.threshold == 0 ? "equal" : NumberFormat.number(row.threshold, significantDigits: 1), compared,
                row.passed ? "ok" : "TOO LARGE",
            ])
            last = row.check
        }
        var text = "\(NumberFormat.counted(check.samples, "sample"))\n\n" + table.rendered()
        if !check.kinks.isEmpty {
            text += "\nkinks of relu within a difference, left out:\n"
            for kink in check.kinks.prefix(20) {
                let z = NumberFormat.number(kink.z, significantDigits: 3)
                text += "  \(kink.layer), sample \(kink.sample), unit \(kink.unit): z = \(z)\n"
            }
            if check.kinks.count > 20 { text += "  and \(check.kinks.count - 20) more\n" }
        }
        return text
    }
}
