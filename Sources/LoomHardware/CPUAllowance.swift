import CHwloc

/// Which CPUs this process may use, how much of their time, and why.
public struct CPUAllowance: Sendable, Codable, Equatable {
    /// The most workers that Dispatch runs safely: libdispatch for Linux keeps its threads in a table of 255
    /// entries whose bound only a debug assertion guards (`WORKQ_MAX_TRACKED_TIDS`, libdispatch's
    /// src/event/workqueue.c).
    public static let dispatchWorkerLimit = 254

    /// The CPUs of the machine, ascending; all CPU numbers are the operating system's.
    public let machineCPUs: [Int]
    /// The affinity mask at start, ascending.
    public let affinityCPUs: [Int]
    /// The CPUs in the cpuset of this process's control group, ascending.
    public let cpusetCPUs: [Int]
    /// The smallest quota of CPU time on the way up the control groups; nil without a quota.
    public let quota: CPUQuota?

    private enum CodingKeys: String, CodingKey {
        case machineCPUs = "machine_cpus"
        case affinityCPUs = "affinity_cpus"
        case cpusetCPUs = "cpuset_cpus"
        case quota
    }

    /// An allowance from its parts. CPUs outside `machineCPUs` are dropped.
    public init(machineCPUs: [Int], affinityCPUs: [Int], cpusetCPUs: [Int], quota: CPUQuota?) {
        let machine = Set(machineCPUs)
        self.machineCPUs = machine.sorted()
        self.affinityCPUs = Set(affinityCPUs).intersection(machine).sorted()
        self.cpusetCPUs = Set(cpusetCPUs).intersection(machine).sorted()
        self.quota = quota
    }

    /// Every CPU of `topology` that its cpuset allows: for topologies of other machines.
    public init(topology: Topology) {
        let cpus = topology.hardwareThreads.map(\.osIndex)
        self.init(machineCPUs: cpus, affinityCPUs: cpus, cpusetCPUs: topology.allowedCPUs, quota: nil)
    }

    /// What this process may use of `topology`, which is this machine's.
    ///
    /// The mask read is the calling thread's: call this at start, before any thread is bound.
    public static func current(topology: Topology) throws(TopologyError) -> CPUAllowance {
        try current(topology: topology, controlGroups: ControlGroups())
    }

    static func current(
        topology: Topology, controlGroups: ControlGroups
    ) throws(TopologyError) -> CPUAllowance {
        let cpus = topology.hardwareThreads.map(\.osIndex)
        let hwloc = try HwlocTopology(.machine, objects: false)
        let mask = CPUBitmap()
        // Where the system has no affinity masks (macOS), every CPU is in it.
        let hasMask =
            hwloc_get_cpubind(hwloc.pointer, mask.pointer, Int32(HWLOC_CPUBIND_THREAD.rawValue)) == 0
        return CPUAllowance(
            machineCPUs: cpus, affinityCPUs: hasMask ? CPUBitmap.members(of: mask.pointer) : cpus,
            cpusetCPUs: topology.allowedCPUs, quota: controlGroups.quota())
    }

    /// The CPUs that may be used: affinity mask ∩ cpuset, ascending.
    public var allowedCPUs: [Int] {
        let cpuset = Set(cpusetCPUs)
        return affinityCPUs.filter(cpuset.contains)
    }

    /// The most workers that make sense: min(allowed CPUs, ⌈quota⌉, Dispatch's limit), 1 at least.
    public var maximumWorkers: Int {
        max(1, min(allowedCPUs.count, quota?.workers ?? .max, Self.dispatchWorkerLimit))
    }

    /// One line for each thing that decides what may be used.
    public var reasons: [String] {
        var reasons = [
            "affinity mask: \(share(affinityCPUs))",
            "cpuset: \(share(cpusetCPUs))",
        ]
        if let quota {
            let file = quota.version == 2 ? "cpu.max" : "cpu.cfs_quota_us"
            reasons.append(
                "cgroup v\(quota.version) \(file) at \(quota.path): \(Self.format(quota.cpus)) CPUs")
        } else {
            reasons.append("cgroup CPU quota: none")
        }
        if allowedCPUs.count > Self.dispatchWorkerLimit {
            reasons.append("Dispatch: at most \(Self.dispatchWorkerLimit) workers")
        }
        return reasons
    }

    private func share(_ cpus: [Int]) -> String {
        "\(cpus.count) of \(machineCPUs.count) CPUs (\(CPUList.format(cpus)))"
    }

    /// A number of CPUs with two decimals at most: 2, 1.5, 0.25.
    private static func format(_ cpus: Double) -> String {
        let rounded = (cpus * 100).rounded() / 100
        return rounded == rounded.rounded() ? "\(Int(min(rounded, 1e6)))" : "\(rounded)"
    }
}
