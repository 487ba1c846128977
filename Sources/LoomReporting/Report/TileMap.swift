/// Things that lie in groups, as tiles in boxes.
package struct TileMap: Chart {
    /// A line of a tile, with a bar below it where it has parts.
    package struct Line: Sendable, Equatable {
        let text: String
        let parts: [(part: Double, colour: ChartColour)]

        package static func == (left: Line, right: Line) -> Bool {
            left.text == right.text && left.parts.elementsEqual(right.parts, by: ==)
        }

        /// - Parameter parts: Parts of the bar's length, which add up to 1 at most.
        package init(_ text: String, parts: [(part: Double, colour: ChartColour)] = []) {
            (self.text, self.parts) = (text, parts)
        }
    }

    /// A thing.
    package struct Tile: Sendable, Equatable {
        let name: String
        let lines: [Line]
        let title: String
        let isMuted: Bool

        /// - Parameters:
        ///   - title: What hovering shows.
        ///   - isMuted: Whether it is of no use here.
        package init(_ name: String, lines: [Line], title: String, isMuted: Bool = false) {
            (self.name, self.lines, self.title, self.isMuted) = (name, lines, title, isMuted)
        }
    }

    /// Tiles in a box.
    package struct Group: Sendable, Equatable {
        let title: String
        let tiles: [Tile]

        /// A box called `title`.
        package init(_ title: String, tiles: [Tile]) { (self.title, self.tiles) = (title, tiles) }
    }

    /// Boxes under a heading.
    package struct Section: Sendable, Equatable {
        let title: String
        let groups: [Group]

        /// Boxes under the heading `title`.
        package init(_ title: String, groups: [Group]) { (self.title, self.groups) = (title, groups) }
    }

    package let summary: String
    package let legend: [LegendEntry]
    let sections: [Section]
    private let tileWidth, tileHeight: Double

    private static let gap = 6.0, padding = 10.0, lineHeight = 24.0

    /// A map of `sections`, one below the other.
    package init(_ summary: String, sections: [Section], legend: [LegendEntry]) {
        (self.summary, self.sections, self.legend) = (summary, sections, legend)
        let tiles = sections.flatMap(\.groups).flatMap(\.tiles)
        let texts = tiles.map(\.name) + tiles.flatMap(\.lines).map(\.text)
        tileWidth = (texts.map(ChartText.width).max() ?? 0) + 2 * Self.padding
        tileHeight = 22 + Double(tiles.map(\.lines.count).max() ?? 0) * Self.lineHeight
    }

    /// A box, and where it is.
    private struct Place {
        let group: Group
        let x, y, width, height: Double
        let columns: Int
    }

    /// The places of all boxes, the headings' base lines, and the height of all.
    private func layout(width: Double) -> (places: [Place], headings: [(text: String, y: Double)], height: Double) {
        var places: [Place] = []
        var headings: [(String, Double)] = []
        var y = 0.0
        for section in sections {
            headings.append((section.title, y + 14))
            y += 24
            var (x, rowHeight) = (0.0, 0.0)
            for group in section.groups {
                let most = max(1, Int((width - 2 * Self.padding + Self.gap) / (tileWidth + Self.gap)))
                let rowCount = max(1, (group.tiles.count + min(most, 8) - 1) / min(most, 8))
                // Rows of equal lengths, as far as it goes.
                let columns = max(1, (group.tiles.count + rowCount - 1) / rowCount)
                let rows = Double(rowCount)
                let tiles = Double(columns) * (tileWidth + Self.gap) - Self.gap
                let boxWidth = min(width, max(tiles, ChartText.width(group.title)) + 2 * Self.padding)
                let height = 24 + rows * (tileHeight + Self.gap) - Self.gap + Self.padding
                if x > 0, x + boxWidth > width { (x, y, rowHeight) = (0, y + rowHeight + Self.gap, 0) }
                places.append(Place(group: group, x: x, y: y, width: boxWidth, height: height, columns: columns))
                x += boxWidth + Self.gap
                rowHeight = max(rowHeight, height)
            }
            y += rowHeight + 2 * Self.gap
        }
        return (places, headings, max(0, y - 2 * Self.gap) + 2)
    }

    package func height(width: Double) -> Double { layout(width: width).height }

    package func content(width: Double) -> [Markup] {
        let layout = layout(width: width)
        return layout.headings.map { ChartText.drawn($0.text, x: 1, y: $0.y, class: "title") }
            + layout.places.map { place in
                let tiles = place.group.tiles.enumerated().map { index, tile in
                    let (row, column) = index.quotientAndRemainder(dividingBy: place.columns)
                    return drawn(
                        tile, x: place.x + Self.padding + Double(column) * (tileWidth + Self.gap),
                        y: place.y + 24 + Double(row) * (tileHeight + Self.gap))
                }
                return Markup(
                    "g", [:],
                    [
                        Self.box(
                            "box", x: place.x + 1, y: place.y + 1, width: place.width - 2, height: place.height - 2),
                        ChartText.drawn(place.group.title, x: place.x + Self.padding, y: place.y + 17),
                    ] + tiles)
            }
    }

    private func drawn(_ tile: Tile, x: Double, y: Double) -> Markup {
        var parts = [
            Markup("title", text: tile.title),
            Self.box("tile", x: x, y: y, width: tileWidth, height: tileHeight),
            ChartText.drawn(tile.name, x: x + 8, y: y + 16, class: "strong"),
        ]
        for (index, line) in tile.lines.enumerated() {
            let top = y + 20 + Double(index) * Self.lineHeight
            parts.append(ChartText.drawn(line.text, x: x + 8, y: top + 12))
            var start = x + 8
            let length = tileWidth - 16
            for (part, colour) in line.parts where part > 0 {
                parts.append(
                    Markup(
                        "rect",
                        [
                            "class": "fill \(colour.rawValue)", "x": coordinate(start), "y": coordinate(top + 16),
                            "width": coordinate(part * length), "height": "4",
                        ]))
                start += part * length
            }
        }
        return Markup("g", ["class": tile.isMuted ? "muted" : nil], parts)
    }

    private static func box(_ name: String, x: Double, y: Double, width: Double, height: Double) -> Markup {
        Markup(
            "rect",
            [
                "class": name, "x": coordinate(x), "y": coordinate(y), "width": coordinate(width),
                "height": coordinate(height), "rx": "4",
            ])
    }
}
