import Foundation
import Testing

@testable import LoomReporting

/// Scales, ticks, and where charts put things, by hand.
@Suite struct ReportChartTests {
    @Test func scales() {
        let linear = ChartScale(.linear, domain: 10...30)
        #expect([10, 15, 30, 40].map(linear.fraction) == [0, 0.25, 1, 1.5])
        let logarithmic = ChartScale(.logarithmic, domain: 1...10_000)
        #expect(abs(logarithmic.fraction(10) - 0.25) < 1e-15 && abs(logarithmic.fraction(1e4) - 1) < 1e-15)
        // What no scale has is replaced, so that nothing divides by 0.
        #expect(ChartScale(.linear, domain: 5...5).domain == 5...10)
        #expect(ChartScale(.linear, domain: 0...0).domain == 0...1)
        #expect(ChartScale(.linear, domain: 0...Double.infinity).domain == 1...2)
        #expect(ChartScale(.logarithmic, domain: 0...1000).domain == 1...1000)
        #expect(ChartScale(.logarithmic, domain: 4...4).domain == 2...8)
        // Up to the next tick: steps of 20 for 0 to 101.
        #expect(ChartScale.fromZero([7, 101]).domain == 0...120)
        #expect(ChartScale.fromZero([-3, 100]).domain == -3...100)
        #expect(ChartScale.fromZero([]).domain == 0...1)
        #expect(ChartScale.fromZero([0, 0]).domain.lowerBound == 0)
    }

    @Test(
        arguments: [
            (0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 100, 5, [0, 20, 40, 60, 80, 100]),
            (0, 7, 4, [0, 2, 4, 6]), (0.3, 0.7, 4, [0.3, 0.4, 0.5, 0.6, 0.7]), (-5, 5, 2, [-5, 0, 5]),
            (0, 3e9, 3, [0, 1e9, 2e9, 3e9]), (0, 4e-7, 4, [0, 1e-7, 2e-7, 3e-7, 4e-7]),
        ] as [(Double, Double, Int, [Double])])
    func linearTicks(low: Double, high: Double, about: Int, ticks: [Double]) {
        // Not 0.30000000000000004: a label has the decimals that it needs.
        #expect(ChartScale(.linear, domain: low...high).ticks(about: about) == ticks)
    }

    @Test(
        arguments: [
            (1, 1000, 5, [1, 10, 100, 1000]), (3, 40, 5, [5, 10, 20]), (0.9, 12, 5, [1, 2, 5, 10]),
            (1e-3, 1e6, 5, [1e-3, 1e-1, 1e1, 1e3, 1e5]), (30, 250, 5, [50, 100, 200]),
        ] as [(Double, Double, Int, [Double])])
    func logarithmicTicks(low: Double, high: Double, about: Int, ticks: [Double]) {
        #expect(ChartScale(.logarithmic, domain: low...high).ticks(about: about) == ticks)
    }

    @Test(
        arguments: [
            ([0, 0.5, 1], ["0", "0.5", "1.0"]), ([0, 0.25, 0.5], ["0", "0.25", "0.50"]),
            ([0, 20, 40], ["0", "20", "40"]),
            ([0, 5000], ["0", "5,000"]), ([0, 500_000, 1_000_000, 1_500_000], ["0", "0.5 M", "1.0 M", "1.5 M"]),
            ([0, 20_000, 40_000], ["0", "20 k", "40 k"]), ([-1, 0, 1], ["-1", "0", "1"]), ([], []), ([3], ["3"]),
        ] as [([Double], [String])])
    func linearLabels(ticks: [Double], labels: [String]) { #expect(TickLabels.linear(ticks) == labels) }

    @Test func logarithmicLabels() {
        #expect(
            TickLabels.logarithmic([1e-6, 0.05, 2, 1000, 20_000, 5e6]) == [
                "1e-06", "0.05", "2", "1,000", "20 k", "5 M",
            ])
    }

    @Test func coordinates() {
        #expect(
            [0, 1.0, 0.5, 12.345, -3.999, 1e-9, -0.001].map(coordinate) == ["0", "1", "0.5", "12.35", "-4", "0", "0"])
        #expect(coordinate(.infinity) == "0" && coordinate(100) == "100")
    }

    /// A frame of 500 × 266 pixels: 26 above, 40 below, and at the left 10 pixels with the widest label.
    @Test func frame() {
        let frame = PlotFrame(
            x: ChartAxis("x", scale: ChartScale(.linear, domain: 0...10)),
            y: ChartAxis("y", scale: ChartScale(.linear, domain: 0...4)), width: 500, height: 266)
        #expect(frame.top == 26 && frame.bottom == 226 && frame.right == 486)
        #expect(frame.left == ChartText.width("0") + 10)
        #expect(frame.y(0) == 226 && frame.y(4) == 26 && frame.y(1) == 176)
        #expect(frame.x(0) == frame.left && frame.x(10) == 486)
        #expect(abs(frame.x(5) - (frame.left + 486) / 2) < 1e-9)
    }

    /// Bars of 1 + 3 and 2 on an axis to 4; the labels are 8 pixels before the bars.
    @Test func stackedBars() {
        let bars = StackedBars(
            "bars", title: "s",
            rows: [
                .init(
                    "a", parts: [.init(1, .blue, label: "", title: "one"), .init(3, .grey, label: "", title: "three")]),
                .init(
                    "b",
                    parts: [.init(2, .blue, label: "two", title: "two"), .init(0, .grey, label: "", title: "none")]),
            ], legend: [])
        let left = ChartText.width("a") + 8
        let unit = (400 - 14 - left) / 4
        let drawn = bars.drawn(width: 400).source
        // A gap of a pixel follows.
        for (start, length, top) in [(0.0, 1.0, 2), (1, 3, 2), (0, 2, 32)] {
            let rectangle =
                "x=\"\(coordinate(left + start * unit))\" y=\"\(top)\" width=\"\(coordinate(length * unit - 1))\" height=\"24\""
            #expect(drawn.contains(rectangle), "\(rectangle)")
        }
        #expect(drawn.components(separatedBy: "<rect").count == 4 && !drawn.contains("none"))
        #expect(drawn.contains(">two</text>") && drawn.contains("<title>three</title>"))
        #expect(bars.height(width: 400) == 2 * 30 + 4 + 40)
    }

    @Test func shortSpansAreSeen() {
        let chart = TimelineChart(
            "t", title: "s",
            rows: [
                .init(
                    "w",
                    spans: [
                        .init(0, 1000, .blue, label: "long", title: "long"),
                        .init(1000, 1000.001, .grey, label: "short", title: "short"),
                    ])
            ],
            legend: [], moment: .init(500, label: "half"))
        let drawn = chart.drawn(width: 400).source
        #expect(drawn.contains("width=\"0.6\"") && drawn.contains(">long</text>") && !drawn.contains(">short</text>"))
        let left = ChartText.width("w") + 8
        #expect(drawn.contains("x1=\"\(coordinate(left + (386 - left) / 2.000002))\" x2="))
    }

    @Test func binsOfHistograms() {
        // Steps of 1 from 0 to 5.
        let bins = HistogramChart.bins([0.5, 0.5, 1, 1.5, 4.9, 7, .nan], upTo: 5, about: 5)
        #expect(bins.map(\.low) == [0, 1, 2, 3, 4] && bins.map(\.high) == [1, 2, 3, 4, 5])
        #expect(bins.map(\.count) == [2, 2, 0, 0, 1])
        #expect(HistogramChart.bins([], upTo: 1).isEmpty)
        #expect(HistogramChart.bins([3, 3], upTo: 5).map(\.count).reduce(0, +) == 2)
    }

    /// Two by two cells: one pair is pale, the most have the whole colour.
    @Test func density() {
        let chart = DensityChart(
            "d", xTitle: "x", yTitle: "y", ends: [0, 2, 4], counts: [[100, 0], [1, 10]], colour: .orange,
            noun: "pair", line: "x = y")
        let drawn = chart.drawn(width: 424).source
        let frame = PlotFrame(x: chart.x, y: chart.y, width: 424, height: chart.height(width: 424))
        func cell(_ x: Double, _ y: Double, _ title: String) -> String {
            "<path d=\"M\(coordinate(frame.x(x))) \(coordinate(frame.y(y + 2)))H\(coordinate(frame.x(x + 2)))"
                + "V\(coordinate(frame.y(y)))H\(coordinate(frame.x(x)))z\"><title>\(title)</title>"
        }
        for (strength, text) in [
            ("0.2", cell(0, 2, "x 0.00 to 2.00, y 2.00 to 4.00: 1 pair")),
            ("0.68", cell(2, 2, "x 2.00 to 4.00, y 2.00 to 4.00: 10 pairs")),
            ("1.0", cell(0, 0, "x 0.00 to 2.00, y 0.00 to 2.00: 100 pairs")),
        ] {
            #expect(drawn.contains("<g class=\"orange fill\" fill-opacity=\"\(strength)\">" + text), "\(drawn)")
        }
        #expect(drawn.components(separatedBy: "<title>").count == 4)
        let line = (coordinate(frame.x(0)), coordinate(frame.y(0)), coordinate(frame.x(4)), coordinate(frame.y(4)))
        #expect(drawn.contains("d=\"M\(line.0) \(line.1)L\(line.2) \(line.3)\""))
        #expect(chart.legend.map(\.name) == ["pairs", "x = y"])
    }

    /// 100 GFLOP/s and 10 GB/s meet at 10 FLOP per byte.
    @Test func roofline() {
        let chart = RooflineChart(
            "r", xTitle: "x", yTitle: "y", level: ("level", 100),
            slopes: [.init("slope", factor: 10), .init("none", factor: 0)],
            points: [.init(20, 50, .blue, label: "a", title: "a"), .init(0, 1, .blue, label: "outside", title: "o")],
            legend: [])
        #expect(chart.points.count == 1 && chart.slopes.count == 1)
        #expect(chart.x.scale.domain == 5...40 && chart.y.scale.domain == 5...170)
        let frame = PlotFrame(x: chart.x, y: chart.y, width: 800, height: chart.height(width: 800))
        let drawn = chart.drawn(width: 800).source
        let knee = (coordinate(frame.x(10)), coordinate(frame.y(100)))
        #expect(drawn.contains("x1=\"\(knee.0)\" y1=\"\(knee.1)\" x2=\"\(coordinate(frame.right))\" y2=\"\(knee.1)\""))
        #expect(
            drawn.contains(
                "x1=\"\(coordinate(frame.left))\" y1=\"\(coordinate(frame.y(50)))\" x2=\"\(knee.0)\" y2=\"\(knee.1)\""))
        #expect(drawn.contains("cx=\"\(coordinate(frame.x(20)))\" cy=\"\(coordinate(frame.y(50)))\""))
    }

    @Test func labelsFindPlaces() {
        var places = LabelPlaces(left: 0, right: 200, top: 0, bottom: 100)
        let first = places.place("abc", beside: (50, 50))
        #expect(first?.x == 59 && first?.y == 54)
        // The right is taken.
        let second = places.place("abc", beside: (50, 50))
        #expect(second?.x == 50 - 9 - ChartText.width("abc") && second?.y == 54)
        // Without room at the right.
        let third = places.place("abcdef", beside: (190, 20))
        #expect(third?.x == 190 - 9 - ChartText.width("abcdef"))
        let tooLong = places.place(String(repeating: "x", count: 100), beside: (100, 50))
        #expect(tooLong == nil)
    }

    @Test func curves() {
        let chart = LineChart(
            "c", x: ChartAxis("x", scale: ChartScale(.linear, domain: 0...2)),
            y: ChartAxis("y", scale: ChartScale(.linear, domain: 0...10)),
            series: [
                .init(
                    "s", .blue, .line,
                    points: [.init(1, 5, low: 4, high: 6, title: "five"), .init(2, 10), .init(.nan, 1)],
                    hasPoints: true), .init("m", .orange, .ring, points: [.init(2, 8, title: "eight")]),
            ])
        let frame = PlotFrame(x: chart.x, y: chart.y, width: 872, height: chart.height(width: 872))
        let drawn = chart.drawn(width: 872).source
        let (x, y) = (coordinate(frame.x(1)), coordinate(frame.y(5)))
        #expect(drawn.contains("d=\"M\(x) \(y)L\(coordinate(frame.x(2))) \(coordinate(frame.y(10)))\""))
        #expect(drawn.contains("class=\"fill\" cx=\"\(x)\" cy=\"\(y)\" r=\"4\"><title>five</title>"))
        #expect(drawn.contains("M\(x) \(coordinate(frame.y(6)))V\(coordinate(frame.y(4)))"))
        #expect(drawn.contains("class=\"ring\""))
        #expect(chart.legend.map(\.name) == ["m", "s"] && !drawn.contains("nan"))
    }

    /// Five tiles in two columns of a narrow drawing, and in one row of a wide one.
    @Test func tiles() {
        let map = TileMap(
            "m",
            sections: [
                .init(
                    "s",
                    groups: [
                        .init(
                            "g",
                            tiles: (0..<5).map {
                                .init("tile \($0)", lines: [.init("cpu", parts: [(0.25, .blue)])], title: "t")
                            })
                    ])
            ],
            legend: [])
        let width = ChartText.width("tile 0") + 20
        let tileHeight = 22.0 + 24
        #expect(map.height(width: 2 * width + 27) == 24 + (24 + 3 * tileHeight + 2 * 6 + 10) + 2)
        // Four and one would fit: it is three and two.
        #expect(map.drawn(width: 4 * width + 45).source.contains("x=\"\(coordinate(10 + 2 * (width + 6)))\" y=\"48\""))
        #expect(!map.drawn(width: 4 * width + 45).source.contains("x=\"\(coordinate(10 + 3 * (width + 6)))\" y=\"48\""))
        #expect(map.height(width: 800) == 24 + (24 + tileHeight + 10) + 2)
        #expect(map.drawn(width: 800).source.contains("width=\"\(coordinate((width - 16) / 4))\" height=\"4\""))
    }
}
