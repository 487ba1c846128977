import ArgumentParser
import Foundation
import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomMeasurement
import LoomRuns

/// `gradloom doctor`
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look for what slows trainings down here, measure its cost, and say what mends it.",
        discussion: """
            The findings, the most expensive first: what each costs of a training's speed, why, \
            and the command or setting that mends it. A configuration is checked for what \
            it makes of this machine, too. The exit code is 1 when something costs more \
            than 5 %.

            Examples:
              gradloom doctor
              gradloom doctor configs/quickstart.yaml
              gradloom doctor --workers 1 --seconds 1 --json
            """)

    @Argument(
        help: "A configuration that is to be trained here.",
        completion: .file(extensions: ["yaml", "yml"]))
    var configuration: String?

    @OptionGroup var overrides: OverrideOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number of workers, instead of the configuration's, or of one per allowed core.", valueName: "n"))
    var workers: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("About how long all is measured.", valueName: "s"))
    var seconds = 3.0

    @Flag(help: "Print one JSON object a line for each finding.")
    var json = false

    func validate() throws {
        try GradloomCLI.validate(workers: workers)
        try overrides.validate(for: configuration)
        try GradloomCLI.validate(seconds: seconds)
    }

    func run() throws {
        try reportingFailures {
            var request = DoctorRequest()
            request.seconds = seconds
            let machine: MachineSetup
            if let configuration {
                let settings = try Configuration.load(
                    path: configuration, overrides: overrides.and(workers: workers), note: printNote)
                try settings.validateForTraining(file: configuration)
                let tuned = try TunedMachine(settings)
                machine = tuned.machine
                request.precision = settings.training.precision.scalar
                request.gemmBackend = settings.parallel.gemmBackend
                request.bfloat16 = settings.bfloat16Products
                request.plan = try (
                    tuned.configuration.plannedStep(on: machine), tuned.configuration.plannedMemory(on: machine)
                )
            } else {
                machine = try MachineSetup(workers: workers, policy: .auto)
            }
            machine.notes.forEach(printNote)
            var facts = DoctorFacts(request, machine: machine)
            if request.gemmBackend == .openBLAS {
                let search = CoreTypeSearch(
                    precision: request.precision, cpu: machine.workerCPUs[0], seconds: min(0.1, seconds / 10))
                facts.openBLASKernels = search?.measured() ?? []
            }
            let diagnosis = Diagnosis(facts)
            if json {
                for finding in diagnosis.findings { try JSONLines.print(finding) }
            } else {
                try StandardOutput.write(
                    diagnosis.text(processor: machine.machine.processor, placement: machine.workerCPUs))
            }
            if diagnosis.isSerious { throw ExitCode(ExitStatus.somethingToMend) }
        }
    }
}
