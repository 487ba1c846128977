import Foundation
import LoomMeasurement
import LoomReporting
import LoomRuns

/// What grows with the workers, as text.
extension ProfileReport {
    var scalingText: String {
        guard scaling.rows.count > 1 else { return "" }
        var table = TextTable(columns: [
            .init("workers", alignment: .right), .init("samples/s", alignment: .right),
            .init("95 % interval", alignment: .right), .init("speed-up", alignment: .right),
            .init("efficiency", alignment: .right), .init("load balance", alignment: .right),
            .init("communication", alignment: .right), .init("computation", alignment: .right),
        ])
        for row in scaling.rows {
            func factor(_ value: Double?) -> String {
                value.map { String(format: "%.2f", $0) + ($0 < EfficiencyTree.acceptable ? " !" : "") } ?? "–"
            }
            table.append([
                "\(row.workers)", NumberFormat.grouped(Int(row.speed.median)),
                NumberFormat.grouped(Int(row.speed.low)) + "–" + NumberFormat.grouped(Int(row.speed.high)),
                String(format: "%.2f", row.speedUp), factor(row.efficiency), factor(row.tree?.loadBalance),
                factor(row.tree?.communication), factor(row.tree?.computation),
            ])
        }
        return "\(profile.scaling == .strong ? "Strong" : "Weak") scaling (! below \(EfficiencyTree.acceptable)):\n"
            + table.rendered() + heldOutText
    }

    /// What models predict for the largest number of workers, and by how much they miss; or why there is no model. Lines.
    var heldOutText: String {
        let fits = [("Amdahl's law", scaling.amdahl), ("the Universal Scalability Law", scaling.universal)]
        let refusals = Set(fits.compactMap(\.1.refusal))
        if refusals.count == 1 { return "Extrapolation: \(refusals.first!)\n" }
        return fits.map { name, fit in
            fit.model.map { held in
                "\(name), without the last row, predicts \(NumberFormat.grouped(Int(held.predicted.throughput))) "
                    + "samples/s for it: \(NumberFormat.percentage(abs(held.miss))) too "
                    + "\(held.miss < 0 ? "few" : "many")\n"
            } ?? "\(name): \(fit.refusal ?? "")\n"
        }.joined()
    }

    /// The time of each kind of operation by the number of workers.
    var kindsText: String {
        guard kinds.workers.count > 1 else { return "" }
        let hasModel = kinds.kinds.contains { $0.amdahl.model != nil }
        let hasMiss = kinds.kinds.contains { $0.heldOut.model != nil }
        var columns: [TextTable.Column] = [.init("operation")]
        columns += kinds.workers.map { .init("\(NumberFormat.counted($0, "worker"))", unit: "µs", alignment: .right) }
        columns += [
            .init("slowest worker", unit: "µs", alignment: .right), .init("efficiency", alignment: .right),
            .init("lost", unit: "µs", alignment: .right), .init("of the loss", alignment: .right),
        ]
        if hasModel { columns.append(.init("serial part", alignment: .right)) }
        if hasMiss { columns.append(.init("last row held out", alignment: .right)) }
        var table = TextTable(columns: columns)
        func microseconds(_ seconds: Double) -> String { String(format: "%.2f", seconds * 1e6) }
        for kind in kinds.kinds where (kind.seconds.max() ?? 0) >= 5e-9 {
            var row = [kind.kind] + kind.seconds.map(microseconds)
            row += [
                microseconds(kind.maximumSeconds.last ?? 0),
                kind.efficiency.last.flatMap { $0 }.map { String(format: "%.2f", $0) } ?? NumberFormat.missing,
                microseconds(kind.lostSeconds), kind.lostShare > 0 ? NumberFormat.percentage(kind.lostShare) : "",
            ]
            if hasModel {
                row.append(
                    kind.amdahl.model.map { NumberFormat.percentage($0.serialFraction) } ?? NumberFormat.missing)
            }
            if hasMiss { row.append(kind.heldOut.model.map { missText($0.miss) } ?? NumberFormat.missing) }
            table.append(row)
        }
        let refusal = kinds.kinds.contains { $0.amdahl.model != nil } ? nil : kinds.kinds.first?.amdahl.refusal
        return "By kind of operation, a step's mean of all workers:\n" + table.rendered()
            + (kinds.stopsScaling.map { $0.text.capitalizedFirst + ".\n" } ?? "No kind loses much.\n")
            + (refusal.map { "A model of each kind: \($0)\n" } ?? "")
    }

    private func missText(_ miss: Double) -> String {
        "\(NumberFormat.percentage(abs(miss))) too \(miss < 0 ? "few" : "many")"
    }
}
