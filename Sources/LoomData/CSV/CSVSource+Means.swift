import LoomKernels

// Means in the place of missing numbers.
extension CSVSource {
    /// Whether numbers are missing that a mean has to stand for.
    package var fillsMissing: Bool {
        inputs.columns.contains { $0.categories == nil && $0.marksMissing }
    }

    /// The source with the means of the samples `rows` in the place of missing numbers.
    ///
    /// The sums of fixed blocks of rows are added in the order of the rows: the bits don't depend on threads.
    /// - Throws: `DataError` for a column of which no value is known, or whose sum is infinite, and for what cannot be read.
    package func replacingMissing(byMeansOf rows: RowSelection) throws(DataError) -> CSVSource {
        let features = inputs.columns.indices.filter {
            inputs.columns[$0].categories == nil && inputs.columns[$0].marksMissing
        }
        guard fillsMissing else { return self }
        var columns = inputs.columns
        for feature in features { columns[feature].mean = nil }
        let unfilled = replacingMissing(by: columns)
        let sums = try unfilled.sums(of: features, rows: rows)
        for (index, feature) in features.enumerated() {
            let (sum, count) = (sums[2 * index], sums[2 * index + 1])
            guard count > 0, sum.isFinite else {
                throw DataError(
                    .badData, source: name, place: layout.place(column: layout.featureColumns[feature]),
                    problem: count == 0
                        ? "the value is missing in every training sample"
                        : "the numbers are too large for a mean in float64",
                    remedy: count == 0 ? "ignore the column" : "scale the column")
            }
            columns[feature].mean = sum / count
        }
        return replacingMissing(by: columns)
    }

    /// For each of `features`, the sum and the number of the values that are known.
    private func sums(of features: [Int], rows: RowSelection) throws(DataError) -> [Double] {
        let slots = features.map { feature in inputs.features.firstIndex(of: feature) ?? 0 }
        let rowCount = rows.count(of: count)
        let width = 2 * features.count
        let partial = AlignedBuffer<Double>(
            count: ConcurrentBlocks.count(rowCount: rowCount) * width, repeating: 0)
        try ConcurrentBlocks.forEach(rowCount: rowCount, by: ConcurrentBlocks.dispatch) {
            [self] block, range throws(DataError) in
            let samples = rows.samples(range)
            try withScratchMatrix(rows: range.count, columns: inputs.count) { values throws(DataError) in
                try fill(rows: samples, inputs: values, targets: nil)
                let sums = partial.pointer + block * width
                for row in 0..<range.count {
                    for (index, slot) in slots.enumerated() where values[row, slot + 1] == 0 {
                        sums[2 * index] += values[row, slot]
                        sums[2 * index + 1] += 1
                    }
                }
            }
        }
        var totals = [Double](repeating: 0, count: width)
        for (index, sum) in partial.elements.enumerated() { totals[index % width] += sum }
        return totals
    }
}
