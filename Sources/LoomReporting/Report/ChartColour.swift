/// The colours of charts, which readers with each kind of colour blindness tell apart: those of Okabe and Ito, "Color Universal
/// Design" (2008). The page's style sheet has their values for a light and a dark scheme.
package enum ChartColour: String, Sendable, CaseIterable {
    case blue, orange, green, purple, sky, vermilion, yellow
    /// For what is not one of the things compared: waits, ideals, roofs.
    case grey
    /// The colour of text.
    case ink
}

/// How a thing is drawn in a chart, and so in its legend.
package enum ChartMark: Sendable, Equatable {
    /// An area.
    case fill
    /// A line.
    case line
    /// A line of dashes: not measured.
    case dashes
    /// A line of dots: a limit.
    case dots
    /// A disc.
    case point
    /// A ring: predicted.
    case ring
}

/// An entry of a chart's legend.
package struct LegendEntry: Sendable, Equatable {
    let name: String
    let colour: ChartColour
    let mark: ChartMark

    /// A thing called `name`.
    package init(_ name: String, _ colour: ChartColour, _ mark: ChartMark) {
        (self.name, self.colour, self.mark) = (name, colour, mark)
    }

    var markup: Markup {
        let sample: Markup =
            switch mark {
            case .fill: Markup("rect", ["class": "fill", "x": "4", "y": "1", "width": "12", "height": "10", "rx": "2"])
            case .line, .dashes, .dots:
                Markup("line", ["class": mark.lineClass, "x1": "0", "y1": "6", "x2": "20", "y2": "6"])
            case .point: Markup("circle", ["class": "fill", "cx": "10", "cy": "6", "r": "4"])
            case .ring: Markup("circle", ["class": "ring", "cx": "10", "cy": "6", "r": "4"])
            }
        return Markup(
            "li", [:],
            [
                Markup(
                    "svg",
                    [
                        "class": "sample \(colour.rawValue)", "width": "20", "height": "12", "viewBox": "0 0 20 12",
                        "aria-hidden": "true",
                    ], [sample]),
                .text(name),
            ])
    }
}

extension ChartMark {
    var lineClass: String {
        switch self {
        case .dashes: "stroke dashes"
        case .dots: "stroke dots"
        case .fill, .line, .point, .ring: "stroke"
        }
    }
}
