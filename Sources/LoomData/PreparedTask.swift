import LoomKernels

/// A synthetic task with its random parameters drawn. See `SyntheticDescription.Task` for the definitions.
struct PreparedTask: Sendable {
    private let description: SyntheticDescription
    private let inputRandom: CounterRandom
    private let noiseRandom: CounterRandom
    /// `teacher`: hidden weights, inputs × hidden, so that the inner loop runs over neighbouring elements
    private let hiddenWeights: [Double]
    /// `teacher`: hidden × outputs; `linear`: inputs × targets; `blobs`: classes × inputs, the centres
    private let weights: [Double]

    init(_ description: SyntheticDescription) {
        self.description = description
        self.inputRandom = CounterRandom(seed: description.seed, purpose: .syntheticInputs)
        self.noiseRandom = CounterRandom(seed: description.seed, purpose: .syntheticNoise)
        let seed = description.seed
        let inputs = description.inputs
        switch description.task {
        case .teacher:
            let outputs = description.outputCount
            let first = RandomDirections.rows(
                description.hidden, of: inputs, seed: seed, stream: 0, length: description.gain)
            let second = RandomDirections.rows(
                outputs, of: description.hidden, seed: seed, stream: 1,
                length: 1 / RandomDirections.tanhDeviation(gain: description.gain))
            self.hiddenWeights = RandomDirections.transposed(first, columns: inputs)
            self.weights = RandomDirections.transposed(second, columns: description.hidden)
        case .linear:
            let informative = description.informative ?? inputs
            let rows = RandomDirections.rows(
                description.targets, of: informative, seed: seed, stream: 0, length: 1)
            self.hiddenWeights = []
            self.weights = RandomDirections.transposed(rows, columns: informative)
        case .blobs:
            let random = CounterRandom(seed: seed, purpose: .teacher)
            let (low, high) = (description.centerBox[0], description.centerBox[1])
            self.hiddenWeights = []
            self.weights = (0..<(description.classes ?? 0) * inputs).map {
                low + (high - low) * random.uniform(at: UInt64($0))
            }
        case .spirals, .xor, .friedman1:
            self.hiddenWeights = []
            self.weights = []
        }
    }

    /// The class of sample `index` where it is chosen before the inputs are made: classes take turns, so that they
    /// are equally frequent, as scikit-learn's generators make them.
    private func turn(_ index: UInt64) -> Int {
        Int(index % UInt64(description.classes ?? 1))
    }

    /// Writes the features of sample `index`, noise on the inputs excepted.
    func makeInputs(of index: UInt64, to inputs: UnsafeMutablePointer<Double>) {
        let count = description.inputs
        switch description.task {
        case .teacher, .xor, .linear:
            makeNormals(of: index, to: inputs)
        case .blobs:
            makeNormals(of: index, to: inputs)
            let center = turn(index) * count
            for feature in 0..<count {
                inputs[feature] = weights[center + feature] + description.clusterStd * inputs[feature]
            }
        case .spirals:
            let radius = inputRandom.uniform(at: index)
            let arm = Double(turn(index)) / Double(description.classes ?? 1)
            let (sine, cosine) = ElementaryFunctions.sineAndCosine(turns: description.turns * radius + arm)
            inputs[0] = radius * cosine
            inputs[1] = radius * sine
        case .friedman1:
            let pairs = UInt64((count + 1) / 2)
            for pair in 0..<pairs {
                let (first, second) = inputRandom.uniformPair(at: index * pairs + pair)
                inputs[Int(2 * pair)] = first
                if 2 * pair + 1 < count { inputs[Int(2 * pair + 1)] = second }
            }
        }
    }

    /// A sample has its own pairs of normal numbers: none is shared with the next one.
    private func makeNormals(of index: UInt64, to inputs: UnsafeMutablePointer<Double>) {
        let count = description.inputs
        let pairs = UInt64((count + 1) / 2)
        for pair in 0..<pairs {
            let (first, second) = inputRandom.normalPair(at: index * pairs + pair)
            inputs[Int(2 * pair)] = first
            if 2 * pair + 1 < count { inputs[Int(2 * pair + 1)] = second }
        }
    }

    /// Writes the class index or the target values of sample `index`, whose features are `inputs`.
    /// `hidden` and `outputs` are scratch for the teacher's units.
    func makeTargets(
        of index: UInt64, from inputs: UnsafeMutablePointer<Double>, hidden: UnsafeMutablePointer<Double>,
        outputs: UnsafeMutablePointer<Double>, to targets: UnsafeMutablePointer<Double>
    ) {
        switch description.task {
        case .teacher:
            let count = description.outputCount
            forward(inputs, hidden, outputs, outputCount: count)
            addNoise(of: index, to: outputs, count: count)
            if description.classes == nil {
                targets.update(from: outputs, count: count)
            } else {
                targets[0] = Double(Self.largest(outputs, count: count))
            }
        case .blobs, .spirals:
            targets[0] = Double(turn(index))
        case .xor:
            targets[0] = (inputs[0] > 0) != (inputs[1] > 0) ? 1 : 0
        case .linear:
            let informative = description.informative ?? description.inputs
            multiply(inputs, count: informative, weights, columns: description.targets, to: targets)
            for column in 0..<description.targets {
                targets[column] += description.bias
            }
            addNoise(of: index, to: targets, count: description.targets)
        case .friedman1:
            let middle = inputs[2] - 0.5
            let wave = ElementaryFunctions.sineAndCosine(turns: inputs[0] * inputs[1] / 2).sine
            targets[0] = 10 * wave + 20 * middle * middle + 10 * inputs[3] + 5 * inputs[4]
            addNoise(of: index, to: targets, count: 1)
        }
    }

    private func forward(
        _ inputs: UnsafeMutablePointer<Double>, _ hidden: UnsafeMutablePointer<Double>,
        _ outputs: UnsafeMutablePointer<Double>, outputCount: Int
    ) {
        multiply(inputs, count: description.inputs, hiddenWeights, columns: description.hidden, to: hidden)
        for unit in 0..<description.hidden {
            hidden[unit] = ElementaryFunctions.tanh(hidden[unit])
        }
        multiply(hidden, count: description.hidden, weights, columns: outputCount, to: outputs)
    }

    /// sums = vectorᵀ · matrix (count × columns). One sample at a time and in a fixed order: no GEMM, whose rounding
    /// may depend on which samples share a call.
    private func multiply(
        _ vector: UnsafeMutablePointer<Double>, count: Int, _ matrix: [Double], columns: Int,
        to sums: UnsafeMutablePointer<Double>
    ) {
        sums.update(repeating: 0, count: columns)
        matrix.withUnsafeBufferPointer { elements in
            guard let start = elements.baseAddress else { return }
            for row in 0..<count {
                let factor = vector[row]
                let weights = start + row * columns
                for column in 0..<columns {
                    sums[column] += factor * weights[column]
                }
            }
        }
    }

    private func addNoise(of index: UInt64, to values: UnsafeMutablePointer<Double>, count: Int) {
        guard description.noise > 0 else { return }
        for column in 0..<count {
            values[column] +=
                description.noise * noiseRandom.normal(at: index * UInt64(count) + UInt64(column))
        }
    }

    private static func largest(_ values: UnsafeMutablePointer<Double>, count: Int) -> Int {
        var best = 0
        for column in 1..<count where values[column] > values[best] {
            best = column
        }
        return best
    }
}

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
}
