import ArgumentParser
import Foundation
import LoomHardware
import LoomKernels
import LoomReporting
import LoomRuns

/// `gradloom topology`
struct TopologyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology",
        abstract: "Draw this machine, what this process may use of it and why, and where workers go.",
        discussion: """
            Examples:
              gradloom topology
              gradloom topology --workers 4 --placement per-l3
              gradloom topology --json
            """)

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The number of workers; one per allowed core by default.", valueName: "n"))
    var workers: Int?

    @Option(
        help: "auto, compact, spread, per-l3, none or a list of CPUs such as 0,2,4-7.",
        completion: .list(["auto", "compact", "spread", "per-l3", "none"]))
    var placement = PlacementPolicy.auto

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    func validate() throws {
        try GradloomCLI.validate(workers: workers)
    }

    func run() throws {
        try reportingFailures {
            let topology = try Topology.machine()
            let allowance = try CPUAllowance.current(topology: topology)
            let plan = try Placement.plan(
                topology: topology, allowance: allowance, workers: workers,
                policy: placement, libraryLimit: GemmBackend.preferred.mostWorkers,
                inUse: (try? CPULocks.user().inUse(allowance.allowedCPUs)) ?? [])
            if json {
                try JSONLines.print(TopologyReport(topology: topology, allowance: allowance, placement: plan))
            } else {
                try StandardOutput.write(drawTopology(topology, allowance: allowance, placement: plan))
            }
        }
    }
}

extension PlacementPolicy: ExpressibleByArgument {
    /// Reads a policy; nil, for the argument parser's message, when the text is none.
    public init?(argument: String) {
        guard let policy = try? PlacementPolicy(parsing: argument) else { return nil }
        self = policy
    }

    /// The default as help texts show it.
    public var defaultValueDescription: String { description }
}
