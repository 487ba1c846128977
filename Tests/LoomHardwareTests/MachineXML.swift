/// Writes hwloc's XML for machines that a synthetic description cannot express. CPUs below 32, NUMA nodes
/// below 8.
enum MachineXML {
    /// Four fast cores with two hardware threads (CPUs 0-7) and four slow ones with one (CPUs 8-11).
    static let hybrid = document(
        object(
            "Machine", cpus: 0...11,
            object(
                "Package", cpus: 0...11, osIndex: 0, numaNode(0, cpus: 0...11),
                cache(
                    3, bytes: 24 << 20, cpus: 0...11,
                    (0..<4).map { core(Int($0), cpus: 2 * $0...2 * $0 + 1) }.joined(),
                    (4..<8).map { core(Int($0), cpus: $0 + 4...$0 + 4) }.joined()))),
        kinds: [(cpus: 8...11, efficiency: 0), (cpus: 0...7, efficiency: 1)])

    /// One package whose L3 cache serves two NUMA nodes of two cores each.
    static let subNUMAClusters = document(
        object(
            "Machine", cpus: 0...3, nodes: 0...1,
            object(
                "Package", cpus: 0...3, nodes: 0...1, osIndex: 0,
                cache(
                    3, bytes: 32 << 20, cpus: 0...3, nodes: 0...1,
                    object(
                        "Group", cpus: 0...1, numaNode(0, cpus: 0...1), core(0, cpus: 0...0),
                        core(1, cpus: 1...1)),
                    object(
                        "Group", cpus: 2...3, nodes: 1...1, numaNode(1, cpus: 2...3),
                        core(2, cpus: 2...2, node: 1),
                        core(3, cpus: 3...3, node: 1))))))

    /// Four CPUs without package, cache or core, as some virtual machines show them.
    static let bare = document(
        object("Machine", cpus: 0...3, numaNode(0, cpus: 0...3), (0..<4).map { thread($0) }.joined()))

    /// Four cores, of which the cpuset of this process has the first two.
    static let restricted = document(
        object(
            "Machine", cpus: 0...3, allowed: 0...1,
            object(
                "Package", cpus: 0...3, osIndex: 0, numaNode(0, cpus: 0...3),
                (0..<4).map { core(Int($0), cpus: $0...$0) }.joined())))

    // MARK: Elements

    private static func document(
        _ machine: String, kinds: [(cpus: ClosedRange<Int>, efficiency: Int)] = []
    ) -> String {
        let kindElements = kinds.map {
            "<cpukind cpuset=\"\(mask($0.cpus))\" forced_efficiency=\"\($0.efficiency)\"/>"
        }
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <!DOCTYPE topology SYSTEM "hwloc2.dtd">
            <topology version="2.0">\(machine)\(kindElements.joined())</topology>
            """
    }

    private static func object(
        _ type: String, cpus: ClosedRange<Int>, nodes: ClosedRange<Int> = 0...0,
        allowed: ClosedRange<Int>? = nil,
        osIndex: Int? = nil, attributes: String = "", _ children: String...
    ) -> String {
        var sets = "cpuset=\"\(mask(cpus))\" complete_cpuset=\"\(mask(cpus))\""
        sets += " nodeset=\"\(mask(nodes))\" complete_nodeset=\"\(mask(nodes))\""
        if type == "Machine" {
            sets += " allowed_cpuset=\"\(mask(allowed ?? cpus))\" allowed_nodeset=\"\(mask(nodes))\""
        }
        let index = osIndex.map { " os_index=\"\($0)\"" } ?? ""
        return "<object type=\"\(type)\"\(index) \(sets) \(attributes)>\(children.joined())</object>"
    }

    private static func numaNode(_ index: Int, cpus: ClosedRange<Int>) -> String {
        object(
            "NUMANode", cpus: cpus, nodes: index...index, osIndex: index,
            attributes: "local_memory=\"1073741824\"")
    }

    private static func cache(
        _ depth: Int, bytes: Int, cpus: ClosedRange<Int>, nodes: ClosedRange<Int> = 0...0,
        _ children: String...
    ) -> String {
        object(
            "L\(depth)Cache", cpus: cpus, nodes: nodes,
            attributes: """
                cache_size="\(bytes)" depth="\(depth)" cache_linesize="64" cache_associativity="0" \
                cache_type="0"
                """,
            children.joined())
    }

    private static func core(_ index: Int, cpus: ClosedRange<Int>, node: Int = 0) -> String {
        object(
            "Core", cpus: cpus, nodes: node...node, osIndex: index,
            cpus.map { thread($0, node: node) }.joined())
    }

    private static func thread(_ cpu: Int, node: Int = 0) -> String {
        object("PU", cpus: cpu...cpu, nodes: node...node, osIndex: cpu)
    }

    private static func mask(_ range: ClosedRange<Int>) -> String {
        let bits = range.reduce(0) { $0 | 1 << $1 }
        let digits = String(bits, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}
