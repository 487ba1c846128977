import Foundation
import Testing

@testable import LoomHardware

@Suite struct TopologyTests {
    @Test func nestsTwoSockets() throws {
        let topology = try Topology(synthetic: "pack:2 [numa] l3:4(size=33554432) core:8 pu:2")
        #expect(topology.packages.map { $0.numaNodes.count } == [1, 1])
        #expect(topology.packages.map(\.numaNodes[0].index) == [0, 1])
        #expect(topology.l3Groups.map(\.index) == Array(0..<8))
        #expect(topology.l3Groups.allSatisfy { $0.cores.count == 8 && $0.cacheBytes == 32 << 20 })
        #expect(topology.cores.map(\.index) == Array(0..<64))
        #expect(topology.hardwareThreads.map(\.index) == Array(0..<128))
        #expect(topology.l3Groups[5].cores[3].threads.map(\.osIndex) == [86, 87])
        #expect(topology.packages[1].numaNodes[0].l3Groups.map(\.index) == [4, 5, 6, 7])
        #expect(!topology.isHybrid)
    }

    @Test func keepsLogicalAndSystemNumbersApart() throws {
        // Linux on Intel: CPUs 0-3 are the cores' first hardware threads, 4-7 their second ones.
        let topology = try Topology(synthetic: "pack:1 core:4 pu:2(indexes=0,4,1,5,2,6,3,7)")
        #expect(topology.cores.map { $0.threads.map(\.osIndex) } == [[0, 4], [1, 5], [2, 6], [3, 7]])
        #expect(topology.hardwareThreads.map(\.index) == Array(0..<8))
    }

    @Test func siblingsShareCores() throws {
        let topology = try Topology(synthetic: "pack:1 core:4 pu:2(indexes=0,4,1,5,2,6,3,7)")
        #expect(topology.hardwareThreads(sharingCoresWith: [2, 4]) == [0, 4, 2, 6])
        #expect(topology.hardwareThreads(sharingCoresWith: [1, 5]) == [1, 5])
        #expect(topology.hardwareThreads(sharingCoresWith: [8]).isEmpty)
    }

    @Test func readsCacheSizes() throws {
        let topology = try Topology(
            synthetic: "pack:1 l3:1(size=33554432) l2:2(size=1048576) l1d:1(size=49152) core:1 pu:1")
        #expect(topology.cores.map(\.l1DataBytes) == [49152, 49152])
        #expect(topology.cores.map(\.l2Bytes) == [1 << 20, 1 << 20])
        #expect(topology.l3Groups.map(\.cacheBytes) == [32 << 20])
    }

    @Test func groupsCoresWithoutL3ByNUMANode() throws {
        let topology = try Topology(synthetic: "pack:1 group:2 [numa] core:2 pu:1")
        #expect(topology.packages.count == 1)
        #expect(topology.packages[0].numaNodes.map(\.index) == [0, 1])
        #expect(topology.l3Groups.map { $0.cores.map(\.index) } == [[0, 1], [2, 3]])
        #expect(topology.l3Groups.map(\.cacheBytes) == [nil, nil])
    }

    @Test func findsNUMANodeOfEachL3() throws {
        let topology = try Topology(synthetic: "pack:2 l3:4 [numa] core:2 pu:1")
        #expect(topology.packages.map { $0.numaNodes.map(\.index) } == [[0, 1, 2, 3], [4, 5, 6, 7]])
        #expect(topology.l3Groups.count == 8)
        #expect(topology.numaNodeCount == 8)
    }

    @Test func splitsL3BetweenNUMANodes() throws {
        let topology = try Topology(xml: MachineXML.subNUMAClusters)
        #expect(topology.packages[0].numaNodes.map(\.index) == [0, 1])
        #expect(topology.l3Groups.map { $0.cores.map(\.index) } == [[0, 1], [2, 3]])
        #expect(topology.l3Groups.map(\.cacheBytes) == [32 << 20, 32 << 20])
    }

    @Test func showsNUMANodeOfTwoPackagesInBoth() throws {
        let topology = try Topology(synthetic: "[numa] pack:2 core:2 pu:1")
        #expect(topology.packages.map { $0.numaNodes.map(\.index) } == [[0], [0]])
        #expect(topology.numaNodeCount == 1)
    }

    @Test func takesNearestOfSeveralMemories() throws {
        // A memory of the whole machine, as an expander is, beside one in each package.
        let topology = try Topology(synthetic: "[numa(memory=4096)] pack:2 [numa(memory=8192)] core:2 pu:1")
        #expect(topology.packages.flatMap(\.numaNodes).map(\.memoryBytes) == [8192, 8192])
        #expect(topology.numaNodeCount == 2)
    }

    @Test func takesThreadsForCoresWhereThereAreNone() throws {
        let topology = try Topology(xml: MachineXML.bare)
        #expect(topology.packages.count == 1)
        #expect(topology.cores.map { $0.threads.map(\.osIndex) } == [[0], [1], [2], [3]])
    }

    @Test func ranksCoresOfHybridProcessor() throws {
        let topology = try Topology(xml: MachineXML.hybrid)
        #expect(topology.isHybrid)
        #expect(topology.cores.map(\.performanceClass) == [1, 1, 1, 1, 0, 0, 0, 0])
        #expect(topology.cores.map(\.threads.count) == [2, 2, 2, 2, 1, 1, 1, 1])
    }

    @Test func keepsDisallowedThreads() throws {
        let topology = try Topology(xml: MachineXML.restricted)
        #expect(topology.hardwareThreads.map(\.isAllowed) == [true, true, false, false])
        #expect(topology.allowedCPUs == [0, 1])
    }

    @Test func readsThisMachine() throws {
        let topology = try Topology.machine()
        #expect(topology.hardwareThreads.count >= ProcessInfo.processInfo.activeProcessorCount)
        #expect(Set(topology.hardwareThreads.map(\.osIndex)).count == topology.hardwareThreads.count)
        #expect(!topology.allowedCPUs.isEmpty)
    }

    @Test func refusesWhatIsNoTopology() {
        #expect(throws: TopologyError.invalidSynthetic(description: "pack:two")) {
            try Topology(synthetic: "pack:two")
        }
        #expect(throws: TopologyError.invalidXML) { try Topology(xml: "<html/>") }
        #expect("\(TopologyError.invalidSynthetic(description: "x"))".contains("pack:2 [numa] l3:4"))
    }

    @Test func survivesCoding() throws {
        let topology = try Topology(xml: MachineXML.hybrid)
        let data = try JSONEncoder().encode(topology)
        #expect(try JSONDecoder().decode(Topology.self, from: data) == topology)
        let text = String(decoding: data, as: UTF8.self)
        #expect(text.contains("\"numa_nodes\"") && text.contains("\"performance_class\""))
    }
}
