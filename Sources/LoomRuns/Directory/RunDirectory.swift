import Foundation
import LoomTraining

/// Why a run directory could not be made or used.
public enum RunDirectoryError: Error, CustomStringConvertible, Equatable {
    /// A directory cannot be made; the system's reason.
    case cannotCreate(path: String, reason: String)
    /// There is no such directory.
    case notFound(path: String)
    /// A directory, but none of a run: a part is missing.
    case incomplete(path: String, missing: String)
    /// A part of the directory is no file, but a pipe, for example.
    case noFile(String)
    /// A part of the directory is a link: what is written into it would land elsewhere.
    case leadsElsewhere(part: String)

    /// The sentence for the user.
    public var description: String {
        switch self {
        case .cannotCreate(let path, let reason):
            "cannot create the run directory ‘\(path)’: \(reason); "
                + "choose another place with --set run.directory=DIRECTORY"
        case .notFound(let path):
            "there is no run directory ‘\(path)’"
        case .incomplete(let path, let missing):
            "‘\(path)’ is not a run directory: it has no ‘\(missing)’"
        case .noFile(let part):
            "‘\(part)’ is not a file; put the run's own file there"
        case .leadsElsewhere(let part):
            "‘\(part)’ is a link: a training writes inside its run directory alone; put a directory there, or make the run "
                + "directory itself the link"
        }
    }
}

/// The directory of one training: its configuration, its course, its result and its checkpoints.
///
///     runs/digits-20261121T094900Z/
///       config.yaml      the resolved configuration
///       metrics.jsonl    one line an event
///       summary.json     the result, written at the end
///       checkpoints/
public struct RunDirectory: Sendable, Equatable {
    /// The directory.
    public let path: String

    /// The resolved configuration.
    public var configurationPath: String { path + "/config.yaml" }
    /// The events of the training, one JSON object a line.
    public var metricsPath: String { path + "/metrics.jsonl" }
    /// The result and where it comes from.
    public var summaryPath: String { path + "/summary.json" }
    /// The directory of the checkpoints.
    public var checkpointsPath: String { path + "/checkpoints" }

    /// An existing run.
    ///
    /// - Throws: `RunDirectoryError` when it lacks its configuration or its checkpoints.
    public init(existing path: String) throws(RunDirectoryError) {
        self.path = path
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue
        else {
            throw .notFound(path: path)
        }
        for part in [configurationPath, checkpointsPath] where !FileManager.default.fileExists(atPath: part) {
            throw .incomplete(path: path, missing: URL(fileURLWithPath: part).lastPathComponent)
        }
        // A pipe would be waited for.
        var status = stat()
        if stat(configurationPath, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw .noFile(configurationPath)
        }
    }

    private init(path: String) {
        self.path = path
    }

    /// Makes sure that checkpoints which are written and removed are this run's. The run directory itself may be a link: its
    /// user has named it.
    ///
    /// - Throws: `RunDirectoryError.leadsElsewhere`.
    func checkIsWhole() throws(RunDirectoryError) {
        var status = stat()
        if lstat(checkpointsPath, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
            throw .leadsElsewhere(part: checkpointsPath)
        }
    }

    /// Makes the directory `parent`/`name`-timestamp (UTC), with `-2`, `-3`, … where that exists, and in it
    /// `config.yaml`, an empty `metrics.jsonl` and `checkpoints/`.
    ///
    /// On failure everything made by the call is removed, parent directories included.
    ///
    /// - Parameters:
    ///   - parent: the directory of all runs; made where missing.
    ///   - name: the configuration's name; characters that need quoting in a shell become "-".
    ///   - configuration: the text of `config.yaml`.
    ///   - date: the time in the name.
    /// - Throws: `RunDirectoryError` or `AtomicFile.WriteError`.
    public static func create(
        in parent: String, name: String, configuration: String, date: Date = Date()
    ) throws -> RunDirectory {
        var madeParents: [String] = []
        var madeRun: String?
        do {
            try makeParents(parent, made: &madeParents)
            let directory = parent.isEmpty ? "." : parent
            let base =
                directory + (directory.hasSuffix("/") ? "" : "/") + portableName(name) + "-" + timestamp(date)
            var path = base
            var attempt = 1
            // Only mkdir decides who has a name: two runs may start in the same second.
            while mkdir(path, 0o777) != 0 {
                guard errno == EEXIST else { throw RunDirectoryError(creating: path, code: errno) }
                attempt += 1
                path = "\(base)-\(attempt)"
            }
            madeRun = path
            let run = RunDirectory(path: path)
            guard mkdir(run.checkpointsPath, 0o777) == 0 else {
                throw RunDirectoryError(creating: run.checkpointsPath, code: errno)
            }
            try AtomicFile.write(configuration, to: run.configurationPath)
            _ = try MetricsFile(appendingTo: run.metricsPath)
            return run
        } catch {
            if let madeRun { try? FileManager.default.removeItem(atPath: madeRun) }
            // Not with their contents: another run may have begun in them meanwhile.
            for directory in madeParents.reversed() { rmdir(directory) }
            throw error
        }
    }

    /// Writes `summary.json`, whole or not at all.
    ///
    /// - Throws: `AtomicFile.WriteError`, or what `summary`'s own `encode(to:)` throws.
    public func writeSummary(_ summary: some Encodable) throws {
        try AtomicFile.write(try JSONLines.document(summary), to: summaryPath)
    }

    /// Makes the directories of `path` that are missing. Asks nobody whether they are: another run may be faster.
    static func makeParents(_ path: String, made: inout [String]) throws {
        var directory = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            directory += component
            if mkdir(directory, 0o777) == 0 {
                made.append(directory)
            } else if errno != EEXIST {
                throw RunDirectoryError(creating: directory, code: errno)
            }
            directory += "/"
        }
    }

    static func portableName(_ name: String) -> String {
        let portable = name.unicodeScalars.map { scalar in
            let isPortable =
                scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            return isPortable || "._-".unicodeScalars.contains(scalar) ? Character(scalar) : "-"
        }
        let trimmed = String(portable.drop { $0 == "-" || $0 == "." })
        return trimmed.isEmpty ? "run" : trimmed
    }

    static func timestamp(_ date: Date) -> String {
        date.formatted(
            .iso8601.year().month().day().dateSeparator(.omitted)
                .time(includingFractionalSeconds: false).timeSeparator(.omitted)
                .timeZone(separator: .omitted))
    }
}

extension RunDirectoryError {
    init(creating path: String, code: Int32) {
        self = .cannotCreate(path: path, reason: String(cString: strerror(code)))
    }
}
