/// Places the nodes of a computation graph in columns, from left to right, so that no box covers another, and no edge
/// passes below a box that it does not belong to.
///
/// The layers of Sugiyama, Tagawa and Toda 1981 (doi:10.1109/TSMC.1981.4308636): an edge over several columns gets a point
/// in each column between, which takes room as a box does; the order within a column follows the means of the neighbours.
struct GraphLayout {
    /// A box around a node, or the point of an edge within a column.
    struct Item {
        /// The node; nil for a point of an edge.
        let node: Int?
        let column: Int
        let width: Double
        let height: Double
        /// The centre.
        var x = 0.0
        var y = 0.0
    }

    /// The items: those of the nodes first, with their indices.
    private(set) var items: [Item]
    /// For every edge, the items that it passes, from its source to its target.
    private(set) var paths: [[Int]] = []
    /// The size of the drawing.
    private(set) var size = (width: 0.0, height: 0.0)
    private var columns: [[Int]] = []
    private let gaps: [Double]

    /// Room above and below boxes.
    private static let rowGap = 18.0
    /// Room between the columns besides the labels, for the curves.
    private static let curveRoom = 56.0
    static let margin = 24.0

    /// Places `graph`; `boxes` are the sizes of its nodes' boxes, `labels` the widths of its edges' labels.
    init(_ graph: ComputationGraph, boxes: [(width: Double, height: Double)], labels: [Double]) {
        let ranks = Self.ranks(of: graph)
        items = graph.nodes.indices.map {
            Item(node: $0, column: ranks[$0], width: boxes[$0].width, height: boxes[$0].height)
        }
        let count = (ranks.max() ?? 0) + 1
        // The label stands before the target's box.
        gaps = (0..<count).map { column in
            let arriving = graph.edges.indices.filter { ranks[graph.edges[$0].target] == column }
            return (arriving.map { labels[$0] }.max() ?? 0) + Self.curveRoom
        }
        columns = Array(repeating: [], count: count)
        for index in items.indices { columns[ranks[index]].append(index) }
        for edge in graph.edges {
            let between = Array((ranks[edge.source] + 1)..<max(ranks[edge.source] + 1, ranks[edge.target]))
            let points = between.map { column in
                items.append(Item(node: nil, column: column, width: 0, height: 14))
                columns[column].append(items.count - 1)
                return items.count - 1
            }
            paths.append([edge.source] + points + [edge.target])
        }
        orderColumns()
        placeColumns()
    }

    /// The column of every node: after all that it is computed from. Data, parameters and the penalty are just before
    /// their first reader.
    private static func ranks(of graph: ComputationGraph) -> [Int] {
        var ranks = [Int](repeating: 0, count: graph.nodes.count)
        // Nodes come after those they are computed from, and so do the edges' targets.
        for edge in graph.edges.sorted(by: { $0.target < $1.target }) {
            ranks[edge.target] = max(ranks[edge.target], ranks[edge.source] + 1)
        }
        for index in graph.nodes.indices.reversed() {
            let readers = graph.edges.filter { $0.source == index }.map { ranks[$0.target] }
            let isFirst = !graph.edges.contains { $0.target == index }
            guard let first = readers.min(), isFirst || graph.nodes[index].kind == .loss else { continue }
            ranks[index] = max(0, first - 1)
        }
        return ranks
    }

    private func neighbours(of item: Int, before: Bool) -> [Int] {
        paths.flatMap { path in
            path.indices.compactMap { index in
                guard path[index] == item else { return nil as Int? }
                let other = before ? index - 1 : index + 1
                return path.indices.contains(other) ? path[other] : nil
            }
        }
    }

    private mutating func orderColumns() {
        var places = [Double](repeating: 0, count: items.count)
        func note(_ column: [Int]) { for (place, item) in column.enumerated() { places[item] = Double(place) } }
        columns.forEach(note)
        for sweep in 0..<8 {
            let forward = sweep.isMultiple(of: 2)
            for column in forward ? Array(columns.indices) : columns.indices.reversed() {
                let means = columns[column].map { item -> (item: Int, mean: Double) in
                    let others = neighbours(of: item, before: forward).map { places[$0] }
                    return (item, others.isEmpty ? places[item] : others.reduce(0, +) / Double(others.count))
                }
                // A stable order: equal means keep theirs.
                columns[column] = means.enumerated().sorted {
                    ($0.element.mean, $0.offset) < ($1.element.mean, $1.offset)
                }.map(\.element.item)
                note(columns[column])
            }
        }
    }

    private mutating func placeColumns() {
        var left = Self.margin
        for column in columns.indices {
            let width = columns[column].map { items[$0].width }.max() ?? 0
            if column > 0 { left += gaps[column] }
            for item in columns[column] { items[item].x = left + width / 2 }
            left += width
            stack(columns[column], around: nil)
        }
        // Towards the means of the neighbours, keeping the order and the distances.
        for sweep in 0..<6 {
            let forward = sweep.isMultiple(of: 2)
            for column in forward ? Array(columns.indices) : columns.indices.reversed() {
                let wanted = columns[column].map { item in
                    let others = neighbours(of: item, before: forward).map { items[$0].y }
                    return others.isEmpty ? items[item].y : others.reduce(0, +) / Double(others.count)
                }
                stack(columns[column], around: wanted)
            }
        }
        let top = items.map { $0.y - $0.height / 2 }.min() ?? 0
        for index in items.indices { items[index].y += Self.margin - top }
        let bottom = items.map { $0.y + $0.height / 2 }.max() ?? 0
        size = (left + Self.margin, bottom + Self.margin)
    }

    /// Stacks a column's items from above, each not higher than `wanted` where that is given, and then moves them so that
    /// they are on average where they are wanted.
    private mutating func stack(_ column: [Int], around wanted: [Double]?) {
        var bottom = -Double.infinity
        for (place, item) in column.enumerated() {
            let half = items[item].height / 2
            let first = bottom == -.infinity ? wanted?[place] ?? 0 : bottom + Self.rowGap + half
            items[item].y = wanted.map { max(first, $0[place]) } ?? first
            bottom = items[item].y + half
        }
        let target = wanted.map { $0.reduce(0, +) } ?? 0
        let shift = (target - column.reduce(0) { $0 + items[$1].y }) / Double(max(1, column.count))
        for item in column { items[item].y += shift }
    }
}
