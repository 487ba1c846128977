import CHwloc
import Foundation

/// Whole cores for one of several programs that work at the same time: no two shares have a core in common.
package struct CoreShare: Sendable, Equatable {
    /// The hardware threads that may be used, by the operating system's numbers, ascending.
    package let cpus: [Int]
    /// The cores that these belong to.
    package let cores: Int

    /// The cores that are shared out by `all`: those on which a program alone would have a worker each.
    package static func coreCount(topology: Topology, allowance: CPUAllowance) -> Int {
        Placement.defaultWorkers(topology: topology, allowance: allowance)
    }

    /// Shares the cores out among `count` programs: neighbours together, and equally many for each, as far as that goes.
    ///
    /// - Parameter count: 1 to `coreCount(topology:allowance:)`.
    /// - Throws: `PlacementError` where no CPU is allowed.
    package static func all(
        _ count: Int, topology: Topology, allowance: CPUAllowance
    ) throws(PlacementError) -> [CoreShare] {
        let places = try Placement.plan(topology: topology, allowance: allowance, policy: .compact).assignments
        precondition(
            count >= 1 && count <= places.count, "\(count) programs cannot have whole cores of \(places.count)")
        let allowed = Set(allowance.allowedCPUs)
        return (0..<count).map { share in
            let own = places[share * places.count / count..<(share + 1) * places.count / count]
            let cpus = topology.hardwareThreads(sharingCoresWith: own.map(\.cpu)).filter(allowed.contains)
            return CoreShare(cpus: cpus.sorted(), cores: own.count)
        }
    }
}

/// Where the calling thread may run.
package enum ThreadAffinity {
    /// Lets the calling thread run on `cpus` alone, the operating system's numbers; threads and processes that it starts from
    /// then on inherit that.
    ///
    /// - Throws: `TopologyError`, or `BindingError`: the thread runs where it did before.
    package static func bind(to cpus: [Int]) throws {
        let topology = try HwlocTopology(.machine, objects: false)
        let mask = CPUBitmap()
        for cpu in cpus { hwloc_bitmap_set(mask.pointer, UInt32(cpu)) }
        guard hwloc_set_cpubind(topology.pointer, mask.pointer, Int32(HWLOC_CPUBIND_THREAD.rawValue)) == 0 else {
            throw BindingError.failed(operation: "bind a thread to the CPUs \(CPUList.format(cpus))", errno: errno)
        }
    }
}
