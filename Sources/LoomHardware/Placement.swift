/// Which CPU each worker runs on: a pure function of a topology, an allowance and a policy.
public struct Placement: Sendable, Codable, Equatable {
    /// Where one worker runs. `cpu` is the operating system's number, the others are topological indices.
    public struct Assignment: Sendable, Codable, Equatable {
        /// The worker.
        public let worker: Int
        /// The operating system's number of its hardware thread.
        public let cpu: Int
        /// Its core.
        public let core: Int
        /// Its L3 group.
        public let l3Group: Int
        /// Its NUMA node.
        public let numaNode: Int
        /// Its package.
        public let package: Int

        private enum CodingKeys: String, CodingKey {
            case worker, cpu, core, package
            case l3Group = "l3_group"
            case numaNode = "numa_node"
        }
    }

    /// The policy that was asked for.
    public let policy: PlacementPolicy
    /// The number of workers.
    public let workers: Int
    /// One assignment for each worker, in worker order; empty for the policy `none`.
    public let assignments: [Assignment]
    /// What a user should know about this placement, one sentence each; mostly empty.
    public let notes: [String]

    /// Places `workers` workers on what `allowance` allows of `topology`.
    ///
    /// Without a worker count it is the smaller of `defaultWorkers(topology:allowance:)` and `libraryLimit`
    /// (`BLASRuntime.maximumThreads`), or the length of an explicit CPU list. A count above a CPU quota is
    /// placed all the same, with a note; one above the allowed CPUs is refused, except for the policy `none`.
    public static func plan(
        topology: Topology, allowance: CPUAllowance, workers: Int? = nil, policy: PlacementPolicy,
        libraryLimit: Int? = nil
    ) throws(PlacementError) -> Placement {
        let allowed = allowance.allowedCPUs
        let byRule = min(defaultWorkers(topology: topology, allowance: allowance), libraryLimit ?? .max)
        var count = workers ?? byRule
        if workers == nil, case .cpus(let list) = policy { count = list.count }
        var notes: [String] = []
        if let quota = allowance.quota, count > quota.workers {
            notes.append(
                """
                \(count) workers share a CPU quota of \(quota.cpus) CPUs: the scheduler will stop them in \
                every period
                """
            )
        }
        return try plan(
            topology: topology, allowedCPUs: allowed, workers: count, policy: policy, notes: notes)
    }

    /// Places `workers` workers on `allowedCPUs` (the operating system's numbers).
    ///
    /// The first *n* assignments of `compact` and `spread` do not depend on the worker count.
    public static func plan(
        topology: Topology, allowedCPUs: [Int], workers: Int, policy: PlacementPolicy
    ) throws(PlacementError) -> Placement {
        try plan(topology: topology, allowedCPUs: allowedCPUs, workers: workers, policy: policy, notes: [])
    }

    /// One worker for each allowed core of the fastest kind that has any, as far as quota and Dispatch allow.
    ///
    /// Slower cores stay out: workers get equal shares and wait for each other twice a step, so *n* fast and
    /// *m* slow cores of relative speed *s* beat the fast ones alone only if s · (n + m) > n. A second
    /// hardware thread of a core adds nothing to GEMM, which fills the core's vector units with one.
    public static func defaultWorkers(topology: Topology, allowance: CPUAllowance) -> Int {
        let slots = Slot.all(in: topology, allowed: Set(allowance.allowedCPUs))
        let cores = Slot.tiers(of: slots).first?.count ?? 1
        return min(cores, allowance.maximumWorkers)
    }

    private static func plan(
        topology: Topology, allowedCPUs: [Int], workers: Int, policy: PlacementPolicy, notes: [String]
    ) throws(PlacementError) -> Placement {
        guard workers >= 1 else { throw .workersNotPositive(workers) }
        guard workers <= CPUAllowance.dispatchWorkerLimit else {
            throw .tooManyWorkersForDispatch(requested: workers)
        }
        let slots = Slot.all(in: topology, allowed: Set(allowedCPUs))
        guard !slots.isEmpty else { throw .noAllowedCPU }

        let chosen: [Slot]
        switch policy {
        case .none:
            chosen = []
        case .cpus(let list):
            chosen = try explicitSlots(list, workers: workers, topology: topology, slots: slots)
        case .auto, .compact, .spread, .perL3:
            guard workers <= slots.count else {
                throw .tooManyWorkers(requested: workers, allowedCPUs: slots.count)
            }
            chosen = choose(workers, from: slots, policy: policy)
        }
        let assignments = chosen.enumerated().map { worker, slot in
            Assignment(
                worker: worker, cpu: slot.cpu, core: slot.core, l3Group: slot.l3Group,
                numaNode: slot.numaNode,
                package: slot.package)
        }
        return Placement(policy: policy, workers: workers, assignments: assignments, notes: notes)
    }

    private static func explicitSlots(
        _ list: [Int], workers: Int, topology: Topology, slots: [Slot]
    ) throws(PlacementError) -> [Slot] {
        guard workers <= list.count else { throw .listTooShort(requested: workers, listed: list.count) }
        let machine = topology.hardwareThreads.map(\.osIndex)
        var seen: Set<Int> = []
        var chosen: [Slot] = []
        for cpu in list {
            guard seen.insert(cpu).inserted else { throw .repeatedCPU(cpu) }
            guard machine.contains(cpu) else { throw .unknownCPU(cpu, machineCPUs: machine) }
            guard let slot = slots.first(where: { $0.cpu == cpu }) else {
                throw .forbiddenCPU(cpu, allowedCPUs: slots.map(\.cpu))
            }
            chosen.append(slot)
        }
        return Array(chosen.prefix(workers))
    }

    private static func choose(_ workers: Int, from slots: [Slot], policy: PlacementPolicy) -> [Slot] {
        var candidates = slots
        if case .auto = policy { candidates = Slot.smallestDomain(of: slots, holding: workers) }
        var chosen: [Slot] = []
        for tier in Slot.tiers(of: candidates) where chosen.count < workers {
            let wanted = min(workers - chosen.count, tier.count)
            switch policy {
            case .spread: chosen += Slot.inTurn(tier).prefix(wanted)
            case .perL3, .auto: chosen += Slot.evenly(tier, count: wanted)
            default: chosen += tier.prefix(wanted)
            }
        }
        return chosen
    }
}

/// An allowed hardware thread and where it is.
private struct Slot {
    var cpu: Int
    var core: Int
    var l3Group: Int
    var numaNode: Int
    var package: Int
    /// 0 for the first allowed hardware thread of its core, 1 for the second, …
    var sibling: Int
    var performanceClass: Int

    /// Every allowed hardware thread in topological order.
    static func all(in topology: Topology, allowed: Set<Int>) -> [Slot] {
        var slots: [Slot] = []
        for package in topology.packages {
            for node in package.numaNodes {
                for group in node.l3Groups {
                    for core in group.cores {
                        for (sibling, thread) in core.threads.filter({ allowed.contains($0.osIndex) })
                            .enumerated()
                        {
                            slots.append(
                                Slot(
                                    cpu: thread.osIndex, core: core.index, l3Group: group.index,
                                    numaNode: node.index,
                                    package: package.index, sibling: sibling,
                                    performanceClass: core.performanceClass))
                        }
                    }
                }
            }
        }
        return slots
    }

    /// The tiers in the order in which they are filled, each in topological order.
    static func tiers(of slots: [Slot]) -> [[Slot]] {
        Dictionary(grouping: slots) { [$0.sibling, -$0.performanceClass] }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map(\.value)
    }

    /// In turn over packages, NUMA nodes and L3 groups.
    static func inTurn(_ slots: [Slot]) -> [Slot] {
        interleave(
            parts(of: slots, by: \.package).map { package in
                interleave(
                    parts(of: package, by: \.numaNode).map { node in
                        interleave(parts(of: node, by: \.l3Group))
                    })
            })
    }

    /// `count` slots, from every L3 group the same number as far as it goes, in topological order.
    static func evenly(_ slots: [Slot], count: Int) -> [Slot] {
        // Where there are fewer workers than groups, the groups are far apart.
        let groups = Dictionary(grouping: inTurn(slots), by: \.l3Group)
        var order: [Int] = []
        for slot in inTurn(slots) where !order.contains(slot.l3Group) { order.append(slot.l3Group) }
        let chosen = Set(interleave(order.compactMap { groups[$0] }).prefix(count).map(\.cpu))
        return slots.filter { chosen.contains($0.cpu) }
    }

    /// The slots of the first L3 group that has a fastest core for each of `workers`; if none has, of the
    /// first such NUMA node, then package; all slots if even a package is too small.
    static func smallestDomain(of slots: [Slot], holding workers: Int) -> [Slot] {
        let cores = tiers(of: slots).first ?? []
        let domains: [(Slot) -> [Int]] = [
            { [$0.package, $0.numaNode, $0.l3Group] }, { [$0.package, $0.numaNode] }, { [$0.package] },
        ]
        for domain in domains {
            if let fitting = parts(of: cores, by: domain).first(where: { $0.count >= workers }) {
                return slots.filter { domain($0) == domain(fitting[0]) }
            }
        }
        return slots
    }

    /// Parts with equal keys, in order of first appearance.
    private static func parts<Key: Hashable>(of slots: [Slot], by key: (Slot) -> Key) -> [[Slot]] {
        var keys: [Key] = []
        let parts = Dictionary(grouping: slots) { slot in
            let key = key(slot)
            if !keys.contains(key) { keys.append(key) }
            return key
        }
        return keys.compactMap { parts[$0] }
    }

    /// The first of each list, then the second of each, …
    private static func interleave(_ lists: [[Slot]]) -> [Slot] {
        let longest = lists.map(\.count).max() ?? 0
        return (0..<longest).flatMap { position in
            lists.compactMap { position < $0.count ? $0[position] : nil }
        }
    }
}
