import ArgumentParser
import Foundation
import LoomConfiguration
import LoomData
import LoomKernels
import LoomReporting
import LoomRuns

/// `gradloom generate`
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Write the samples of a synthetic task to files, or show some of them.",
        discussion: """
            Any training can make its samples itself (data.synthetic); files are for other \
            programs, and for data to keep. The directory has npy files and their \
            description, dataset.json, with task, seed and checksums; a configuration names \
            it in data.dataset.path. After an interruption, the same command goes on.

            Examples:
              gradloom generate --task teacher --samples 1000000 --output teacher
              gradloom generate configs/quickstart.yaml --output quickstart
              gradloom generate --task spirals --samples 2000 --format csv \\
                --output spirals.csv
              gradloom generate --task spirals --samples 500 --preview
              gradloom generate --task teacher --samples 1000000 --speed
              gradloom generate --describe teacher
              gradloom generate --verify teacher
            """)

    /// What files are written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        /// a directory of npy files, as many as the samples need
        case gradloom
        /// a directory with one npy file of inputs and one of targets
        case npy
        /// a CSV file
        case csv
    }

    @Argument(help: "A configuration with data.synthetic.", completion: .file(extensions: ["yaml", "yml"]))
    var configuration: String?

    @Option(help: "The task, where no configuration is given.")
    var task: SyntheticDescription.Task?

    // A negative number is refused as such, not taken for an option.
    @Option(parsing: .unconditional, help: ArgumentHelp("The number of samples.", valueName: "n"))
    var samples: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("The number of features.", valueName: "n"))
    var inputs: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("The number of classes.", valueName: "n"))
    var classes: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("What decides every sample.", valueName: "n"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("The directory, or the CSV file, to write.", valueName: "path"), completion: .directory)
    var output: String?

    @Option(help: "The form of the files.")
    var format = Format.gradloom

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The rows of each file but the last; as many as make 64 MiB by default.", valueName: "n"))
    var shardRows: Int?

    @Flag(help: "Print the first samples, and a picture where they have two features or are images.")
    var preview = false

    @Flag(help: "Make the samples, write nothing, and say how fast.")
    var speed = false

    @Option(help: ArgumentHelp("Print what a directory holds.", valueName: "dir"), completion: .directory)
    var describe: String?

    @Option(
        help: ArgumentHelp("Compare a directory's files with their checksums.", valueName: "dir"),
        completion: .directory)
    var verify: String?

    @OptionGroup var overrides: OverrideOptions

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    @Flag(help: "Replace a data set that the directory holds, or the file.")
    var force = false

    func validate() throws {
        let asked = [output != nil, preview, speed, describe != nil, verify != nil].count { $0 }
        guard asked == 1 else {
            throw ValidationError("Give one of --output, --preview, --speed, --describe and --verify.")
        }
        if describe != nil || verify != nil {
            let others: [Any?] = [configuration, task, samples, inputs, classes, seed, shardRows]
            guard others.allSatisfy({ $0 == nil }), overrides.values.isEmpty, !force else {
                throw ValidationError("--describe DIR and --verify DIR go alone.")
            }
            return
        }
        if output == nil, let option = [("--shard-rows", shardRows != nil), ("--force", force)].first(where: \.1)?.0 {
            throw ValidationError("\(option) belongs to --output PATH.")
        }
        if format == .csv, let output, output.hasSuffix(".gz") {
            throw ValidationError(
                "Tables are written as they are: give a name without .gz, and compress the file afterwards.")
        }
        if preview, json { throw ValidationError("--preview prints text: leave --json out.") }
        guard (configuration == nil) != (task == nil) else {
            throw ValidationError("Give a configuration with data.synthetic, or --task with --samples.")
        }
        if task != nil, samples == nil { throw ValidationError("--task needs --samples.") }
        for (option, value, least) in [("--samples", samples, 1), ("--inputs", inputs, 1), ("--classes", classes, 2)] {
            if let value, value < least { throw ValidationError("\(option) must be at least \(least).") }
        }
        if let shardRows, shardRows < 1 { throw ValidationError("--shard-rows must be at least 1.") }
        if shardRows != nil, format != .gradloom { throw ValidationError("--shard-rows is for --format gradloom.") }
    }

    func run() throws {
        try reportingFailures {
            if let describe { return try DatasetReport.printDescription(of: describe, json: json) }
            if let verify { return try DatasetReport.verify(verify, json: json) }
            let settings = try settings()
            guard case .synthetic(let description) = settings.data.source else {
                throw ValidationError(
                    "The data of \(configuration ?? "the configuration") are not synthetic; gradloom convert brings "
                        + "other data into a directory.")
            }
            let source = try SyntheticSource(description)
            if preview {
                try StandardOutput.write(try SamplePreview(source).text)
            } else if speed {
                try printSpeed(of: source)
            } else if let output {
                try write(source, settings, to: output)
            }
        }
    }

    /// The configuration, with what the options say of its task.
    private func settings() throws -> Configuration {
        let options: [(String, String?)] = [
            ("samples", samples.map(String.init)), ("inputs", inputs.map(String.init)),
            ("classes", classes.map(String.init)), ("seed", seed.map(String.init)),
        ]
        let given = options.compactMap { key, value in value.map { "data.synthetic.\(key)=\($0)" } }
        if let configuration {
            return try Configuration.load(
                path: configuration, overrides: overrides.values + given, isDataAlone: true, note: printNote)
        }
        // The network is nobody's: a configuration has one.
        let yaml = """
            data: {synthetic: {task: \(task?.rawValue ?? ""), samples: \(samples ?? 1)}}
            network: {layers: [{units: 1}], output: identity}
            """
        return try Configuration(yaml: yaml, file: "--task", overrides: overrides.values + given, note: printNote)
    }

    private func write(_ source: SyntheticSource, _ settings: Configuration, to output: String) throws {
        if format == .csv { return try writeTable(source, to: OutputFile(output, replaces: force)) }
        let shardRows = format == .npy ? source.count : shardRows
        try DatasetWriter(output, settings: .init(shardRows: shardRows, replaces: force)).writeAndReport(
            source, provenance: .init(settings, name: source.name), directory: output, json: json)
    }

    private func writeTable(_ source: SyntheticSource, to file: OutputFile) throws {
        let progress = TransferProgress(quiet: json)
        defer { progress.finish() }
        let bytes = try SampleTable(source).write(to: file) { rows, bytes in
            progress.update(done: rows, worked: rows, of: source.count, unit: "rows", bytes: bytes)
        }
        let seconds = progress.elapsedSeconds
        progress.finish()
        // Standard output has the table.
        guard !file.isStandardOutput else { return }
        try DatasetReport.printWritten(
            rows: source.count, features: source.featureCount, file.path, bytes: bytes, seconds: seconds, json: json)
    }

    // MARK: Speed

    /// The line that `--speed --json` prints.
    private struct SpeedEvent: Encodable {
        var event = "generated"
        let task: String
        let rows: Int
        let features: Int
        let threads: Int
        let seconds: Double
        let rowsPerSecond: Double
        let featureBytesPerSecond: Double
    }

    private func printSpeed(of source: SyntheticSource) throws {
        let speed = GenerationSpeed(source)
        let bytes = speed.rowsPerSecond * Double(4 * source.featureCount)
        if json {
            return try JSONLines.printInSnakeCase(
                SpeedEvent(
                    task: source.description.task.rawValue, rows: source.count, features: source.featureCount,
                    threads: speed.threads, seconds: speed.seconds, rowsPerSecond: speed.rowsPerSecond,
                    featureBytesPerSecond: bytes))
        }
        var table = TextTable(columns: [.init(""), .init("", alignment: .right)])
        table.append(["task", source.name])
        table.append(["rows", NumberFormat.grouped(source.count)])
        table.append(["features", NumberFormat.grouped(source.featureCount)])
        table.append(["threads", "\(speed.threads)"])
        table.append(["time", NumberFormat.duration(seconds: speed.seconds)])
        table.append(["rows/s", NumberFormat.samplesPerSecond(speed.rowsPerSecond)])
        table.append(["features", "\(NumberFormat.number(bytes / 1e9, significantDigits: 3)) GB/s"])
        table.append([
            "a thread", "\(NumberFormat.number(bytes / 1e9 / Double(speed.threads), significantDigits: 3)) GB/s",
        ])
        try StandardOutput.write(table.rendered(indent: 2))
    }
}

extension SyntheticDescription.Task: ExpressibleByArgument {}
