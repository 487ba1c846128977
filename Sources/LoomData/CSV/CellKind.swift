/// What the text of a table's cell looks like to a reader.
enum CellKind: Sendable, Equatable {
    /// a number as it is read
    case number
    /// a number with more than digits and a point: `1,234`, `5 %`, `$12`
    case formattedNumber
    /// what stands for a value that is not known: nothing, `?`, `NA`
    case missing
    /// a day or a time: `2024-01-31`, `31.1.2024`, `1/31/24`, `12:30`
    case date
    /// anything else
    case word

    /// What `cell` looks like.
    init(_ cell: CSVCells.Cell, point: UInt8) {
        if let value = cell.number(point: point) {
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
        } else if Self.isDate(trimmed) {
            self = .date
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

    /// Whether `bytes`, without blanks around them, stand for a missing category. Words such as "none" may be categories.
    static func isMissingCategory(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = bytes.first else { return true }
        // The letters that the marks begin with, before the text is looked up.
        guard bytes.count <= 5, "?nN#<\\".utf8.contains(first) else { return false }
        return missingCategories.contains(String(decoding: bytes, as: UTF8.self).lowercased())
    }

    private static let missingCategories: Set<String> = [
        "?", "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "null", "\\n",
    ]

    /// Three numbers with equal marks between them, one of them with four digits or all with slashes or hyphens, perhaps a
    /// time behind them; or a time alone.
    private static func isDate(_ text: Substring) -> Bool {
        let day = text.prefix { !$0.isWhitespace && $0 != "T" }
        if isTime(day), day.count == text.count { return true }
        guard let mark = day.first(where: { !("0"..."9").contains($0) }), "-/.".contains(mark) else { return false }
        let parts = day.split(separator: mark, omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ isDigits($0, 1...4) }) else { return false }
        let isYearFirst = parts[0].count == 4
        let year = isYearFirst ? parts[0] : parts[2]
        let others = [parts[1], isYearFirst ? parts[2] : parts[0]]
        return (year.count == 4 || (year.count == 2 && mark != ".")) && others.allSatisfy { $0.count <= 2 }
    }

    private static func isTime(_ text: Substring) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return (2...3).contains(parts.count) && parts.dropLast().allSatisfy { isDigits($0, 1...2) }
            && isDigits(parts[parts.count - 1].prefix { $0 != "." }, 2...2)
    }

    private static func isDigits(_ text: Substring, _ count: ClosedRange<Int>) -> Bool {
        count.contains(text.count) && text.allSatisfy { ("0"..."9").contains($0) }
    }

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
        case .date:
            "dates and times are not read: give numbers, such as days since a day of your choice, or ignore the column"
        case .number, .word:
            "correct the cell, remove the line, or ignore the column"
        }
    }

    /// What to do about such a cell in a feature column: more can be declared for those.
    var featureRemedy: String {
        switch self {
        case .missing: remedy + "; data.csv.missing can leave such lines out, or fill them in"
        case .formattedNumber: remedy + "; data.csv.decimal declares decimal commas"
        case .number, .word: remedy + "; if it holds categories, list it in data.csv.categories"
        case .date: remedy
        }
    }
}

/// How many cells of a column look like what.
struct CellCensus: Sendable, Equatable {
    private(set) var numbers = 0
    private(set) var formattedNumbers = 0
    private(set) var missing = 0
    /// Days and times among them: a class may be called like a day.
    private(set) var words = 0
    private(set) var dates = 0
    /// The first record whose cell is not read as a number.
    private(set) var firstText: Int?
    /// The first record whose cell stands for a missing value.
    private(set) var firstMissing: Int?

    /// Adds `count` cells of one kind, of which the first is that of `record`.
    mutating func add(_ kind: CellKind, count: Int, record: Int) {
        switch kind {
        case .number: numbers += count
        case .formattedNumber: formattedNumbers += count
        case .missing: missing += count
        case .word, .date: words += count
        }
        if kind != .number { firstText = min(firstText ?? record, record) }
        if kind == .missing { firstMissing = min(firstMissing ?? record, record) }
        if kind == .date { dates += count }
    }

    /// Whether the column is one of numbers, where a text is a mistake. Words that are more frequent than numbers name
    /// classes.
    var isNumeric: Bool {
        let numeric = numbers + formattedNumbers
        return numeric > 0 && numeric >= words
    }
}
