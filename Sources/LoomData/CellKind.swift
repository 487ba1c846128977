/// What the text of a table's cell looks like to a reader.
enum CellKind: Sendable, Equatable {
    /// a number as it is read
    case number
    /// a number with more than digits and a point: `1,234`, `5 %`, `$12`
    case formattedNumber
    /// what stands for a value that is not known: nothing, `?`, `NA`
    case missing
    /// anything else
    case word

    /// What `cell` looks like.
    init(_ cell: CSVCells.Cell) {
        if let value = cell.number {
            self = value.isNaN ? .missing : .number
        } else {
            self.init(text: cell.text)
        }
    }

    /// What `text`, which is not read as a number, looks like.
    init(text: String) {
        let trimmed = Self.trimmed(text)
        if Self.missingMarks.contains(trimmed.lowercased()) {
            self = .missing
        } else {
            self = Self.isFormattedNumber(trimmed) ? .formattedNumber : .word
        }
    }

    private static func trimmed(_ text: String) -> Substring {
        let rest = text.drop(while: \.isWhitespace)
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return rest[...last]
    }

    /// In lower case. What statistics programs and spreadsheets write, and what people do.
    private static let missingMarks: Set<String> = [
        "", "?", "-", "--", "---", "–", "—", ".", "..", "*", "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "-nan", "null",
        "nil", "none", "\\n", "#value!", "#div/0!", "#ref!", "#num!", "1.#qnan", "1.#ind", "-1.#ind",
    ]

    /// Digits with marks between them, perhaps with a sign, brackets, a percent sign or a currency's around them.
    private static func isFormattedNumber(_ text: Substring) -> Bool {
        func isAround(_ character: Character) -> Bool {
            character.isCurrencySymbol || character.isWhitespace || "+-−()%‰".contains(character)
        }
        let start = text.drop(while: isAround)
        guard let last = start.lastIndex(where: { !isAround($0) }) else { return false }
        var digits = start[...last]
        if let exponent = digits.lastIndex(where: { $0 == "e" || $0 == "E" }) {
            let power = digits[digits.index(after: exponent)...].drop { "+-".contains($0) }
            guard !power.isEmpty, power.allSatisfy({ ("0"..."9").contains($0) }) else { return false }
            digits = digits[..<exponent]
        }
        // Points and commas, and what groups digits: spaces, apostrophes, underscores.
        return digits.contains { ("0"..."9").contains($0) }
            && digits.allSatisfy { ("0"..."9").contains($0) || ".,'’_".contains($0) || $0.isWhitespace }
    }

    /// What to do about a cell of this kind where a number is expected.
    var remedy: String {
        switch self {
        case .formattedNumber:
            "write numbers with digits and a decimal point alone: 1234.5, not 1,234.5 or 1234,5, and without % or currencies"
        case .missing:
            "missing values are not filled in: give the number, remove the line, or ignore the column"
        case .number, .word:
            "correct the cell, remove the line, or ignore the column"
        }
    }
}

/// How many cells of a label column look like what.
struct LabelCensus: Sendable, Equatable {
    private(set) var numbers = 0
    private(set) var formattedNumbers = 0
    private(set) var missing = 0
    private(set) var words = 0
    /// The first record whose label is not read as a number.
    private(set) var firstText: Int?
    /// The first record whose label stands for a missing value.
    private(set) var firstMissing: Int?

    mutating func add(_ kind: CellKind, record: Int) {
        switch kind {
        case .number: numbers += 1
        case .formattedNumber: formattedNumbers += 1
        case .missing: missing += 1
        case .word: words += 1
        }
        if kind != .number, firstText == nil { firstText = record }
        if kind == .missing, firstMissing == nil { firstMissing = record }
    }

    /// Whether the column is one of numbers, where a text is a mistake. Words that are more frequent than numbers name
    /// classes.
    var isNumeric: Bool {
        let numeric = numbers + formattedNumbers
        return numeric > 0 && numeric >= words
    }
}
