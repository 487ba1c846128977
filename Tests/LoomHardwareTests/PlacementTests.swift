import Foundation
import Testing

@testable import LoomHardware

@Suite struct PlacementTests {
    /// 2 packages × 4 L3 groups × 8 cores × 2 hardware threads; core c has CPUs 2c and 2c + 1.
    private static func twoSockets() throws -> Topology {
        try Topology(synthetic: "pack:2 [numa] l3:4 core:8 pu:2")
    }

    private func cpus(
        _ topology: Topology, _ workers: Int, _ policy: PlacementPolicy, allowed: [Int]? = nil
    ) throws -> [Int] {
        let placement = try Placement.plan(
            topology: topology, allowedCPUs: allowed ?? topology.allowedCPUs, workers: workers, policy: policy
        )
        #expect(placement.assignments.map(\.worker) == Array(0..<workers))
        return placement.assignments.map(\.cpu)
    }

    @Test func compactFillsCoresInOrderSiblingsLast() throws {
        let topology = try Self.twoSockets()
        #expect(try cpus(topology, 3, .compact) == [0, 2, 4])
        let all = try cpus(topology, 128, .compact)
        #expect(all.prefix(64).elementsEqual(stride(from: 0, to: 128, by: 2)))
        #expect(all.suffix(64).elementsEqual(stride(from: 1, to: 128, by: 2)))
    }

    @Test func spreadTakesTurnsOverPackagesThenL3Groups() throws {
        let topology = try Self.twoSockets()
        // Package 0's L3 groups begin at CPUs 0, 16, 32, 48, package 1's at 64, 80, 96, 112.
        #expect(try cpus(topology, 10, .spread) == [0, 64, 16, 80, 32, 96, 48, 112, 2, 66])
    }

    @Test func spreadTakesTurnsOverNUMANodes() throws {
        let topology = try Topology(synthetic: "pack:1 group:2 [numa] l3:2 core:2 pu:1")
        #expect(try cpus(topology, 8, .spread) == [0, 4, 2, 6, 1, 5, 3, 7])
    }

    @Test func perL3FillsGroupsEvenlyWithNeighbours() throws {
        let topology = try Self.twoSockets()
        let placement = try Placement.plan(
            topology: topology, allowedCPUs: topology.allowedCPUs, workers: 20, policy: .perL3)
        let perGroup = (0..<8).map { group in placement.assignments.filter { $0.l3Group == group }.count }
        #expect(perGroup == [3, 3, 2, 2, 3, 3, 2, 2])
        #expect(placement.assignments.map(\.l3Group) == placement.assignments.map(\.l3Group).sorted())
        // Two workers: one in each package.
        #expect(try cpus(topology, 2, .perL3) == [0, 64])
    }

    @Test func perL3FillsUnequalGroupsAsFarAsTheyGo() throws {
        let topology = try Topology(synthetic: "pack:1 l3:2 core:4 pu:1")
        #expect(try cpus(topology, 4, .perL3, allowed: [0, 4, 5, 6, 7]) == [0, 4, 5, 6])
    }

    @Test(arguments: [
        (1, 1, 1), (8, 1, 1),  // fit one L3 group
        (9, 4, 1), (32, 4, 1),  // fit one package: evenly over its L3 groups
        (33, 8, 2), (64, 8, 2), (65, 8, 2), (128, 8, 2),
    ]) func autoTakesSmallestDomain(workers: Int, l3Groups: Int, packages: Int) throws {
        let topology = try Self.twoSockets()
        let placement = try Placement.plan(
            topology: topology, allowedCPUs: topology.allowedCPUs, workers: workers, policy: .auto)
        #expect(Set(placement.assignments.map(\.l3Group)).count == l3Groups)
        #expect(Set(placement.assignments.map(\.package)).count == packages)
        #expect(Set(placement.assignments.map(\.cpu)).count == workers)
        #expect(Set(placement.assignments.map(\.core)).count == min(workers, 64))
    }

    @Test func autoTakesNUMANodeBeforePackage() throws {
        let topology = try Topology(synthetic: "pack:2 group:2 [numa] l3:2 core:2 pu:1")
        let placement = try Placement.plan(
            topology: topology, allowedCPUs: topology.allowedCPUs, workers: 4, policy: .auto)
        #expect(Set(placement.assignments.map(\.numaNode)) == [0])
        #expect(Set(placement.assignments.map(\.l3Group)) == [0, 1])
        // The first L3 group with enough cores, not the first one.
        let allowed = [0, 2, 3, 4]
        #expect(try cpus(topology, 2, .auto, allowed: allowed) == [2, 3])
    }

    @Test func everyPolicyFillsFastCoresFirst() throws {
        let topology = try Topology(xml: MachineXML.hybrid)
        for policy in [PlacementPolicy.auto, .compact, .spread, .perL3] {
            #expect(try cpus(topology, 12, policy) == [0, 2, 4, 6, 8, 9, 10, 11, 1, 3, 5, 7], "\(policy)")
        }
    }

    @Test func respectsRestrictedMask() throws {
        let topology = try Self.twoSockets()
        // Only the second sibling of core 1 is allowed: it is that core's first choice.
        let allowed = [3, 4, 5, 64, 70]
        #expect(try cpus(topology, 5, .compact, allowed: allowed) == [3, 4, 64, 70, 5])
        #expect(try cpus(topology, 4, .spread, allowed: allowed) == [3, 64, 4, 70])
        #expect(throws: PlacementError.tooManyWorkers(requested: 6, allowedCPUs: 5)) {
            try cpus(topology, 6, .compact, allowed: allowed)
        }
        #expect(throws: PlacementError.noAllowedCPU) { try cpus(topology, 1, .auto, allowed: [500]) }
    }

    @Test func placesOnOneCore() throws {
        let topology = try Topology(synthetic: "pack:1 core:1 pu:1")
        for policy in [PlacementPolicy.auto, .compact, .spread, .perL3, .cpus([0])] {
            #expect(try cpus(topology, 1, policy) == [0])
        }
        #expect(throws: PlacementError.tooManyWorkers(requested: 2, allowedCPUs: 1)) {
            try cpus(topology, 2, .auto)
        }
    }

    @Test func noneBindsNobody() throws {
        let topology = try Topology(synthetic: "pack:1 core:1 pu:1")
        let placement = try Placement.plan(topology: topology, allowedCPUs: [0], workers: 8, policy: .none)
        #expect(placement.workers == 8)
        #expect(placement.assignments.isEmpty)
        #expect(throws: PlacementError.tooManyWorkersForDispatch(requested: 255)) {
            try Placement.plan(topology: topology, allowedCPUs: [0], workers: 255, policy: .none)
        }
        #expect(throws: PlacementError.workersNotPositive(0)) {
            try Placement.plan(topology: topology, allowedCPUs: [0], workers: 0, policy: .none)
        }
    }

    @Test func explicitListIsTakenInItsOrder() throws {
        let topology = try Self.twoSockets()
        let placement = try Placement.plan(
            topology: topology, allowedCPUs: topology.allowedCPUs, workers: 2, policy: .cpus([65, 0, 7]))
        #expect(placement.assignments.map(\.cpu) == [65, 0])
        let first = try #require(placement.assignments.first)
        #expect(first.core == 32 && first.l3Group == 4 && first.numaNode == 1 && first.package == 1)
    }

    @Test(arguments: [
        ([0, 0], PlacementError.repeatedCPU(0)), ([0], .listTooShort(requested: 2, listed: 1)),
        ([0, 9], .unknownCPU(9, machineCPUs: [0, 1, 2, 3])),
        ([0, 3], .forbiddenCPU(3, allowedCPUs: [0, 1])),
    ]) func refusesBadLists(list: [Int], error: PlacementError) throws {
        let topology = try Topology(synthetic: "pack:1 core:4 pu:1")
        #expect(throws: error) { try cpus(topology, 2, .cpus(list), allowed: [0, 1]) }
        #expect(!"\(error)".isEmpty)
    }

    @Test func defaultIsOneWorkerForEachFastAllowedCore() throws {
        func count(_ topology: Topology, allowed: [Int]? = nil, quota: Double? = nil) -> Int {
            let cpus = topology.hardwareThreads.map(\.osIndex)
            let allowance = CPUAllowance(
                machineCPUs: cpus, affinityCPUs: allowed ?? cpus, cpusetCPUs: topology.allowedCPUs,
                quota: quota.map { CPUQuota(cpus: $0, version: 2, path: "/") })
            return Placement.defaultWorkers(topology: topology, allowance: allowance)
        }
        let twoSockets = try Self.twoSockets()
        let hybrid = try Topology(xml: MachineXML.hybrid)
        #expect(count(twoSockets) == 64)
        #expect(count(twoSockets, allowed: [0, 1, 2, 3, 8]) == 3)
        #expect(count(twoSockets, quota: 2.5) == 3)
        #expect(count(hybrid) == 4)
        #expect(count(hybrid, allowed: [8, 9, 10]) == 3)
        #expect(count(try Topology(xml: MachineXML.restricted)) == 2)
        #expect(count(try Topology(synthetic: "pack:4 core:80 pu:1")) == CPUAllowance.dispatchWorkerLimit)
    }

    @Test func limitOfLibraryHoldsForDefaultOnly() throws {
        let topology = try Self.twoSockets()
        let allowance = CPUAllowance(topology: topology)
        func workers(_ workers: Int?, _ policy: PlacementPolicy = .auto) throws -> Int {
            try Placement.plan(
                topology: topology, allowance: allowance, workers: workers, policy: policy, libraryLimit: 16
            ).workers
        }
        #expect(try workers(nil) == 16)
        #expect(try workers(20) == 20)
        #expect(try workers(nil, .cpus([0, 1])) == 2)
    }

    @Test func saysThatQuotaIsExceeded() throws {
        let topology = try Topology(synthetic: "pack:1 core:4 pu:1")
        let allowance = CPUAllowance(
            machineCPUs: [0, 1, 2, 3], affinityCPUs: [0, 1, 2, 3], cpusetCPUs: [0, 1, 2, 3],
            quota: CPUQuota(cpus: 1.5, version: 2, path: "/"))
        let byRule = try Placement.plan(topology: topology, allowance: allowance, policy: .auto)
        #expect(byRule.workers == 2 && byRule.notes.isEmpty)
        let asked = try Placement.plan(topology: topology, allowance: allowance, workers: 4, policy: .auto)
        #expect(asked.assignments.count == 4)
        #expect(asked.notes.first?.contains("quota of 1.5 CPUs") == true)
        let listed = try Placement.plan(topology: topology, allowance: allowance, policy: .cpus([3]))
        #expect(listed.assignments.map(\.cpu) == [3])
    }

    @Test(arguments: [
        ("auto", PlacementPolicy.auto), ("compact", .compact), ("spread", .spread), ("per-l3", .perL3),
        ("none", .none),
        ("0,2,4-7", .cpus([0, 2, 4, 5, 6, 7])), ("3", .cpus([3])),
    ]) func parsesPolicies(text: String, policy: PlacementPolicy) throws {
        #expect(try PlacementPolicy(parsing: text) == policy)
        #expect(try PlacementPolicy(parsing: policy.description) == policy)
        let coded = try JSONDecoder().decode([PlacementPolicy].self, from: JSONEncoder().encode([policy]))
        #expect(coded == [policy])
    }

    @Test(arguments: ["", "Compact", "close"]) func refusesUnknownPolicies(text: String) {
        #expect(throws: PlacementError.unknownPolicy(text)) { try PlacementPolicy(parsing: text) }
    }

    @Test(arguments: [
        ("0,", ""), ("0,,1", ""), ("4-2", "4-2"), ("1-2-3", "1-2-3"), ("0,x", "x"), ("-1", "-1"),
        ("0-99999999", "0-99999999"),
        ("1-", "1-"), ("99999999999999999999", "99999999999999999999"),
    ]) func refusesBadCPULists(text: String, entry: String) {
        #expect(throws: PlacementError.invalidCPUList(text: text, entry: entry)) {
            try PlacementPolicy(parsing: text)
        }
    }

    @Test func formatsCPULists() {
        #expect(CPUList.format([7, 0, 2, 4, 6, 5]) == "0,2,4-7")
        #expect(CPUList.format([0, 1]) == "0-1")
        #expect(CPUList.format([]) == "none")
    }
}
