import ArgumentParser
import Foundation
import LoomExperiments
import LoomHardware
import LoomReporting

/// `gradloom topology`
struct TopologyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology",
        abstract: "Draw this machine, what this process may use of it and why, and where workers go.",
        discussion: """
            Examples:
              gradloom topology
              gradloom topology --workers 4 --placement per-l3
            """)

    @Option(help: "The number of workers; one per allowed physical core by default.")
    var workers: Int?

    @Option(help: "auto, compact, spread, per-l3, none or a list of CPUs such as 0,2,4-7.")
    var placement = "auto"

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    func run() throws {
        try reportingFailures {
            let topology = try Topology.machine()
            let allowance = try CPUAllowance.current(topology: topology)
            let plan = try Placement.plan(
                topology: topology, allowance: allowance, workers: workers,
                policy: PlacementPolicy(parsing: placement), libraryLimit: BLASRuntime.current().maximumThreads)
            if json {
                try JSONLines.print(TopologyReport(topology: topology, allowance: allowance, placement: plan))
            } else {
                print(drawTopology(topology, allowance: allowance, placement: plan), terminator: "")
            }
        }
    }
}
