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
    let machine: MachineSetup

    /// The largest number of workers, which the tables of operations are about.
    private var last: ProfileMeasurement.Count { profile.counts[profile.counts.count - 1] }
    private var ceilingOfWorker: Double { profile.ceilingGflops / Double(profile.ceilingWorkers) }

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

// MARK: JSON

extension ProfileReport: Encodable {
    private struct OperationRecord: Encodable {
        let kind: String
        let layer: String?
        let worker: Int
        let seconds, share: Double
        let gflops, gigabytesPerSecond, ceilingFraction: Double?

        enum CodingKeys: String, CodingKey {
            case kind, layer, worker, seconds, share, gflops
            case gigabytesPerSecond = "gigabytes_per_second"
            case ceilingFraction = "ceiling_fraction"
        }
    }

    private struct ScalingRecord: Encodable {
        let workers: Int
        let samplesPerSecond, low, high, speedUp, efficiency: Double
        let loadBalance, synchronisation, computation: Double?

        enum CodingKeys: String, CodingKey {
            case workers, low, high, efficiency, synchronisation, computation
            case samplesPerSecond = "samples_per_second"
            case speedUp = "speed_up"
            case loadBalance = "load_balance"
        }
    }

    private struct HeldOutRecord: Encodable {
        let model: String
        let workers: Int
        let predicted, measured: Double
    }

    enum CodingKeys: String, CodingKey {
        case event, workers, route, operations, verdict, scaling, counters
        case scalingKind = "scaling_kind"
        case samplesPerSecond = "samples_per_second"
        case accountedFraction = "accounted_fraction"
        case overheadFraction = "overhead_fraction"
        case measuredEvery = "measured_every"
        case stepSeconds = "step_seconds"
        case ceilingGflops = "ceiling_gflops"
        case otherWorkFraction = "other_work_fraction"
        case heldOut = "held_out"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("profile", forKey: .event)
        try container.encode(last.workers, forKey: .workers)
        try container.encode(last.profile.route, forKey: .route)
        try container.encode(last.speed.median, forKey: .samplesPerSecond)
        try container.encode(last.accountedFraction, forKey: .accountedFraction)
        try container.encode(last.overheadFraction, forKey: .overheadFraction)
        try container.encode(last.measuredEvery, forKey: .measuredEvery)
        try container.encode(Quantiles(last.profile.stepSeconds), forKey: .stepSeconds)
        try container.encode(profile.ceilingGflops, forKey: .ceilingGflops)
        try container.encode(profile.otherWorkFraction, forKey: .otherWorkFraction)
        try container.encode(
            last.profile.entries.map { entry in
                OperationRecord(
                    kind: entry.kind, layer: entry.layer, worker: entry.worker, seconds: entry.secondsPerStep,
                    share: entry.share, gflops: entry.gflops, gigabytesPerSecond: entry.gigabytesPerSecond,
                    ceilingFraction: entry.gflops.map { $0 / ceilingOfWorker })
            }, forKey: .operations)
        try container.encode(verdict, forKey: .verdict)
        try container.encode(profile.scaling, forKey: .scalingKind)
        try container.encode(
            scaling.rows.map { row in
                ScalingRecord(
                    workers: row.workers, samplesPerSecond: row.speed.median, low: row.speed.low, high: row.speed.high,
                    speedUp: row.speedUp, efficiency: row.efficiency, loadBalance: row.tree?.loadBalance,
                    synchronisation: row.tree?.communication, computation: row.tree?.computation)
            }, forKey: .scaling)
        let held =
            scaling.universal.model.map { ("universal_scalability_law", $0) }
            ?? scaling.amdahl.model.map { ("amdahl", $0) }
        try container.encode(
            held.map {
                HeldOutRecord(
                    model: $0.0, workers: $0.1.predicted.workers, predicted: $0.1.predicted.throughput,
                    measured: $0.1.measured)
            }, forKey: .heldOut)
        try container.encode(last.counters, forKey: .counters)
    }
}
