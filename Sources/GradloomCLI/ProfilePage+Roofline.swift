import LoomMeasurement
import LoomReporting
import LoomRuns

extension ProfilePage {
    /// The matrix products below the machine's roofs; nil where nothing multiplies.
    var roofline: ReportPage.Section? {
        let entries = last.profile.entries.enumerated().filter { $0.element.multiplies && $0.element.intensity != nil }
        guard !entries.isEmpty else { return nil }
        return ReportPage.Section(
            "roofline", "Roofline",
            content: [
                Figure(
                    "Speed of products over their intensity",
                    note: [
                        Markup(
                            "p",
                            text:
                                "Of one worker, while all are at work. Below a slanted roof the data limit a product, "
                                + "below the level one arithmetic does. "
                                + (last.workers > 1 ? "Pale points are workers, others their mean." : ""))
                    ], chart: rooflineChart(entries.map(\.element)), table: limitTable
                ).markup,
                roofTable.markup,
            ])
    }

    private func rooflineChart(_ entries: [StepProfile.Entry]) -> RooflineChart {
        let roofs = report.profile.roofs
        func gigabytes(_ name: String, _ value: Double?) -> RooflineChart.Slope? {
            value.map { RooflineChart.Slope("\(name) \(Self.rounded($0)) GB/s", factor: $0) }
        }
        var kinds: [String] = []
        for entry in entries where !kinds.contains(entry.kind) { kinds.append(entry.kind) }
        return RooflineChart(
            "Speed of matrix products over their intensity, below the roofs of the machine",
            xTitle: "FLOP per byte", yTitle: "GFLOP/s",
            level: ("arithmetic \(Self.rounded(roofs.arithmeticGflops)) GFLOP/s", roofs.arithmeticGflops),
            slopes: [
                gigabytes("L2", roofs.l2GigabytesPerSecond), gigabytes("L3", roofs.l3GigabytesPerSecond),
                gigabytes("memory", roofs.memoryGigabytesPerSecond),
            ].compactMap { $0 },
            points: (last.workers > 1 ? entries.map { point($0, isPale: true) } : []) + means(entries),
            legend: legend(of: kinds))
    }

    private static func rounded(_ value: Double) -> String { NumberFormat.gigaflops(value) }

    private func point(_ entry: StepProfile.Entry, isPale: Bool) -> RooflineChart.Point {
        let name = [Self.readable(entry.kind), entry.layer].compactMap { $0 }.joined(separator: " ")
        let figures =
            "\(Self.rounded(entry.gflops ?? 0)) GFLOP/s at \(NumberFormat.number(entry.intensity ?? 0, significantDigits: 3)) "
            + "FLOP per byte"
        return RooflineChart.Point(
            entry.intensity ?? 0, entry.gflops ?? 0, ChartColour(operation: entry.kind), label: isPale ? nil : name,
            title: (isPale ? "worker \(entry.worker), " : "") + "\(name): \(figures)")
    }

    /// The products of each kind and layer of all workers together, as if one worker had them.
    private func means(_ entries: [StepProfile.Entry]) -> [RooflineChart.Point] {
        var groups: [(kind: String, layer: String?, members: [StepProfile.Entry])] = []
        for entry in entries {
            if let index = groups.firstIndex(where: { $0.kind == entry.kind && $0.layer == entry.layer }) {
                groups[index].members.append(entry)
            } else {
                groups.append((entry.kind, entry.layer, [entry]))
            }
        }
        return groups.map { group in
            let operations = group.members.reduce(0) { $0 + $1.operationsPerStep }
            let bytes = group.members.reduce(0) { $0 + $1.bytesPerStep }
            let seconds = group.members.reduce(0) { $0 + $1.secondsPerStep }
            let name = [Self.readable(group.kind), group.layer].compactMap { $0 }.joined(separator: " ")
            let speed = operations / seconds / 1e9
            return RooflineChart.Point(
                operations / bytes, speed, ChartColour(operation: group.kind), label: name,
                title: "\(name), mean of workers: \(Self.rounded(speed)) GFLOP/s at "
                    + "\(NumberFormat.number(operations / bytes, significantDigits: 3)) FLOP per byte")
        }
    }

    /// All operations whose limit is known: those that do not multiply have no place in the chart.
    private var limitTable: DataTable {
        var table = DataTable(
            "Operations with their limits",
            columns: [
                .number("worker"), .text("operation"), .text("layer"), .number("intensity", unit: "FLOP/B"),
                .number("speed", unit: "GFLOP/s"), .number("alone", unit: "GFLOP/s"), .number("of that"),
                .number("memory", unit: "GB/s"),
                .text("limit"), .number("of the limit"),
            ])
        for (index, entry) in last.profile.entries.enumerated() where entry.multiplies || entry.limit != nil {
            let path = "/operations/\(index)"
            let intensity = entry.multiplies ? entry.intensity : nil
            table.append([
                .number(count(Double(entry.worker), path + "/worker")), .text(Self.readable(entry.kind)),
                .text(entry.layer), .number(intensity.map { speed($0, path + "/intensity") }),
                .number(entry.gflops.map { speed($0, path + "/gflops") }),
                .number(entry.ceilingGflops.map { speed($0, path + "/ceiling_gflops") }),
                .number(entry.ceilingFraction.map { percentage($0, path + "/ceiling_fraction") }),
                .number(entry.gigabytesPerSecond.map { speed($0, path + "/gigabytes_per_second") }),
                .text(entry.limit?.roof.title),
                .number(entry.limit.map { percentage($0.fraction, path + "/bound_fraction") }),
            ])
        }
        return table
    }

    private var roofTable: DataTable {
        let roofs = report.profile.roofs
        var table = DataTable(
            "Roofs of one worker", columns: [.text("roof of one worker"), .number("limit"), .text("")])
        table.append([
            .text("arithmetic"), .number(speed(roofs.arithmeticGflops, "/roofs/arithmetic_gflops")), .text("GFLOP/s"),
        ])
        for (name, value, key) in [
            ("L2 cache", roofs.l2GigabytesPerSecond, "l2"), ("L3 cache", roofs.l3GigabytesPerSecond, "l3"),
            ("memory", roofs.memoryGigabytesPerSecond, "memory"),
        ] {
            guard let value else { continue }
            table.append([
                .text(name), .number(speed(value, "/roofs/\(key)_gigabytes_per_second")), .text("GB/s"),
            ])
        }
        return table
    }
}
