import CHwloc
import Foundation

/// Why a thread could not be bound to its CPU, or its mask not be restored. Training can go on without.
public enum BindingError: Error, Equatable, CustomStringConvertible {
    /// The operating system has no thread binding (`ENOSYS`; macOS).
    case notSupported(cpu: Int)
    /// The operating system knows such bindings but cannot enforce this one (`EXDEV`).
    case notEnforceable(cpu: Int)
    /// The CPU is outside the cpuset of this process (`EINVAL`).
    case notAllowed(cpu: Int)
    /// The call succeeded, but the thread may run on other CPUs than asked.
    case notHonoured(cpu: Int, actual: [Int])
    /// Another error of the system call, such as `EPERM` from a container's filter.
    case failed(operation: String, errno: Int32)

    /// What happened and what it means.
    public var description: String {
        switch self {
        case .notSupported(let cpu):
            return
                """
                this operating system cannot bind a thread to CPU \(cpu); the placement 'none' asks for no \
                binding
                """
        case .notEnforceable(let cpu):
            return "this operating system cannot enforce a binding to CPU \(cpu)"
        case .notAllowed(let cpu):
            return "CPU \(cpu) is not in the cpuset of this process; 'gradloom topology' shows which CPUs are"
        case .notHonoured(let cpu, let actual):
            return "a thread bound to CPU \(cpu) may run on CPUs \(CPUList.format(actual)) instead"
        case .failed(let operation, let code):
            return "the system refused to \(operation): \(String(cString: strerror(code))) (errno \(code))"
        }
    }
}

/// Binds the threads that run a region's workers to the workers' CPUs, and gives them their own masks back.
///
/// A thread pool's threads are lent: bound to one CPU for good, they would take everything that runs on them
/// later, and every thread that they create, to that CPU. So a worker binds on entering a region and restores
/// on leaving it:
///
///     do { try binder.bind(worker: worker) } catch { /* report once, go on unbound */ }
///     …
///     binder.restore(worker: worker)
///
/// All state belongs to the worker index, which one thread uses at a time; nothing is allocated on the Swift
/// side after `init`. hwloc itself allocates a mask per call: bind once per region, not per step.
public final class ThreadBinder: @unchecked Sendable {
    // Sendable: the topology is only read; slot w is used by worker w alone.

    private struct Slot {
        var cpu: Int
        var target: hwloc_bitmap_t
        var previous: hwloc_bitmap_t
        var readBack: hwloc_bitmap_t
        var isBound = false
    }

    private let topology: HwlocTopology
    private let slots: UnsafeMutableBufferPointer<Slot>
    private static let flags = Int32(HWLOC_CPUBIND_THREAD.rawValue)

    /// Prepares binding for a placement's workers; without assignments (policy `none`) binding does nothing.
    public convenience init(placement: Placement) throws(TopologyError) {
        try self.init(cpus: placement.assignments.map(\.cpu))
    }

    /// Prepares binding worker *i* to `cpus[i]`, the operating system's number.
    public init(cpus: [Int]) throws(TopologyError) {
        // Without objects loading takes less time, and binding needs none.
        topology = try HwlocTopology(.machine, objects: false)
        slots = .allocate(capacity: cpus.count)
        for (worker, cpu) in cpus.enumerated() {
            guard let target = hwloc_bitmap_alloc(), let previous = hwloc_bitmap_alloc(),
                let readBack = hwloc_bitmap_alloc(), hwloc_bitmap_only(target, UInt32(cpu)) == 0
            else { fatalError("out of memory") }
            slots.initializeElement(
                at: worker, to: Slot(cpu: cpu, target: target, previous: previous, readBack: readBack))
        }
    }

    deinit {
        for slot in slots {
            hwloc_bitmap_free(slot.target)
            hwloc_bitmap_free(slot.previous)
            hwloc_bitmap_free(slot.readBack)
        }
        slots.deinitialize()
        slots.deallocate()
    }

    /// Binds the calling thread to worker `worker`'s CPU, reads the binding back, and keeps the previous mask
    /// for `restore(worker:)`. A worker without an assignment stays unbound.
    ///
    /// - Throws: `BindingError`; the thread then has its previous mask again.
    public func bind(worker: Int) throws(BindingError) {
        guard worker < slots.count else { return }
        assert(!slots[worker].isBound, "a worker's index is bound by one thread at a time")
        guard hwloc_get_cpubind(topology.pointer, slots[worker].previous, Self.flags) == 0 else {
            throw error(cpu: slots[worker].cpu, operation: "read a thread's affinity mask")
        }
        guard hwloc_set_cpubind(topology.pointer, slots[worker].target, Self.flags) == 0 else {
            throw error(cpu: slots[worker].cpu, operation: "bind a thread to CPU \(slots[worker].cpu)")
        }
        slots[worker].isBound = true
        let isRead = hwloc_get_cpubind(topology.pointer, slots[worker].readBack, Self.flags) == 0
        guard isRead, hwloc_bitmap_isequal(slots[worker].target, slots[worker].readBack) != 0 else {
            restore(worker: worker)
            throw .notHonoured(
                cpu: slots[worker].cpu, actual: isRead ? CPUBitmap.members(of: slots[worker].readBack) : [])
        }
    }

    /// Gives the calling thread, which called `bind(worker:)`, the mask back that it had then. Does nothing
    /// for a worker that is not bound.
    ///
    /// Returns false when the system refuses, as after a cpuset change that took the old CPUs away.
    @discardableResult
    public func restore(worker: Int) -> Bool {
        guard worker < slots.count, slots[worker].isBound else { return true }
        slots[worker].isBound = false
        return hwloc_set_cpubind(topology.pointer, slots[worker].previous, Self.flags) == 0
    }

    /// The CPUs that the calling thread may run on, ascending; empty where the system does not tell.
    public func currentCPUs() -> [Int] {
        let mask = CPUBitmap()
        guard hwloc_get_cpubind(topology.pointer, mask.pointer, Self.flags) == 0 else { return [] }
        return CPUBitmap.members(of: mask.pointer)
    }

    private func error(cpu: Int, operation: @autoclosure () -> String) -> BindingError {
        let code = errno
        switch code {
        case ENOSYS: return .notSupported(cpu: cpu)
        case EXDEV: return .notEnforceable(cpu: cpu)
        case EINVAL: return .notAllowed(cpu: cpu)
        default: return .failed(operation: operation(), errno: code)
        }
    }
}
