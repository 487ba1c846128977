import ArgumentParser
import Foundation
import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomMeasurement
import LoomReporting
import LoomRuns
import LoomTraining

/// `gradloom peak`
struct PeakCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peak",
        abstract: "Measure what this machine can do at most, and the products of a model.",
        discussion: """
            The arithmetic peak of the processor's instructions, large matrix products, memory \
            bandwidth, and how long workers take to meet, on one worker and on all. Figures \
            are medians; beside them the lowest and the highest. Shares are of the highest \
            peak measured so far, which train compares itself with, too.

            Examples:
              gradloom peak
              gradloom peak configs/quickstart.yaml
              gradloom peak --precision float64 --workers 1 --json
            """)

    @Argument(
        help: "A configuration whose matrix products are measured, too.",
        completion: .file(extensions: ["yaml", "yml"]))
    var configuration: String?

    @OptionGroup var overrides: OverrideOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number of workers, instead of the configuration's, or of one per allowed core.", valueName: "n"))
    var workers: Int?

    @Option(
        help: ArgumentHelp(
            "The only precision to measure, also of the configuration's products.",
            valueName: "precision"),
        completion: .list(Precision.allCases.map(\.rawValue)))
    var precision: Precision?

    @Option(parsing: .unconditional, help: ArgumentHelp("About how long each figure is measured.", valueName: "s"))
    var seconds = 0.35

    @Option(
        help: ArgumentHelp(
            "The size of each array in memory, such as 64MiB; by default too large for all caches.", valueName: "size"))
    var arraySize: ByteCount?

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    func validate() throws {
        try GradloomCLI.validate(workers: workers)
        try overrides.validate(for: configuration)
        try GradloomCLI.validate(seconds: seconds)
    }

    func run() throws {
        try reportingFailures {
            var request = PeakMeasurement.Request()
            request.secondsPerFigure = seconds
            request.arrayBytes = arraySize?.bytes
            let machine: MachineSetup
            if let configuration {
                let settings = try Configuration.load(path: configuration, overrides: allOverrides, note: printNote)
                try settings.validateForTraining(file: configuration)
                let tuned = try TunedMachine(settings)
                machine = tuned.machine
                request.productPrecision = settings.training.precision.scalar
                request.productProvider = settings.parallel.gemmBackend
                request.bfloat16 = settings.bfloat16Products
                request.products = try tuned.configuration.plannedStep(on: machine).products
            } else {
                machine = try MachineSetup(workers: workers, policy: .auto)
            }
            machine.notes.forEach(printNote)
            if let precision {
                request.precisions = [precision]
                request.includesBF16 = false
            }
            try report(PeakMeasurement(request, machine: machine), request, machine: machine)
        }
    }

    private var allOverrides: [String] {
        overrides.and(workers: workers) + (precision.map { ["training.precision=\($0.rawValue)"] } ?? [])
    }

    private func report(
        _ peak: PeakMeasurement, _ request: PeakMeasurement.Request, machine: MachineSetup
    ) throws {
        var peak = peak
        let cache = CeilingCache.user()
        let isKept = cache.map { peak.refresh($0, machine: machine) } ?? false
        let report = PeakReport(
            peak: peak, request: request, machine: machine,
            coreTypes: CoreTypeSearch(peak, request, machine: machine)?.measured() ?? [],
            cachePath: isKept ? cache?.path : nil)
        if json {
            try JSONLines.print(report)
        } else {
            try StandardOutput.write(report.text)
        }
    }
}

extension Precision: ExpressibleByArgument {}
