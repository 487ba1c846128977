import LoomRuns

/// How many pairs of numbers lie where: cells of a grid, whose colour is the stronger the more pairs they have, with the line on
/// which both numbers are the same.
package struct DensityChart: Chart {
    package let summary: String
    let x, y: ChartAxis
    let ends: [Double]
    let counts: [[Int]]
    let colour: ChartColour
    let noun: String
    let line: String

    /// - Parameters:
    ///   - ends: The ends of intervals of both axes, ascending: one more than there are intervals.
    ///   - counts: The pairs by the interval of y, and then by that of x.
    ///   - noun: What a pair is.
    ///   - line: What the line is called.
    package init(
        _ summary: String, xTitle: String, yTitle: String, ends: [Double], counts: [[Int]], colour: ChartColour,
        noun: String, line: String
    ) {
        (self.summary, self.ends, self.counts, self.colour) = (summary, ends, counts, colour)
        (self.noun, self.line) = (noun, line)
        let scale = ChartScale(.linear, domain: (ends.first ?? 0)...(ends.last ?? 1))
        (x, y) = (ChartAxis(xTitle, scale: scale), ChartAxis(yTitle, scale: scale))
    }

    package var legend: [LegendEntry] { [LegendEntry(noun + "s", colour, .fill), LegendEntry(line, .grey, .dashes)] }
    package func height(width: Double) -> Double { LineChart.tallHeight }

    /// The strengths of the colour, from one pair to the most.
    private static let strengths = [0.2, 0.36, 0.52, 0.68, 0.84, 1]

    /// Which of the strengths `count` has: equal ratios of pairs are equally far apart.
    private static func strength(_ count: Int, most: Int) -> Int {
        guard most > 1 else { return strengths.count - 1 }
        let share = ChartScale(.logarithmic, domain: 1...Double(most)).fraction(Double(count))
        return Int((share * Double(strengths.count - 1)).rounded())
    }

    package func content(width: Double) -> [Markup] {
        let frame = PlotFrame(x: x, y: y, width: width, height: height(width: width))
        let most = counts.lazy.joined().max() ?? 0
        var cells = [[Markup]](repeating: [], count: Self.strengths.count)
        for (row, counts) in counts.enumerated() {
            for (column, count) in counts.enumerated() where count > 0 {
                cells[Self.strength(count, most: most)].append(cell(row, column, count, in: frame))
            }
        }
        let groups = zip(cells, Self.strengths).filter { !$0.0.isEmpty }.map { cells, strength in
            Markup("g", ["class": "\(colour.rawValue) fill", "fill-opacity": "\(strength)"], cells)
        }
        return frame.markup + groups + [
            Markup(
                "g", ["class": ChartColour.grey.rawValue],
                [
                    Markup(
                        "path",
                        [
                            "class": ChartMark.dashes.lineClass,
                            "d": "M\(coordinate(frame.left)) \(coordinate(frame.bottom))"
                                + "L\(coordinate(frame.right)) \(coordinate(frame.top))",
                        ])
                ])
        ]
    }

    private func cell(_ row: Int, _ column: Int, _ count: Int, in frame: PlotFrame) -> Markup {
        let (left, right) = (frame.x(ends[column]), frame.x(ends[column + 1]))
        let (bottom, top) = (frame.y(ends[row]), frame.y(ends[row + 1]))
        func interval(_ index: Int) -> String {
            "\(NumberFormat.number(ends[index], significantDigits: 3)) to "
                + NumberFormat.number(ends[index + 1], significantDigits: 3)
        }
        return Markup(
            "path",
            [
                "d": "M\(coordinate(left)) \(coordinate(top))H\(coordinate(right))V\(coordinate(bottom))"
                    + "H\(coordinate(left))z"
            ],
            [
                Markup(
                    "title",
                    text: "\(x.title) \(interval(column)), \(y.title) \(interval(row)): "
                        + NumberFormat.counted(count, noun))
            ])
    }
}
