import CKernels

/// Decimal numbers from bytes.
enum NumberParser {
    /// The usual mark before a fraction.
    static let point = UInt8(ascii: ".")

    /// The number that `bytes` spell, correctly rounded, with spaces and tabs around it; nil when they spell none. `point`
    /// stands before the fraction.
    static func parse(_ bytes: UnsafeBufferPointer<UInt8>, point: UInt8 = point) -> Double? {
        let text = trimmed(bytes)
        guard let base = text.baseAddress, !text.isEmpty else { return nil }
        var value = 0.0
        if loom_parse_number(base, 0, text.count, text.count, point, &value) != 0 { return value }
        return parseAny(text, point: point)
    }

    /// `bytes` without spaces and tabs around them.
    static func trimmed(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var start = 0
        var end = bytes.count
        while start < end && isBlank(bytes[start]) { start += 1 }
        while end > start && isBlank(bytes[end - 1]) { end -= 1 }
        return UnsafeBufferPointer(rebasing: bytes[start..<end])
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    /// Long, tiny and huge numbers, and names such as "nan".
    private static func parseAny(_ bytes: UnsafeBufferPointer<UInt8>, point: UInt8) -> Double? {
        // Swift reads hexadecimal numbers too; in a table they are more likely an identifier.
        guard !bytes.contains(where: { $0 | 0x20 == UInt8(ascii: "x") }) else { return nil }
        guard point != Self.point else { return Double(String(decoding: bytes, as: UTF8.self)) }
        guard !bytes.contains(Self.point) else { return nil }
        return Double(String(decoding: bytes.map { $0 == point ? Self.point : $0 }, as: UTF8.self))
    }
}
