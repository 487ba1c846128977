import Foundation
import LoomRuns

/// Speeds over intensities, both with logarithms, below the roofs that limit them: Williams, Waterman and Patterson, "Roofline:
/// An Insightful Visual Performance Model for Multicore Architectures" (2009).
package struct RooflineChart: Chart {
    /// A limit whose speed grows with the intensity.
    package struct Slope: Sendable, Equatable {
        let label: String
        let factor: Double

        /// The limit `factor` · intensity.
        package init(_ label: String, factor: Double) { (self.label, self.factor) = (label, factor) }
    }

    /// Something measured.
    package struct Point: Sendable, Equatable {
        let x, y: Double
        let colour: ChartColour
        let label: String?
        let title: String

        /// - Parameters:
        ///   - label: Written beside it; nil: a pale point of many.
        ///   - title: What hovering shows.
        package init(_ x: Double, _ y: Double, _ colour: ChartColour, label: String?, title: String) {
            (self.x, self.y, self.colour, self.label, self.title) = (x, y, colour, label, title)
        }
    }

    package let summary: String
    package let legend: [LegendEntry]
    let x, y: ChartAxis
    let level: (label: String, value: Double)
    let slopes: [Slope]
    let points: [Point]

    /// - Parameters:
    ///   - level: The limit that no intensity exceeds.
    ///   - slopes: The limits below it, at small intensities.
    package init(
        _ summary: String, xTitle: String, yTitle: String, level: (label: String, value: Double), slopes: [Slope],
        points: [Point], legend: [LegendEntry]
    ) {
        (self.summary, self.level, self.legend) = (summary, level, legend)
        self.slopes = slopes.filter { $0.factor > 0 && $0.factor.isFinite }.sorted { $0.factor > $1.factor }
        self.points = points.filter { $0.x > 0 && $0.y > 0 && $0.x.isFinite && $0.y.isFinite }
        // All points, and where the flattest slope meets the level.
        let knees = self.slopes.map { level.value / $0.factor }
        let xs = self.points.map(\.x) + knees
        let (low, high) = (xs.min() ?? 1, xs.max() ?? 10)
        x = ChartAxis(xTitle, scale: ChartScale(.logarithmic, domain: low / 2...high * 2))
        let ys = self.points.map(\.y) + [level.value / 10]
        y = ChartAxis(
            yTitle,
            scale: ChartScale(
                .logarithmic, domain: (ys.min() ?? 1) / 2...max(level.value, ys.max() ?? 1) * 1.7))
    }

    package func height(width: Double) -> Double { min(420, max(320, width * 0.5)) }

    package func content(width: Double) -> [Markup] {
        let frame = PlotFrame(x: x, y: y, width: width, height: height(width: width))
        var labels = LabelPlaces(left: frame.left, right: frame.right, top: frame.top, bottom: frame.bottom)
        let roofs = drawnRoofs(in: frame, &labels)
        let places = points.map { (x: frame.x($0.x), y: frame.y($0.y)) }
        for (point, place) in zip(points, places) where point.label != nil {
            labels.occupy(x: place.x - 5, y: place.y - 5, width: 10, height: 10)
        }
        let pale = zip(points, places).filter { $0.0.label == nil }.map { Self.disc($0, at: $1, radius: 3, "pale") }
        let named = zip(points, places).filter { $0.0.label != nil }.map { Self.disc($0, at: $1, radius: 5, "fill") }
        var texts: [Markup] = []
        for (point, place) in zip(points, places) {
            guard let label = point.label, let start = labels.place(label, beside: place) else { continue }
            if abs(start.y - 4 - place.y) > 5 { texts.append(Self.leader(from: place, to: start, label)) }
            texts.append(ChartText.drawn(label, x: start.x, y: start.y, class: "halo"))
        }
        return frame.markup + roofs + texts + pale + named
    }

    private static func disc(_ point: Point, at place: (x: Double, y: Double), radius: Double, _ name: String) -> Markup
    {
        Markup(
            "g", ["class": point.colour.rawValue],
            [
                Markup(
                    "circle",
                    ["class": name, "cx": coordinate(place.x), "cy": coordinate(place.y), "r": coordinate(radius)],
                    [Markup("title", text: point.title)])
            ])
    }

    /// A line from a point to its label, which is not at the same height.
    private static func leader(
        from place: (x: Double, y: Double), to start: (x: Double, y: Double), _ label: String
    ) -> Markup {
        let end = start.x + ChartText.width(label)
        return Markup(
            "line",
            [
                "class": "leader", "x1": coordinate(place.x), "y1": coordinate(place.y),
                "x2": coordinate(min(max(place.x, start.x - 2), end + 2)), "y2": coordinate(start.y - 4),
            ])
    }

    /// The level from the steepest slope on, and the slopes up to it, each with its label along it.
    private func drawnRoofs(in frame: PlotFrame, _ labels: inout LabelPlaces) -> [Markup] {
        let domain = frame.x.scale.domain
        let start = max(domain.lowerBound, slopes.first.map { level.value / $0.factor } ?? domain.lowerBound)
        var parts = [Self.line(frame, from: (start, level.value), to: (domain.upperBound, level.value))]
        let width = ChartText.width(level.label)
        parts.append(
            ChartText.drawn(level.label, x: frame.right - 4, y: frame.y(level.value) - 6, anchor: .end, class: "halo"))
        labels.occupy(x: frame.right - 4 - width, y: frame.y(level.value) - 18, width: width, height: 16)
        for slope in slopes {
            let first = max(domain.lowerBound, frame.y.scale.domain.lowerBound / slope.factor)
            let end = min(domain.upperBound, level.value / slope.factor)
            guard end > first else { continue }
            parts.append(Self.line(frame, from: (first, first * slope.factor), to: (end, end * slope.factor)))
            let (x, y) = (frame.x(first), frame.y(first * slope.factor))
            let angle = atan2(y - frame.y(end * slope.factor), frame.x(end) - x)
            // Five pixels above the line, at a right angle to it, and a little behind its beginning.
            let (textX, textY) = (x + 8 * cos(angle) - 5 * sin(angle), y - 8 * sin(angle) - 5 * cos(angle))
            parts.append(
                ChartText.drawn(slope.label, x: textX, y: textY, class: "halo", angle: -angle * 180 / .pi))
            labels.occupyLine(
                from: (textX, textY), angle: angle, length: ChartText.width(slope.label), height: ChartText.size)
        }
        return [Markup("g", ["class": ChartColour.grey.rawValue], parts)]
    }

    private static func line(_ frame: PlotFrame, from: (Double, Double), to: (Double, Double)) -> Markup {
        Markup(
            "line",
            [
                "class": "stroke", "x1": coordinate(frame.x(from.0)), "y1": coordinate(frame.y(from.1)),
                "x2": coordinate(frame.x(to.0)), "y2": coordinate(frame.y(to.1)),
            ])
    }
}

/// Places for labels beside points, where they touch nothing.
struct LabelPlaces {
    private struct Box {
        let left, top, right, bottom: Double

        func overlaps(_ other: Box) -> Bool {
            left < other.right && other.left < right && top < other.bottom && other.top < bottom
        }
    }
    private var taken: [Box] = []
    let left, right, top, bottom: Double

    init(left: Double, right: Double, top: Double, bottom: Double) {
        (self.left, self.right, self.top, self.bottom) = (left, right, top, bottom)
    }

    mutating func occupy(x: Double, y: Double, width: Double, height: Double) {
        taken.append(Box(left: x, top: y, right: x + width, bottom: y + height))
    }

    /// A text along a rising line, as small boxes.
    mutating func occupyLine(from start: (x: Double, y: Double), angle: Double, length: Double, height: Double) {
        for distance in stride(from: 0, through: length, by: height / 2) {
            let (x, y) = (start.x + distance * cos(angle), start.y - distance * sin(angle))
            occupy(x: x - height / 2, y: y - height, width: height, height: height)
        }
    }

    /// Where a text beside a point begins, on its base line; nil where there is no room.
    mutating func place(_ text: String, beside point: (x: Double, y: Double)) -> (x: Double, y: Double)? {
        let width = ChartText.width(text)
        let right = point.x + 9
        let left = point.x - 9 - width
        var candidates: [(Double, Double)] = []
        for shift in [4.0, -10, 18, -24, 32, -38, 46] {
            candidates += [(right, point.y + shift), (left, point.y + shift)]
        }
        candidates += [(point.x - width / 2, point.y - 10), (point.x - width / 2, point.y + 20)]
        for (x, y) in candidates {
            let box = Box(left: x, top: y - 11, right: x + width, bottom: y + 3)
            let isInside =
                box.left >= self.left && box.right <= self.right + 10 && box.top >= top - 8 && box.bottom <= bottom
            guard isInside, !taken.contains(where: box.overlaps) else { continue }
            taken.append(box)
            return (x, y)
        }
        return nil
    }
}
