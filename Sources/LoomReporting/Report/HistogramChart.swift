import Foundation
import LoomRuns

/// How often values fall into intervals of equal width.
package struct HistogramChart: Chart {
    /// An interval, its upper end excluded.
    package struct Bin: Sendable, Equatable {
        /// Its ends.
        package let low, high: Double
        /// The values in it.
        package var count: Int

        /// The interval from `low` to `high`, with `count` values.
        package init(low: Double, high: Double, count: Int) { (self.low, self.high, self.count) = (low, high, count) }
    }

    /// A value with a name, drawn as a line.
    package struct Marker: Sendable, Equatable {
        let value: Double
        let label: String

        /// A line at `value`.
        package init(_ value: Double, label: String) { (self.value, self.label) = (value, label) }
    }

    package let summary: String
    let x: ChartAxis
    let countTitle, unit: String
    let bins: [Bin]
    let markers: [Marker]
    let colour: ChartColour

    /// - Parameters:
    ///   - unit: The unit of the values, for what hovering shows; nil: they have none.
    ///   - counted: What the values are of, in the plural.
    package init(
        _ summary: String, bins: [Bin], title: String, unit: String?, counted: String, markers: [Marker],
        colour: ChartColour = .blue
    ) {
        self.summary = summary
        (self.bins, self.colour) = (bins, colour)
        self.unit = unit.map { " " + $0 } ?? ""
        countTitle = counted
        x = ChartAxis(
            title, scale: ChartScale(.linear, domain: (bins.first?.low ?? 0)...(bins.last?.high ?? 1)))
        self.markers = markers
    }

    /// `values` from the smallest on to `limit`, in about `count` bins of a round width.
    package static func bins(_ values: [Double], upTo limit: Double, about count: Int = 40) -> [Bin] {
        let inside = values.filter { $0.isFinite && $0 <= limit }
        guard let low = inside.min(), let high = inside.max() else { return [] }
        let ticks = ChartScale(.linear, domain: low...high).ticks(about: count)
        guard ticks.count > 1 else { return [Bin(low: low, high: max(high, low), count: inside.count)] }
        let width = ticks[1] - ticks[0]
        let first = (low / width).rounded(.down)
        var bins = (0...Int(((high / width).rounded(.down) - first))).map { index in
            Bin(low: (first + Double(index)) * width, high: (first + Double(index + 1)) * width, count: 0)
        }
        for value in inside { bins[min(bins.count - 1, max(0, Int(value / width - first)))].count += 1 }
        return bins
    }

    package var legend: [LegendEntry] { [] }
    package func height(width: Double) -> Double { 260 }

    package func content(width: Double) -> [Markup] {
        // The labels of markers have room above the bars.
        let headroom = markers.isEmpty ? 1 : 1.15
        let y = ChartAxis(countTitle, scale: .fromZero(bins.map { headroom * Double($0.count) }))
        let frame = PlotFrame(x: x, y: y, width: width, height: height(width: width))
        let bars = bins.filter { $0.count > 0 }.map { bin in
            let (left, right, top) = (frame.x(bin.low), frame.x(bin.high), frame.y(Double(bin.count)))
            return Markup(
                "rect",
                [
                    "class": "fill", "x": coordinate(left), "y": coordinate(top),
                    "width": coordinate(max(right - left - 1, 0.6)), "height": coordinate(max(frame.bottom - top, 0.6)),
                ],
                [
                    Markup(
                        "title",
                        text: "\(NumberFormat.number(bin.low)) to \(NumberFormat.number(bin.high))\(unit): "
                            + "\(NumberFormat.grouped(bin.count)) \(countTitle)")
                ])
        }
        return frame.markup + [Markup("g", ["class": colour.rawValue], bars)] + drawnMarkers(in: frame)
    }

    /// Labels that would touch go below each other.
    private func drawnMarkers(in frame: PlotFrame) -> [Markup] {
        var ends: [Double] = []
        return markers.filter { x.scale.domain.contains($0.value) }.map { marker in
            let x = frame.x(marker.value)
            let width = ChartText.width(marker.label)
            let isLeft = x + 5 + width > frame.right
            let start = isLeft ? x - 5 - width : x + 5
            let row = ends.firstIndex { $0 <= start } ?? ends.count
            if row == ends.count { ends.append(0) }
            ends[row] = start + width + 6
            return Markup(
                "g", ["class": ChartColour.ink.rawValue],
                [
                    Markup(
                        "line",
                        [
                            "class": "stroke dots", "x1": coordinate(x), "x2": coordinate(x),
                            "y1": coordinate(frame.top), "y2": coordinate(frame.bottom),
                        ]),
                    ChartText.drawn(marker.label, x: start, y: frame.top + 10 + 15 * Double(row)),
                ])
        }
    }
}
