#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where the records of a CSV file are. Records follow RFC 4180: a quoted cell may hold separators, line ends and
/// doubled quotes. Blank lines are no records.
struct CSVRecords: Sendable {
    static let quote = UInt8(ascii: "\"")
    private static let newline = UInt8(ascii: "\n")

    /// The first byte of each record.
    private(set) var starts: [Int] = []
    /// The byte after the last one of each record, without its line end.
    private(set) var ends: [Int] = []
    /// The line that each record starts in, counted from 1.
    private(set) var lines: [Int] = []

    /// Bytes that are read before the memory behind them is given back.
    private static let releasedBytes = 4 << 20

    /// Finds the records of `bytes`. Throws for a file that is empty, in another format or not in UTF-8, and for a quote
    /// that isn't closed. `options` tell the separator, for messages; `release` is told which bytes have been read.
    init(
        _ bytes: UnsafeBufferPointer<UInt8>, path: String, options: CSVOptions = .init(),
        release: (Range<Int>) -> Void = { _ in }
    ) throws(DataError) {
        try Self.checkEncoding(bytes, path: path, options: options, release: release)
        // Excel marks UTF-8 with a byte order mark.
        var position = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
        var line = 1
        let hasQuotes = Self.hasQuotes(bytes, release: release)
        var released = 0
        while position < bytes.count {
            let start = position
            let firstLine = line
            var quotes = 0
            repeat {
                let end = Self.lineEnd(bytes, from: position)
                if hasQuotes {
                    quotes += bytes[position..<end].count { $0 == Self.quote }
                }
                position = end + 1
                line += 1
                // Quotes come in pairs, so a line end after an odd number of them is inside a quoted cell.
            } while quotes % 2 == 1 && position < bytes.count
            if quotes % 2 == 1 {
                throw DataError(
                    .badData, source: path, place: "line \(firstLine)",
                    problem: "a quote in this record is never closed",
                    remedy: "close it, or double it if it is part of the text (RFC 4180)")
            }
            var end = min(position - 1, bytes.count)
            if end > start && bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            if end > start {
                starts.append(start)
                ends.append(end)
                lines.append(firstLine)
            }
            if position - released >= Self.releasedBytes {
                release(released..<position)
                released = position
            }
        }
        guard !starts.isEmpty else {
            throw DataError(
                .badData, source: path, problem: "the file is empty", remedy: "give one sample per line")
        }
        if starts.count == 1, bytes[starts[0]..<ends[0]].contains(UInt8(ascii: "\r")) {
            throw DataError(
                .badData, source: path, problem: "the lines end in carriage returns alone, as on old Macintoshes",
                remedy: "convert them: tr '\\r' '\\n' < FILE > NEW")
        }
    }

    private static func hasQuotes(_ bytes: UnsafeBufferPointer<UInt8>, release: (Range<Int>) -> Void) -> Bool {
        for start in stride(from: 0, to: bytes.count, by: releasedBytes) {
            let piece = start..<min(start + releasedBytes, bytes.count)
            if let base = bytes.baseAddress, memchr(base + start, Int32(quote), piece.count) != nil { return true }
            release(piece)
        }
        return false
    }

    private static func lineEnd(_ bytes: UnsafeBufferPointer<UInt8>, from position: Int) -> Int {
        guard let base = bytes.baseAddress, position < bytes.count,
            let found = memchr(base + position, Int32(newline), bytes.count - position)
        else { return bytes.count }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    private static func checkEncoding(
        _ bytes: UnsafeBufferPointer<UInt8>, path: String, options: CSVOptions, release: (Range<Int>) -> Void
    ) throws(DataError) {
        let raw = UnsafeRawBufferPointer(bytes)
        if let format = FileFormat.known(raw) {
            throw DataError(
                .badData, source: path, problem: "the file is \(format.what), expected CSV text", remedy: format.remedy)
        }
        var released = 0
        let fault = UTF8Text.firstFault(in: raw) { position in
            release(released..<position)
            released = position
        }
        guard let fault else { return }
        let line = UTF8Text.line(of: fault, in: raw)
        let (problem, remedy) = UTF8Text.describe(raw, faultAt: fault)
        let firstLine = UnsafeBufferPointer(rebasing: bytes[..<lineEnd(bytes, from: 0)])
        let separator = try CSVLayout.separator(firstLine, options: options)
        let column = 1 + separators(UnsafeBufferPointer(rebasing: bytes[line.start..<fault]), separator)
        throw DataError(
            .badData, source: path, place: "line \(line.number), column \(column)", problem: problem, remedy: remedy)
    }

    /// The separators in `bytes` that are not in quotes.
    static func separators(_ bytes: UnsafeBufferPointer<UInt8>, _ separator: UInt8) -> Int {
        var isQuoted = false
        var count = 0
        for byte in bytes {
            if byte == quote { isQuoted.toggle() }
            if byte == separator && !isQuoted { count += 1 }
        }
        return count
    }
}

/// The cells of one record, from left to right.
struct CSVCells {
    /// A cell's bytes, without its quotes.
    struct Cell {
        let bytes: UnsafeBufferPointer<UInt8>
        /// whether doubled quotes stand for single ones
        let hasEscapes: Bool

        var text: String {
            let raw = String(decoding: bytes, as: UTF8.self)
            return hasEscapes ? raw.replacing("\"\"", with: "\"") : raw
        }

        var number: Double? { hasEscapes ? nil : NumberParser.parse(bytes) }

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
