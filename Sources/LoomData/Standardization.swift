import LoomKernels

/// A shift and a scale per feature that give the training part mean 0 and standard deviation 1.
///
/// It is computed from the training part alone, stored with the model, and applied to everything the model sees.
public struct Standardization: Sendable, Equatable, Codable {
    /// The mean of each feature.
    public var means: [Double]
    /// The standard deviation of each feature, over n and not n − 1; 1 for a constant feature.
    public var deviations: [Double]

    /// Given means and deviations, one per feature.
    public init(means: [Double], deviations: [Double]) {
        precondition(means.count == deviations.count, "one mean and one deviation per feature")
        self.means = means
        self.deviations = deviations
    }

    /// The means and deviations of `dataset`'s features, in float64 and in two passes.
    ///
    /// The sums of fixed blocks of rows are added in the order of the rows: the bits don't depend on threads.
    public init<Scalar>(
        of dataset: Dataset<Scalar>, concurrently loop: ConcurrentLoop = ConcurrentBlocks.dispatch
    ) {
        let count = Double(dataset.count)
        // Sums of differences from the first sample are exactly 0 for a constant feature, so its deviation is, too.
        let first = (0..<dataset.featureCount).map { Double(dataset.inputs[0, $0]) }
        let sums = Self.columnSums(dataset, subtracting: first, squared: false, loop)
        let means = zip(first, sums).map { $0 + $1 / count }
        let squares = Self.columnSums(dataset, subtracting: means, squared: true, loop)
        self.means = means
        self.deviations = squares.map { $0 == 0 ? 1 : ($0 / count).squareRoot() }
    }

    /// x ← (x − mean) / deviation for every element of the inputs, in place. What was rounded to float32 is not made exact
    /// again: give the standardisation to `Dataset`'s initialiser instead.
    ///
    /// Throws when the data set has another number of features.
    public func apply<Scalar>(
        to dataset: Dataset<Scalar>, concurrently loop: ConcurrentLoop = ConcurrentBlocks.dispatch
    ) throws(DataError) {
        try check(featureCount: dataset.featureCount, source: dataset.sourceName)
        try ConcurrentBlocks.forEach(rowCount: dataset.count, by: loop) { [self] _, rows in
            let inputs = dataset.inputs.rows(rows)
            _ = ScalarStorage.standardize(inputs, to: inputs, means: means, deviations: deviations)
        }
    }

    /// Refuses data with another number of features.
    func check(featureCount: Int, source: String) throws(DataError) {
        guard featureCount == means.count else {
            throw DataError(
                .badData, source: source,
                problem: "\(featureCount) features, but the model was standardised on \(means.count)",
                remedy: "give the same feature columns as in training")
        }
    }

    /// Refuses features whose squares are too large for float64.
    package func check(of source: any DataSource) throws(DataError) {
        for feature in means.indices where !means[feature].isFinite || !deviations[feature].isFinite {
            throw DataError(
                .badData, source: source.name, place: source.place(feature: feature),
                problem: "the numbers are too large to standardise: their deviation is infinite in float64",
                remedy: "scale the column")
        }
    }

    /// The means and deviations of the samples `rows` of `source`, which are read twice and not kept: the bits are those of
    /// `init(of:concurrently:)` on a data set of float64.
    ///
    /// - Throws: `DataError` for what cannot be read, and for features whose squares are infinite in float64.
    package init(
        of source: any DataSource, rows: RowSelection, concurrently loop: ConcurrentLoop = ConcurrentBlocks.dispatch
    ) throws(DataError) {
        let (rowCount, features) = (rows.count(of: source.count), source.featureCount)
        var first = [Double](repeating: 0, count: features)
        try withScratchMatrix(rows: 1, columns: features) { row throws(DataError) in
            try source.fill(rows: rows.samples(0..<1), inputs: row, targets: nil)
            for feature in 0..<features { first[feature] = row[0, feature] }
        }
        func sums(_ subtracted: [Double], squared: Bool) throws(DataError) -> [Double] {
            try Self.blockSums(rowCount: rowCount, features: features, loop) { range, sums throws(DataError) in
                let samples = rows.samples(range)
                try withScratchMatrix(rows: range.count, columns: features) { block throws(DataError) in
                    try source.fill(rows: samples, inputs: block, targets: nil)
                    ScalarStorage.addColumns(of: block, subtracting: subtracted, squared: squared, to: &sums)
                }
            }
        }
        let count = Double(rowCount)
        let means = zip(first, try sums(first, squared: false)).map { $0 + $1 / count }
        let squares = try sums(means, squared: true)
        self.init(means: means, deviations: squares.map { $0 == 0 ? 1 : ($0 / count).squareRoot() })
        try check(of: source)
    }

    private static func columnSums<Scalar>(
        _ dataset: Dataset<Scalar>, subtracting subtracted: [Double], squared: Bool, _ loop: ConcurrentLoop
    ) -> [Double] {
        // Nothing in it throws.
        let sums = try? blockSums(rowCount: dataset.count, features: dataset.featureCount, loop) { range, sums in
            ScalarStorage.addColumns(
                of: dataset.inputs.rows(range), subtracting: subtracted, squared: squared, to: &sums)
        }
        return sums ?? []
    }

    /// The sums of fixed blocks of rows, added in the order of the rows.
    private static func blockSums(
        rowCount: Int, features: Int, _ loop: ConcurrentLoop,
        _ add: @escaping @Sendable (_ rows: Range<Int>, _ sums: inout [Double]) throws(DataError) -> Void
    ) throws(DataError) -> [Double] {
        let blocks = ConcurrentBlocks.count(rowCount: rowCount)
        let partial = AlignedBuffer<Double>(uninitializedCount: blocks * features)
        defer { withExtendedLifetime(partial) {} }
        // Each block writes its own row of `partial`.
        try ConcurrentBlocks.forEach(rowCount: rowCount, by: loop) { block, rows throws(DataError) in
            var sums = [Double](repeating: 0, count: features)
            try add(rows, &sums)
            for feature in 0..<features {
                partial.pointer[block * features + feature] = sums[feature]
            }
        }
        var totals = [Double](repeating: 0, count: features)
        for block in 0..<blocks {
            for feature in 0..<features {
                totals[feature] += partial.pointer[block * features + feature]
            }
        }
        return totals
    }
}
