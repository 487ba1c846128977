/// Level bars, one a row, of parts that add up.
package struct StackedBars: Chart {
    /// A part of a bar.
    package struct Part: Sendable, Equatable {
        let value: Double
        let colour: ChartColour
        let label, title: String

        /// - Parameters:
        ///   - label: Written inside where there is room.
        ///   - title: What hovering shows.
        package init(_ value: Double, _ colour: ChartColour, label: String, title: String) {
            (self.value, self.colour, self.label, self.title) = (value, colour, label, title)
        }
    }

    /// A bar.
    package struct Row: Sendable, Equatable {
        let label: String
        let parts: [Part]

        /// A bar of `parts`, from left to right.
        package init(_ label: String, parts: [Part]) { (self.label, self.parts) = (label, parts) }
    }

    package let summary: String
    package let legend: [LegendEntry]
    let title: String
    let rows: [Row]

    /// - Parameter title: What the lengths are, with their unit.
    package init(_ summary: String, title: String, rows: [Row], legend: [LegendEntry]) {
        (self.summary, self.title, self.rows, self.legend) = (summary, title, rows, legend)
    }

    private var layout: RowLayout { RowLayout(labels: rows.map(\.label)) }

    package func height(width: Double) -> Double { layout.bottom + RowLayout.axisHeight }

    package func content(width: Double) -> [Markup] {
        let layout = layout
        let sums = rows.map { $0.parts.reduce(0) { $0 + $1.value } }
        let axis = ChartAxis(title, scale: .fromZero(sums, about: 6))
        let place = { (value: Double) in layout.left + axis.scale.fraction(value) * (layout.right(width) - layout.left)
        }
        return layout.axis(axis, width: width)
            + rows.enumerated().map { index, row in
                var start = 0.0
                let bars = row.parts.filter { $0.value > 0 }.map { part in
                    defer { start += part.value }
                    return layout.bar(
                        from: place(start), to: place(start + part.value), row: index, colour: part.colour,
                        label: part.label, title: part.title)
                }
                return Markup("g", [:], bars)
            }
    }
}

/// Where the rows of a chart are, each with a label at its left, above one axis.
struct RowLayout {
    let labels: [String]
    let left: Double
    let rowHeight, distance: Double
    static let axisHeight = 40.0

    init(labels: [String]) {
        self.labels = labels
        left = (labels.map(ChartText.width).max() ?? 0) + 8
        // Many rows get low: a machine has up to hundreds of workers.
        (rowHeight, distance) = labels.count <= 16 ? (24, 6) : labels.count <= 48 ? (13, 2) : (6, 1)
    }

    /// The label of a low row is higher than the row.
    private var above: Double { max(2, 8 - rowHeight / 2) }
    var bottom: Double { Double(labels.count) * (rowHeight + distance) + above + 2 }
    func top(row: Int) -> Double { Double(row) * (rowHeight + distance) + above }
    func right(_ width: Double) -> Double { width - 14 }

    /// The labels of the rows, those that have room, and the axis below them.
    func axis(_ axis: ChartAxis, width: Double) -> [Markup] {
        let right = right(width)
        let frame = { (value: Double) in left + axis.scale.fraction(value) * (right - left) }
        let every = rowHeight >= 12 ? 1 : 4
        var parts = labels.enumerated().filter { $0.offset.isMultiple(of: every) }.map { row, label in
            ChartText.drawn(label, x: left - 8, y: top(row: row) + rowHeight / 2 + 4, anchor: .end)
        }
        var free = -Double.infinity
        for (value, label) in axis.labels(length: right - left, pixelsPerTick: 75) {
            let x = frame(value)
            parts.append(
                Markup(
                    "line",
                    [
                        "class": "grid", "x1": coordinate(x), "x2": coordinate(x), "y1": "0",
                        "y2": coordinate(bottom + 4),
                    ]))
            let half = ChartText.width(label) / 2
            guard x - half >= free else { continue }
            free = x + half + 8
            parts.append(
                ChartText.drawn(label, x: min(x, right + 12 - half), y: bottom + 17, anchor: .middle))
        }
        return parts + [ChartText.drawn(axis.title, x: right, y: bottom + 34, anchor: .end, class: "title")]
    }

    /// A bar from one place to another, with its label where it fits.
    func bar(
        from start: Double, to end: Double, row: Int, colour: ChartColour, label: String, title: String
    ) -> Markup {
        // A thing that was measured is seen, however short; longer ones leave a gap before the next.
        let width = end - start > 3 ? end - start - 1 : max(end - start, 0.6)
        var parts = [
            Markup("title", text: title),
            Markup(
                "rect",
                [
                    "class": "fill part", "x": coordinate(start), "y": coordinate(top(row: row)),
                    "width": coordinate(width), "height": coordinate(rowHeight),
                ]),
        ]
        if rowHeight >= 12, ChartText.width(label) + 8 <= width {
            parts.append(
                ChartText.drawn(
                    label, x: start + width / 2, y: top(row: row) + rowHeight / 2 + 4, anchor: .middle, class: "on"))
        }
        return Markup("g", ["class": colour.rawValue], parts)
    }
}
