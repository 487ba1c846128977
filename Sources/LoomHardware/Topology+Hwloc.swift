import CHwloc

extension Topology {
    /// Reads this machine's topology, the parts that this process may not use included.
    ///
    /// hwloc's variables `HWLOC_XMLFILE` and `HWLOC_SYNTHETIC` replace it, which shows what another machine
    /// would do.
    public static func machine() throws(TopologyError) -> Topology {
        try Topology(hwloc: HwlocTopology(.machine))
    }

    /// Builds a topology from hwloc's synthetic description, levels from the outside in:
    /// `pack:2 [numa] l3:4 core:8 pu:2`. `[numa]` stands after the level that each NUMA node belongs to.
    public init(synthetic description: String) throws(TopologyError) {
        try self.init(hwloc: HwlocTopology(.synthetic(description)))
    }

    /// Reads a topology from hwloc's XML, as `lstopo --of xml` writes it.
    public init(xml: String) throws(TopologyError) {
        try self.init(hwloc: HwlocTopology(.xml(xml)))
    }

    private init(hwloc: HwlocTopology) throws(TopologyError) {
        let places = hwloc.hardwareThreadPlaces()
        guard !places.isEmpty else {
            throw .failed(operation: "find a hardware thread", errno: 0)
        }
        self.init(places: places)
    }

    /// Nests the hardware threads; each level numbers its objects in order of appearance.
    private init(places: [HardwareThreadPlace]) {
        var groupIndex = 0
        var coreIndex = 0
        var threadIndex = 0
        packages = nest(places, by: \.package.key).enumerated().map { packageIndex, inPackage in
            Package(
                index: packageIndex, osIndex: inPackage[0].package.osIndex ?? packageIndex,
                numaNodes: nest(inPackage, by: \.numaNode.index).map { inNode in
                    NUMANode(
                        index: inNode[0].numaNode.index, osIndex: inNode[0].numaNode.osIndex,
                        memoryBytes: inNode[0].numaNode.memoryBytes,
                        l3Groups: nest(inNode, by: \.l3.key).map { inGroup in
                            let cores = nest(inGroup, by: \.core.key).map { inCore in
                                let threads = inCore.map { place in
                                    defer { threadIndex += 1 }
                                    return HardwareThread(
                                        index: threadIndex, osIndex: place.cpu, isAllowed: place.isAllowed)
                                }
                                defer { coreIndex += 1 }
                                return Core(
                                    index: coreIndex, osIndex: inCore[0].core.osIndex ?? coreIndex,
                                    performanceClass: inCore[0].performanceClass,
                                    l1DataBytes: inCore[0].l1DataBytes, l2Bytes: inCore[0].l2Bytes,
                                    threads: threads)
                            }
                            defer { groupIndex += 1 }
                            return L3Group(index: groupIndex, cacheBytes: inGroup[0].l3.bytes, cores: cores)
                        })
                })
        }
    }
}

/// Groups elements by key, groups in order of first appearance.
private func nest<Element, Key: Hashable>(_ elements: [Element], by key: (Element) -> Key) -> [[Element]] {
    var positions: [Key: Int] = [:]
    var groups: [[Element]] = []
    for element in elements {
        if let position = positions[key(element)] {
            groups[position].append(element)
        } else {
            positions[key(element)] = groups.count
            groups.append([element])
        }
    }
    return groups
}

/// Where a hardware thread is: what hwloc knows about it and its ancestors, copied out of hwloc's objects.
private struct HardwareThreadPlace {
    /// hwloc's logical index of an ancestor, nil where the machine has no such object, and what belongs to
    /// it.
    struct Ancestor {
        var key: Int?
        var osIndex: Int?
        var bytes: Int?
    }

    struct Memory {
        var index: Int
        var osIndex: Int
        var memoryBytes: Int?
    }

    var cpu: Int
    var isAllowed: Bool
    var performanceClass: Int
    var core: Ancestor
    var l3: Ancestor
    var package: Ancestor
    var numaNode: Memory
    var l1DataBytes: Int?
    var l2Bytes: Int?
}

extension HwlocTopology {
    fileprivate func hardwareThreadPlaces() -> [HardwareThreadPlace] {
        let allowed = Set(CPUBitmap.members(of: hwloc_topology_get_allowed_cpuset(pointer)))
        let performanceClasses = self.performanceClasses()
        let nodes = objects(HWLOC_OBJ_NUMANODE)
        var places: [HardwareThreadPlace] = []
        var next = hwloc_get_next_obj_by_type(pointer, HWLOC_OBJ_PU, nil)
        while let thread = next {
            let cpu = Int(thread.pointee.os_index)
            var core = ancestor(of: thread, HWLOC_OBJ_CORE)
            if core.key == nil {
                // Some virtual machines have no cores; a hardware thread is one then. Negative keys meet no
                // index.
                core.key = -1 - Int(thread.pointee.logical_index)
            }
            places.append(
                HardwareThreadPlace(
                    cpu: cpu, isAllowed: allowed.contains(cpu),
                    performanceClass: performanceClasses[cpu] ?? 0,
                    core: core, l3: ancestor(of: thread, HWLOC_OBJ_L3CACHE),
                    package: ancestor(of: thread, HWLOC_OBJ_PACKAGE), numaNode: nearestMemory(of: cpu, nodes),
                    l1DataBytes: ancestor(of: thread, HWLOC_OBJ_L1CACHE).bytes,
                    l2Bytes: ancestor(of: thread, HWLOC_OBJ_L2CACHE).bytes))
            next = hwloc_get_next_obj_by_type(pointer, HWLOC_OBJ_PU, thread)
        }
        return places
    }

    private func ancestor(of thread: hwloc_obj_t, _ type: hwloc_obj_type_t) -> HardwareThreadPlace.Ancestor {
        guard let object = hwloc_get_ancestor_obj_by_type(pointer, type, thread)?.pointee else {
            return HardwareThreadPlace.Ancestor()
        }
        let isCache = hwloc_obj_type_is_cache(type) != 0
        let bytes = isCache ? object.attr.map { Int($0.pointee.cache.size) } : nil
        return HardwareThreadPlace.Ancestor(
            key: Int(object.logical_index),
            osIndex: object.os_index == UInt32.max ? nil : Int(object.os_index),
            bytes: bytes == 0 ? nil : bytes)
    }

    /// NUMA nodes are no ancestors in hwloc 2 but memory children of any object. A CPU may have several (high
    /// bandwidth memory beside DDR, memory expanders for the whole machine): the nearest covers the fewest
    /// CPUs.
    private func nearestMemory(of cpu: Int, _ nodes: [hwloc_obj]) -> HardwareThreadPlace.Memory {
        let local = nodes.filter { hwloc_bitmap_isset($0.cpuset, UInt32(cpu)) != 0 }
        guard let node = local.min(by: { hwloc_bitmap_weight($0.cpuset) < hwloc_bitmap_weight($1.cpuset) })
        else {
            return HardwareThreadPlace.Memory(index: 0, osIndex: 0, memoryBytes: nil)
        }
        let bytes = node.attr.map { Int($0.pointee.numanode.local_memory) }
        return HardwareThreadPlace.Memory(
            index: Int(node.logical_index), osIndex: Int(node.os_index), memoryBytes: bytes == 0 ? nil : bytes
        )
    }

    /// The performance class by CPU; empty where all CPUs are of one kind or hwloc cannot rank the kinds.
    private func performanceClasses() -> [Int: Int] {
        let kinds = hwloc_cpukinds_get_nr(pointer, 0)
        guard kinds > 1 else { return [:] }
        var classes: [Int: Int] = [:]
        for kind in 0..<UInt32(kinds) {
            let cpus = CPUBitmap()
            var efficiency: Int32 = -1
            guard hwloc_cpukinds_get_info(pointer, kind, cpus.pointer, &efficiency, nil, nil, 0) == 0 else {
                continue
            }
            // −1: the kinds differ, but hwloc does not know how.
            for cpu in CPUBitmap.members(of: cpus.pointer) where efficiency >= 0 {
                classes[cpu] = Int(efficiency)
            }
        }
        return classes
    }
}
