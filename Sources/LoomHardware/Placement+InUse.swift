/// Placing workers where other trainings are not.
extension Placement {
    /// As `plan(topology:allowance:workers:policy:libraryLimit:)`, but cores on which others work (`inUse`) are left to
    /// them where that is possible, and a note says what was found and what became of it.
    ///
    /// - Without a worker count there are as many workers as there are free cores, at least one.
    /// - A count that the free CPUs are enough for is placed on them.
    /// - One that they are not enough for is not bound at all. Bound to a CPU in use, a worker would have half of it, and
    ///   all others would wait for that one in every step, even where the system finds an idle CPU a moment later.
    /// - A list of CPUs is obeyed.
    ///
    /// A core is free when nobody works on any of its hardware threads: one thread of GEMM fills a core's vector units.
    public static func plan(
        topology: Topology, allowance: CPUAllowance, workers: Int? = nil, policy: PlacementPolicy,
        libraryLimit: Int? = nil, inUse: [CPUUse]
    ) throws(PlacementError) -> Placement {
        let asIfAlone = try plan(
            topology: topology, allowance: allowance, workers: workers, policy: policy, libraryLimit: libraryLimit)
        let allowed = Set(allowance.allowedCPUs)
        let uses = inUse.filter { allowed.contains($0.cpu) }
        let busy = Set(topology.hardwareThreads(sharingCoresWith: uses.map(\.cpu)))
        guard asIfAlone.assignments.contains(where: { busy.contains($0.cpu) }) else { return asIfAlone }
        let facts = sentence(about: uses)
        if case .cpus = policy {
            return asIfAlone.adding(note: "\(facts): the workers share them, because parallel.placement names them")
        }
        let free = allowance.without(busy)
        if !free.allowedCPUs.isEmpty, (workers ?? 1) <= free.allowedCPUs.count {
            let placement = try plan(
                topology: topology, allowance: free, workers: workers, policy: policy, libraryLimit: libraryLimit)
            return placement.adding(note: "\(facts): \(placement.workersOnCPUs)")
        }
        let count = workers ?? 1
        let reason =
            free.allowedCPUs.isEmpty
            ? "none is free" : "\(free.allowedCPUs.count) \(free.allowedCPUs.count == 1 ? "is" : "are") free"
        let unbound = Placement(policy: policy, workers: count, assignments: [], notes: asIfAlone.notes)
        return unbound.adding(
            note: "\(facts), and \(reason): \(Self.counted(count)) without places of their own, which costs speed")
    }

    /// "1 worker on CPU 1"
    private var workersOnCPUs: String {
        let cpus = assignments.map(\.cpu)
        return "\(Self.counted(workers)) on CPU\(cpus.count == 1 ? "" : "s") \(CPUList.format(cpus))"
    }

    private func adding(note: String) -> Placement {
        Placement(policy: policy, workers: workers, assignments: assignments, notes: notes + [note])
    }

    private static func counted(_ workers: Int) -> String { "\(workers) worker\(workers == 1 ? "" : "s")" }

    /// "CPUs 0, 1 are in use by another Gradloom training (pid 17)"
    private static func sentence(about uses: [CPUUse]) -> String {
        let cpus = uses.map(\.cpu).sorted()
        let processes = Set(uses.compactMap(\.process)).sorted()
        let numbers = processes.map(String.init).joined(separator: ", ")
        let who =
            switch processes.count {
            case 0: "another Gradloom training"
            case 1: "another Gradloom training (pid \(numbers))"
            default: "other Gradloom trainings (pids \(numbers))"
            }
        let what = cpus.count == 1 ? "CPU \(cpus[0]) is" : "CPUs \(CPUList.format(cpus)) are"
        return "\(what) in use by \(who)"
    }
}

extension CPUAllowance {
    /// What is left without `cpus`.
    func without(_ cpus: Set<Int>) -> CPUAllowance {
        CPUAllowance(
            machineCPUs: machineCPUs, affinityCPUs: affinityCPUs.filter { !cpus.contains($0) },
            cpusetCPUs: cpusetCPUs, quota: quota)
    }
}
