import Foundation

/// One JSON object a line.
///
/// - Keys are sorted, so equal values give equal lines.
/// - Numbers carry the shortest digits that read back to the same double.
/// - JSON has no NaN and no infinity. They are the strings "NaN", "Infinity" and "-Infinity": a loss that diverged
///   stays apart from a value that is absent (null), and Python's `float()` and JavaScript's `Number()` read them.
public enum JSONLines {
    /// `value` as one line, newline included.
    ///
    /// - Throws: what `value`'s own `encode(to:)` throws.
    public static func line(_ value: some Encodable) throws -> String {
        try text(value) + "\n"
    }

    /// `value` in one line, without a newline: for files that have it among other things.
    ///
    /// - Throws: what `value`'s own `encode(to:)` throws.
    package static func text(_ value: some Encodable) throws -> String {
        String(decoding: try encoder().encode(value), as: UTF8.self)
    }

    /// `value` over several indented lines, for files that people open; newline at the end.
    ///
    /// - Throws: what `value`'s own `encode(to:)` throws.
    public static func document(_ value: some Encodable) throws -> String {
        let encoder = encoder()
        encoder.outputFormatting.insert(.prettyPrinted)
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }

    /// Writes `value` as one line on standard output, at once, with its keys in snake case: for values whose keys are names
    /// of the library.
    ///
    /// - Throws: as `print`.
    public static func printInSnakeCase(_ value: some Encodable) throws {
        let encoder = encoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        try StandardOutput.write(encoder.encode(value) + Data("\n".utf8))
    }

    /// The value of one line.
    ///
    /// - Throws: `DecodingError`.
    public static func value<Value: Decodable>(_: Value.Type, from line: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return try decoder.decode(Value.self, from: Data(line.utf8))
    }

    /// Writes `value` as one line on standard output, at once.
    ///
    /// - Throws: what `value`'s own `encode(to:)` throws, or `StandardOutput.WriteError`.
    public static func print(_ value: some Encodable) throws {
        try StandardOutput.write(line(value))
    }

    private static func encoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return encoder
    }
}
