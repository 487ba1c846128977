import LoomRuns

/// A chart that is drawn as wide as a screen or a sheet of paper wants it: text stays as large as it is.
package protocol Chart: Sendable {
    /// One sentence for who cannot see it.
    var summary: String { get }
    /// The explanations of its colours.
    var legend: [LegendEntry] { get }
    /// The height in pixels, where it is `width` wide.
    func height(width: Double) -> Double
    /// What is inside of its SVG element, in pixels from the upper left corner.
    func content(width: Double) -> [Markup]
}

extension Chart {
    /// The chart as an SVG element, `width` pixels wide where there is room, or else narrower.
    package func drawn(width: Double, class name: String? = nil) -> Markup {
        let height = height(width: width)
        return Markup(
            "svg",
            [
                "class": "chart" + (name.map { " " + $0 } ?? ""), "xmlns": "http://www.w3.org/2000/svg", "role": "img",
                "width": coordinate(width), "height": coordinate(height),
                "viewBox": "0 0 \(coordinate(width)) \(coordinate(height))", "aria-label": summary,
            ], content(width: width))
    }
}

/// Text in a chart.
enum ChartText {
    /// The size of all text in charts, in pixels.
    static let size = 12.0

    enum Anchor: String {
        case start, middle, end
    }

    /// The width of a text in a sans-serif font, a little more than needed: no font is asked.
    static func width(_ text: String) -> Double { Double(text.terminalWidth) * size * 0.56 }

    /// A text whose base line is at `y`.
    static func drawn(
        _ text: String, x: Double, y: Double, anchor: Anchor = .start, class name: String? = nil, angle: Double? = nil
    ) -> Markup {
        Markup(
            "text",
            [
                "x": coordinate(x), "y": coordinate(y),
                "text-anchor": anchor == .start ? nil : anchor.rawValue, "class": name,
                "transform": angle.map { "rotate(\(coordinate($0)) \(coordinate(x)) \(coordinate(y)))" },
            ], text: text)
    }
}

/// An axis: its scale, and what is written beside it.
package struct ChartAxis: Sendable {
    /// Where values stand.
    package var scale: ChartScale
    /// What the numbers are, with their unit.
    package var title: String
    /// What stands beside it, and where; nil: round numbers.
    package var marks: [(value: Double, label: String)]?

    /// An axis.
    package init(_ title: String, scale: ChartScale, marks: [(value: Double, label: String)]? = nil) {
        (self.title, self.scale, self.marks) = (title, scale, marks)
    }

    /// The ticks for an axis that is `length` pixels long, with their labels.
    func labels(length: Double, pixelsPerTick: Double) -> [(value: Double, label: String)] {
        if let marks { return marks }
        let values = scale.ticks(about: max(2, Int(length / pixelsPerTick)))
        let labels = scale.kind == .linear ? TickLabels.linear(values) : TickLabels.logarithmic(values)
        return Array(zip(values, labels))
    }
}

/// The rectangle that a chart of two axes draws in, with its grid.
struct PlotFrame {
    let x, y: ChartAxis
    let left, right, top, bottom: Double
    private let xLabels, yLabels: [(value: Double, label: String)]

    /// Room above for the title of the y axis, below for the labels and the title of the x axis.
    private static let above = 26.0
    private static let below = 40.0

    init(x: ChartAxis, y: ChartAxis, width: Double, height: Double) {
        (self.x, self.y) = (x, y)
        top = Self.above
        bottom = height - Self.below
        yLabels = y.labels(length: bottom - top, pixelsPerTick: 45)
        left = (yLabels.map { ChartText.width($0.label) }.max() ?? 0) + 10
        right = width - 14
        xLabels = Self.thinned(x.labels(length: right - left, pixelsPerTick: 75), x, from: left, to: right)
    }

    /// Labels that do not touch: the last of those that would goes first.
    private static func thinned(
        _ labels: [(value: Double, label: String)], _ axis: ChartAxis, from left: Double, to right: Double
    ) -> [(value: Double, label: String)] {
        var free = -Double.infinity
        return labels.filter { value, label in
            let half = ChartText.width(label) / 2
            let middle = left + axis.scale.fraction(value) * (right - left)
            guard middle - half >= free else { return false }
            free = middle + half + 8
            return true
        }
    }

    func x(_ value: Double) -> Double { left + x.scale.fraction(value) * (right - left) }
    func y(_ value: Double) -> Double { bottom - y.scale.fraction(value) * (bottom - top) }

    /// Grid, labels and titles.
    var markup: [Markup] {
        var parts = yLabels.map { value, _ in
            Markup(
                "line",
                [
                    "class": "grid", "x1": coordinate(left), "x2": coordinate(right), "y1": coordinate(y(value)),
                    "y2": coordinate(y(value)),
                ])
        }
        parts += yLabels.map { ChartText.drawn($0.label, x: left - 6, y: y($0.value) + 4, anchor: .end) }
        parts += xLabels.map { value, _ in
            Markup(
                "line",
                [
                    "class": "axis", "x1": coordinate(x(value)), "x2": coordinate(x(value)), "y1": coordinate(bottom),
                    "y2": coordinate(bottom + 4),
                ])
        }
        parts += xLabels.map { value, label in
            // The outermost labels stay inside of the drawing.
            let half = ChartText.width(label) / 2
            return ChartText.drawn(label, x: min(x(value), right + 12 - half), y: bottom + 17, anchor: .middle)
        }
        parts.append(
            Markup(
                "line",
                [
                    "class": "axis", "x1": coordinate(left), "x2": coordinate(right), "y1": coordinate(bottom),
                    "y2": coordinate(bottom),
                ]))
        parts.append(ChartText.drawn(y.title, x: 0, y: 12, class: "title"))
        parts.append(ChartText.drawn(x.title, x: right, y: bottom + 34, anchor: .end, class: "title"))
        return parts
    }
}
