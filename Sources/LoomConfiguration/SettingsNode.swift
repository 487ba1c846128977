import Foundation
import Yams

/// Where a setting was written.
enum SettingsOrigin: Sendable, Equatable {
    /// in the configuration file; line and column are counted from 1
    case file(line: Int, column: Int)
    /// in an override with this text
    case override(String)
    /// by the program
    case program
}

/// A YAML value and where it was written.
struct SettingsNode {
    /// A key of a mapping with its value.
    struct Entry {
        let key: String
        let origin: SettingsOrigin
        var value: SettingsNode
    }
    /// What the value is. A scalar keeps its text; whether it is plain (without quotes) decides if it can be a number.
    enum Content {
        case scalar(String, isPlain: Bool)
        case list([SettingsNode])
        case mapping([Entry])
    }
    var content: Content
    var origin = SettingsOrigin.program

    static func plain(_ text: String) -> SettingsNode { SettingsNode(content: .scalar(text, isPlain: true)) }
    static func quoted(_ text: String) -> SettingsNode {
        SettingsNode(content: .scalar(text, isPlain: false))
    }
    static func list(_ elements: [SettingsNode]) -> SettingsNode { SettingsNode(content: .list(elements)) }

    /// Whether it is `null` or `~`: the key counts as not given.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["null", "~", "Null", "NULL"].contains(text)
    }

    /// The text of a scalar.
    var text: String? {
        guard case .scalar(let text, _) = content else { return nil }
        return text
    }

    /// What it is, for messages: `0.5`, `'fast'`, `the text '0.5'`, `a list`.
    var found: String {
        switch content {
        case .list: "a list"
        case .mapping: "a mapping"
        case .scalar("", isPlain: true): "nothing"
        case .scalar(let text, isPlain: true):
            SettingsNumber.isNumber(text) || ["true", "false"].contains(text) ? text : "'\(text)'"
        case .scalar(let text, isPlain: false): "the text '\(text)'"
        }
    }

    /// The value below this one that `path`, keys and indices with points between them, leads to.
    func descendant(_ path: String) -> SettingsNode? {
        let (node, isWhole) = follow(path)
        return isWhole ? node : nil
    }

    /// Where the value that `path` leads to is written; if there is none, where the innermost mapping or list is that
    /// it would be in.
    func origin(of path: String) -> SettingsOrigin { follow(path).node.origin }

    private func follow(_ path: String) -> (node: SettingsNode, isWhole: Bool) {
        var node = self
        for key in path.split(separator: ".") {
            let next: SettingsNode? =
                switch node.content {
                case .scalar: nil
                case .list(let elements):
                    Int(key).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
                case .mapping(let entries): entries.first { $0.key == key }?.value
                }
            guard let next else { return (node, false) }
            node = next
        }
        return (node, true)
    }
}

// MARK: Reading and writing YAML

extension SettingsNode {
    /// Why a text is no value.
    struct SyntaxError: Error {
        /// Line and column, counted from 1, where known.
        let position: (line: Int, column: Int)?
        let problem: String
    }

    /// Reads `yaml`; nil when it holds nothing. With an `override`, that is where everything counts as written.
    static func parse(yaml: String, override: String? = nil) throws(SyntaxError) -> SettingsNode? {
        do {
            // A text without aliases has no more values than bytes; these leave room to repeat a data source or two.
            var room = 4 * yaml.utf8.count + 10_000
            try refuseAliasesInKeys(yaml)
            // Without a resolver's regular expressions: a scalar's text is looked at where it is known what it is for.
            guard let node = try Yams.compose(yaml: yaml, .basic) else { return nil }
            do throws(SyntaxError) {
                return try SettingsNode(node, override: override, depth: 0, room: &room)
            } catch {
                // What may be nested too deep cannot be freed either: that, too, goes from level to level on the stack.
                _ = Unmanaged.passRetained(KeptNode(node))
                throw error
            }
        } catch let error as SyntaxError {
            throw error
        } catch let error as YamlError {
            throw SyntaxError(error)
        } catch {
            throw SyntaxError(position: nil, problem: "\(error)")
        }
    }

    /// Refuses aliases in keys. The reader of YAML compares all keys of a mapping, each value that aliases of aliases stand for
    /// by itself: a few lines would take it for ever. So the text is looked at before, with other characters for asterisks:
    /// aliases are plain words then, and nothing else has changed.
    private static func refuseAliasesInKeys(_ yaml: String) throws {
        guard yaml.utf8.contains(UInt8(ascii: "*")) else { return }
        let privateUse = (0xe000...0xf8ff).lazy.compactMap(Unicode.Scalar.init)
        guard let mark = privateUse.first(where: { !yaml.unicodeScalars.contains($0) }) else {
            throw SyntaxError(position: nil, problem: "the text has too many characters without a meaning")
        }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: yaml.unicodeScalars.lazy.map { $0 == "*" ? mark : $0 })
        do {
            guard let node = try Yams.compose(yaml: String(text), .basic) else { return }
            do throws(SyntaxError) {
                try refuseMarkedKeys(node, mark: mark)
            } catch {
                _ = Unmanaged.passRetained(KeptNode(node))
                throw error
            }
        } catch let error as YamlError {
            let original = SyntaxError(error)
            throw SyntaxError(
                position: original.position, problem: original.problem.replacing(String(mark), with: "*"))
        }
    }

    private static func refuseMarkedKeys(_ node: Yams.Node, mark: Unicode.Scalar) throws(SyntaxError) {
        switch node {
        case .scalar(let scalar):
            // An alias is a name alone: one with a colon is a key without the space behind it.
            guard scalar.style == .plain, scalar.string.unicodeScalars.first == mark else { return }
            let name = scalar.string.unicodeScalars.dropFirst()
            guard name.allSatisfy({ "-_".unicodeScalars.contains($0) || CharacterSet.alphanumerics.contains($0) })
            else {
                throw SyntaxError(
                    position: scalar.mark.map { ($0.line, $0.column) },
                    problem: "not valid YAML: '*\(String(String.UnicodeScalarView(name)))' is no alias")
            }
        case .sequence(let sequence):
            for element in sequence { try refuseMarkedKeys(element, mark: mark) }
        case .mapping(let mapping):
            for (key, value) in mapping {
                guard case .scalar(let scalar) = key,
                    scalar.style != .plain || scalar.string.unicodeScalars.first != mark
                else {
                    throw SyntaxError(
                        position: key.mark.map { ($0.line, $0.column) },
                        problem: "a key must be a word, not an alias, a list or a mapping")
                }
                try refuseMarkedKeys(value, mark: mark)
            }
        case .alias:
            break
        }
    }

    /// - Parameters:
    ///   - depth: The lists and mappings around `node`.
    ///   - room: The values that may still be made: aliases of aliases can stand for more than memory holds.
    private init(_ node: Yams.Node, override: String?, depth: Int, room: inout Int) throws(SyntaxError) {
        origin = Self.origin(of: node, override: override)
        room -= 1
        guard room >= 0 else {
            throw SyntaxError(
                position: node.mark.map { ($0.line, $0.column) },
                problem:
                    "aliases repeat their anchors so often that the text stands for far more values than it has "
                    + "letters; write them out")
        }
        guard depth <= Self.deepest else {
            throw SyntaxError(position: node.mark.map { ($0.line, $0.column) }, problem: Self.tooDeep)
        }
        switch node {
        case .scalar(let scalar):
            content = .scalar(scalar.string, isPlain: scalar.style == .plain)
        case .sequence(let sequence):
            var elements: [SettingsNode] = []
            for element in sequence {
                elements.append(try SettingsNode(element, override: override, depth: depth + 1, room: &room))
            }
            content = .list(elements)
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let scalar) = key else {
                    throw SyntaxError(
                        position: key.mark.map { ($0.line, $0.column) },
                        problem: "a key must be a word, not a list or a mapping")
                }
                entries.append(
                    Entry(
                        key: scalar.string, origin: Self.origin(of: key, override: override),
                        value: try SettingsNode(value, override: override, depth: depth + 1, room: &room)))
            }
            content = .mapping(entries)
        case .alias:
            throw SyntaxError(
                position: node.mark.map { ($0.line, $0.column) }, problem: "an alias without its anchor")
        }
    }

    /// The lists and mappings that may lie in each other: as many as the reader of YAML allows without aliases.
    private static let deepest = 1000
    fileprivate static let tooDeep = "lists and mappings lie in each other more than \(deepest) deep"

    private static func origin(of node: Yams.Node, override: String?) -> SettingsOrigin {
        if let override { return .override(override) }
        guard let mark = node.mark else { return .program }
        return .file(line: mark.line, column: mark.column)
    }

    /// The value as YAML text; lists without mappings in one line.
    func yaml() -> String {
        do {
            return try Yams.serialize(node: yamlNode, width: -1, allowUnicode: true)
        } catch {
            // Emitting fails for lack of memory and for unbalanced events only; a tree has none of these.
            preconditionFailure("a tree of settings can be written: \(error)")
        }
    }

    private var yamlNode: Yams.Node {
        switch content {
        case .scalar(let text, let isPlain):
            return Yams.Node(text, .implicit, isPlain ? .plain : .doubleQuoted)
        case .list(let elements):
            let isBlock = elements.contains { if case .mapping = $0.content { true } else { false } }
            return Yams.Node(elements.map(\.yamlNode), .implicit, isBlock ? .block : .flow)
        case .mapping(let entries):
            return Yams.Node(
                entries.map { (Yams.Node($0.key), $0.value.yamlNode) }, .implicit,
                entries.isEmpty ? .flow : .block)
        }
    }
}

/// Keeps a node for ever.
private final class KeptNode {
    private let node: Yams.Node

    init(_ node: Yams.Node) { self.node = node }
}

extension SettingsNode.SyntaxError {
    /// What Yams found, in one sentence.
    fileprivate init(_ error: YamlError) {
        switch error {
        case .parser(_, let problem, let mark, _) where problem.hasPrefix("Maximum nesting level"):
            self.init(position: (mark.line, mark.column), problem: SettingsNode.tooDeep)
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let started = context.map { ", \($0.text) that starts in line \($0.mark.line)" } ?? ""
            self.init(position: (mark.line, mark.column), problem: "not valid YAML: \(problem)\(started)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "'\($0)'" }
            self.init(
                position: (context.mark.line, context.mark.column),
                problem: keys.count == 1
                    ? "the key \(keys[0]) is given more than once in this mapping; keep one of them"
                    : "the keys \(keys.enumeration) are given more than once in this mapping; keep one of each"
            )
        default:
            self.init(position: nil, problem: "not valid YAML: \(error)")
        }
    }
}
