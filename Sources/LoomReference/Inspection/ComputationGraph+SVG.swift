import Foundation

extension ComputationGraph {
    /// The graph as a drawing: columns from left to right, on a light background.
    public var svg: String { GraphDrawing(self).svg }
}

/// A computation graph with the place of everything that is drawn.
struct GraphDrawing {
    /// A rectangle that something covers.
    struct Rectangle {
        let left, top, right, bottom: Double

        func overlaps(_ other: Rectangle) -> Bool {
            left < other.right && other.left < right && top < other.bottom && other.top < bottom
        }

        func contains(x: Double, y: Double) -> Bool { left < x && x < right && top < y && y < bottom }
    }

    let graph: ComputationGraph
    private let layout: GraphLayout
    /// The node's lines of text.
    private let lines: [[String]]

    private static let fontSize = 13.0
    private static let labelSize = 11.0
    private static let lineHeight = 17.0
    /// The distance between two edges where they arrive.
    private static let portDistance = 18.0

    init(_ graph: ComputationGraph) {
        self.graph = graph
        lines = graph.nodes.map { node in [node.name, node.formula, node.shapeText].filter { !$0.isEmpty } }
        let arriving = Dictionary(grouping: graph.edges, by: \.target).mapValues(\.count)
        let boxes = lines.enumerated().map { index, lines in
            let width = (lines.map { Self.width(of: $0, size: Self.fontSize) }.max() ?? 0) + 24
            let height = max(
                Double(lines.count) * Self.lineHeight + 14, Double(arriving[index] ?? 0) * Self.portDistance + 8)
            return (width: width, height: height)
        }
        layout = GraphLayout(
            graph, boxes: boxes, labels: graph.edges.map { Self.width(of: $0.label, size: Self.labelSize) + 16 })
    }

    /// The width of a text in a sans-serif font, a little more than needed: no font is asked.
    static func width(of text: String, size: Double) -> Double { Double(text.count) * size * 0.62 }

    /// The boxes of the nodes.
    var boxes: [Rectangle] {
        graph.nodes.indices.map { index in
            let item = layout.items[index]
            return Rectangle(
                left: item.x - item.width / 2, top: item.y - item.height / 2, right: item.x + item.width / 2,
                bottom: item.y + item.height / 2)
        }
    }

    /// Where an edge arrives at its target's left side: edges from above arrive above.
    private var ports: [Double] {
        var ports = [Double](repeating: 0, count: graph.edges.count)
        for target in graph.nodes.indices {
            let arriving = graph.edges.indices.filter { graph.edges[$0].target == target }
            let ordered = arriving.sorted { before(edge: $0) < before(edge: $1) }
            for (place, edge) in ordered.enumerated() {
                let offset = Double(place) - Double(ordered.count - 1) / 2
                ports[edge] = layout.items[target].y + offset * Self.portDistance
            }
        }
        return ports
    }

    /// The height from which an edge comes to its target.
    private func before(edge: Int) -> Double { layout.items[layout.paths[edge].dropLast().last!].y }

    /// The rectangles of the edges' labels, before the boxes where they arrive.
    var labels: [Rectangle] {
        let ports = ports
        return graph.edges.indices.map { index in
            let right = layout.items[graph.edges[index].target]
            let end = right.x - right.width / 2 - 12
            let width = Self.width(of: graph.edges[index].label, size: Self.labelSize)
            return Rectangle(left: end - width, top: ports[index] - 7, right: end, bottom: ports[index] + 7)
        }
    }

    /// The points of every edge: where it leaves, what it passes, where its label begins and where it arrives.
    var points: [[(x: Double, y: Double)]] {
        let ports = ports
        let labels = labels
        return graph.edges.indices.map { index in
            let source = layout.items[graph.edges[index].source]
            let target = layout.items[graph.edges[index].target]
            let between = layout.paths[index].dropFirst().dropLast().flatMap { item -> [(x: Double, y: Double)] in
                // Level while it passes a column, whose boxes are as wide as half of this at most.
                let half = columnWidth(layout.items[item].column) / 2
                let place = layout.items[item]
                return [(place.x - half, place.y), (place.x + half, place.y)]
            }
            return [(source.x + source.width / 2, source.y)] + between
                + [(labels[index].left - 4, ports[index]), (target.x - target.width / 2, ports[index])]
        }
    }

    private func columnWidth(_ column: Int) -> Double {
        layout.items.filter { $0.column == column }.map(\.width).max() ?? 0
    }

    /// The size of the drawing.
    var size: (width: Double, height: Double) { (layout.size.width, layout.size.height + 28) }

    var svg: String {
        var text = """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(Self.number(size.width))" height="\(Self.number(size.height))" \
            viewBox="0 0 \(Self.number(size.width)) \(Self.number(size.height))" \
            font-family="Helvetica, Arial, sans-serif">
            <title>Computation graph: \(graph.parameterCount) parameters</title>
            <rect width="100%" height="100%" fill="#ffffff"/>
            <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" \
            orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#64748b"/></marker></defs>

            """
        let labels = labels
        for (index, points) in points.enumerated() {
            text += "<path d=\"\(Self.path(points))\" fill=\"none\" stroke=\"#64748b\" marker-end=\"url(#arrow)\"/>\n"
            let label = labels[index]
            text +=
                "<rect x=\"\(Self.number(label.left - 2))\" y=\"\(Self.number(label.top))\" "
                + "width=\"\(Self.number(label.right - label.left + 4))\" height=\"14\" fill=\"#ffffff\"/>\n"
            text += Self.text(
                graph.edges[index].label, x: (label.left + label.right) / 2, y: label.bottom - 3, size: Self.labelSize,
                fill: "#334155")
        }
        for (index, box) in boxes.enumerated() { text += drawn(index, box) }
        text += Self.text(
            "\(graph.parameterCount) parameters; N: samples of the batch", x: size.width / 2, y: size.height - 14,
            size: 12, fill: "#334155")
        return text + "</svg>\n"
    }

    private func drawn(_ index: Int, _ box: Rectangle) -> String {
        let kind = graph.nodes[index].kind
        var text =
            "<rect x=\"\(Self.number(box.left))\" y=\"\(Self.number(box.top))\" "
            + "width=\"\(Self.number(box.right - box.left))\" height=\"\(Self.number(box.bottom - box.top))\" rx=\"6\" "
            + "fill=\"\(kind.fill)\" stroke=\"\(kind.stroke)\"/>\n"
        let top = (box.top + box.bottom) / 2 - Double(lines[index].count) * Self.lineHeight / 2
        for (place, line) in lines[index].enumerated() {
            text += Self.text(
                line, x: (box.left + box.right) / 2, y: top + Double(place + 1) * Self.lineHeight - 4,
                size: Self.fontSize, fill: "#0f172a", bold: place == 0)
        }
        return text
    }

    /// Level where it leaves and arrives, a curve between two points.
    private static func path(_ points: [(x: Double, y: Double)]) -> String {
        var path = "M\(number(points[0].x)),\(number(points[0].y))"
        for (start, end) in zip(points, points.dropFirst()) {
            let middle = (start.x + end.x) / 2
            path +=
                " C\(number(middle)),\(number(start.y)) \(number(middle)),\(number(end.y)) "
                + "\(number(end.x)),\(number(end.y))"
        }
        return path
    }

    private static func text(
        _ text: String, x: Double, y: Double, size: Double, fill: String, bold: Bool = false
    ) -> String {
        let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        return "<text x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"\(number(size))\" text-anchor=\"middle\" "
            + "fill=\"\(fill)\"\(bold ? " font-weight=\"bold\"" : "")>\(escaped)</text>\n"
    }

    private static func number(_ value: Double) -> String {
        String(format: "%.1f", value)
    }
}
