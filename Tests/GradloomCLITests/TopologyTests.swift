import Foundation
import LoomHardware
import Testing

@Suite struct TopologyCommandTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    @Test func theDrawingShowsMachineAllowanceAndPlacement() throws {
        let outcome = try workplace.run("topology", "--workers", "1")
        #expect(outcome.exitCode == 0)
        #expect(outcome.errors == "")
        let lines = outcome.output.split(separator: "\n")
        #expect(try #require(lines.first).hasPrefix("Machine: "))
        for part in [
            "Package 0", "NUMA node", "L3 group", "[worker 0]", "This process may use ", "affinity mask: ",
        ] {
            #expect(outcome.output.contains(part))
        }
        #expect(outcome.output.contains("Placement auto: 1 worker on 1 core"))
    }

    @Test func theReportIsOneObject() throws {
        let outcome = try workplace.run("topology", "--json", "--placement", "none")
        #expect(outcome.exitCode == 0)
        let report = try outcome.lastEvent()
        #expect(try outcome.events().count == 1)
        #expect(
            Set(report.keys) == [
                "topology", "allowance", "allowed_cpus", "maximum_workers", "reasons", "placement",
            ])
        let allowed = try CPUAllowance.current(topology: Topology.machine()).allowedCPUs
        #expect(report["allowed_cpus"] as? [Int] == allowed)
        #expect((report["placement"] as? [String: Any])?["policy"] as? String == "none")
    }

    @Test func aCPUOfAnotherMachineIsRefused() throws {
        let outcome = try workplace.run("topology", "--placement", "100000")
        #expect(outcome.exitCode == 78)
        #expect(outcome.errors.hasPrefix("error: the placement names CPU 100000, but the machine has CPUs "))
        #expect(outcome.output == "")
    }
}
