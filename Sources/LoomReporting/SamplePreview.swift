import LoomData
import LoomKernels
import LoomRuns

/// The first samples of a synthetic task, as a table and, where they have two features or are letters, as a picture.
public struct SamplePreview {
    /// What a terminal shows.
    public let text: String

    private static let tableRows = 8
    private static let tableColumns = 8
    private static let plottedPoints = 1000
    private static let images = 4
    /// From black to white.
    private static let shades = Array(" .:-=+*#%@")

    /// Makes the first samples of `source`: as many as are shown.
    /// - Throws: `DataError`.
    public init(_ source: SyntheticSource) throws {
        let isPlotted = source.featureCount == 2
        let count = min(source.count, isPlotted ? Self.plottedPoints : Self.tableRows)
        let isClassification = source.description.classes != nil
        text = try source.withSamples(0..<count) { inputs, targets in
            var text = Self.table(inputs, targets, isClassification)
            if isPlotted {
                text += "\n" + Self.plot(inputs) { isClassification ? Self.mark(Int(targets[$0, 0])) : "*" }
            } else if source.description.task == .letters {
                for row in 0..<min(count, Self.images) {
                    text += "\nclass \(Int(targets[row, 0]))\n" + Self.image(inputs, row)
                }
            }
            return text
        }
    }

    private static func table(_ inputs: MatrixView<Double>, _ targets: MatrixView<Double>, _ isClass: Bool) -> String {
        let shown = min(inputs.columns, tableColumns)
        var columns = (0..<shown).map { TextTable.Column("x\($0)", alignment: .right) }
        if shown < inputs.columns { columns.append(.init("…")) }
        let shownTargets = min(targets.columns, tableColumns)
        columns += (0..<shownTargets).map { .init(isClass ? "class" : "y\($0)", alignment: .right) }
        var table = TextTable(columns: columns)
        for row in 0..<min(inputs.rows, tableRows) {
            var cells = (0..<shown).map { NumberFormat.number(inputs[row, $0]) }
            if shown < inputs.columns { cells.append("…") }
            cells += (0..<shownTargets).map {
                isClass ? "\(Int(targets[row, $0]))" : NumberFormat.number(targets[row, $0])
            }
            table.append(cells)
        }
        return table.rendered()
    }

    private static func mark(_ label: Int) -> Character {
        let marks = Array("0123456789abcdefghijklmnopqrstuvwxyz")
        return label < marks.count ? marks[label] : "?"
    }

    /// Points in a field of characters; those at the same place are drawn over each other.
    private static func plot(_ points: MatrixView<Double>, mark: (Int) -> Character) -> String {
        let (width, height) = (60, 24)
        func bounds(_ column: Int) -> (Double, Double) {
            let values = (0..<points.rows).map { points[$0, column] }
            let (low, high) = (values.min() ?? 0, values.max() ?? 1)
            return high > low ? (low, high) : (low - 1, high + 1)
        }
        let (x, y) = (bounds(0), bounds(1))
        var field = [[Character]](repeating: [Character](repeating: " ", count: width), count: height)
        for row in 0..<points.rows {
            let column = min(width - 1, Int((points[row, 0] - x.0) / (x.1 - x.0) * Double(width)))
            let line = min(height - 1, Int((points[row, 1] - y.0) / (y.1 - y.0) * Double(height)))
            field[height - 1 - line][column] = mark(row)
        }
        return field.map { String($0).trimmedAtEnd + "\n" }.joined()
            + "x0 from \(NumberFormat.number(x.0)) to \(NumberFormat.number(x.1)), x1 from \(NumberFormat.number(y.0)) to "
            + "\(NumberFormat.number(y.1))\n"
    }

    /// An image, the first features of a sample, from its smallest to its largest value; a line of text is as high as two columns are wide.
    private static func image(_ inputs: MatrixView<Double>, _ row: Int) -> String {
        let side = SyntheticDescription.letterSide
        let pixels = (0..<side * side).map { inputs[row, $0] }
        let (low, high) = (pixels.min() ?? 0, pixels.max() ?? 1)
        return (0..<side).map { line in
            String(
                (0..<side).flatMap { column -> [Character] in
                    let value = high > low ? (pixels[line * side + column] - low) / (high - low) : 0
                    let shade = shades[min(shades.count - 1, Int(value * Double(shades.count)))]
                    return [shade, shade]
                }
            ).trimmedAtEnd + "\n"
        }.joined()
    }
}

extension String {
    fileprivate var trimmedAtEnd: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
