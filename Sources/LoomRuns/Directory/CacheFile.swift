import Foundation

/// What a cache's file holds.
package protocol CacheContents: Codable, Sendable {
    /// The form of what is written: a file with another one counts as empty.
    static var currentFormat: Int { get }
    /// The form of what was read.
    var format: Int { get }
    /// Nothing, in the current form.
    init()
}

/// What was found out on this machine, kept in a JSON file.
///
/// A file that is missing, cannot be read or holds something else counts as empty; one that cannot be written is found out
/// again next time. Nothing here fails a command.
package struct CacheFile<Contents: CacheContents>: Sendable {
    /// The file.
    package let path: String

    /// The file at `path`.
    package init(path: String) {
        self.path = path
    }

    /// What is kept.
    package func read() -> Contents {
        guard let contents = data.flatMap({ try? JSONDecoder().decode(Contents.self, from: $0) }),
            contents.format == Contents.currentFormat
        else { return Contents() }
        return contents
    }

    /// Whether there is something else than an object of any format.
    package var isDamaged: Bool {
        guard let data else { return FileManager.default.fileExists(atPath: path) }
        guard let format = try? JSONDecoder().decode(Format.self, from: data).format else { return true }
        return format == Contents.currentFormat && (try? JSONDecoder().decode(Contents.self, from: data)) == nil
    }

    private struct Format: Decodable {
        let format: Int
    }

    private var data: Data? { try? Data(contentsOf: URL(fileURLWithPath: path)) }

    /// Keeps `contents` instead of what is there. False where the file cannot be written.
    package func write(_ contents: Contents) -> Bool {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            try AtomicFile.write(String(decoding: encoder.encode(contents), as: UTF8.self) + "\n", to: path)
            return true
        } catch {
            return false
        }
    }
}

/// Where the user's caches are.
package enum UserCache {
    /// `gradloom/NAME` in `$XDG_CACHE_HOME`, or in `~/.cache` where that is not set or no absolute path (XDG Base Directory
    /// Specification); nil without a home.
    package static func path(
        _ name: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String? {
        func absolute(_ name: String) -> String? { environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil } }
        guard let base = absolute("XDG_CACHE_HOME") ?? absolute("HOME").map({ $0 + "/.cache" }) else { return nil }
        return base + "/gradloom/" + name
    }
}
