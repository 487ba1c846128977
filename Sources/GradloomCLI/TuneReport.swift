import Foundation
import LoomConfiguration
import LoomHardware
import LoomMeasurement
import LoomReporting
import LoomRuns

/// What `gradloom tune` prints and writes.
struct TuneReport {
    let tuning: TuneMeasurement
    /// The configuration that was tuned, with the best batch where batches were compared.
    let settings: Configuration
    let machine: MachineSetup
    let batches: BatchTuning?
    /// The configuration's file.
    var configurationPath = ""
    /// What replaced values of it.
    var configurationOverrides: [String] = []
    /// Where the choice was kept; nil: it was not.
    var cachePath: String?
    /// The file that the choice could not be kept in.
    var refusedCachePath: String?
    /// The configuration that was written.
    var outputPath: String?

    private var chosen: TuneMeasurement.Row { tuning.choice }

    /// Whether trainings may use the choice from now on: it trains the same bits, and is not what others left of the machine.
    var isWorthKeeping: Bool {
        chosen.keepsBits && (tuning.isClear || !CPUContention.isDisturbing(tuning.otherWorkFraction ?? 0))
    }

    /// What trainings with `workers: auto` are to use.
    var choice: TuningCache.Choice {
        TuningCache.Choice(
            workers: chosen.candidate.workers, placement: chosen.candidate.placement.description,
            shardRows: chosen.candidate.shardRows, route: chosen.candidate.route, date: Self.day)
    }

    private static var day: String { String(Date.now.formatted(.iso8601).prefix(10)) }

    /// The configuration with the choice, as YAML.
    func configurationText(source: String) -> String {
        let name = URL(fileURLWithPath: source).lastPathComponent
        return """
            # \(name), tuned by gradloom \(GradloomCommand.version) on \(Self.day), on \(machine.machine.processor):
            # \(summary).
            \(settings.applying(chosen.candidate).yaml())
            """
    }

    // MARK: Text

    var text: String {
        [summary.capitalizedFirst + ".\n", batchesText, reasonsText, candidatesText, afterwardsText]
            .filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// "2 workers, placement auto, shards of 64 samples, route partition: 1,234,567 samples/s, 1.32 times the configuration
    /// as it is"
    private var summary: String {
        let speed = NumberFormat.grouped(Int(chosen.speed.median))
        let gain =
            tuning.choiceIndex == 0
            ? "which is the configuration as it is"
            : "\(Self.factor(chosen.ratio)) times the configuration as it is"
        let batch = batches.map { _ in "batches of \(settings.training.batch), " } ?? ""
        return "\(batch)\(Self.phrase(chosen)): \(speed) samples/s, \(gain)"
    }

    private static func phrase(_ row: TuneMeasurement.Row) -> String {
        "\(NumberFormat.counted(row.candidate.workers, "worker")), placement \(row.candidate.placement), shards of "
            + "\(NumberFormat.counted(row.shardRows, "sample")), route \(row.route.rawValue)"
            + (row.candidate.groups == nil ? "" : ", \(NumberFormat.counted(row.groups, "group"))")
    }

    private static func factor(_ ratio: MedianEstimate) -> String {
        String(format: "%.2f [%.2f–%.2f]", ratio.median, ratio.low, ratio.high)
    }

    private var reasonsText: String {
        var lines: [String] = []
        if let ratio = tuning.ratioToOneWorker {
            lines.append("\(Self.factor(ratio)) times the best with 1 worker")
        }
        let equals = tuning.rows.filter { $0.standing == .asFast }
        if !equals.isEmpty {
            let fewer = equals.contains { $0.candidate.workers > chosen.candidate.workers }
            lines.append(
                "\(equals.count) other\(equals.count == 1 ? " is" : "s are") as fast, within 2 %: "
                    + (fewer ? "fewer workers win" : "the nearest to the configuration as it is wins"))
        }
        let unclear = tuning.rows.count { $0.standing == .unclear }
        if unclear > 0 {
            lines.append(
                "\(unclear) could not be told apart from the fastest in the time: a larger --budget would")
        }
        if let leftOut = tuning.leftOut {
            lines.append("no time to try \(leftOut): a larger --budget has it")
        }
        if tuning.otherBits > 0 {
            lines.append(
                "\(NumberFormat.counted(tuning.otherBits, "combination")) not tried, because "
                    + "\(tuning.otherBits == 1 ? "it changes" : "they change") the bits of the result: --allow-other-bits"
            )
        }
        if let others = tuning.otherWorkFraction, CPUContention.isDisturbing(others) {
            lines.append(
                "other programs had \(NumberFormat.percentage(others)) of the cores meanwhile"
                    + (isWorthKeeping || !chosen.keepsBits
                        ? "" : ": the choice is not kept for trainings to come; tune again when they are done"))
        }
        return lines.map { "- \($0)\n" }.joined()
    }

    private var candidatesText: String {
        var table = TextTable(columns: [
            .init("workers", alignment: .right), .init("placement"), .init("shard rows", alignment: .right),
            .init("route"), .init("samples/s", alignment: .right), .init("interval", alignment: .right),
            .init("of the choice", alignment: .right), .init("regions", alignment: .right), .init(""),
        ])
        let rows = tuning.rows.sorted(by: Self.isBefore)
        for row in rows.prefix(Self.mostRows) {
            table.append([
                "\(row.candidate.workers)", row.candidate.placement.description,
                "\(row.shardRows)" + (row.candidate.shardRows == nil ? "" : " *"),
                row.route.rawValue + (row.candidate.route == nil ? "" : " *"),
                NumberFormat.grouped(Int(row.speed.median)),
                NumberFormat.grouped(Int(row.speed.low)) + "–" + NumberFormat.grouped(Int(row.speed.high)),
                NumberFormat.percentage(row.ratioToChoice.median, digits: 0), "\(row.rounds)",
                remark(row),
            ])
        }
        return "Tried in \(NumberFormat.counted(tuning.stages, "stage")), "
            + "\(NumberFormat.duration(seconds: tuning.seconds)) (* asked for, otherwise chosen by the program):\n"
            + table.rendered()
            + (rows.count > Self.mostRows
                ? "and \(rows.count - Self.mostRows) more that left the race early (all with --json)\n" : "")
    }

    /// More rows than that nobody reads.
    private static let mostRows = 16

    /// The longer in the race the higher, then by speed.
    private static func isBefore(_ first: TuneMeasurement.Row, _ second: TuneMeasurement.Row) -> Bool {
        (first.leftAfter ?? .max, first.ratio.median) > (second.leftAfter ?? .max, second.ratio.median)
    }

    private func remark(_ row: TuneMeasurement.Row) -> String {
        let own = row.candidate == tuning.own.candidate ? "as it is" : ""
        let standing =
            switch row.standing {
            case .chosen: "chosen"
            case .asFast: "as fast"
            case .slower: "slower"
            case .unclear: "unclear"
            case .left: "left after stage \(row.leftAfter ?? 0)"
            }
        let bits = row.keepsBits ? "" : "other bits, \(NumberFormat.counted(row.groups, "group"))"
        return [standing, own, bits].filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private var batchesText: String {
        guard let batches else { return "" }
        var table = TextTable(columns: [
            .init("batch", alignment: .right), .init("workers", alignment: .right),
            .init("samples/s", alignment: .right),
            .init("steps to \(NumberFormat.number(batches.targetLoss))", alignment: .right),
            .init("time", alignment: .right), .init("lowest loss", alignment: .right),
        ])
        for batch in batches.batches {
            table.append([
                "\(batch.batch)", "\(batch.tuning.choice.candidate.workers)",
                NumberFormat.grouped(Int(batch.tuning.choice.speed.median)),
                batch.stepsToTarget.map(NumberFormat.grouped) ?? "not reached",
                batch.secondsToTarget.map { NumberFormat.duration(seconds: $0) } ?? "",
                NumberFormat.number(batch.lowestLoss),
            ])
        }
        return table.rendered() + "A loss is the mean over \(NumberFormat.grouped(batches.windowSamples)) samples.\n"
    }

    private var afterwardsText: String {
        var lines: [String] = []
        if let outputPath {
            lines.append("Next: \(ShellText.joined(["gradloom", "train", outputPath]))")
        } else if tuning.choiceIndex != 0 || batches != nil {
            let words = configurationOverrides.flatMap { ["--set", $0] }
            lines.append("Next: \(ShellText.joined(["gradloom", "train", configurationPath] + words))\(overrides)")
        }
        if let cachePath {
            lines.append(
                "Trainings of these shapes with parallel.workers: auto use it from now on (kept in \(cachePath)).")
        }
        if let refusedCachePath {
            lines.append("The choice could not be kept for trainings to come: \(refusedCachePath) cannot be written.")
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// What a command line has to change in the configuration.
    private var overrides: String {
        var values: [String] = []
        if batches != nil { values.append("training.batch=\(settings.training.batch)") }
        let (chosen, own) = (chosen.candidate, tuning.own.candidate)
        if cachePath == nil || settings.parallel.workers != nil {
            if chosen.workers != settings.parallel.workers { values.append("parallel.workers=\(chosen.workers)") }
            if chosen.placement != own.placement { values.append("parallel.placement=\(chosen.placement)") }
            if chosen.shardRows != own.shardRows {
                values.append("parallel.shard_rows=\(chosen.shardRows.map(String.init) ?? "auto")")
            }
            if chosen.route != own.route { values.append("parallel.route=\(chosen.route?.rawValue ?? "auto")") }
        }
        if chosen.groups != own.groups {
            values.append("parallel.groups=\(chosen.groups.map(String.init) ?? "auto")")
        }
        return values.map { " --set \($0)" }.joined()
    }
}

// MARK: JSON

extension TuneReport: Encodable {
    private struct CandidateRecord: Encodable {
        let row: TuneMeasurement.Row

        enum CodingKeys: String, CodingKey {
            case workers, placement, route, groups, cpus, low, high, ratio, regions, standing
            case shardRows = "shard_rows"
            case samplesPerSecond = "samples_per_second"
            case leftAfterStage = "left_after_stage"
            case keepsBits = "keeps_bits"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(row.candidate.workers, forKey: .workers)
            try container.encode(row.candidate.placement, forKey: .placement)
            try container.encode(row.shardRows, forKey: .shardRows)
            try container.encode(row.route, forKey: .route)
            try container.encode(row.groups, forKey: .groups)
            try container.encode(row.cpus, forKey: .cpus)
            try container.encode(row.speed.median, forKey: .samplesPerSecond)
            try container.encode(row.speed.low, forKey: .low)
            try container.encode(row.speed.high, forKey: .high)
            try container.encode(row.ratio, forKey: .ratio)
            try container.encode(row.rounds, forKey: .regions)
            try container.encode(row.standing, forKey: .standing)
            try container.encode(row.leftAfter, forKey: .leftAfterStage)
            try container.encode(row.keepsBits, forKey: .keepsBits)
        }
    }

    private struct BatchRecord: Encodable {
        let batch: BatchTuning.Batch

        enum CodingKeys: String, CodingKey {
            case batch, workers
            case samplesPerSecond = "samples_per_second"
            case stepsToTarget = "steps_to_target"
            case secondsToTarget = "seconds_to_target"
            case lowestLoss = "lowest_loss"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(batch.batch, forKey: .batch)
            try container.encode(batch.tuning.choice.candidate.workers, forKey: .workers)
            try container.encode(batch.tuning.choice.speed.median, forKey: .samplesPerSecond)
            try container.encode(batch.stepsToTarget, forKey: .stepsToTarget)
            try container.encode(batch.secondsToTarget, forKey: .secondsToTarget)
            try container.encode(batch.lowestLoss, forKey: .lowestLoss)
        }
    }

    enum CodingKeys: String, CodingKey {
        case event, candidates, choice, batch, batches, stages, seconds
        case own = "configuration_as_it_is"
        case ratioToOneWorker = "ratio_to_one_worker"
        case isClear = "is_clear"
        case leftOut = "left_out"
        case otherBits = "other_bits"
        case otherWorkFraction = "other_work_fraction"
        case cachePath = "cache"
        case outputPath = "output"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("tuned", forKey: .event)
        try container.encode(tuning.rows.map(CandidateRecord.init), forKey: .candidates)
        try container.encode(CandidateRecord(row: chosen), forKey: .choice)
        try container.encode(CandidateRecord(row: tuning.own), forKey: .own)
        try container.encode(settings.training.batch, forKey: .batch)
        try container.encode(batches.map { $0.batches.map(BatchRecord.init) }, forKey: .batches)
        try container.encode(tuning.stages, forKey: .stages)
        try container.encode(tuning.seconds, forKey: .seconds)
        try container.encode(tuning.ratioToOneWorker, forKey: .ratioToOneWorker)
        try container.encode(tuning.isClear, forKey: .isClear)
        try container.encode(tuning.leftOut, forKey: .leftOut)
        try container.encode(tuning.otherBits, forKey: .otherBits)
        try container.encode(tuning.otherWorkFraction, forKey: .otherWorkFraction)
        try container.encode(cachePath, forKey: .cachePath)
        try container.encode(outputPath, forKey: .outputPath)
    }
}
