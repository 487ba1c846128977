import Foundation
import LoomHardware
import LoomMeasurement
import LoomReporting
import LoomRuns

/// What `gradloom profile` prints: one JSON object, or a verdict and tables.
struct ProfileReport {
    let profile: ProfileMeasurement
    let scaling: ProfileScaling
    let kinds: ProfileKinds
    let verdict: ProfileVerdict
    let provenance: ProfileProvenance

    /// The largest number of workers, which the tables of operations are about.
    var last: ProfileMeasurement.Count { profile.counts[profile.counts.count - 1] }
    var ceilingOfWorker: Double { profile.ceilingGflops / Double(profile.ceilingWorkers) }

    // MARK: Text

    var text: String {
        let parts = [verdictText, operationsText, stepsText, slowStepsText, scalingText, kindsText, notesText]
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
                cause.rule, NumberFormat.percentage(cause.share), Self.gain(cause.gain), cause.remedy,
            ])
            for other in cause.others { table.append(["  and \(other)", "", "", ""]) }
        }
        text += "\n" + table.rendered()
        return text
    }

    /// "5.4 %", and from twice the speed on "2.3 times".
    static func gain(_ gain: Double) -> String {
        gain < 1 ? NumberFormat.percentage(gain) : String(format: gain < 9 ? "%.1f times" : "%.0f times", 1 + gain)
    }

    private var operationsText: String {
        var table = TextTable(columns: [
            .init("worker", alignment: .right), .init("operation"), .init("layer"),
            .init("time a step", unit: "µs", alignment: .right), .init("share", alignment: .right),
            .init("GFLOP/s", alignment: .right), .init("of ceiling", alignment: .right),
            .init("GB/s", alignment: .right), .init("FLOP/B", alignment: .right), .init("of its roof"),
        ])
        for entry in last.profile.entries where entry.share >= 0.0005 {
            table.append([
                "\(entry.worker)", entry.kind, entry.layer ?? "",
                String(format: "%.2f", entry.secondsPerStep * 1e6), NumberFormat.percentage(entry.share),
                entry.gflops.map { String(format: "%.1f", $0) } ?? "",
                entry.ceilingFraction.map { NumberFormat.percentage($0) } ?? "",
                entry.gigabytesPerSecond.map { String(format: "%.1f", $0) } ?? "",
                entry.multiplies ? entry.intensity.map { String(format: "%.1f", $0) } ?? "" : "",
                entry.limit.map { "\(NumberFormat.percentage($0.fraction)) of \($0.roof.title)" } ?? "",
            ])
        }
        return "Where \(last.workers == 1 ? "1 worker's" : "\(last.workers) workers'") time goes, route "
            + "\(last.profile.route):\n" + table.rendered() + roofsText
    }

    private var roofsText: String {
        let roofs = profile.roofs
        let bandwidths = [
            (Roof.l2, roofs.l2GigabytesPerSecond), (.l3, roofs.l3GigabytesPerSecond),
            (.memory, roofs.memoryGigabytesPerSecond),
        ]
        return "Roofs of one worker while all work: arithmetic "
            + "\(NumberFormat.gigaflops(roofs.arithmeticGflops)) GFLOP/s"
            + bandwidths.compactMap { roof, speed in
                speed.map { String(format: ", \(roof.title) %.1f GB/s", $0) }
            }.joined() + "\n"
    }

    private var stepsText: String {
        guard let quantiles = Quantiles(last.profile.stepSeconds) else { return "" }
        func time(_ seconds: Double) -> String { String(format: "%.1f µs", seconds * 1e6) }
        return "Steps: median \(time(quantiles.p50)), 90 % within \(time(quantiles.p90)), 99 % within "
            + "\(time(quantiles.p99)), longest \(time(quantiles.max)) (\(NumberFormat.grouped(quantiles.count)) steps)\n"
            + "Operations and waits account for \(NumberFormat.percentage(last.accountedFraction)) of the time"
            + (last.overheadFraction.map { overhead in
                overhead > 0
                    ? "; measuring cost \(NumberFormat.percentage(overhead)) of the speed\n"
                    : "; measuring cost nothing that shows\n"
            } ?? "\n")
    }

    private var slowStepsText: String {
        let slow = last.slowSteps
        guard !slow.slowest.isEmpty else { return "" }
        var table = TextTable(columns: [
            .init("step", alignment: .right), .init("time", unit: "µs", alignment: .right),
            .init("of median", alignment: .right), .init("core taken", alignment: .right),
            .init("slept", alignment: .right), .init("moved", alignment: .right), .init("faults", alignment: .right),
            .init("stood still", unit: "µs", alignment: .right), .init("stolen", unit: "ms, region", alignment: .right),
            .init("throttled", unit: "ms, region", alignment: .right), .init("cause"),
        ])
        func number(_ value: Int?) -> String { value.map(NumberFormat.grouped) ?? NumberFormat.missing }
        func milliseconds(_ seconds: Double?) -> String {
            seconds.map { String(format: "%.0f", $0 * 1e3) } ?? NumberFormat.missing
        }
        for step in slow.slowest.prefix(5) {
            table.append([
                NumberFormat.grouped(step.step), String(format: "%.1f", step.seconds * 1e6),
                String(format: "%.2f", step.ratio), number(step.events?.involuntarySwitches),
                number(step.events?.voluntarySwitches), number(step.events?.migrations), number(step.events?.faults),
                step.events.map { String(format: "%.1f", max(0, $0.notRunningSeconds) * 1e6) } ?? NumberFormat.missing,
                milliseconds(step.stolenSeconds), milliseconds(step.throttledSeconds), step.cause.rawValue,
            ])
        }
        let causes = SlowStep.Cause.allCases.compactMap { cause in
            slow.causes[cause].map { "\(NumberFormat.grouped($0)) \(cause.rawValue)" }
        }
        return "Slow steps, above \(SlowSteps.limit) medians: \(NumberFormat.grouped(slow.count)) ("
            + causes.joined(separator: ", ") + "). The slowest, and what happened in them to the workers together:\n"
            + table.rendered()
    }

    /// What is to be said where operations and waits account for another time than was measured.
    static func accountingNote(_ fraction: Double) -> String? {
        guard abs(1 - fraction) > 0.02 else { return nil }
        return
            "operations and waits account for \(NumberFormat.percentage(fraction)) of the time: the tables are of steps "
            + "that were not like the others; measure longer, or on a quieter machine"
    }

    private var notesText: String {
        var notes: [String] = []
        if let refusal = CounterAvailability.current().refusal { notes.append(refusal) }
        let migrations = last.counters.compactMap { $0?.migrations }.reduce(0, +)
        if migrations > 0 { notes.append("pinned workers were moved to another CPU \(migrations) times") }
        if let note = Self.accountingNote(last.accountedFraction) { notes.append(note) }
        if profile.diverged { notes.append("the loss became infinite, which ended some measurements early") }
        return notes.map { "note: \($0)\n" }.joined()
    }
}

extension Roof {
    /// For tables: "L2".
    var title: String {
        switch self {
        case .arithmetic: "arithmetic"
        case .l2: "L2"
        case .l3: "L3"
        case .memory: "memory"
        }
    }
}
