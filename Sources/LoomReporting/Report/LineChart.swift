/// Curves over an axis: measured ones with intervals, and models.
package struct LineChart: Chart {
    /// A point of a curve.
    package struct Point: Sendable, Equatable {
        let x, y: Double
        let low, high: Double?
        let title: String?

        /// - Parameters:
        ///   - low, high: The interval of `y`, drawn as an error bar.
        ///   - title: What hovering shows; nil: nothing.
        package init(_ x: Double, _ y: Double, low: Double? = nil, high: Double? = nil, title: String? = nil) {
            (self.x, self.y, self.low, self.high, self.title) = (x, y, low, high, title)
        }
    }

    /// A curve.
    package struct Series: Sendable {
        let name: String
        let colour: ChartColour
        let mark: ChartMark
        let points: [Point]
        let hasPoints: Bool

        /// All values, intervals included.
        package var values: [Double] { points.flatMap { [$0.y, $0.low, $0.high].compactMap { $0 } } }

        /// - Parameters:
        ///   - name: For the legend; "": it is not in there.
        ///   - hasPoints: Whether its points are marked.
        package init(
            _ name: String, _ colour: ChartColour, _ mark: ChartMark, points: [Point], hasPoints: Bool = false
        ) {
            (self.name, self.colour, self.mark, self.points, self.hasPoints) = (name, colour, mark, points, hasPoints)
        }
    }

    package let summary: String
    let x, y: ChartAxis
    let series: [Series]
    let fixedHeight: Double?
    /// Height over width, and the least and largest height in pixels.
    /// The height of charts as wide as high on half of a page, in pixels.
    package static let tallHeight = 380.0
    private static let aspect = 0.42, leastHeight = 230.0, largestHeight = 340.0

    /// Curves in the order in which they lie on each other, the first below.
    /// - Parameter height: In pixels; nil: what suits the width.
    package init(_ summary: String, x: ChartAxis, y: ChartAxis, series: [Series], height: Double? = nil) {
        (self.summary, self.x, self.y, self.series, fixedHeight) = (summary, x, y, series, height)
    }

    package var legend: [LegendEntry] {
        series.reversed().filter { !$0.name.isEmpty }.map { LegendEntry($0.name, $0.colour, $0.mark) }
    }

    package func height(width: Double) -> Double {
        fixedHeight ?? min(Self.largestHeight, max(Self.leastHeight, width * Self.aspect))
    }

    package func content(width: Double) -> [Markup] {
        let frame = PlotFrame(x: x, y: y, width: width, height: height(width: width))
        return frame.markup + series.map { Markup("g", ["class": $0.colour.rawValue], drawn($0, in: frame)) }
    }

    private func drawn(_ series: Series, in frame: PlotFrame) -> [Markup] {
        let inside = series.points.filter { $0.x.isFinite && $0.y.isFinite }
        var parts: [Markup] = []
        let isLine = [.line, .dashes, .dots].contains(series.mark)
        if isLine, inside.count > 1 {
            parts.append(
                Markup(
                    "path",
                    [
                        "class": series.mark.lineClass,
                        "d": "M"
                            + inside.map { "\(coordinate(frame.x($0.x))) \(coordinate(frame.y($0.y)))" }
                            .joined(separator: "L"),
                    ]))
        }
        for point in inside {
            if let low = point.low, let high = point.high { parts += bar(at: point.x, from: low, to: high, in: frame) }
        }
        guard series.hasPoints || !isLine else { return parts }
        return parts
            + inside.map { point in
                Markup(
                    "circle",
                    [
                        "class": series.mark == .ring ? "ring" : "fill", "cx": coordinate(frame.x(point.x)),
                        "cy": coordinate(frame.y(point.y)), "r": series.mark == .ring ? "5.5" : "4",
                    ], point.title.map { [Markup("title", text: $0)] } ?? [])
            }
    }

    /// An error bar with ends.
    private func bar(at x: Double, from low: Double, to high: Double, in frame: PlotFrame) -> [Markup] {
        let (middle, bottom, top) = (frame.x(x), frame.y(low), frame.y(high))
        let path =
            "M\(coordinate(middle - 4)) \(coordinate(top))h8M\(coordinate(middle)) \(coordinate(top))"
            + "V\(coordinate(bottom))M\(coordinate(middle - 4)) \(coordinate(bottom))h8"
        return [Markup("path", ["class": "stroke thin", "d": path])]
    }
}
