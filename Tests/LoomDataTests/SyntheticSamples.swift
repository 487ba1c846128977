@testable import LoomData

extension SyntheticDescription {
    /// The inputs and targets of the first samples, one row for each.
    func rows() throws -> (inputs: [[Double]], targets: [[Double]]) {
        try SyntheticSource(self).withSamples(0..<samples) { ($0.nested, $1.nested) }
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
