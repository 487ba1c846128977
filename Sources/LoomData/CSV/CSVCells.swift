/// The cells of one record, from left to right.
struct CSVCells {
    /// A cell's bytes, without its quotes.
    struct Cell {
        let bytes: UnsafeBufferPointer<UInt8>
        /// whether doubled quotes stand for single ones
        let hasEscapes: Bool

        /// The text, with single quotes for doubled ones. By bytes: a quote and an accent behind it are one character.
        var text: String {
            guard hasEscapes else { return String(decoding: bytes, as: UTF8.self) }
            var isSecond = false
            let single = bytes.filter { byte in
                isSecond = byte == CSVRecords.quote && !isSecond
                return byte != CSVRecords.quote || isSecond
            }
            return String(decoding: single, as: UTF8.self)
        }

        /// The number that the cell spells, with `point` before its fraction; nil: none.
        func number(point: UInt8) -> Double? { hasEscapes ? nil : NumberParser.parse(bytes, point: point) }

        /// The bytes without blanks around them.
        var trimmed: UnsafeBufferPointer<UInt8> { NumberParser.trimmed(bytes) }

        /// The cell for a message: quoted, or said to be empty.
        var shown: String {
            let text = text
            if text.allSatisfy(\.isWhitespace) { return "an empty cell" }
            return text.count > 40 ? "\"\(text.prefix(40))…\"" : "\"\(text)\""
        }
    }

    private let record: UnsafeBufferPointer<UInt8>
    private let separator: UInt8
    private var position = 0
    private var isAtEnd = false
    /// Whether a closing quote was followed by something other than a separator.
    private(set) var isMalformed = false

    init(_ record: UnsafeBufferPointer<UInt8>, separator: UInt8) {
        self.record = record
        self.separator = separator
    }

    /// The next cell; nil after the last one and after a malformed one.
    mutating func next() -> Cell? {
        guard !isAtEnd else { return nil }
        if position < record.count && record[position] == CSVRecords.quote { return nextQuoted() }
        let start = position
        while position < record.count && record[position] != separator {
            position += 1
        }
        return finish(start, position, hasEscapes: false)
    }

    private mutating func nextQuoted() -> Cell? {
        position += 1
        let start = position
        var hasEscapes = false
        while position < record.count {
            if record[position] == CSVRecords.quote {
                guard position + 1 < record.count && record[position + 1] == CSVRecords.quote else { break }
                hasEscapes = true
                position += 1
            }
            position += 1
        }
        let end = position
        position += 1
        if end >= record.count || (position < record.count && record[position] != separator) {
            isMalformed = true
            isAtEnd = true
            return nil
        }
        return finish(start, end, hasEscapes: hasEscapes)
    }

    /// Steps over the separator. A separator at the record's very end starts one more, empty cell.
    private mutating func finish(_ start: Int, _ end: Int, hasEscapes: Bool) -> Cell {
        isAtEnd = position >= record.count
        position += 1
        return Cell(bytes: UnsafeBufferPointer(rebasing: record[start..<end]), hasEscapes: hasEscapes)
    }
}
