/// What happened when, in rows: spans of time that do not overlap.
package struct TimelineChart: Chart {
    /// From one moment to another.
    package struct Span: Sendable, Equatable {
        let start, end: Double
        let colour: ChartColour
        let label, title: String

        /// - Parameters:
        ///   - label: Written inside where there is room.
        ///   - title: What hovering shows.
        package init(_ start: Double, _ end: Double, _ colour: ChartColour, label: String, title: String) {
            (self.start, self.end, self.colour, self.label, self.title) = (start, end, colour, label, title)
        }
    }

    /// Spans beside a label.
    package struct Row: Sendable, Equatable {
        let label: String
        let spans: [Span]

        /// A row of `spans`, in the order of time.
        package init(_ label: String, spans: [Span]) { (self.label, self.spans) = (label, spans) }
    }

    /// A moment across all rows.
    package struct Moment: Sendable, Equatable {
        let time: Double
        let label: String

        /// A line at `time`.
        package init(_ time: Double, label: String) { (self.time, self.label) = (time, label) }
    }

    package let summary: String
    package let legend: [LegendEntry]
    let title: String
    let rows: [Row]
    let moment: Moment?

    /// - Parameter title: What the times are, with their unit.
    package init(_ summary: String, title: String, rows: [Row], legend: [LegendEntry], moment: Moment? = nil) {
        (self.summary, self.title, self.rows, self.legend, self.moment) = (summary, title, rows, legend, moment)
    }

    private var layout: RowLayout { RowLayout(labels: rows.map(\.label)) }
    private var end: Double { rows.compactMap { $0.spans.map(\.end).max() }.max() ?? 1 }

    package func height(width: Double) -> Double { layout.bottom + RowLayout.axisHeight }

    package func content(width: Double) -> [Markup] {
        let layout = layout
        let axis = ChartAxis(title, scale: ChartScale(.linear, domain: 0...end))
        let place = { (time: Double) in layout.left + axis.scale.fraction(time) * (layout.right(width) - layout.left) }
        let spans = rows.enumerated().map { index, row in
            Markup(
                "g", [:],
                row.spans.map { span in
                    layout.bar(
                        from: place(span.start), to: place(span.end), row: index, colour: span.colour,
                        label: span.label, title: span.title)
                })
        }
        let line = moment.map { moment in
            Markup(
                "g", ["class": ChartColour.ink.rawValue],
                [
                    Markup(
                        "line",
                        [
                            "class": "stroke dots", "x1": coordinate(place(moment.time)),
                            "x2": coordinate(place(moment.time)), "y1": "0", "y2": coordinate(layout.bottom + 4),
                        ], [Markup("title", text: moment.label)])
                ])
        }
        return layout.axis(axis, width: width) + spans + (line.map { [$0] } ?? [])
    }
}
