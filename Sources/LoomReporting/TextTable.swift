/// A table in plain text: aligned columns, two spaces apart, under a ruled header.
///
///     phase      time  share
///                  µs      %
///     ────────  ─────  ─────
///     shard     102.4   71.3
public struct TextTable: Sendable {
    /// One column.
    public struct Column: Sendable {
        /// Where shorter cells stand.
        public enum Alignment: Sendable {
            /// For names.
            case left
            /// For numbers.
            case right
        }

        /// The header; "" for a column without one.
        public let title: String
        /// The unit, on a line of its own below the header; nil where the column has none.
        public let unit: String?
        /// Where shorter cells stand.
        public let alignment: Alignment

        /// A column.
        public init(_ title: String, unit: String? = nil, alignment: Alignment = .left) {
            self.title = title
            self.unit = unit
            self.alignment = alignment
        }
    }

    /// The columns.
    public let columns: [Column]
    /// The cells row by row, each with one cell a column.
    public private(set) var rows: [[String]] = []

    /// A table without rows.
    public init(columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row below the others; it must have one cell a column.
    public mutating func append(_ cells: [String]) {
        precondition(
            cells.count == columns.count, "a row has \(cells.count) cells for \(columns.count) columns")
        rows.append(cells)
    }

    /// The table's lines, each ended by a newline and without spaces at its end. Header and rule are left out where
    /// no column has a title.
    ///
    /// - Parameter indent: spaces before every line.
    public func rendered(indent: Int = 0) -> String {
        let titles = columns.map(\.title)
        let units = columns.map { $0.unit ?? "" }
        let widths = columns.indices.map { column in
            (rows.map { $0[column] } + [titles[column], units[column]]).map(\.terminalWidth).max() ?? 0
        }
        var lines: [String] = []
        if titles.contains(where: { !$0.isEmpty }) {
            lines.append(line(titles, widths: widths))
            if units.contains(where: { !$0.isEmpty }) {
                lines.append(line(units, widths: widths))
            }
            lines.append(line(widths.map { String(repeating: "─", count: $0) }, widths: widths))
        }
        lines += rows.map { line($0, widths: widths) }
        let margin = String(repeating: " ", count: indent)
        return lines.map { $0.isEmpty ? "\n" : margin + $0 + "\n" }.joined()
    }

    private func line(_ cells: [String], widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: widths[index] - cell.terminalWidth)
            line +=
                (index > 0 ? "  " : "")
                + (columns[index].alignment == .right ? padding + cell : cell + padding)
        }
        return String(line.reversed().drop { $0 == " " }.reversed())
    }
}

extension String {
    /// The columns that the text takes on a terminal: wide East Asian characters and emoji take two.
    ///
    /// Ranges of the blocks that Unicode Standard Annex #11 lists as wide.
    var terminalWidth: Int {
        reduce(0) { width, character in
            guard let scalar = character.unicodeScalars.first?.value else { return width }
            let isWide =
                (0x1100...0x115F).contains(scalar) || (0x2E80...0xA4CF).contains(scalar)
                || (0xAC00...0xD7A3).contains(scalar) || (0xF900...0xFAFF).contains(scalar)
                || (0xFE30...0xFE6F).contains(scalar) || (0xFF00...0xFF60).contains(scalar)
                || (0x1F300...0x1FAFF).contains(scalar) || (0x20000...0x3FFFD).contains(scalar)
            return width + (isWide ? 2 : 1)
        }
    }

    /// The longest beginning that fits into `columns` columns of a terminal, ended by "…" where something was cut.
    func truncated(toTerminalWidth columns: Int) -> String {
        guard terminalWidth > columns else { return self }
        guard columns > 0 else { return "" }
        var result = self
        while result.terminalWidth > columns - 1 { result.removeLast() }
        return result + "…"
    }
}
