/// Keys that got another name: a configuration with the former one is still read, with a note.
enum FormerKeys {
    /// Paths by their former ones, both of the same length.
    static let paths = [
        ["parallel", "products"]: ["parallel", "gemm"], ["parallel", "gradient"]: ["parallel", "route"],
    ]
    /// Values that got another name, by the path of their key.
    static let values = [["parallel", "route"]: ["sliced": "partition", "columns": "reduce_scatter"]]

    /// The path that is meant by `path` of an override.
    static func current(_ path: [String], override: String, _ reading: SettingsReading) -> [String] {
        for (former, current) in paths where path.starts(with: former) {
            reading.note(former.joined(separator: "."), at: .override(override), advice(current))
            return current + path.dropFirst(former.count)
        }
        return path
    }

    /// Renames the former keys below `root`. Both names at once are a mistake, which is reported.
    static func rename(in root: inout SettingsNode, _ reading: SettingsReading) {
        for (former, current) in paths { rename(former, current, depth: 0, in: &root, reading) }
        for (path, words) in values { replace(words, at: path[...], of: path, in: &root, reading) }
    }

    /// Replaces the former value of the key at `rest`, the part of `path` below `node`.
    private static func replace(
        _ words: [String: String], at rest: ArraySlice<String>, of path: [String], in node: inout SettingsNode,
        _ reading: SettingsReading
    ) {
        guard let key = rest.first else {
            guard case .scalar(let text, let isPlain) = node.content, let current = words[text] else { return }
            node.content = .scalar(current, isPlain: isPlain)
            reading.note(
                path.joined(separator: "."), at: node.origin, "'\(text)' is now called \(current), and still read")
            return
        }
        guard case .mapping(var entries) = node.content, let index = entries.firstIndex(where: { $0.key == key }) else {
            return
        }
        replace(words, at: rest.dropFirst(), of: path, in: &entries[index].value, reading)
        node.content = .mapping(entries)
    }

    private static func rename(
        _ former: [String], _ current: [String], depth: Int, in node: inout SettingsNode, _ reading: SettingsReading
    ) {
        guard case .mapping(var entries) = node.content,
            let index = entries.firstIndex(where: { $0.key == former[depth] })
        else { return }
        let entry = entries[index]
        if depth + 1 < former.count {
            rename(former, current, depth: depth + 1, in: &entries[index].value, reading)
        } else if entries.contains(where: { $0.key == current[depth] }) {
            reading.report(
                former.joined(separator: "."), at: entry.origin,
                "the former name of \(current.joined(separator: ".")), which is given, too; remove one of them")
            entries.remove(at: index)
        } else {
            entries[index] = SettingsNode.Entry(key: current[depth], origin: entry.origin, value: entry.value)
            reading.note(former.joined(separator: "."), at: entry.origin, advice(current))
        }
        node.content = .mapping(entries)
    }

    private static func advice(_ current: [String]) -> String {
        "is now called \(current.joined(separator: ".")), and still read"
    }
}
