import LoomTraining

/// What consecutive regions of a training came to, in a bounded number of rows, however long it takes: where there are more,
/// each two neighbouring rows become one.
struct RegionSeries {
    /// Some regions, one after the other.
    struct Row {
        var steps, samples: Int
        var seconds: Double
        /// What they added to the clock.
        var totals: ClockTotals

        var samplesPerSecond: Double { Double(samples) / seconds }
        var stepSeconds: Double { seconds / Double(steps) }

        mutating func add(_ other: Row) {
            steps += other.steps
            samples += other.samples
            seconds += other.seconds
            totals = totals.adding(other.totals)
        }
    }

    /// Rows at most, an even number: as many as a median needs, and a few more.
    static let capacity = 64
    private(set) var rows: [Row] = []
    private var regionsPerRow = 1
    private var regionsOfLast = 0

    mutating func add(_ region: Row) {
        guard region.steps > 0, region.seconds > 0 else { return }
        if regionsOfLast == regionsPerRow || rows.isEmpty {
            if rows.count == Self.capacity { mergeNeighbours() }
            rows.append(region)
            regionsOfLast = 1
        } else {
            rows[rows.count - 1].add(region)
            regionsOfLast += 1
        }
    }

    private mutating func mergeNeighbours() {
        rows = stride(from: 0, to: rows.count, by: 2).map { index in
            var row = rows[index]
            row.add(rows[index + 1])
            return row
        }
        regionsPerRow *= 2
    }
}

extension ClockTotals {
    /// The sum of both.
    func adding(_ other: ClockTotals) -> ClockTotals {
        ClockTotals(
            ticks: zip(ticks, other.ticks).map { zip($0, $1).map { $0 &+ $1 } },
            steps: zip(steps, other.steps).map { $0 + $1 })
    }
}
