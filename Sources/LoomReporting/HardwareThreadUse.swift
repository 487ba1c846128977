import LoomHardware

/// Whether this process uses a hardware thread, and if not, why.
package enum HardwareThreadUse: Sendable, Equatable {
    /// A worker is bound to it.
    case worker
    /// It could be used.
    case free
    /// The affinity mask is without it.
    case outsideMask
    /// The cpuset is without it.
    case outsideCpuset

    /// Why it cannot be used; nil where it can.
    package var refusal: String? {
        switch self {
        case .worker, .free: nil
        case .outsideMask: "not in the affinity mask"
        case .outsideCpuset: "not in the cpuset"
        }
    }
}

/// The uses of all hardware threads of a machine.
package struct HardwareThreadUses: Sendable {
    private let allowed, cpuset: Set<Int>
    private let workers: [Int: Int]

    /// The uses under an allowance, by the workers of a placement; nil: none are placed.
    package init(allowance: CPUAllowance, placement: Placement?) {
        allowed = Set(allowance.allowedCPUs)
        cpuset = Set(allowance.cpusetCPUs)
        workers = Dictionary(
            (placement?.assignments ?? []).map { ($0.cpu, $0.worker) }, uniquingKeysWith: { first, _ in first })
    }

    /// The use of the hardware thread with the operating system's number `cpu`.
    package func use(ofCPU cpu: Int) -> HardwareThreadUse {
        if workers[cpu] != nil { return .worker }
        if allowed.contains(cpu) { return .free }
        return cpuset.contains(cpu) ? .outsideMask : .outsideCpuset
    }

    /// The worker on the hardware thread with the operating system's number `cpu`; nil: none.
    package func worker(onCPU cpu: Int) -> Int? { workers[cpu] }
}
