/// How workers are laid out over the CPUs that may be used.
///
/// Every policy fills one tier of CPUs before the next: first one hardware thread of every core of the
/// fastest kind, then one of every slower core, then the cores' second hardware threads in the same order,
/// and so on. Only the order inside a tier differs.
public enum PlacementPolicy: Sendable, Equatable, CustomStringConvertible {
    /// `perL3` inside the smallest part of the machine (L3 group, NUMA node, package, machine) with a fastest
    /// core for every worker.
    ///
    /// In the slice phase each worker reads what all the others wrote, and all meet at two barriers a step:
    /// that wants neighbours. Beyond one L3 group each worker profits from a larger share of a cache: that
    /// wants an even spread. Which side wins is for measurement to decide, worker count by worker count.
    case auto
    /// Cores in topological order: as few L3 groups as possible.
    case compact
    /// In turn over packages, in each over its NUMA nodes, in each over its L3 groups: neighbouring workers
    /// are far apart and the shares of memory bandwidth and cache as large as possible.
    case spread
    /// The same number of workers in every L3 group, as far as it has CPUs, one in each first; workers of one
    /// group are numbered consecutively.
    case perL3
    /// No binding: the operating system places and moves the threads.
    case none
    /// Worker *i* on the *i*-th CPU of the list (the operating system's numbers).
    case cpus([Int])

    /// Reads `auto`, `compact`, `spread`, `per-l3`, `none` or a CPU list such as `0,2,4-7`.
    ///
    /// - Throws: `PlacementError.unknownPolicy` or `.invalidCPUList`.
    public init(parsing text: String) throws(PlacementError) {
        switch text {
        case "auto": self = .auto
        case "compact": self = .compact
        case "spread": self = .spread
        case "per-l3": self = .perL3
        case "none": self = .none
        default:
            guard let first = text.first, first.isNumber || first == "," || first == "-" else {
                throw .unknownPolicy(text)
            }
            self = .cpus(try CPUList.parse(text))
        }
    }

    /// The text that `init(parsing:)` reads. A CPU list keeps its order.
    public var description: String {
        switch self {
        case .auto: "auto"
        case .compact: "compact"
        case .spread: "spread"
        case .perL3: "per-l3"
        case .none: "none"
        case .cpus(let cpus): cpus.map(String.init).joined(separator: ",")
        }
    }
}

extension PlacementPolicy: Codable {
    /// Decodes the text that `init(parsing:)` reads.
    public init(from decoder: any Decoder) throws {
        self = try PlacementPolicy(parsing: decoder.singleValueContainer().decode(String.self))
    }

    /// Encodes `description`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Why workers cannot be placed as asked.
public enum PlacementError: Error, Equatable, CustomStringConvertible {
    /// The text names no policy.
    case unknownPolicy(String)
    /// An entry of a CPU list is no index and no ascending range.
    case invalidCPUList(text: String, entry: String)
    /// A worker count below 1.
    case workersNotPositive(Int)
    /// More workers than CPUs that may be used.
    case tooManyWorkers(requested: Int, allowedCPUs: Int)
    /// More workers than CPUs in the explicit list.
    case listTooShort(requested: Int, listed: Int)
    /// More workers than Dispatch runs safely.
    case tooManyWorkersForDispatch(requested: Int)
    /// The list names a CPU twice.
    case repeatedCPU(Int)
    /// The list names a CPU that the machine does not have.
    case unknownCPU(Int, machineCPUs: [Int])
    /// The list names a CPU that this process may not use.
    case forbiddenCPU(Int, allowedCPUs: [Int])
    /// None of the machine's CPUs may be used.
    case noAllowedCPU

    /// What was asked, what is possible, and what to do.
    public var description: String {
        switch self {
        case .unknownPolicy(let text):
            return
                """
                '\(text)' is no placement; expected auto, compact, spread, per-l3, none or a CPU list such \
                as 0,2,4-7
                """
        case .invalidCPUList(let text, let entry):
            return
                """
                '\(entry)' in the CPU list '\(text)' is no CPU and no ascending range; expected a list \
                such as 0,2,4-7
                """
        case .workersNotPositive(let workers):
            return "\(workers) workers were asked for; expected 1 or more, or auto"
        case .tooManyWorkers(let requested, let allowed):
            return """
                \(requested) workers were asked for, but this process may use \(allowed) \
                CPU\(allowed == 1 ? "" : "s"): ask for at most \(allowed), widen the affinity mask or \
                cpuset, or let the system move the workers with the placement 'none'
                """
        case .listTooShort(let requested, let listed):
            return """
                \(requested) workers were asked for, but the CPU list of the placement has \(listed) \
                entr\(listed == 1 ? "y" : "ies"): list one CPU for each worker
                """
        case .tooManyWorkersForDispatch(let requested):
            return """
                \(requested) workers were asked for, but Dispatch runs at most \
                \(CPUAllowance.dispatchWorkerLimit) safely: ask for at most that many
                """
        case .repeatedCPU(let cpu):
            return "the CPU list of the placement names CPU \(cpu) twice: list each CPU once"
        case .unknownCPU(let cpu, let machine):
            return "the placement names CPU \(cpu), but the machine has CPUs \(CPUList.format(machine))"
        case .forbiddenCPU(let cpu, let allowed):
            return """
                the placement names CPU \(cpu), but this process may use CPUs \(CPUList.format(allowed)) \
                only: choose among them, or widen the affinity mask or cpuset
                """
        case .noAllowedCPU:
            return "this process may use none of the machine's CPUs: check its affinity mask and cpuset"
        }
    }
}
