import LoomHardware

/// What `gradloom topology --json` prints: the machine, what this process may use of it and why, and where
/// workers go.
package struct TopologyReport: Sendable, Codable, Equatable {
    /// The machine.
    package let topology: Topology
    /// What this process may use.
    package let allowance: CPUAllowance
    /// The CPUs that may be used: affinity mask ∩ cpuset, the operating system's numbers.
    package let allowedCPUs: [Int]
    /// The most workers that make sense.
    package let maximumWorkers: Int
    /// Why these CPUs and no others, a line each.
    package let reasons: [String]
    /// Where the workers go; nil when none were placed.
    package let placement: Placement?

    private enum CodingKeys: String, CodingKey {
        case topology, allowance, reasons, placement
        case allowedCPUs = "allowed_cpus"
        case maximumWorkers = "maximum_workers"
    }

    /// Collects a report.
    package init(topology: Topology, allowance: CPUAllowance, placement: Placement?) {
        self.topology = topology
        self.allowance = allowance
        self.placement = placement
        allowedCPUs = allowance.allowedCPUs
        maximumWorkers = allowance.maximumWorkers
        reasons = allowance.reasons
    }
}

/// Draws a machine as indented text: packages, NUMA nodes, L3 groups, cores and their hardware threads, with
/// the workers on their CPUs, then what may be used and why, then the placement.
///
/// Machines with more than 16 cores get one line for each run of neighbouring cores that differ in their
/// numbers only.
package func drawTopology(_ topology: Topology, allowance: CPUAllowance, placement: Placement? = nil) -> String {
    let drawing = TopologyDrawing(topology: topology, allowance: allowance, placement: placement)
    return (drawing.map + drawing.allowanceLines + drawing.placementLines).joined(separator: "\n") + "\n"
}

private struct TopologyDrawing {
    let topology: Topology
    let allowance: CPUAllowance
    let placement: Placement?

    private let uses: HardwareThreadUses
    private let fastestClass: Int

    /// Above this many cores, runs of like cores share a line.
    private static let mostCoresDrawnOneByOne = 16

    init(topology: Topology, allowance: CPUAllowance, placement: Placement?) {
        self.topology = topology
        self.allowance = allowance
        self.placement = placement
        uses = HardwareThreadUses(allowance: allowance, placement: placement)
        fastestClass = topology.cores.map(\.performanceClass).max() ?? 0
    }

    // MARK: Map

    var map: [String] {
        var lines = [
            "Machine: "
                + [
                    plural(topology.packages.count, "package"), plural(topology.numaNodeCount, "NUMA node"),
                    plural(topology.l3Groups.count, "L3 group"), plural(topology.cores.count, "core"),
                    plural(topology.hardwareThreads.count, "hardware thread"),
                ].joined(separator: ", ")
        ]
        lines += cacheLines
        for package in topology.packages {
            lines.append("Package \(package.index)")
            for node in package.numaNodes {
                lines.append("  NUMA node \(node.index)" + (size(node.memoryBytes) ?? ""))
                for group in node.l3Groups {
                    lines.append("    L3 group \(group.index)" + (size(group.cacheBytes) ?? " (no L3 cache)"))
                    lines += coreLines(group.cores)
                }
            }
        }
        return lines
    }

    /// The caches of a core, a line for each kind of core.
    private var cacheLines: [String] {
        var seen: Set<[Int]> = []
        return topology.cores.sorted { $0.performanceClass > $1.performanceClass }.compactMap { core in
            guard seen.insert([core.performanceClass, core.l1DataBytes ?? 0, core.l2Bytes ?? 0]).inserted
            else { return nil }
            let caches = [("L1d", core.l1DataBytes), ("L2", core.l2Bytes)].compactMap { name, bytes in
                size(bytes).map { "\(name)\($0)" }
            }
            return caches.isEmpty ? nil : "Caches of a core\(kind(core)): \(caches.joined(separator: ", "))"
        }
    }

    private func coreLines(_ cores: [Topology.Core]) -> [String] {
        var runs: [[Topology.Core]] = []
        for core in cores {
            if topology.cores.count > Self.mostCoresDrawnOneByOne, let last = runs.last?.last,
                isLike(last, core)
            {
                runs[runs.count - 1].append(core)
            } else {
                runs.append([core])
            }
        }
        return runs.map { run in
            let name =
                run.count == 1 ? "core \(run[0].index)" : "cores \(run[0].index)-\(run[run.count - 1].index)"
            let threads = run[0].threads.indices.map { sibling in draw(run.map { $0.threads[sibling] }) }
            return "      \(name)\(kind(run[0])): \(threads.joined(separator: ", "))"
        }
    }

    /// Whether two cores may share a line: the same kind, hardware threads used alike.
    private func isLike(_ a: Topology.Core, _ b: Topology.Core) -> Bool {
        a.performanceClass == b.performanceClass && a.threads.count == b.threads.count
            && zip(a.threads, b.threads).allSatisfy { uses.use(ofCPU: $0.osIndex) == uses.use(ofCPU: $1.osIndex) }
    }

    /// One hardware thread of each of several like cores: `cpus 0-7 [workers 0-7]`.
    private func draw(_ threads: [Topology.HardwareThread]) -> String {
        let name = threads.count == 1 ? "cpu" : "cpus"
        let text = "\(name) \(sequence(threads.map(\.osIndex)))"
        let use = uses.use(ofCPU: threads[0].osIndex)
        guard use == .worker else { return text + (use.refusal.map { " (\($0))" } ?? "") }
        let label = threads.count == 1 ? "worker" : "workers"
        return text + " [\(label) \(sequence(threads.compactMap { uses.worker(onCPU: $0.osIndex) }))]"
    }

    private func kind(_ core: Topology.Core) -> String {
        guard topology.isHybrid else { return "" }
        return core.performanceClass == fastestClass ? " (fast)" : " (slow, class \(core.performanceClass))"
    }

    // MARK: What may be used

    var allowanceLines: [String] {
        let allowedCPUs = allowance.allowedCPUs
        let count = "\(allowedCPUs.count) of \(topology.hardwareThreads.count) CPUs"
        return ["", "This process may use \(count) (\(CPUList.format(allowedCPUs))):"]
            + allowance.reasons.map { "  \($0)" }
    }

    // MARK: Placement

    var placementLines: [String] {
        guard let placement else { return [] }
        let name = "Placement \(placement.policy): \(plural(placement.workers, "worker"))"
        guard !placement.assignments.isEmpty else {
            return ["", name + ", not bound: the operating system moves them"]
                + placement.notes.map { "  note: \($0)" }
        }
        let parts = [
            plural(Set(placement.assignments.map(\.core)).count, "core"),
            plural(Set(placement.assignments.map(\.l3Group)).count, "L3 group"),
            plural(Set(placement.assignments.map(\.numaNode)).count, "NUMA node"),
            plural(Set(placement.assignments.map(\.package)).count, "package"),
        ]
        return ["", name + " on " + parts.joined(separator: ", ")] + placement.notes.map { "  note: \($0)" }
    }

    // MARK: Text

    private func plural(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    /// Numbers in their order: `0-7`, `0,8…56` for equal steps, otherwise all of them.
    private func sequence(_ numbers: [Int]) -> String {
        guard numbers.count > 2 else { return numbers.map(String.init).joined(separator: ",") }
        let step = numbers[1] - numbers[0]
        let isRegular = zip(numbers, numbers.dropFirst()).allSatisfy { $1 - $0 == step }
        guard isRegular else { return numbers.map(String.init).joined(separator: ",") }
        let last = numbers[numbers.count - 1]
        return step == 1 ? "\(numbers[0])-\(last)" : "\(numbers[0]),\(numbers[1])…\(last)"
    }

    /// ` (32 MiB)`, nil without a size.
    private func size(_ bytes: Int?) -> String? {
        guard let bytes else { return nil }
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = (value * 10).rounded() / 10
        let number = tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
        return " (\(number) \(units[unit]))"
    }
}
