/// What there is: packages, NUMA nodes, L3 groups, cores and hardware threads of a machine, as an immutable
/// value.
///
/// The levels are nested in this order on every machine, whatever the hardware nests:
/// - A NUMA node that spans several packages (a machine without NUMA) appears in each of them with its part
///   of the cores.
/// - An L3 group is the set of cores that share an L3 cache *and* a NUMA node. Where one L3 cache serves
///   several NUMA nodes (sub-NUMA clustering), each node has a group of its own. Cores without an L3 cache
///   form one group per NUMA node, with `cacheBytes` nil.
///
/// `index` counts objects of a kind in topological order from 0; `osIndex` is the operating system's number,
/// for a hardware thread the one that affinity masks and cpusets use ("CPU 5").
public struct Topology: Sendable, Codable, Equatable {
    /// A processor package (socket).
    public struct Package: Sendable, Codable, Equatable {
        /// Topological index.
        public let index: Int
        /// The operating system's number; `index` where it has none.
        public let osIndex: Int
        /// The NUMA nodes with cores in this package.
        public let numaNodes: [NUMANode]

        private enum CodingKeys: String, CodingKey {
            case index
            case osIndex = "os_index"
            case numaNodes = "numa_nodes"
        }
    }

    /// A memory and the cores that are next to it.
    public struct NUMANode: Sendable, Codable, Equatable {
        /// Topological index.
        public let index: Int
        /// The operating system's number.
        public let osIndex: Int
        /// The size of its memory in bytes; nil where unknown.
        public let memoryBytes: Int?
        /// Its L3 groups.
        public let l3Groups: [L3Group]

        private enum CodingKeys: String, CodingKey {
            case index
            case osIndex = "os_index"
            case memoryBytes = "memory_bytes"
            case l3Groups = "l3_groups"
        }
    }

    /// Cores that share an L3 cache.
    public struct L3Group: Sendable, Codable, Equatable {
        /// Topological index.
        public let index: Int
        /// The size of the shared cache in bytes; nil where there is none.
        public let cacheBytes: Int?
        /// Its cores.
        public let cores: [Core]

        private enum CodingKeys: String, CodingKey {
            case index
            case cacheBytes = "cache_bytes"
            case cores
        }
    }

    /// A physical core.
    public struct Core: Sendable, Codable, Equatable {
        /// Topological index.
        public let index: Int
        /// The operating system's number, which may repeat between packages.
        public let osIndex: Int
        /// 0 for the slowest kind of core of this machine, higher for faster ones (hwloc's CPU kind
        /// efficiency, which grows with performance). All 0 where the cores are alike or nothing is known.
        public let performanceClass: Int
        /// The size of its L1 data cache in bytes; nil where unknown.
        public let l1DataBytes: Int?
        /// The size of the L2 cache that it uses, alone or shared, in bytes; nil where unknown.
        public let l2Bytes: Int?
        /// Its hardware threads; one without SMT.
        public let threads: [HardwareThread]

        private enum CodingKeys: String, CodingKey {
            case index
            case osIndex = "os_index"
            case performanceClass = "performance_class"
            case l1DataBytes = "l1_data_bytes"
            case l2Bytes = "l2_bytes"
            case threads
        }
    }

    /// A hardware thread: what the operating system calls a CPU.
    public struct HardwareThread: Sendable, Codable, Equatable {
        /// Topological index.
        public let index: Int
        /// The operating system's CPU number.
        public let osIndex: Int
        /// Whether the cpuset of this process contains it. The affinity mask is not part of the topology.
        public let isAllowed: Bool

        private enum CodingKeys: String, CodingKey {
            case index
            case osIndex = "os_index"
            case isAllowed = "is_allowed"
        }
    }

    /// The packages in topological order.
    public let packages: [Package]

    /// All L3 groups in topological order.
    public var l3Groups: [L3Group] { packages.flatMap(\.numaNodes).flatMap(\.l3Groups) }

    /// All cores in topological order.
    public var cores: [Core] { l3Groups.flatMap(\.cores) }

    /// All hardware threads in topological order: the siblings of a core are neighbours.
    public var hardwareThreads: [HardwareThread] { cores.flatMap(\.threads) }

    /// The number of different NUMA nodes.
    public var numaNodeCount: Int { Set(packages.flatMap(\.numaNodes).map(\.index)).count }

    /// The operating system's numbers of the hardware threads in the cpuset of this process, ascending.
    public var allowedCPUs: [Int] { hardwareThreads.filter(\.isAllowed).map(\.osIndex).sorted() }

    /// The operating system's numbers of all hardware threads of the cores that those with the numbers `cpus` belong to:
    /// themselves and their siblings, in topological order.
    public func hardwareThreads(sharingCoresWith cpus: [Int]) -> [Int] {
        let wanted = Set(cpus)
        return cores.map { $0.threads.map(\.osIndex) }.filter { !wanted.isDisjoint(with: $0) }.flatMap { $0 }
    }

    /// Bytes of second-level cache of the core that has least; 1 MiB where the system does not tell.
    package var secondLevelCacheBytes: Int { cores.compactMap(\.l2Bytes).min() ?? 1 << 20 }

    /// Whether the machine has cores of different speed.
    public var isHybrid: Bool { Set(cores.map(\.performanceClass)).count > 1 }
}
