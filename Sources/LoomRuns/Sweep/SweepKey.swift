import LoomConfiguration

/// A key of a configuration, and the values among which a search chooses.
package struct SweepKey: Sendable, Equatable {
    /// The values.
    package enum Values: Sendable, Equatable {
        /// one of these texts of YAML
        case list([String])
        /// any value between two numbers
        case range(SweepRange)
    }
    /// The path of the key, "training.batch".
    package let path: String
    /// The values.
    package let values: Values

    /// Reads KEY.PATH=VALUES. Commas separate the values of a list, those in brackets, braces and quotation marks excepted:
    /// `a=[1, 2],[3]` has two.
    /// - Throws: `SweepError.values`.
    package init(_ text: String) throws(SweepError) {
        guard let separator = text.firstIndex(of: "=") else {
            throw .values(text: text, problem: "expected KEY.PATH=VALUES, such as training.batch=32,64,128")
        }
        path = String(text[..<separator])
        let value = String(text[text.index(after: separator)...])
        if let range = try SweepRange(value, in: text) {
            values = .range(range)
            return
        }
        let list = Self.elements(of: value)
        guard !list.contains("") else {
            throw .values(text: text, problem: "a value is missing; expected values with commas between them")
        }
        for (index, element) in list.enumerated() where list[..<index].contains(element) {
            throw .values(text: text, problem: "the value \(element) is there more than once")
        }
        values = .list(list)
    }

    /// Whether trials differ in this key.
    package var isChanged: Bool { if case .list(let list) = values { list.count > 1 } else { true } }

    /// Whether the values are a list.
    var isList: Bool { if case .list = values { true } else { false } }

    /// The values of a grid.
    var gridValues: [String] {
        switch values {
        case .list(let list): list
        case .range(let range): range.gridValues
        }
    }

    /// The number of points of a grid, which is known without making them.
    var gridCount: Int {
        switch values {
        case .list(let list): list.count
        case .range(let range): range.points > SweepError.mostTrials ? range.points : range.gridValues.count
        }
    }

    /// The value that the random number `uniform`, between 0 and 1, leads to.
    func drawn(_ uniform: Double) -> String {
        switch values {
        case .list(let list): list[min(list.count - 1, Int(uniform * Double(list.count)))]
        case .range(let range): range.drawn(uniform)
        }
    }

    private static func elements(of value: String) -> [String] {
        var (elements, depth, quote) = ([""], 0, Character?.none)
        for character in value {
            switch character {
            case _ where quote != nil: if character == quote { quote = nil }
            case "\"", "'": quote = character
            case "[", "{": depth += 1
            case "]", "}": depth -= 1
            case "," where depth <= 0:
                elements.append("")
                continue
            default: break
            }
            elements[elements.count - 1].append(character)
        }
        return elements.map { element in
            String(element.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        }
    }
}
