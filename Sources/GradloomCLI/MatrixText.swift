import LoomReporting
import LoomRuns

/// Matrices as people read them: aligned columns under their numbers, counted from 0, wide ones in parts.
struct MatrixText {
    /// Significant digits.
    let digits: Int
    /// The columns of one part.
    private static let columnsPerPart = 8

    /// `rows` under a heading, indented.
    ///
    /// - Parameters:
    ///   - rowName: What a row is, such as `sample`; the first column counts it.
    ///   - columnName: What a column is, such as `unit`.
    ///   - rowNumbers: The numbers of the rows; nil: from 0.
    func text(
        _ heading: String, _ rows: [[Double]], rowName: String, columnName: String, rowNumbers: [Int]? = nil
    ) -> String {
        var text = "  \(heading)\n"
        let width = rows.first?.count ?? 0
        for start in stride(from: 0, to: width, by: Self.columnsPerPart) {
            let columns = start..<min(start + Self.columnsPerPart, width)
            var table = TextTable(
                columns: [.init(rowName, alignment: .right)]
                    + columns.map {
                        .init($0 == start ? "\(columnName) \($0)" : "\($0)", alignment: .right)
                    })
            for (index, row) in rows.enumerated() {
                table.append(["\(rowNumbers?[index] ?? index)"] + row[columns].map(number))
            }
            text += table.rendered(indent: 4)
        }
        return text
    }

    /// One number in these digits; an exact 0 is short.
    func number(_ value: Double) -> String {
        value == 0 ? "0" : NumberFormat.number(value, significantDigits: digits)
    }
}
