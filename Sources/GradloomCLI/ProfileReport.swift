import Foundation
import LoomHardware
import LoomMeasurement
import LoomReporting
import LoomRuns

/// What `gradloom profile` prints: one JSON object, or a verdict and tables.
struct ProfileReport {
    let profile: ProfileMeasurement
    let scaling: ProfileScaling
    let verdict: ProfileVerdict
    let provenance: ProfileProvenance

    /// The largest number of workers, which the tables of operations are about.
    var last: ProfileMeasurement.Count { profile.counts[profile.counts.count - 1] }
    var ceilingOfWorker: Double { profile.ceilingGflops / Double(profile.ceilingWorkers) }

    // MARK: Text

    var text: String {
        let parts = [verdictText, operationsText, stepsText, scalingText, notesText]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var verdictText: String {
        var text = verdict.text.capitalizedFirst + ".\n"
        guard !verdict.causes.isEmpty else { return text }
        var table = TextTable(columns: [
            .init("cause"), .init("of the time", alignment: .right), .init("gain, at most", alignment: .right),
            .init("try"),
        ])
        for cause in verdict.causes {
            table.append([
                cause.rule, NumberFormat.percentage(cause.share), NumberFormat.percentage(cause.gain), cause.remedy,
            ])
        }
        text += "\n" + table.rendered()
        return text
    }

    private var operationsText: String {
        var table = TextTable(columns: [
            .init("worker", alignment: .right), .init("operation"), .init("layer"),
            .init("time a step", unit: "µs", alignment: .right), .init("share", alignment: .right),
            .init("GFLOP/s", alignment: .right), .init("of peak", alignment: .right),
            .init("GB/s", alignment: .right),
        ])
        for entry in last.profile.entries where entry.share >= 0.0005 {
            table.append([
                "\(entry.worker)", entry.kind, entry.layer ?? "",
                String(format: "%.2f", entry.secondsPerStep * 1e6), NumberFormat.percentage(entry.share),
                entry.gflops.map { String(format: "%.1f", $0) } ?? "",
                entry.gflops.map { NumberFormat.percentage($0 / ceilingOfWorker) } ?? "",
                entry.gigabytesPerSecond.map { String(format: "%.1f", $0) } ?? "",
            ])
        }
        return "Where \(last.workers == 1 ? "1 worker's" : "\(last.workers) workers'") time goes, route "
            + "\(last.profile.route):\n" + table.rendered()
    }

    private var stepsText: String {
        guard let quantiles = Quantiles(last.profile.stepSeconds) else { return "" }
        func time(_ seconds: Double) -> String { String(format: "%.1f µs", seconds * 1e6) }
        return "Steps: median \(time(quantiles.p50)), 90 % within \(time(quantiles.p90)), 99 % within "
            + "\(time(quantiles.p99)), longest \(time(quantiles.max)) (\(NumberFormat.grouped(quantiles.count)) steps)\n"
            + "Operations and waits account for \(NumberFormat.percentage(last.accountedFraction)) of the time; measuring "
            + (last.overheadFraction > 0
                ? "cost \(NumberFormat.percentage(last.overheadFraction)) of the speed\n"
                : "cost nothing that shows\n")
    }

    private var scalingText: String {
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

    private var heldOutText: String {
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

    private var notesText: String {
        var notes: [String] = []
        if let refusal = CounterAvailability.current().refusal { notes.append(refusal) }
        let migrations = last.counters.compactMap { $0?.migrations }.reduce(0, +)
        if migrations > 0 { notes.append("pinned workers were moved to another CPU \(migrations) times") }
        if profile.diverged { notes.append("the loss became infinite, which ended some measurements early") }
        return notes.map { "note: \($0)\n" }.joined()
    }
}
