import LoomKernels

/// The loops that touch every element of a data set, compiled for float32 and float64.
///
/// Unspecialised generic code costs about a hundred times as much per element, and the data set's type is chosen in
/// another module: so the type is looked at once per block.
package enum ScalarStorage {
    /// Rounds `source` to the destination's type and says whether every rounded element is finite.
    package static func store<Scalar: BitwiseCopyable & BinaryFloatingPoint>(
        _ source: MatrixView<Double>, to destination: MatrixView<Scalar>
    ) -> Bool {
        if let single = destination as? MatrixView<Float> {
            return storeRows(source, to: single) { Float($0) }
        }
        if let double = destination as? MatrixView<Double> {
            return storeRows(source, to: double) { $0 }
        }
        return storeRows(source, to: destination) { Scalar($0) }
    }

    @inline(__always)
    private static func storeRows<Scalar: BitwiseCopyable & BinaryFloatingPoint>(
        _ source: MatrixView<Double>, to destination: MatrixView<Scalar>, rounded: (Double) -> Scalar
    ) -> Bool {
        assert(source.rows == destination.rows && source.columns == destination.columns, "equal shapes")
        // x · 0 is 0 for every finite x and NaN otherwise: one sum instead of a branch per element.
        var zeros = Scalar.zero
        for row in 0..<source.rows {
            let from = source.pointer + row * source.stride
            let to = destination.pointer + row * destination.stride
            for column in 0..<source.columns {
                let value = rounded(from[column])
                to[column] = value
                zeros += value * 0
            }
        }
        return zeros == 0
    }

    /// Widens every element of `source`.
    static func widen(_ source: MatrixView<Float>, to destination: MatrixView<Double>) {
        assert(source.rows == destination.rows && source.columns == destination.columns, "equal shapes")
        for row in 0..<source.rows {
            let from = source.pointer + row * source.stride
            let to = destination.pointer + row * destination.stride
            for column in 0..<source.columns { to[column] = Double(from[column]) }
        }
    }

    /// Adds up each column of `rows` in float64, after `subtracted` (one value per column) and, when `squared`,
    /// squaring; `sums` has one element per column.
    static func addColumns<Scalar: BitwiseCopyable & BinaryFloatingPoint>(
        of rows: MatrixView<Scalar>, subtracting subtracted: [Double], squared: Bool, to sums: inout [Double]
    ) {
        if let single = rows as? MatrixView<Float> {
            addRows(single, subtracted, squared, &sums) { Double($0) }
        } else if let double = rows as? MatrixView<Double> {
            addRows(double, subtracted, squared, &sums) { $0 }
        } else {
            addRows(rows, subtracted, squared, &sums) { Double($0) }
        }
    }

    @inline(__always)
    private static func addRows<Scalar: BitwiseCopyable & BinaryFloatingPoint>(
        _ rows: MatrixView<Scalar>, _ subtracted: [Double], _ squared: Bool, _ sums: inout [Double],
        widened: (Scalar) -> Double
    ) {
        for row in 0..<rows.rows {
            let from = rows.pointer + row * rows.stride
            for column in 0..<rows.columns {
                let difference = widened(from[column]) - subtracted[column]
                sums[column] += squared ? difference * difference : difference
            }
        }
    }

    /// (x − mean) / deviation for every x of `source`, column by column, computed in float64 and rounded; says whether every
    /// result is finite. Source and destination may be the same.
    package static func standardize<
        Scalar: BitwiseCopyable & BinaryFloatingPoint, Result: BitwiseCopyable & BinaryFloatingPoint
    >(
        _ source: MatrixView<Scalar>, to destination: MatrixView<Result>, means: [Double], deviations: [Double]
    ) -> Bool {
        if let from = source as? MatrixView<Double>, let to = destination as? MatrixView<Float> {
            return standardizeRows(from, to, means, deviations) { Float(($0 - $1) / $2) }
        }
        if let from = source as? MatrixView<Double>, let to = destination as? MatrixView<Double> {
            return standardizeRows(from, to, means, deviations) { ($0 - $1) / $2 }
        }
        if let from = source as? MatrixView<Float>, let to = destination as? MatrixView<Float> {
            return standardizeRows(from, to, means, deviations) { Float((Double($0) - $1) / $2) }
        }
        if let from = source as? MatrixView<Float>, let to = destination as? MatrixView<Double> {
            return standardizeRows(from, to, means, deviations) { (Double($0) - $1) / $2 }
        }
        return standardizeRows(source, destination, means, deviations) { Result((Double($0) - $1) / $2) }
    }

    @inline(__always)
    private static func standardizeRows<Scalar: BitwiseCopyable, Result: BitwiseCopyable & BinaryFloatingPoint>(
        _ source: MatrixView<Scalar>, _ destination: MatrixView<Result>, _ means: [Double], _ deviations: [Double],
        standardized: (Scalar, Double, Double) -> Result
    ) -> Bool {
        var zeros = Result.zero
        for row in 0..<source.rows {
            let from = source.pointer + row * source.stride
            let to = destination.pointer + row * destination.stride
            for column in 0..<source.columns {
                let value = standardized(from[column], means[column], deviations[column])
                to[column] = value
                zeros += value * 0
            }
        }
        return zeros == 0
    }
}
