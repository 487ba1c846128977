import LoomHardware
import LoomMeasurement
import LoomReporting
import LoomRuns

extension ProfilePage {
    /// The machine, and which worker is busy where; nil where workers have no places.
    var cores: ReportPage.Section? {
        guard !placement.assignments.isEmpty else { return nil }
        return ReportPage.Section(
            "cores", "Cores and workers",
            content: [
                Figure(
                    "Busy and waiting",
                    note: [
                        Markup(
                            "p",
                            text: "The part of its time that each worker computes; placement \(placement.policy).")
                    ], chart: coreMap, table: coreTable
                ).markup
            ])
    }

    /// The part of its time that a worker does not wait; nil for workers that were not measured.
    private func busy(_ worker: Int) -> Double? {
        guard worker < last.workers else { return nil }
        let seconds = last.profile.secondsByWorker[worker]
        return seconds > 0 ? last.profile.usefulSecondsByWorker[worker] / seconds : nil
    }

    private var coreMap: TileMap {
        let uses = HardwareThreadUses(allowance: allowance, placement: placement)
        // The words of every tile would fill pages.
        let isLarge = topology.cores.count > 32
        let sections = topology.packages.flatMap { package in
            package.numaNodes.map { node in
                TileMap.Section(
                    "Package \(package.index), NUMA node \(node.index)"
                        + (node.memoryBytes.map { " (\(NumberFormat.bytes($0)))" } ?? ""),
                    groups: node.l3Groups.map { group in
                        TileMap.Group(
                            "L3 group \(group.index)" + (group.cacheBytes.map { " (\(NumberFormat.bytes($0)))" } ?? ""),
                            tiles: group.cores.map { tile($0, uses, isSmall: isLarge) })
                    })
            }
        }
        return TileMap(
            "Cores of this machine with their workers", sections: sections,
            legend: [LegendEntry("computing", .blue, .fill), LegendEntry("waiting", .grey, .fill)])
    }

    private func tile(_ core: Topology.Core, _ uses: HardwareThreadUses, isSmall: Bool) -> TileMap.Tile {
        let threads = core.threads.map { thread in
            (cpu: thread.osIndex, worker: uses.worker(onCPU: thread.osIndex), use: uses.use(ofCPU: thread.osIndex))
        }
        let lines = threads.map { thread in
            guard let worker = thread.worker else { return TileMap.Line("CPU \(thread.cpu)") }
            let name = isSmall ? "\(thread.cpu): w\(worker)" : "CPU \(thread.cpu): worker \(worker)"
            guard let busy = busy(worker) else { return TileMap.Line(name) }
            return TileMap.Line(
                "\(name), \(NumberFormat.percentage(busy, digits: 0))", parts: [(busy, .blue), (1 - busy, .grey)])
        }
        let title = threads.map { thread in
            let use =
                thread.worker.map { worker in
                    "worker \(worker)" + (busy(worker).map { ", computing \(NumberFormat.percentage($0))" } ?? "")
                } ?? thread.use.refusal ?? "free"
            return "CPU \(thread.cpu): \(use)"
        }
        return TileMap.Tile(
            "core \(core.index)", lines: lines, title: title.joined(separator: "\n"),
            isMuted: threads.allSatisfy { $0.use.refusal != nil })
    }

    private var coreTable: DataTable {
        var table = DataTable(
            "Workers and their places",
            columns: [
                .number("worker"), .number("CPU"), .number("core"), .number("L3 group"), .number("NUMA node"),
                .number("package"), .number("computing"),
            ])
        for assignment in placement.assignments {
            table.append(
                [
                    assignment.worker, assignment.cpu, assignment.core, assignment.l3Group, assignment.numaNode,
                    assignment.package,
                ].map { .text("\($0)") }
                    + [.text(busy(assignment.worker).map { NumberFormat.percentage($0) })])
        }
        return table
    }
}
