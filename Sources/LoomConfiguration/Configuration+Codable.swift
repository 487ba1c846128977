extension Configuration: Codable {
    /// Writes what `yaml()` writes, with the same keys, in any format.
    public func encode(to encoder: any Encoder) throws {
        try Self.section.write(self).encode(to: encoder)
    }

    /// Reads what `encode(to:)` wrote, as strictly as a file.
    ///
    /// - Throws: `ConfigurationError` for what a file could not have either.
    public init(from decoder: any Decoder) throws {
        self = try Self.read(try SettingsNode(from: decoder), SettingsReading(file: "configuration"))
    }
}

extension SettingsNode: Codable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ text: String) { stringValue = text }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        switch content {
        case .mapping(let entries):
            var container = encoder.container(keyedBy: Key.self)
            for entry in entries {
                try container.encode(entry.value, forKey: Key(entry.key))
            }
        case .list(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements {
                try container.encode(element)
            }
        case .scalar(let text, isPlain: false):
            var container = encoder.singleValueContainer()
            try container.encode(text)
        case .scalar(let text, isPlain: true):
            var container = encoder.singleValueContainer()
            if text == "true" || text == "false" {
                try container.encode(text == "true")
            } else if let whole: Int64 = SettingsNumber.whole(text) {
                try container.encode(whole)
            } else if let whole: UInt64 = SettingsNumber.whole(text) {
                try container.encode(whole)
            } else if let real = SettingsNumber.real(text) {
                try container.encode(real)
            } else {
                try container.encode(text)
            }
        }
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            let entries = try container.allKeys.map { key in
                Entry(
                    key: key.stringValue, origin: .program,
                    value: try container.decode(SettingsNode.self, forKey: key))
            }
            self.init(content: .mapping(entries))
        } else if var container = try? decoder.unkeyedContainer() {
            var elements: [SettingsNode] = []
            while !container.isAtEnd {
                elements.append(try container.decode(SettingsNode.self))
            }
            self = .list(elements)
        } else {
            self = try Self.scalar(in: decoder.singleValueContainer())
        }
    }

    private static func scalar(in container: any SingleValueDecodingContainer) throws -> SettingsNode {
        if container.decodeNil() { return .plain("null") }
        if let flag = try? container.decode(Bool.self) { return .plain("\(flag)") }
        if let whole = try? container.decode(Int64.self) { return .plain("\(whole)") }
        if let whole = try? container.decode(UInt64.self) { return .plain("\(whole)") }
        if let real = try? container.decode(Double.self) { return .plain("\(real)") }
        return .quoted(try container.decode(String.self))
    }
}
