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
        let zeros = [Double](repeating: 0, count: dataset.featureCount)
        let sums = Self.columnSums(dataset, subtracting: zeros, squared: false, loop)
        let means = sums.map { $0 / count }
        let squares = Self.columnSums(dataset, subtracting: means, squared: true, loop)
        self.means = means
        self.deviations = zip(means, squares).map { mean, sum in
            let deviation = (sum / count).squareRoot()
            // The mean of n equal values x may be off by n rounding errors of x: a deviation of that size is none.
            return deviation <= abs(mean) * count.squareRoot() * Double.ulpOfOne ? 1 : deviation
        }
    }

    /// x ← (x − mean) / deviation for every element of the inputs, in place.
    ///
    /// Throws when the data set has another number of features.
    public func apply<Scalar>(
        to dataset: Dataset<Scalar>, concurrently loop: ConcurrentLoop = ConcurrentBlocks.dispatch
    ) throws(DataError) {
        guard dataset.featureCount == means.count else {
            throw DataError(
                .badData, source: dataset.sourceName,
                problem: "\(dataset.featureCount) features, but the model was standardised on \(means.count)",
                remedy: "give the same feature columns as in training")
        }
        try ConcurrentBlocks.forEach(rowCount: dataset.count, by: loop) { [self] _, rows in
            ScalarStorage.standardize(dataset.inputs.rows(rows), means: means, deviations: deviations)
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
