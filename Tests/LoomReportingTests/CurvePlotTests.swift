import Testing

@testable import LoomReporting

@Suite struct CurvePlotTests {
    private static let plain = Terminal(canRewriteLines: false, showsColors: false, showsUnicode: false)
    private static let unicode = Terminal(canRewriteLines: false, showsColors: false, showsUnicode: true)
    private static let coloured = Terminal(canRewriteLines: true, showsColors: true, showsUnicode: true)

    private func plot(_ curves: [[Double]], _ terminal: Terminal, columns: Int = 20, rows: Int = 4) -> [String] {
        let series = curves.enumerated().map { index, ys in
            CurvePlot.Series(
                "curve\(index)", colour: 34 - index, points: ys.enumerated().map { (x: Double($0 + 1), y: $1) })
        }
        return CurvePlot(series, lastX: Double(curves[0].count)).lines(columns: columns, rows: rows, terminal: terminal)
    }

    /// A falling line leads from one corner to the other.
    @Test func starsWithoutUnicode() {
        let lines = plot([[3, 2, 1, 0]], Self.plain)
        #expect(lines.count == 6)
        let curve = lines[..<4].map { $0.dropFirst(11) }
        #expect(curve[0].hasPrefix("*") && curve[3].hasSuffix("*"))
        #expect((0..<9).allSatisfy { column in curve.contains { Array($0)[column] == "*" } })
        #expect(lines[0].hasPrefix("     3.000 ") && lines[3].hasPrefix("     0.000 "))
        #expect(lines[4] == "           1       4" && lines[5] == "           curve0")
    }

    /// Dots of two columns and four rows in a character.
    @Test func brailleDots() {
        let lines = plot([[1, 0]], Self.unicode, columns: 19, rows: 2).map { $0.dropFirst(11) }
        // 16 × 8 dots: two columns to a row.
        #expect(lines[0].count == 8)
        let dots = lines[..<2].joined().unicodeScalars.filter { $0.value > 0x2800 }.reduce(0) {
            $0 + ($1.value - 0x2800).nonzeroBitCount
        }
        #expect(dots == 16)
    }

    /// Where there are no colours, the second curve is dashed; with them, each has its own.
    @Test func curvesAreToldApart() {
        let curves = [Array(repeating: 1.0, count: 40), Array(repeating: 0.0, count: 40)]
        let plain = plot(curves, Self.plain, columns: 60)
        #expect(!plain[0].dropFirst(11).contains(" ") && plain[3].dropFirst(11).contains("    "))
        #expect(plain[5].hasSuffix("curve0  curve1 (dashes)"))
        let coloured = plot(curves, Self.coloured, columns: 60)
        #expect(coloured[0].contains("\u{1B}[34m") && coloured[3].contains("\u{1B}[33m"))
        #expect(coloured[5].contains("\u{1B}[33mcurve1\u{1B}[0m"))
    }

    /// Numbers that are not finite, one point, equal points, and numbers of many sizes.
    @Test func anyNumbers() {
        for ys in [
            [.nan, .infinity], [1], [5, 5, 5], [1e-300, 1e300], [0, -1e9], [1e17, 1e17], [-1.7e308, 1.7e308],
        ] as [[Double]] {
            let lines = plot([ys], Self.unicode)
            #expect(lines.count == 6 && lines.allSatisfy { $0.count <= 20 }, "\(ys)")
        }
        // Logarithmic: each of three decades takes a third of the height.
        let lines = plot([[1000, 100, 10, 1]], Self.plain, columns: 15, rows: 4).prefix(4).map { $0.dropFirst(11) }
        #expect(lines.map(\.first) == ["*", " ", " ", " "] && lines[1].dropFirst().hasPrefix("*"), "\(lines)")
    }
}
