/// One `KEY.PATH=VALUE` of the command line: replaces a value of the configuration, or adds one.
struct SettingsOverride {
    /// The whole text.
    let text: String
    /// Keys of mappings and indices of lists.
    let path: [String]
    /// The new value.
    let value: SettingsNode

    /// Reads `text`; the value is YAML. Returns nil after reporting what is wrong with it.
    init?(_ text: String, reading: SettingsReading) {
        self.text = text
        guard let separator = text.firstIndex(of: "=") else {
            reading.report(
                "", at: .override(text), "expected KEY.PATH=VALUE, such as optimizer.learning_rate=0.05")
            return nil
        }
        let given = text[..<separator].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        path = FormerKeys.current(given, override: text, reading)
        guard path.allSatisfy({ !$0.isEmpty && !$0.contains(where: \.isWhitespace) }) else {
            reading.report(
                "", at: .override(text),
                "'\(text[..<separator])' is not a key path; expected keys with points between them, such as "
                    + "optimizer.learning_rate")
            return nil
        }
        do {
            let yaml = String(text[text.index(after: separator)...])
            value =
                try SettingsNode.parse(yaml: yaml, override: text)
                ?? SettingsNode(content: .scalar("", isPlain: true), origin: .override(text))
        } catch {
            reading.report(path.joined(separator: "."), at: .override(text), error.problem)
            return nil
        }
    }

    /// Puts the value into `root`. A key that is not there is added with all mappings above it; what stands where a
    /// mapping has to be is replaced by one. An index has to be there.
    func apply(to root: inout SettingsNode, reading: SettingsReading) {
        root = replacing(root, depth: 0, reading: reading)
    }

    private func replacing(_ node: SettingsNode?, depth: Int, reading: SettingsReading) -> SettingsNode {
        guard depth < path.count else { return value }
        let key = path[depth]
        switch node?.content {
        case .list(var elements):
            guard let index = Int(key), elements.indices.contains(index) else {
                let list = path[..<depth].joined(separator: ".")
                reading.report(
                    path.joined(separator: "."), at: .override(text),
                    "\(list) is a list of \(elements.count); expected one of its indices, 0 to \(elements.count - 1), "
                        + "found '\(key)'; to change their number, replace the whole list")
                return node!
            }
            elements[index] = replacing(elements[index], depth: depth + 1, reading: reading)
            return SettingsNode(content: .list(elements), origin: node!.origin)
        case .mapping(var entries):
            if let index = entries.firstIndex(where: { $0.key == key }) {
                entries[index].value = replacing(entries[index].value, depth: depth + 1, reading: reading)
            } else {
                entries.append(added(key, depth: depth, reading: reading))
            }
            return SettingsNode(content: .mapping(entries), origin: node!.origin)
        case .scalar, nil:
            return SettingsNode(
                content: .mapping([added(key, depth: depth, reading: reading)]), origin: .override(text))
        }
    }

    private func added(_ key: String, depth: Int, reading: SettingsReading) -> SettingsNode.Entry {
        SettingsNode.Entry(
            key: key, origin: .override(text), value: replacing(nil, depth: depth + 1, reading: reading))
    }
}
