/// One key of the configuration, as the reference lists it.
public struct KeyReference: Sendable, Equatable {
    /// The path of the key, such as `optimizer.learning_rate`; `N` stands for an index,
    /// a word in capital letters for a name.
    public let path: String
    /// What its value is: `a number above 0`.
    public let type: String
    /// The value when the key is not given; nil when it must be given or has none.
    public let defaultValue: String?
    /// Whether it must be given.
    public let isRequired: Bool
    /// What it is for, in one line.
    public let description: String
}

/// When a key has a meaning. Giving it where it has none is a mistake.
struct SettingsCondition<Root> {
    /// Whether the key has a meaning.
    let holds: (Root) -> Bool
    /// Why it has none.
    let problem: (Root) -> String
    /// The keys that decide; when one of them could not be read, nothing is reported.
    let keys: [String]
    /// Whether its default may be given all the same, as the file of a run has it: it asks for nothing.
    var takesDefault = false

    /// The same, but for the key's default.
    var unlessDefault: SettingsCondition {
        var condition = self
        condition.takesDefault = true
        return condition
    }

    /// The key has a meaning when `path`, the value of `key`, is one of `values`.
    static func when<Value: RawRepresentable<String> & Equatable>(
        _ key: String, _ path: KeyPath<Root, Value>, is values: Value...
    ) -> SettingsCondition {
        SettingsCondition(
            holds: { values.contains($0[keyPath: path]) },
            problem: { root in
                "not used with \(key) \(root[keyPath: path].rawValue); "
                    + "it belongs to \(key) \(values.map(\.rawValue).alternatives)"
            },
            keys: [key])
    }
}

/// The keys of one mapping: the only list from which they are read, written and described.
struct SettingsSection<Root> {
    private struct Key {
        let name: String
        let read: (SettingsReader, inout Root) -> Void
        let write: (Root) -> SettingsNode?
        /// Whether both have the same value.
        let isEqual: (Root, Root) -> Bool
        let reference: (_ path: String) -> [KeyReference]
        let condition: SettingsCondition<Root>?
    }
    /// The values of the keys that are not given.
    private let initial: Root
    private var keys: [Key] = []
    /// Fills in defaults that depend on other keys, and reports what does not go together.
    var resolve: (inout Root, SettingsReader) -> Void = { _, _ in }

    init(initial: Root) {
        self.initial = initial
    }

    /// The names of all keys.
    var names: [String] { keys.map(\.name) }

    /// Adds a key whose default is the initial value; `defaultText` describes one that depends on other keys.
    mutating func key<Value>(
        _ name: String, _ path: WritableKeyPath<Root, Value>, _ type: SettingsType<Value>,
        default defaultText: String? = nil, when condition: SettingsCondition<Root>? = nil,
        _ description: String
    ) {
        let text = defaultText ?? type.write(initial[keyPath: path]).text
        add(
            name, type, default: text, isRequired: false, condition, description,
            set: { $0[keyPath: path] = $1 }, get: { $0[keyPath: path] })
    }

    /// Adds a key that must be given.
    mutating func requiredKey<Value>(
        _ name: String, _ path: WritableKeyPath<Root, Value>, _ type: SettingsType<Value>,
        _ description: String
    ) {
        add(
            name, type, default: nil, isRequired: true, nil, description, set: { $0[keyPath: path] = $1 },
            get: { $0[keyPath: path] })
    }

    /// Adds a key that may be left out, which then is nil; `defaultText` describes what that means.
    mutating func optionalKey<Value>(
        _ name: String, _ path: WritableKeyPath<Root, Value?>, _ type: SettingsType<Value>,
        default defaultText: String? = nil, when condition: SettingsCondition<Root>? = nil,
        _ description: String
    ) {
        add(
            name, type, default: defaultText, isRequired: false, condition, description,
            set: { $0[keyPath: path] = $1 }, get: { $0[keyPath: path] })
    }

    private mutating func add<Value>(
        _ name: String, _ type: SettingsType<Value>, default defaultText: String?, isRequired: Bool,
        _ condition: SettingsCondition<Root>?, _ description: String,
        set: @escaping (inout Root, Value) -> Void,
        get: @escaping (Root) -> Value?
    ) {
        keys.append(
            Key(
                name: name,
                read: { reader, root in
                    if let value = reader[name] {
                        if let value = type.read(value) { set(&root, value) }
                    } else if isRequired {
                        reader.report(
                            name, "the key is missing; expected \(type.expectation): \(description)")
                    }
                },
                write: { root in
                    guard condition?.holds(root) ?? true else { return nil }
                    return get(root).map(type.write)
                },
                isEqual: { get($0).map(type.write)?.text == get($1).map(type.write)?.text },
                reference: { path in
                    let key = KeyReference(
                        path: path, type: type.expectation, defaultValue: defaultText, isRequired: isRequired,
                        description: description)
                    return [key] + type.keys(path)
                },
                condition: condition))
    }
}

extension SettingsSection {
    /// Reads a mapping into the initial values; returns nil after reporting that it is none.
    func read(_ value: SettingsValue) -> Root? {
        guard let reader = SettingsReader(value) else { return nil }
        reader.reportUnknownKeys(except: names)
        var root = initial
        for key in keys {
            key.read(reader, &root)
        }
        for key in keys {
            guard let condition = key.condition, reader.has(key.name), !condition.holds(root) else {
                continue
            }
            if condition.takesDefault, key.isEqual(root, initial) { continue }
            if condition.keys.allSatisfy({ reader.isSound($0) }) {
                reader.reportKey(key.name, condition.problem(root))
            }
        }
        resolve(&root, reader)
        return root
    }

    /// Writes all keys that have a meaning and a value.
    func write(_ root: Root) -> SettingsNode {
        let entries = keys.compactMap { key in
            key.write(root).map { SettingsNode.Entry(key: key.name, origin: .program, value: $0) }
        }
        return SettingsNode(content: .mapping(entries))
    }

    /// All keys, those of mappings below them included, in the order of the sections.
    func references(below path: String) -> [KeyReference] {
        keys.flatMap { $0.reference(path.isEmpty ? $0.name : "\(path).\($0.name)") }
    }

    /// The type of a key that has such a mapping as its value. `describesKeys` is false where the reference has the
    /// same keys at another place.
    func type(_ expectation: String = "a mapping", describesKeys: Bool = true) -> SettingsType<Root> {
        SettingsType(
            expectation: expectation, read: read, write: write,
            keys: { describesKeys ? references(below: $0) : [] })
    }
}
