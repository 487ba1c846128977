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
    func check(of source: any DataSource) throws(DataError) {
        for feature in means.indices where !means[feature].isFinite || !deviations[feature].isFinite {
            throw DataError(
                .badData, source: source.name, place: source.place(feature: feature),
                problem: "the numbers are too large to standardise: their deviation is infinite in float64",
                remedy: "scale the column")
        }
    }

    private static func columnSums<Scalar>(
        _ dataset: Dataset<Scalar>, subtracting subtracted: [Double], squared: Bool, _ loop: ConcurrentLoop
    ) -> [Double] {
        let features = dataset.featureCount
        let blocks = ConcurrentBlocks.count(rowCount: dataset.count)
        let partial = AlignedBuffer<Double>(uninitializedCount: blocks * features)
        defer { withExtendedLifetime(partial) {} }
        // Each block writes its own row of `partial`; nothing in it throws.
        try? ConcurrentBlocks.forEach(rowCount: dataset.count, by: loop) { block, rows in
            var sums = [Double](repeating: 0, count: features)
            ScalarStorage.addColumns(
                of: dataset.inputs.rows(rows), subtracting: subtracted, squared: squared, to: &sums)
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
