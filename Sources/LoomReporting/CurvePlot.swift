import Foundation
import LoomRuns

/// Curves in characters, for terminals: dots of braille, eight in a character, or stars where there is no Unicode.
package struct CurvePlot: Sendable {
    /// A curve.
    package struct Series: Sendable {
        /// Its name, for the legend.
        package let name: String
        /// Points in the order of their x.
        package let points: [(x: Double, y: Double)]
        /// The number of its colour in ANSI's control sequences, 31 to 36.
        package let colour: Int

        /// A curve through `points`; those that are not finite are left out.
        package init(_ name: String, colour: Int, points: [(x: Double, y: Double)]) {
            (self.name, self.colour) = (name, colour)
            self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
        }
    }

    private let series: [Series]
    private let xRange, yRange: ClosedRange<Double>
    private let isLogarithmic: Bool
    private let xLabels: (first: String, last: String)

    /// Curves over x from 1 to `lastX`, below which `xLabels` stand; nil: these numbers. Positive values that differ by more than
    /// 20 times have a logarithmic scale.
    package init(_ series: [Series], lastX: Double, xLabels: (first: String, last: String)? = nil) {
        self.series = series.filter { !$0.points.isEmpty }
        let ys = self.series.flatMap { $0.points.map(\.y) }
        let (low, high) = (ys.min() ?? 0, ys.max() ?? 1)
        isLogarithmic = low > 0 && high / low > 20
        yRange = low...high
        xRange = 1...max(2, lastX)
        self.xLabels = xLabels ?? ("1", NumberFormat.grouped(Int(xRange.upperBound)))
    }

    /// The plot in `columns` × `rows` characters with its scales, and a legend below.
    package func lines(columns: Int, rows: Int, terminal: Terminal) -> [String] {
        let labelWidth = 10
        let (width, height) = (max(8, columns - labelWidth - 1), max(2, rows))
        var canvas = Canvas(columns: width, rows: height, isBraille: terminal.showsUnicode)
        for (index, curve) in series.enumerated() {
            draw(curve, isDashed: index > 0 && !terminal.showsColors, on: &canvas)
        }
        var lines = (0..<height).map { row in
            let value = row == 0 ? yRange.upperBound : row == height - 1 ? yRange.lowerBound : nil
            let labels = value.map { [NumberFormat.number($0), NumberFormat.number($0, significantDigits: 3)] } ?? [""]
            let label = labels.first { $0.count <= labelWidth } ?? labels[1]
            return String(repeating: " ", count: max(0, labelWidth - label.count)) + label + " "
                + canvas.row(row, showsColors: terminal.showsColors)
        }
        lines.append(
            String(repeating: " ", count: labelWidth + 1) + xLabels.first
                + String(repeating: " ", count: max(1, width - xLabels.first.count - xLabels.last.count)) + xLabels.last
        )
        let names = series.enumerated().map { index, curve in
            terminal.showsColors
                ? "\u{1B}[\(curve.colour)m\(curve.name)\u{1B}[0m" : curve.name + (index > 0 ? " (dashes)" : "")
        }
        lines.append(String(repeating: " ", count: labelWidth + 1) + names.joined(separator: "  "))
        return lines
    }

    /// Dashes are four dots long.
    private func draw(_ curve: Series, isDashed: Bool, on canvas: inout Canvas) {
        func place(_ point: (x: Double, y: Double)) -> (Int, Int) {
            let y = isLogarithmic ? log(point.y) : point.y
            let (low, high) =
                isLogarithmic
                ? (log(yRange.lowerBound), log(yRange.upperBound)) : (yRange.lowerBound, yRange.upperBound)
            // Equal values, and those whose distance is no number, are in the middle.
            func dot(_ fraction: Double, of count: Int) -> Int {
                Int(((fraction.isFinite ? min(1, max(0, fraction)) : 0.5) * Double(count - 1)).rounded())
            }
            return (
                dot((point.x - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound), of: canvas.dotColumns),
                dot((high - y) / (high - low), of: canvas.dotRows)
            )
        }
        var previous = place(curve.points[0])
        canvas.set(previous.0, previous.1, curve.colour)
        var dot = 0
        for point in curve.points.dropFirst() {
            let next = place(point)
            let steps = max(abs(next.0 - previous.0), abs(next.1 - previous.1))
            for step in 1...max(steps, 1) {
                dot += 1
                if isDashed, dot % 8 >= 4 { continue }
                let part = Double(step) / Double(max(steps, 1))
                canvas.set(
                    previous.0 + Int((part * Double(next.0 - previous.0)).rounded()),
                    previous.1 + Int((part * Double(next.1 - previous.1)).rounded()), curve.colour)
            }
            previous = next
        }
    }
}

/// Dots in characters.
private struct Canvas {
    private let columns, rows: Int
    private let isBraille: Bool
    private var dots: [UInt8]
    private var colours: [Int]

    var dotColumns: Int { isBraille ? 2 * columns : columns }
    var dotRows: Int { isBraille ? 4 * rows : rows }

    /// The bit of each dot of a character, by row and column (Unicode, "Braille Patterns").
    private static let bits: [[UInt8]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]

    init(columns: Int, rows: Int, isBraille: Bool) {
        (self.columns, self.rows, self.isBraille) = (columns, rows, isBraille)
        dots = Array(repeating: 0, count: columns * rows)
        colours = Array(repeating: 0, count: columns * rows)
    }

    mutating func set(_ x: Int, _ y: Int, _ colour: Int) {
        let cell = isBraille ? y / 4 * columns + x / 2 : y * columns + x
        dots[cell] |= isBraille ? Self.bits[y % 4][x % 2] : 1
        colours[cell] = colour
    }

    /// A row of characters; a colour is named where it changes.
    func row(_ row: Int, showsColors: Bool) -> String {
        var (text, current) = ("", 0)
        for cell in row * columns..<(row + 1) * columns {
            if showsColors, dots[cell] != 0, colours[cell] != current {
                current = colours[cell]
                text += "\u{1B}[\(current)m"
            }
            let empty: Character = " "
            text.append(
                dots[cell] == 0 ? empty : isBraille ? Character(UnicodeScalar(0x2800 + UInt32(dots[cell]))!) : "*")
        }
        return text + (current == 0 ? "" : "\u{1B}[0m")
    }
}
