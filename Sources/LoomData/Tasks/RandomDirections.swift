import LoomKernels

/// The random weights of synthetic tasks.
enum RandomDirections {
    /// `count` random vectors of `dimensions` elements and the same `length`, as rows of a matrix; orthogonal to each
    /// other as far as the dimensions allow.
    ///
    /// Orthogonal rows make a teacher's classes equally frequent: with rows of unit length alone, the rarest of 10
    /// classes had 5 % of the samples and the most frequent 14 %.
    static func rows(
        _ count: Int, of dimensions: Int, seed: UInt64, stream: UInt32, length: Double
    ) -> [Double] {
        let random = CounterRandom(seed: seed, purpose: .teacher, subStream: stream)
        let values = AlignedBuffer<Double>(uninitializedCount: count * dimensions)
        defer { withExtendedLifetime(values) {} }
        for element in 0..<count * dimensions { values.pointer[element] = random.normal(at: UInt64(element)) }
        // Gram and Schmidt, in groups of as many rows as there are dimensions.
        for group in stride(from: 0, to: count, by: dimensions) {
            orthonormalize(
                values.pointer + group * dimensions, rows: min(dimensions, count - group), dimensions: dimensions)
        }
        return values.elements.map { $0 * length }
    }

    /// Makes rows orthogonal to each other and of length 1. The part along each row that is done is taken from a block of
    /// rows at once, so that it is read once for all of them.
    private static func orthonormalize(_ values: UnsafeMutablePointer<Double>, rows: Int, dimensions: Int) {
        let blockRows = 8
        for start in stride(from: 0, to: rows, by: blockRows) {
            let end = min(start + blockRows, rows)
            for done in 0..<start {
                removeParts(
                    along: values + done * dimensions, from: values + start * dimensions, rows: end - start, dimensions)
            }
            for row in start..<end {
                let direction = values + row * dimensions
                let norm = dot(direction, direction, dimensions).squareRoot()
                for element in 0..<dimensions { direction[element] /= norm }
                removeParts(along: direction, from: direction + dimensions, rows: end - row - 1, dimensions)
            }
        }
    }

    /// Takes from each of `rows` rows its part along `direction`, of length 1.
    private static func removeParts(
        along direction: UnsafeMutablePointer<Double>, from first: UnsafeMutablePointer<Double>, rows: Int,
        _ dimensions: Int
    ) {
        var row = 0
        // A sum waits for each of its additions: those of four rows wait together.
        while row + 4 <= rows {
            let (a, b) = (first + row * dimensions, first + (row + 1) * dimensions)
            let (c, d) = (first + (row + 2) * dimensions, first + (row + 3) * dimensions)
            var (productA, productB, productC, productD) = (0.0, 0.0, 0.0, 0.0)
            for element in 0..<dimensions {
                productA += a[element] * direction[element]
                productB += b[element] * direction[element]
                productC += c[element] * direction[element]
                productD += d[element] * direction[element]
            }
            for element in 0..<dimensions {
                a[element] -= productA * direction[element]
                b[element] -= productB * direction[element]
                c[element] -= productC * direction[element]
                d[element] -= productD * direction[element]
            }
            row += 4
        }
        for row in row..<rows {
            let values = first + row * dimensions
            let product = dot(values, direction, dimensions)
            for element in 0..<dimensions { values[element] -= product * direction[element] }
        }
    }

    private static func dot(
        _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>, _ count: Int
    ) -> Double {
        var sum = 0.0
        for element in 0..<count { sum += first[element] * second[element] }
        return sum
    }

    /// The rows of a matrix of `columns` columns as columns.
    static func transposed(_ rows: [Double], columns: Int) -> [Double] {
        let count = rows.count / columns
        return (0..<rows.count).map { rows[$0 % count * columns + $0 / count] }
    }

    /// The standard deviation of tanh(gain · z) for standard normal z, by the midpoint rule.
    static func tanhDeviation(gain: Double) -> Double {
        let steps = 2000
        let width = 20.0 / Double(steps)
        var sum = 0.0
        for step in 0..<steps {
            let z = -10 + (Double(step) + 0.5) * width
            let value = ElementaryFunctions.tanh(gain * z)
            sum += value * value * ElementaryFunctions.exp(-z * z / 2)
        }
        return (sum * width / (2 * Double.pi).squareRoot()).squareRoot()
    }

    /// Mean and deviation of activation(gain · z) for standard normal z, by the midpoint rule.
    static func moments(of activation: ActivationKernel, gain: Double) -> (mean: Double, deviation: Double) {
        if activation == .tanh { return (0, tanhDeviation(gain: gain)) }
        if activation == .threshold { return (0.5, 0.5) }
        let steps = 2000
        let width = 20.0 / Double(steps)
        let values = AlignedBuffer<Float>(uninitializedCount: steps)
        for step in 0..<steps { values.pointer[step] = Float(gain * (-10 + (Double(step) + 0.5) * width)) }
        let view = MatrixView(pointer: values.pointer, rows: 1, columns: steps, stride: steps)
        Float.activate(activation, bias: nil, preActivations: view, outputs: view)
        var (sum, squares) = (0.0, 0.0)
        for step in 0..<steps {
            let z = -10 + (Double(step) + 0.5) * width
            let share = ElementaryFunctions.exp(-z * z / 2) * width / (2 * Double.pi).squareRoot()
            let value = Double(values.pointer[step])
            sum += share * value
            squares += share * value * value
        }
        // An odd function has mean 0, not the rounding error of one.
        let mean = activation == .arctan ? 0 : sum
        return (mean, (squares - mean * mean).squareRoot())
    }
}
