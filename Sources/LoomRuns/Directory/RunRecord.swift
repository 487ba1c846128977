import Foundation
import LoomConfiguration

/// What a run's directory tells of its course, while it goes on or afterwards.
package struct RunRecord: Sendable {
    /// The directory.
    package let directory: RunDirectory
    /// The configuration.
    package let configuration: Configuration
    /// How it began, and how it went on after each interruption.
    package private(set) var starts: [RunEvent] = []
    /// The finished epochs that led to its parameters: those after a step that it went back to are left out.
    package var epochs: [EpochEvent] { finished.map(\.epoch) }
    /// For each of `epochs`, after which of `starts` it ended.
    package var epochStarts: [Int] { finished.map(\.start) }
    private var finished: [(epoch: EpochEvent, start: Int)] = []
    /// How it ended; nil: it has not, or broke off.
    package private(set) var done: DoneEvent?

    /// How it began, or went on the last time; nil: nothing is written yet.
    package var run: RunEvent? { starts.last }

    /// The last component of the directory's path.
    package var name: String { URL(fileURLWithPath: directory.path).lastPathComponent }

    /// What to call each of `records`: its directory's name, with as many of the folders that it is in as tell all of them apart.
    package static func names(of records: [RunRecord]) -> [String] {
        let paths = records.map { URL(fileURLWithPath: $0.directory.path).standardizedFileURL.pathComponents }
        let most = paths.map(\.count).max() ?? 1
        func names(_ count: Int) -> [String] { paths.map { $0.suffix(count).joined(separator: "/") } }
        let count = (1...max(1, most)).first { Set(names($0)).count == records.count }
        return names(count ?? 1)
    }

    /// Reads the directory at `path`.
    /// - Throws: `RunDirectoryError`, `ConfigurationError`, or `RunRecordError` for lines that are no events.
    package init(_ path: String) throws {
        directory = try RunDirectory(existing: path)
        configuration = try Configuration.load(path: directory.configurationPath)
        let text = (try? String(contentsOfFile: directory.metricsPath, encoding: .utf8)) ?? ""
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // Behind the last newline there is nothing, or a line that is being written.
        for (index, line) in lines.dropLast().enumerated() {
            do {
                try add(String(line))
            } catch is DecodingError {
                throw RunRecordError(path: directory.metricsPath, line: index + 1)
            }
        }
    }

    private mutating func add(_ line: String) throws {
        struct Head: Decodable { let event: String }
        switch try JSONLines.value(Head.self, from: line).event {
        case "run":
            starts.append(try JSONLines.value(RunEvent.self, from: line))
            done = nil
        case "epoch":
            finished.append((try JSONLines.value(EpochEvent.self, from: line), max(0, starts.count - 1)))
        case "rollback":
            let step = try JSONLines.value(RollbackEvent.self, from: line).step
            finished.removeAll { $0.epoch.step > step }
        case "done": done = try JSONLines.value(DoneEvent.self, from: line)
        default: break
        }
    }
}

/// A line of a run's metrics that is no event.
package struct RunRecordError: Error, CustomStringConvertible, Equatable {
    package let path: String
    package let line: Int

    /// The sentence for the user.
    package var description: String {
        "‘\(path)’, line \(line): this is no event of a training; the file was changed or damaged"
    }
}
