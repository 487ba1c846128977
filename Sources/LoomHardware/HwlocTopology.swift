import CHwloc
import Foundation

/// Why a topology could not be read.
public enum TopologyError: Error, Equatable, CustomStringConvertible {
    /// The text is no synthetic topology that hwloc understands.
    case invalidSynthetic(description: String)
    /// The text is no hwloc XML topology.
    case invalidXML
    /// A call of hwloc failed with this `errno`.
    case failed(operation: String, errno: Int32)

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .invalidSynthetic(let description):
            return """
                '\(description)' is not a synthetic topology; expected levels from the outside in, such as \
                'pack:2 [numa] l3:4 core:8 pu:2'
                """
        case .invalidXML:
            return "the text is not an hwloc topology in XML; expected the output of 'lstopo --of xml'"
        case .failed(let operation, let code):
            return """
                hwloc could not \(operation): \(String(cString: strerror(code))) (errno \(code)); \
                'lstopo' shows whether hwloc works on this machine
                """
        }
    }
}

/// Owns a loaded `hwloc_topology_t`. After loading it is only read, which hwloc allows from several threads.
final class HwlocTopology: @unchecked Sendable {
    // Sendable: hwloc's thread-safety rules allow concurrent calls that do not modify the topology, and
    // nothing modifies it after `init`; see "Thread Safety" in the hwloc manual.

    enum Source {
        case machine
        case synthetic(String)
        case xml(String)
    }

    let pointer: hwloc_topology_t

    /// Loads a topology; `objects: false` leaves out caches, packages and everything else that binding does
    /// not need.
    init(_ source: Source, objects: Bool = true) throws(TopologyError) {
        var topology: hwloc_topology_t?
        guard hwloc_topology_init(&topology) == 0, let topology else {
            throw .failed(operation: "create a topology", errno: errno)
        }
        if let error = Self.configureAndLoad(topology, source, objects: objects) {
            hwloc_topology_destroy(topology)
            throw error
        }
        pointer = topology
    }

    deinit {
        hwloc_topology_destroy(pointer)
    }

    private static func configureAndLoad(
        _ topology: hwloc_topology_t, _ source: Source, objects: Bool
    ) -> TopologyError? {
        // Without this flag CPUs outside the cpuset are missing, and the map could not show why they are
        // unused.
        let flags = UInt(HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED.rawValue)
        guard hwloc_topology_set_flags(topology, flags) == 0 else {
            return .failed(operation: "set the topology's flags", errno: errno)
        }
        switch source {
        case .machine:
            break
        case .synthetic(let description):
            guard hwloc_topology_set_synthetic(topology, description) == 0 else {
                return .invalidSynthetic(description: description)
            }
        case .xml(let text):
            // The size that hwloc wants includes the terminating zero.
            guard hwloc_topology_set_xmlbuffer(topology, text, Int32(text.utf8.count + 1)) == 0 else {
                return .invalidXML
            }
        }
        if !objects, hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE) != 0 {
            return .failed(operation: "filter the topology", errno: errno)
        }
        guard hwloc_topology_load(topology) == 0 else {
            switch source {
            case .machine: return .failed(operation: "load this machine's topology", errno: errno)
            case .synthetic(let description): return .invalidSynthetic(description: description)
            case .xml: return .invalidXML
            }
        }
        return nil
    }

    /// All objects of a type in topological order.
    func objects(_ type: hwloc_obj_type_t) -> [hwloc_obj] {
        var objects: [hwloc_obj] = []
        var next = hwloc_get_next_obj_by_type(pointer, type, nil)
        while let object = next {
            objects.append(object.pointee)
            next = hwloc_get_next_obj_by_type(pointer, type, object)
        }
        return objects
    }
}

/// Owns an hwloc bitmap: a set of CPU indices.
final class CPUBitmap {
    let pointer: hwloc_bitmap_t

    init() {
        guard let bitmap = hwloc_bitmap_alloc() else { fatalError("out of memory") }
        pointer = bitmap
    }

    deinit {
        hwloc_bitmap_free(pointer)
    }

    /// The members in ascending order; an infinite tail is cut at its first member.
    static func members(of bitmap: hwloc_const_bitmap_t?) -> [Int] {
        guard let bitmap else { return [] }
        let infinite = hwloc_bitmap_weight(bitmap) < 0
        let end = infinite ? hwloc_bitmap_last_unset(bitmap) : hwloc_bitmap_last(bitmap)
        var members: [Int] = []
        var index = hwloc_bitmap_next(bitmap, -1)
        while index >= 0, index <= end {
            members.append(Int(index))
            index = hwloc_bitmap_next(bitmap, index)
        }
        return members
    }
}
