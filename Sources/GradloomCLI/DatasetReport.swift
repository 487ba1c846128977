import ArgumentParser
import Foundation
import LoomData
import LoomReporting
import LoomRuns
import Synchronization

/// What commands print about a data set's directory.
enum DatasetReport {
    /// How far writing had come when it was told last.
    final class Written: Sendable {
        private let latest = Mutex(DatasetWriter.Progress(rows: 0))

        func keep(_ progress: DatasetWriter.Progress) { latest.withLock { $0 = progress } }
        var progress: DatasetWriter.Progress { latest.withLock { $0 } }
    }

    /// Bytes that several threads have read.
    private final class Sum: Sendable {
        private let sum = Mutex(0)

        func add(_ bytes: Int) -> Int {
            sum.withLock { sum in
                sum += bytes
                return sum
            }
        }
    }

    /// Prints what was written, and how fast.
    static func printWritten(
        _ manifest: DatasetManifest, _ path: String, _ progress: DatasetWriter.Progress, seconds: Double, json: Bool
    ) throws {
        if json {
            return try JSONLines.printInSnakeCase(
                WrittenEvent(
                    directory: path, rows: manifest.rows, features: manifest.features, shards: manifest.shards.count,
                    keptRows: progress.keptRows, bytesWritten: progress.writtenBytes, seconds: seconds))
        }
        var table = TextTable(columns: [.init(""), .init("", alignment: .right)])
        table.append(["directory", path])
        table.append(["rows", NumberFormat.grouped(manifest.rows)])
        if progress.keptRows > 0 { table.append(["kept", NumberFormat.grouped(progress.keptRows)]) }
        table.append(["features", NumberFormat.grouped(manifest.features)])
        table.append(["shards", NumberFormat.grouped(manifest.shards.count)])
        table.append(["time", NumberFormat.duration(seconds: seconds)])
        if seconds > 0, progress.writtenRows > 0 {
            table.append(["rows/s", NumberFormat.samplesPerSecond(Double(progress.writtenRows) / seconds)])
            table.append(["speed", TransferProgress.speed(bytes: progress.writtenBytes, seconds: seconds)])
        }
        try StandardOutput.write(table.rendered(indent: 2))
    }

    /// Prints what was written to one file, and how fast.
    static func printWritten(
        rows: Int, features: Int, _ path: String, bytes: Int, seconds: Double, json: Bool
    ) throws {
        if json {
            return try JSONLines.printInSnakeCase(
                WrittenEvent(
                    directory: path, rows: rows, features: features, shards: 1, keptRows: 0, bytesWritten: bytes,
                    seconds: seconds))
        }
        var table = TextTable(columns: [.init(""), .init("", alignment: .right)])
        table.append(["file", path])
        table.append(["rows", NumberFormat.grouped(rows)])
        table.append(["features", NumberFormat.grouped(features)])
        table.append(["time", NumberFormat.duration(seconds: seconds)])
        table.append(["speed", TransferProgress.speed(bytes: bytes, seconds: max(seconds, 1e-9))])
        try StandardOutput.write(table.rendered(indent: 2))
    }

    /// Prints what the directory at `path` holds.
    static func printDescription(of path: String, json: Bool) throws {
        let manifest = try DatasetDirectory(path: path).manifest
        if json { return try JSONLines.print(manifest) }
        var table = TextTable(columns: [.init(""), .init("", alignment: .right)])
        table.append(["rows", NumberFormat.grouped(manifest.rows)])
        table.append(["features", NumberFormat.grouped(manifest.features)])
        let scale = manifest.inputs.scale == 1 ? "" : " × \(manifest.inputs.scale)"
        table.append(["inputs", manifest.inputs.element + scale])
        if let targets = manifest.targets {
            table.append(["targets", "\(targets.element), \(targets.targetColumns?.form.phrase ?? targets.form)"])
            if let names = targets.classNames { table.append(["classes", listed(names)]) }
        } else {
            table.append(["targets", "none"])
        }
        if let names = manifest.featureNames { table.append(["names", listed(names)]) }
        table.append(["shards", "\(manifest.shards.count) of \(NumberFormat.grouped(manifest.shardRows)) rows"])
        let bytes = manifest.shards.flatMap(\.files).reduce(0) { $0 + $1.bytes }
        table.append(["size", NumberFormat.bytes(bytes)])
        table.append(["source", manifest.provenance.source])
        try StandardOutput.write(table.rendered(indent: 2))
        for (key, value) in manifest.provenance.details.sorted(by: { $0.key < $1.key }) {
            try StandardOutput.write("  \(key): \(value)\n")
        }
    }

    /// Compares all files of the directory at `path` with their checksums, and says which differ.
    static func verify(_ path: String, json: Bool) throws {
        let directory = try DatasetDirectory(path: path)
        let total = directory.manifest.shards.flatMap(\.files).reduce(0) { $0 + $1.bytes }
        let progress = TransferProgress(quiet: json)
        let done = Sum()
        let problems = directory.problems { bytes in
            let sum = done.add(bytes)
            progress.update(done: sum, worked: sum, of: total, unit: "bytes", bytes: sum)
        }
        let seconds = progress.elapsedSeconds
        progress.finish()
        for problem in problems { fail("\(problem)") }
        if json {
            try JSONLines.printInSnakeCase(
                VerifiedEvent(
                    directory: path, rows: directory.manifest.rows, shards: directory.manifest.shards.count,
                    bytes: total, damaged: problems.map(\.source), seconds: seconds))
        }
        guard problems.isEmpty else { throw ExitCode(ExitStatus.badData) }
        if !json {
            try StandardOutput.write(
                "\(path) is whole: \(NumberFormat.grouped(directory.manifest.rows)) rows in "
                    + "\(NumberFormat.counted(directory.manifest.shards.count, "shard")), \(NumberFormat.bytes(total)), "
                    + "\(TransferProgress.speed(bytes: total, seconds: max(seconds, 1e-9)))\n")
        }
    }

    private static func listed(_ names: [String]) -> String {
        names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
    }

    /// The line that `convert --json` prints.
    private struct WrittenEvent: Encodable {
        var event = "converted"
        let directory: String
        let rows: Int
        let features: Int
        let shards: Int
        let keptRows: Int
        let bytesWritten: Int
        let seconds: Double
    }

    /// The line that `convert --verify --json` prints.
    private struct VerifiedEvent: Encodable {
        var event = "verified"
        let directory: String
        let rows: Int
        let shards: Int
        let bytes: Int
        let damaged: [String]
        let seconds: Double
    }
}
