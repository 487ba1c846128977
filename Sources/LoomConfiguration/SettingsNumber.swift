/// How numbers are written in a configuration: decimal, with underscores between digits where wanted.
///
/// YAML 1.1 would read 010 as 8 and 1:30 as 90; here a number is what it looks like, and all else is text.
package enum SettingsNumber {
    /// Whether `text` is a number, perhaps not a finite one.
    static func isNumber(_ text: String) -> Bool {
        real(text) != nil || isNotFinite(text)
    }

    /// Whether `text` is one of YAML's names for infinities and not-a-number.
    static func isNotFinite(_ text: String) -> Bool {
        [".inf", "+.inf", "-.inf", ".nan"].contains(text.lowercased())
    }

    /// Whether `text` consists of digits, with a sign and underscores between digits where wanted.
    package static func isWhole(_ text: String) -> Bool {
        let digits = text.drop { $0 == "-" || $0 == "+" }
        guard text.count - digits.count <= 1, isDigits(digits) else { return false }
        return digits == "0" || digits.first != "0"
    }

    /// A whole number; nil when it is none, or too large for `Value`.
    package static func whole<Value: FixedWidthInteger>(_ text: String, as type: Value.Type = Value.self) -> Value? {
        isWhole(text) ? Value(text.filter { $0 != "_" }) : nil
    }

    /// A finite number such as 3, -0.5, .5, 1_000.25 or 1e-3.
    package static func real(_ text: String) -> Double? {
        let unsigned = text.drop { $0 == "-" || $0 == "+" }
        guard text.count - unsigned.count <= 1 else { return nil }
        let parts = unsigned.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
            .flatMap { $0.split(separator: "E", maxSplits: 1, omittingEmptySubsequences: false) }
        guard let mantissa = parts.first, parts.count <= 2, isMantissa(mantissa) else { return nil }
        if parts.count == 2 {
            let exponent = parts[1].first.map { "+-".contains($0) } == true ? parts[1].dropFirst() : parts[1]
            guard isDigits(exponent) else { return nil }
        }
        return Double(text.filter { $0 != "_" }).flatMap { $0.isFinite ? $0 : nil }
    }

    private static func isMantissa(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 1 { return isDigits(text) && (text == "0" || text.first != "0") }
        return parts.contains { !$0.isEmpty } && parts.allSatisfy { $0.isEmpty || isDigits($0) }
    }

    private static func isDigits(_ text: Substring) -> Bool {
        guard let first = text.first, let last = text.last, first != "_", last != "_" else { return false }
        return text.allSatisfy { $0 == "_" || ("0"..."9").contains($0) }
    }
}
