import Foundation
import LoomHardware
import Testing

@testable import LoomReporting

@Suite struct TopologyDrawingTests {
    @Test func drawsSmallMachineCoreByCore() throws {
        let topology = try Topology(
            synthetic:
                """
                pack:1 [numa(memory=8589934592)] l3:2(size=16777216) l2:2(size=1048576) l1d:1(size=49152) \
                core:1 pu:2
                """
        )
        let allowance = CPUAllowance(
            machineCPUs: Array(0..<8), affinityCPUs: Array(0..<6), cpusetCPUs: Array(0..<7),
            quota: CPUQuota(cpus: 1.5, version: 2, path: "/a"))
        let placement = try Placement.plan(
            topology: topology, allowance: allowance, workers: 3, policy: .compact)
        let expected = """
            Machine: 1 package, 1 NUMA node, 2 L3 groups, 4 cores, 8 hardware threads
            Caches of a core: L1d (48 KiB), L2 (1 MiB)
            Package 0
              NUMA node 0 (8 GiB)
                L3 group 0 (16 MiB)
                  core 0: cpu 0 [worker 0], cpu 1
                  core 1: cpu 2 [worker 1], cpu 3
                L3 group 1 (16 MiB)
                  core 2: cpu 4 [worker 2], cpu 5
                  core 3: cpu 6 (not in the affinity mask), cpu 7 (not in the cpuset)

            This process may use 6 of 8 CPUs (0-5):
              affinity mask: 6 of 8 CPUs (0-5)
              cpuset: 7 of 8 CPUs (0-6)
              cgroup v2 cpu.max at /a: 1.5 CPUs

            Placement compact: 3 workers on 3 cores, 2 L3 groups, 1 NUMA node, 1 package
              note: 3 workers share a CPU quota of 1.5 CPUs: the scheduler will stop them in every period

            """
        #expect(drawTopology(topology, allowance: allowance, placement: placement) == expected)
    }

    @Test func joinsLikeCoresOfLargeMachine() throws {
        let topology = try Topology(
            synthetic: "pack:2 [numa(memory=1073741824)] l3:4(size=33554432) core:8 pu:2")
        let allowance = CPUAllowance(topology: topology)
        let placement = try Placement.plan(
            topology: topology, allowance: allowance, workers: 10, policy: .spread)
        let drawing = drawTopology(topology, allowance: allowance, placement: placement)
        let expectedStart = """
            Machine: 2 packages, 2 NUMA nodes, 8 L3 groups, 64 cores, 128 hardware threads
            Package 0
              NUMA node 0 (1 GiB)
                L3 group 0 (32 MiB)
                  cores 0-1: cpus 0,2 [workers 0,8], cpus 1,3
                  cores 2-7: cpus 4,6…14, cpus 5,7…15
                L3 group 1 (32 MiB)
                  core 8: cpu 16 [worker 2], cpu 17
                  cores 9-15: cpus 18,20…30, cpus 19,21…31
            """
        #expect(drawing.hasPrefix(expectedStart))
        #expect(
            drawing.contains(
                "Placement spread: 10 workers on 10 cores, 8 L3 groups, 2 NUMA nodes, 2 packages\n"))
        #expect(drawing.split(separator: "\n").count < 40)
    }

    @Test func namesUnboundWorkersAndMissingL3() throws {
        let topology = try Topology(synthetic: "pack:1 core:2 pu:1")
        let allowance = CPUAllowance(topology: topology)
        let placement = try Placement.plan(
            topology: topology, allowance: allowance, workers: 2, policy: .none)
        let drawing = drawTopology(topology, allowance: allowance, placement: placement)
        #expect(drawing.contains("L3 group 0 (no L3 cache)"))
        #expect(drawing.contains("Placement none: 2 workers, not bound"))
        #expect(!drawing.contains("[worker"))
        #expect(!drawTopology(topology, allowance: allowance).contains("Placement"))
    }

    @Test func reportsInSnakeCase() throws {
        let topology = try Topology(synthetic: "pack:1 core:2 pu:1")
        let allowance = CPUAllowance(topology: topology)
        let placement = try Placement.plan(topology: topology, allowance: allowance, policy: .cpus([1]))
        let report = TopologyReport(topology: topology, allowance: allowance, placement: placement)
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(TopologyReport.self, from: data) == report)
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "topology", "allowance", "allowed_cpus", "maximum_workers", "reasons", "placement",
            ])
        #expect(object["allowed_cpus"] as? [Int] == [0, 1])
        #expect((object["placement"] as? [String: Any])?["policy"] as? String == "1")
    }
}
