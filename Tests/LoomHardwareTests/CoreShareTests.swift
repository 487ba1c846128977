import Testing

@testable import LoomHardware

/// Cores for several programs at the same time.
@Suite struct CoreShareTests {
    private func shares(_ topology: Topology, _ count: Int, allowed: [Int]? = nil) throws -> [CoreShare] {
        let cpus = topology.hardwareThreads.map(\.osIndex)
        let allowance = CPUAllowance(
            machineCPUs: cpus, affinityCPUs: allowed ?? cpus, cpusetCPUs: topology.allowedCPUs, quota: nil)
        return try CoreShare.all(count, topology: topology, allowance: allowance)
    }

    @Test(arguments: 1...16)
    func everyCoreHasOneOwner(count: Int) throws {
        let topology = try Topology(synthetic: "pack:2 [numa] l3:4 core:2 pu:2")
        let shares = try shares(topology, count)
        #expect(shares.count == count && shares.map(\.cores).reduce(0, +) == 16)
        #expect(shares.flatMap(\.cpus).sorted() == topology.allowedCPUs)
        let (fewest, most) = (shares.map(\.cores).min() ?? 0, shares.map(\.cores).max() ?? 0)
        #expect(most - fewest <= 1)
        for share in shares {
            // Both hardware threads of each core.
            #expect(share.cpus.count == 2 * share.cores)
            #expect(topology.hardwareThreads(sharingCoresWith: share.cpus).sorted() == share.cpus)
        }
    }

    @Test func whatIsNotAllowedIsLeftOut() throws {
        let topology = try Topology(synthetic: "pack:1 core:4 pu:2")
        let first = topology.cores.map { $0.threads[0].osIndex }
        let second = topology.cores.map { $0.threads[1].osIndex }
        let shares = try shares(topology, 2, allowed: [first[0], second[1], first[3], second[3]])
        #expect(shares.map(\.cores) == [1, 2])
        #expect(shares.map(\.cpus) == [[first[0]], [second[1], first[3], second[3]].sorted()])
        let hybrid = try Topology(xml: MachineXML.hybrid)
        let allowance = CPUAllowance(topology: hybrid)
        let count = CoreShare.coreCount(topology: hybrid, allowance: allowance)
        #expect(count == Placement.defaultWorkers(topology: hybrid, allowance: allowance))
        #expect(try CoreShare.all(count, topology: hybrid, allowance: allowance).allSatisfy { $0.cores == 1 })
    }
}
