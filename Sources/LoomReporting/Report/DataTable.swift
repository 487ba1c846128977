/// A number on a page: what is read, and what it is in the page's JSON object.
package struct ReportNumber: Sendable, Equatable {
    /// As it is read.
    package let text: String
    /// As it is.
    package let value: Double
    /// Where it is in the JSON object: a pointer of RFC 6901.
    package let pointer: String

    /// The number at `pointer` in the page's JSON object, which is `value`, written as `text`.
    package init(_ text: String, _ value: Double, _ pointer: String) {
        (self.text, self.value, self.pointer) = (text, value, pointer)
    }

    /// The text, with the value and the pointer as attributes.
    package var markup: Markup { Markup("data", ["value": "\(value)", "data-json": pointer], text: text) }
}

/// A table: names at the left, numbers at the right of their columns.
package struct DataTable: Sendable {
    /// A column.
    package struct Column: Sendable {
        let title: String
        let unit: String?
        let isNumber: Bool

        /// A column of numbers.
        package static func number(_ title: String, unit: String? = nil) -> Column {
            Column(title: title, unit: unit, isNumber: true)
        }

        /// A column of names.
        package static func text(_ title: String) -> Column { Column(title: title, unit: nil, isNumber: false) }
    }

    /// What stands in a row under a column.
    package struct Cell: Sendable {
        let content: Markup
        let isBad: Bool

        /// A name, or nothing.
        package static func text(_ text: String?) -> Cell { Cell(content: .text(text ?? ""), isBad: false) }

        /// A number, or nothing.
        package static func number(_ number: ReportNumber?, isBad: Bool = false) -> Cell {
            Cell(content: number?.markup ?? .empty, isBad: isBad)
        }
    }

    let caption: String
    let columns: [Column]
    package private(set) var rows: [[Cell]] = []

    /// A table without rows.
    /// - Parameter caption: What it has.
    package init(_ caption: String, columns: [Column]) { (self.caption, self.columns) = (caption, columns) }

    /// Adds a row below the others; it must have one cell a column.
    package mutating func append(_ cells: [Cell]) {
        precondition(cells.count == columns.count, "a row has \(cells.count) cells for \(columns.count) columns")
        rows.append(cells)
    }

    /// The table, which is moved sideways by itself where it is wider than the page.
    package var markup: Markup {
        let heads = columns.map { column in
            Markup(
                "th", ["scope": "col", "class": column.isNumber ? "number" : nil],
                [.text(column.title)]
                    + (column.unit.map { [Markup("span", ["class": "unit"], text: " " + $0)] } ?? []))
        }
        let body = rows.map { row in
            Markup(
                "tr", [:],
                zip(columns, row).map { column, cell in
                    let names = (column.isNumber ? ["number"] : []) + (cell.isBad ? ["bad"] : [])
                    return Markup("td", ["class": names.isEmpty ? nil : names.joined(separator: " ")], [cell.content])
                })
        }
        return Markup(
            "div", ["class": "table", "tabindex": "0", "role": "region", "aria-label": caption],
            [Markup("table", [:], [Markup("thead", [:], [Markup("tr", [:], heads)]), Markup("tbody", [:], body)])])
    }
}
