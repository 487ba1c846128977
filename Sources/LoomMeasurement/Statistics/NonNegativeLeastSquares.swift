import Foundation

/// A linear model y ≈ Σⱼ cⱼ · xⱼ whose coefficients are not negative, fitted by least squares.
///
/// With so few coefficients every choice of those that are 0 is tried, and the best fit without a negative one is taken: it
/// is the optimum of non-negative least squares (Lawson and Hanson, "Solving Least Squares Problems", chapter 23), whose
/// solution is the plain least-squares solution of its positive coefficients.
struct NonNegativeLeastSquares {
    /// One for each column; 0 where the data would want a negative one.
    let coefficients: [Double]
    /// The variance of the noise: the sum of squared residuals over `degrees`.
    let residualVariance: Double
    /// Rows, less coefficients above 0.
    let degrees: Int
    /// (XᵀX)⁻¹ of the coefficients above 0, with zeros for the others: times `residualVariance`, their covariance.
    let inverse: [[Double]]

    /// Nil where there are no more rows than coefficients, or the columns do not tell their coefficients apart.
    init?(rows: [[Double]], values: [Double]) {
        guard let columns = rows.first?.count, rows.count > columns else { return nil }
        var best: (coefficients: [Double], residual: Double, inverse: [[Double]], active: Int)?
        for subset in 1..<(1 << columns) {
            let active = (0..<columns).filter { subset >> $0 & 1 == 1 }
            guard let solution = Self.solve(rows.map { row in active.map { row[$0] } }, values),
                solution.coefficients.allSatisfy({ $0 > 0 })
            else { continue }
            var coefficients = Array(repeating: 0.0, count: columns)
            var inverse = Array(repeating: coefficients, count: columns)
            for (i, column) in active.enumerated() {
                coefficients[column] = solution.coefficients[i]
                for (j, other) in active.enumerated() { inverse[column][other] = solution.inverse[i][j] }
            }
            let residual = zip(rows, values).reduce(0) { sum, point in
                let error = point.1 - Self.product(point.0, coefficients)
                return sum + error * error
            }
            if best == nil || residual < best!.residual {
                best = (coefficients, residual, inverse, active.count)
            }
        }
        guard let best else { return nil }
        coefficients = best.coefficients
        degrees = rows.count - best.active
        residualVariance = best.residual / Double(degrees)
        inverse = best.inverse
    }

    /// The model's value at `row`.
    func value(at row: [Double]) -> Double { Self.product(row, coefficients) }

    /// The standard error of one more observation at `row`: of the model there, and of the observation's own noise.
    func predictionError(at row: [Double]) -> Double {
        (residualVariance * (1 + Self.quadratic(row, inverse))).squareRoot()
    }

    /// The standard error of a quantity that changes by `gradient[j]` with the j-th coefficient (the delta method).
    func standardError(gradient: [Double]) -> Double {
        (residualVariance * max(0, Self.quadratic(gradient, inverse))).squareRoot()
    }

    private static func product(_ first: [Double], _ second: [Double]) -> Double {
        zip(first, second).reduce(0) { $0 + $1.0 * $1.1 }
    }

    private static func quadratic(_ vector: [Double], _ matrix: [[Double]]) -> Double {
        product(vector, matrix.map { product($0, vector) })
    }

    /// The normal equations, by Gauss and Jordan with pivots: at most three unknowns, and columns of like size.
    private static func solve(_ rows: [[Double]], _ values: [Double]) -> (coefficients: [Double], inverse: [[Double]])?
    {
        let count = rows[0].count
        // XᵀX, the unit matrix and Xᵀy side by side.
        var table = (0..<count).map { i in
            (0..<count).map { j in rows.reduce(0) { $0 + $1[i] * $1[j] } }
                + (0..<count).map { $0 == i ? 1.0 : 0 } + [zip(rows, values).reduce(0) { $0 + $1.0[i] * $1.1 }]
        }
        let scale = (0..<count).map { table[$0][$0] }
        for column in 0..<count {
            let pivot = (column..<count).max { abs(table[$0][column]) < abs(table[$1][column]) }!
            guard abs(table[pivot][column]) > 1e-12 * scale[column] else { return nil }
            table.swapAt(column, pivot)
            let divisor = table[column][column]
            table[column] = table[column].map { $0 / divisor }
            for row in 0..<count where row != column {
                let factor = table[row][column]
                table[row] = zip(table[row], table[column]).map { $0 - factor * $1 }
            }
        }
        return (table.map { $0[2 * count] }, table.map { Array($0[count..<2 * count]) })
    }
}
