import Foundation
import LoomModel

/// What the reading of one configuration shares: the names for messages, and the mistakes found so far.
final class SettingsReading {
    /// The file's name as the user gave it.
    let file: String
    /// The absolute directory that relative paths in the file are relative to.
    let directory: String
    /// The absolute directory that relative paths in overrides are relative to.
    let workingDirectory: String
    /// The paths of all keys that exist.
    let knownPaths: [String]
    private(set) var issues: [ConfigurationError.Issue] = []
    private(set) var notes: [String] = []

    init(file: String) {
        self.file = file
        directory = URL(fileURLWithPath: file).deletingLastPathComponent().path
        workingDirectory = FileManager.default.currentDirectoryPath
        knownPaths = Configuration.reference.map(\.path)
    }

    func report(_ keyPath: String, at origin: SettingsOrigin, _ problem: String) {
        issues.append(.init(place: place(of: origin), keyPath: keyPath, problem: problem))
    }

    /// Keeps what the user should know, though nothing is wrong.
    func note(_ keyPath: String, at origin: SettingsOrigin, _ text: String) {
        notes.append(ConfigurationError.Issue(place: place(of: origin), keyPath: keyPath, problem: text).description)
    }

    private func place(of origin: SettingsOrigin) -> ConfigurationError.Place {
        switch origin {
        case .file(let line, let column): .position(file: file, line: line, column: column)
        case .override(let text): .override(text)
        case .program: .file(file)
        }
    }

    /// The same reading without its mistakes, to try something.
    func attempt() -> SettingsReading { SettingsReading(file: file) }

    /// Whether nothing was reported about the key at `path` or below it.
    func isSound(_ path: String) -> Bool {
        !issues.contains { $0.keyPath == path || $0.keyPath.hasPrefix(path + ".") }
    }
}

/// A value about to be read: what it is, where it belongs, and whom to tell what is wrong with it.
struct SettingsValue {
    let node: SettingsNode
    let path: String
    let reading: SettingsReading

    /// Reports that the value is not what was expected.
    func mismatch(_ expected: String, note: String? = nil) {
        let problem = ["expected \(expected), found \(node.found)", note].compactMap { $0 }
        reading.report(path, at: node.origin, problem.joined(separator: "; "))
    }

    /// A value below this one.
    func child(_ key: String, _ node: SettingsNode) -> SettingsValue {
        SettingsValue(node: node, path: path.isEmpty ? key : "\(path).\(key)", reading: reading)
    }
}

/// Reads one mapping strictly: every key has to be known, and every mistake is reported with its place.
struct SettingsReader {
    let value: SettingsValue
    private let entries: [SettingsNode.Entry]

    /// A reader of `value`; nil, after reporting it, when that is no mapping.
    init?(_ value: SettingsValue) {
        guard case .mapping(let entries) = value.node.content else {
            value.mismatch("a mapping of keys to values")
            return nil
        }
        self.value = value
        self.entries = entries
    }

    /// The path of the key `key` of this mapping.
    func path(_ key: String) -> String { value.path.isEmpty ? key : "\(value.path).\(key)" }

    /// Whether `key`, which may be a path below this mapping, is given; `null` does not count.
    func has(_ key: String) -> Bool {
        value.node.descendant(key).map { !$0.isNull } ?? false
    }

    /// The value of `key`, if it is given.
    subscript(key: String) -> SettingsValue? {
        guard let entry = entries.first(where: { $0.key == key }), !entry.value.isNull else { return nil }
        return value.child(key, entry.value)
    }

    /// Whether nothing was reported about any of `keys` or what is below them.
    func isSound(_ keys: String...) -> Bool {
        keys.allSatisfy { value.reading.isSound(path($0)) }
    }

    /// Reports a problem with the value of `key`, which may be a path below this mapping; when that is not
    /// given, at the mapping it would be in.
    func report(_ key: String, _ problem: String) {
        value.reading.report(path(key), at: value.node.origin(of: key), problem)
    }

    /// Reports a problem at the key `key` itself, not at its value.
    func reportKey(_ key: String, _ problem: String) {
        let origin = entries.first { $0.key == key }?.origin ?? value.node.origin
        value.reading.report(path(key), at: origin, problem)
    }

    /// Reports every key that is none of `keys`, with the nearest known key.
    func reportUnknownKeys(except keys: [String]) {
        for entry in entries where !keys.contains(entry.key) {
            reportKey(entry.key, "unknown key; " + advice(for: entry.key, keys: keys))
        }
    }

    private func advice(for key: String, keys: [String]) -> String {
        if let nearest = NearestName.find(key, in: keys) { return "did you mean '\(nearest)'?" }
        let elsewhere = value.reading.knownPaths.filter { Self.lastName($0) == key }
        // What lies below this mapping is nearer to what was meant.
        let below = elsewhere.filter { $0.hasPrefix(value.path + ".") }
        let places = below.isEmpty ? elsewhere : below
        if places.count == 1 { return "did you mean \(places[0])?" }
        if places.count > 1 { return "did you mean one of \(places.enumeration)?" }
        let names = value.reading.knownPaths.map(Self.lastName)
        if let nearest = NearestName.find(key, in: names) {
            return "did you mean \(value.reading.knownPaths[names.firstIndex(of: nearest)!])?"
        }
        return "expected \(keys.count == 1 ? "" : "one of ")\(keys.enumeration)"
    }

    private static func lastName(_ path: String) -> String {
        path.lastIndex(of: ".").map { String(path[path.index(after: $0)...]) } ?? path
    }
}
