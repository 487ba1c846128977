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
        var result = (0..<count * dimensions).map { random.normal(at: UInt64($0)) }
        for row in 0..<count {
            let start = row * dimensions
            // Gram and Schmidt, in groups of as many rows as there are dimensions.
            for other in row / dimensions * dimensions..<row {
                let product = dot(result, start, other * dimensions, dimensions)
                for element in 0..<dimensions {
                    result[start + element] -= product * result[other * dimensions + element]
                }
            }
            let norm = dot(result, start, start, dimensions).squareRoot()
            for element in 0..<dimensions {
                result[start + element] /= norm
            }
        }
        return result.map { $0 * length }
    }

    private static func dot(_ values: [Double], _ first: Int, _ second: Int, _ count: Int) -> Double {
        var sum = 0.0
        for element in 0..<count {
            sum += values[first + element] * values[second + element]
        }
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
