extension SettingsType<Int> {
    private static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000), ("B", 1),
    ]

    /// A number of bytes above 0, such as `512MiB`, `1.5 GB` or `1000000`.
    static var byteCount: SettingsType {
        let expectation = "a number of bytes above 0, such as 512MiB or 2GB"
        return SettingsType(
            expectation: expectation,
            read: { value in
                guard let text = value.node.text, let bytes = bytes(text) else {
                    value.mismatch(expectation)
                    return nil
                }
                return bytes
            },
            write: { bytes in
                let unit = units.first { bytes % $0.bytes == 0 }!
                return .plain(unit.bytes == 1 ? "\(bytes)" : "\(bytes / unit.bytes)\(unit.name)")
            })
    }

    private static func bytes(_ text: String) -> Int? {
        let unit = units.first { text.hasSuffix($0.name) }
        var number = text.dropLast(unit?.name.count ?? 0)
        while number.last == " " { number.removeLast() }
        guard let value = SettingsNumber.real(String(number)), value.isFinite else { return nil }
        let bytes = (value * Double(unit?.bytes ?? 1)).rounded()
        return bytes >= 1 && bytes < 0x1p62 ? Int(bytes) : nil
    }
}
