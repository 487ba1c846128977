import LoomData
import LoomKernels
import LoomRuns

/// The first samples of a synthetic task, as a table and, where they have two features or are square images, as a picture.
public struct SamplePreview {
    /// What a terminal shows.
    public let text: String

    private static let tableRows = 8
    private static let tableColumns = 8
    private static let plottedPoints = 1000
    private static let images = 4
    /// From black to white.
    private static let shades = Array(" .:-=+*#%@")

    /// Makes the first samples of `source`.
    /// - Throws: `DataError`.
    public init(_ source: SyntheticSource) throws {
        let count = min(source.count, Self.plottedPoints)
        let (features, columns) = (source.featureCount, source.targetColumns.count)
        let values = AlignedBuffer<Double>(uninitializedCount: count * (features + columns))
        let inputs = MatrixView(pointer: values.pointer, rows: count, columns: features, stride: features)
        let targets = MatrixView(
            pointer: values.pointer + count * features, rows: count, columns: columns, stride: columns)
        try source.fill(rows: (0..<UInt64(count)).map { $0 }[...], inputs: inputs, targets: targets)
        let isClassification = source.description.classes != nil
        var text = Self.table(inputs, targets, isClassification)
        if features == 2 {
            text +=
                "\n"
                + Self.plot(inputs) { row in
                    isClassification ? Self.mark(Int(targets[row, 0])) : "*"
                }
        } else if let side = Self.side(features) {
            for row in 0..<min(count, Self.images) {
                text +=
                    "\n" + (isClassification ? "class \(Int(targets[row, 0]))\n" : "") + Self.image(inputs, row, side)
            }
        }
        self.text = withExtendedLifetime(values) { text }
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

    /// The side of a square image of at least 8 × 8; nil: these are no images.
    private static func side(_ features: Int) -> Int? {
        let side = Int(Double(features).squareRoot().rounded())
        return side * side == features && (8...32).contains(side) ? side : nil
    }

    /// An image from its smallest to its largest value; a line of text is as high as two columns are wide.
    private static func image(_ inputs: MatrixView<Double>, _ row: Int, _ side: Int) -> String {
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
