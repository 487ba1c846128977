import LoomKernels

@testable import LoomData

extension SyntheticDescription {
    /// The inputs and targets of the first samples, one row for each.
    func rows() throws -> (inputs: [[Double]], targets: [[Double]]) {
        let source = try SyntheticSource(self)
        return try withScratchMatrix(rows: samples, columns: source.featureCount) { inputs throws(DataError) in
            try withScratchMatrix(rows: samples, columns: source.targetColumns.count) { targets throws(DataError) in
                try source.fill(rows: Array(0..<UInt64(samples))[...], inputs: inputs, targets: targets)
                return (inputs.nested, targets.nested)
            }
        }
    }

    /// The same with some values changed.
    func with(_ change: (inout SyntheticDescription) -> Void) -> SyntheticDescription {
        var result = self
        change(&result)
        return result
    }
}

/// Σ a b.
func dot(_ first: ArraySlice<Double>, _ second: [Double]) -> Double {
    zip(first, second).reduce(0) { $0 + $1.0 * $1.1 }
}

func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

/// The mean of the products of deviations from the means.
func covariance(_ first: [Double], _ second: [Double]) -> Double {
    let (a, b) = (mean(first), mean(second))
    return mean(zip(first, second).map { ($0 - a) * ($1 - b) })
}
