import Foundation

/// Values that were found out on this machine, kept in a JSON file by what they depend on.
///
/// A file that is missing, cannot be read or holds something else counts as empty; one that cannot be written is found out
/// again next time. Nothing here fails a command.
package struct CacheFile<Key: Codable & Equatable & Sendable, Value: Codable & Sendable>: Sendable {
    /// The file.
    package let path: String
    /// The form of its entries: a file with another one counts as empty.
    private let format: Int

    private struct Entry: Codable {
        let key: Key
        let value: Value
    }

    private struct Contents: Codable {
        var format: Int
        var entries: [Entry] = []
    }

    /// The file at `path`.
    package init(path: String, format: Int) {
        self.path = path
        self.format = format
    }

    /// What is kept for `key`; nil where there is nothing.
    package func value(for key: Key) -> Value? { contents().entries.first { $0.key == key }?.value }

    /// Whether nothing is kept.
    package var isEmpty: Bool { contents().entries.isEmpty }

    /// Keeps `value` for `key` instead of an older one. False where the file cannot be written.
    package func keep(_ value: Value, for key: Key) -> Bool {
        var contents = contents()
        contents.entries.removeAll { $0.key == key }
        contents.entries.append(Entry(key: key, value: value))
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

    private func contents() -> Contents {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)),
            let contents = try? JSONDecoder().decode(Contents.self, from: data), contents.format == format
        else { return Contents(format: format) }
        return contents
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
