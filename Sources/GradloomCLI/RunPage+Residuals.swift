import LoomReporting
import LoomRuns
import LoomTraining

/// The residuals of a predicted number in the page's JSON object.
struct ResidualEntry: Encodable {
    let name: String
    let residuals: Residuals

    private enum Key: String, CodingKey {
        case target, samples, mean, largest, histogram, points, density
        case leftOut = "left_out"
        case standardDeviation = "standard_deviation"
    }

    private struct Sample: Encodable {
        let sample: Int
        let target, prediction, residual: Double

        init(_ sample: Residuals.Sample) {
            self.sample = sample.sample
            (target, prediction, residual) = (sample.target, sample.prediction, sample.residual)
        }
    }

    private struct Histogram: Encodable {
        let ends: [Double]
        let counts: [Int]
        let below, above: Int
    }

    private struct Density: Encodable {
        let ends: [Double]
        let counts: [[Int]]
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .target)
        try container.encode(residuals.samples, forKey: .samples)
        try container.encode(residuals.leftOut, forKey: .leftOut)
        try container.encode(residuals.mean, forKey: .mean)
        try container.encode(residuals.standardDeviation, forKey: .standardDeviation)
        try container.encode(residuals.largest.map(Sample.init), forKey: .largest)
        try container.encode(
            Histogram(
                ends: residuals.intervals.ends, counts: residuals.counts, below: residuals.below, above: residuals.above
            ), forKey: .histogram)
        if let points = residuals.points {
            try container.encode(points.map { [$0.target, $0.prediction] }, forKey: .points)
        } else {
            try container.encode(Density(ends: residuals.grid.ends, counts: residuals.density), forKey: .density)
        }
    }
}

extension Residuals.Intervals {
    /// All ends, ascending.
    fileprivate var ends: [Double] { (0...count).map(end) }
}

extension RunPage {
    /// The most targets of a run that have charts.
    static let mostTargets = 4

    /// Where predicted numbers lie beside their targets.
    func residuals(_ index: Int) -> [Markup] {
        let entries = runs[index].residuals.enumerated()
        guard !runs[index].residuals.isEmpty else { return [] }
        let left = (runs[index].evaluation?.measures.regression?.targets.count ?? 0) - runs[index].residuals.count
        let note =
            left > 0
            ? [Markup("p", ["class": "soft"], text: "Without charts: \(NumberFormat.counted(left, "other target")).")]
            : []
        return [spread(index).markup]
            + entries.map { place, entry in
                let pointer = "residuals/\(place)"
                return Markup(
                    "div", ["class": "figures"],
                    [
                        beside(entry, index, pointer).markup, histogram(entry, index, pointer).markup,
                    ])
            } + note
    }

    private func spread(_ index: Int) -> DataTable {
        var table = DataTable(
            "Residuals",
            columns: [
                .text("target"), .number("samples"), .number("mean residual"), .number("standard deviation"),
                .number("largest residual"), .number("not finite"),
            ])
        for (place, entry) in runs[index].residuals.enumerated() {
            let (residuals, pointer) = (entry.residuals, "residuals/\(place)")
            table.append([
                .text(entry.name), .number(whole(residuals.samples, index, "\(pointer)/samples")),
                .number(number(residuals.mean, index, "\(pointer)/mean")),
                .number(number(residuals.standardDeviation, index, "\(pointer)/standard_deviation")),
                .number(number(residuals.largest.first?.residual, index, "\(pointer)/largest/0/residual")),
                .number(whole(residuals.leftOut, index, "\(pointer)/left_out"), isBad: residuals.leftOut > 0),
            ])
        }
        return table
    }

    /// Predictions over targets.
    private func beside(_ entry: ResidualEntry, _ index: Int, _ pointer: String) -> Figure {
        let residuals = entry.residuals
        let summary =
            "Predictions of \(entry.name) over their targets, \(NumberFormat.counted(residuals.samples, "sample"))"
        let line = "predicted = target"
        let (chart, note): (any Chart, String)
        if let points = residuals.points {
            let axis = { ChartAxis($0, scale: ChartScale(.linear, domain: residuals.grid.low...residuals.grid.high)) }
            let (low, high) = (residuals.grid.low, residuals.grid.high)
            note = "One point for each sample."
            chart = LineChart(
                summary, x: axis("target"), y: axis("predicted"),
                series: [
                    LineChart.Series(line, .grey, .dashes, points: [.init(low, low), .init(high, high)]),
                    LineChart.Series(
                        "sample", colour(index), .point,
                        points: points.map { point in
                            LineChart.Point(
                                point.target, point.prediction,
                                title: "sample \(point.sample): target \(NumberFormat.number(point.target)), predicted "
                                    + NumberFormat.number(point.prediction))
                        }),
                ], height: LineChart.tallHeight)
        } else {
            note = "The stronger the colour, the more samples: equal steps of it are equal ratios."
            chart = DensityChart(
                summary, xTitle: "target", yTitle: "predicted", ends: residuals.grid.ends, counts: residuals.density,
                colour: colour(index), noun: "sample", line: line)
        }
        return Figure(
            "\(entry.name): predicted over target", note: [Markup("p", text: note)], chart: chart, width: .half,
            table: largest(residuals, index, pointer))
    }

    private func largest(_ residuals: Residuals, _ index: Int, _ pointer: String) -> DataTable {
        var table = DataTable(
            "The largest residuals",
            columns: [.number("sample"), .number("target"), .number("predicted"), .number("residual")])
        for (place, sample) in residuals.largest.enumerated() {
            let pointer = "\(pointer)/largest/\(place)"
            table.append([
                .number(whole(sample.sample, index, "\(pointer)/sample")),
                .number(number(sample.target, index, "\(pointer)/target")),
                .number(number(sample.prediction, index, "\(pointer)/prediction")),
                .number(number(sample.residual, index, "\(pointer)/residual")),
            ])
        }
        return table
    }

    private func histogram(_ entry: ResidualEntry, _ index: Int, _ pointer: String) -> Figure {
        let (residuals, pointer) = (entry.residuals, "\(pointer)/histogram")
        let ends = residuals.intervals.ends
        var table = DataTable(
            "Residuals in numbers", columns: [.number("from"), .number("to"), .number("samples")])
        if residuals.below > 0 {
            table.append([
                .text(nil), .number(number(ends.first, index, "\(pointer)/ends/0")),
                .number(whole(residuals.below, index, "\(pointer)/below")),
            ])
        }
        for (place, count) in residuals.counts.enumerated() where count > 0 {
            table.append([
                .number(number(ends[place], index, "\(pointer)/ends/\(place)")),
                .number(number(ends[place + 1], index, "\(pointer)/ends/\(place + 1)")),
                .number(whole(count, index, "\(pointer)/counts/\(place)")),
            ])
        }
        if residuals.above > 0 {
            table.append([
                .number(number(ends.last, index, "\(pointer)/ends/\(ends.count - 1)")), .text(nil),
                .number(whole(residuals.above, index, "\(pointer)/above")),
            ])
        }
        let (mean, deviation) = (residuals.mean, residuals.standardDeviation)
        let outside = residuals.below + residuals.above
        let note =
            "A residual is target − predicted. Lines are at the mean μ and one standard deviation σ beside it."
            + (outside > 0 ? " Beyond four, not drawn: \(NumberFormat.counted(outside, "sample"))." : "")
        return Figure(
            "\(entry.name): residuals", note: [Markup("p", text: note)],
            chart: HistogramChart(
                "Histogram of the residuals of \(entry.name): mean \(NumberFormat.number(mean)), standard deviation "
                    + NumberFormat.number(deviation),
                bins: zip(zip(ends, ends.dropFirst()), residuals.counts).map {
                    HistogramChart.Bin(low: $0.0, high: $0.1, count: $1)
                }, title: "target − predicted", unit: nil, counted: "samples",
                markers: [
                    .init(mean - deviation, label: "−σ"), .init(mean, label: "μ"),
                    .init(mean + deviation, label: "+σ"),
                ], colour: colour(index)), width: .half, table: table)
    }
}
