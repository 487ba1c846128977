import LoomKernels

/// Standard normal inputs, and what a random network says about them.
struct TeacherTask: GeneratedTask {
    private let inputs: NormalInputs
    private let network: RandomNetwork
    private let isClassification: Bool
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        let count = description.outputCount
        inputs = NormalInputs(description)
        isClassification = description.classes != nil
        network = RandomNetwork(
            seed: description.seed, inputs: description.inputs, hidden: description.hidden, outputs: count,
            activation: description.activation.kernel, gain: description.gain)
        noise = TaskNoise(description, columns: count)
    }

    var scratchColumns: Int { noise.scratchColumns + network.scratchColumns }

    func make(_ rows: TaskRows) {
        inputs.make(rows)
        let logits = network.outputs(of: rows.inputs, scratch: rows.scratch + rows.count * noise.scratchColumns)
        noise.add(of: rows.indices, to: logits, scratch: rows.scratch)
        for row in 0..<rows.count {
            let values = logits.pointer + row * logits.stride
            if isClassification {
                rows.target(row)[0] = Float(Self.largest(values, count: logits.columns))
            } else {
                rows.target(row).update(from: values, count: logits.columns)
            }
        }
    }

    /// The place of the largest value, the first one on a tie.
    private static func largest(_ values: UnsafeMutablePointer<Float>, count: Int) -> Int {
        var best = 0
        for column in 1..<count where values[column] > values[best] { best = column }
        return best
    }
}

/// Standard normal inputs, and the decision of a random network of threshold units.
struct ThresholdTask: GeneratedTask {
    private let inputs: NormalInputs
    private let network: RandomNetwork

    init(_ description: SyntheticDescription) {
        inputs = NormalInputs(description)
        network = RandomNetwork(
            seed: description.seed, inputs: description.inputs, hidden: description.hidden, outputs: 1,
            activation: .threshold, gain: 1)
    }

    var scratchColumns: Int { network.scratchColumns }

    func make(_ rows: TaskRows) {
        inputs.make(rows)
        let outputs = network.outputs(of: rows.inputs, scratch: rows.scratch)
        for row in 0..<rows.count { rows.target(row)[0] = outputs[row, 0] >= 0 ? 1 : 0 }
    }
}

/// Standard normal inputs, and a random linear function of some of them.
struct LinearTask: GeneratedTask {
    private let inputs: NormalInputs
    private let weights: DenseWeights
    private let bias: Float
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        inputs = NormalInputs(description)
        let informative = description.informative ?? description.inputs
        let rows = RandomDirections.rows(
            description.targets, of: informative, seed: description.seed, stream: 0, length: 1)
        weights = DenseWeights(
            RandomDirections.transposed(rows, columns: informative), inputs: informative, units: description.targets)
        bias = Float(description.bias)
        noise = TaskNoise(description, columns: description.targets)
    }

    var scratchColumns: Int { weights.stride + noise.scratchColumns }

    func make(_ rows: TaskRows) {
        inputs.make(rows)
        let values = MatrixView(
            pointer: rows.scratch, rows: rows.count, columns: weights.units, stride: weights.stride)
        weights.multiply(rows.inputs, into: values)
        for row in 0..<rows.count {
            for column in 0..<weights.units { rows.target(row)[column] = values[row, column] + bias }
        }
        noise.add(of: rows.indices, to: rows.targets, scratch: rows.scratch + rows.count * weights.stride)
    }
}

/// Standard normal inputs, and class 1 with a probability that a random linear function of them decides.
struct LogisticTask: GeneratedTask {
    private let inputs: NormalInputs
    private let weights: DenseWeights
    private let bias: Double
    private let choice: RandomRows

    init(_ description: SyntheticDescription) {
        inputs = NormalInputs(description)
        weights = DenseWeights(
            Self.direction(description), inputs: description.informative ?? description.inputs, units: 1)
        bias = description.bias
        choice = RandomRows(seed: description.seed, purpose: .syntheticChoice)
    }

    /// The weights of the log-odds.
    static func direction(_ description: SyntheticDescription) -> [Double] {
        RandomDirections.rows(
            1, of: description.informative ?? description.inputs, seed: description.seed, stream: 0,
            length: description.gain)
    }

    var scratchColumns: Int { weights.stride }

    func make(_ rows: TaskRows) {
        inputs.make(rows)
        let values = MatrixView(pointer: rows.scratch, rows: rows.count, columns: 1, stride: weights.stride)
        weights.multiply(rows.inputs, into: values)
        choice.makeUniforms(rows.indices, into: rows.targets)
        for row in 0..<rows.count {
            let probability = 1 / (1 + ElementaryFunctions.exp(-(Double(values[row, 0]) + bias)))
            rows.target(row)[0] = Double(rows.target(row)[0]) < probability ? 1 : 0
        }
    }
}

/// Standard normal inputs, and a sum of exponentials of random linear functions of them.
struct ExponentialsTask: GeneratedTask {
    private let inputs: NormalInputs
    private let exponents: DenseWeights
    private let bias: AlignedBuffer<Float>
    private let factors: DenseWeights
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        let (seed, terms, gain) = (description.seed, description.hidden[0], description.gain)
        inputs = NormalInputs(description)
        let first = RandomDirections.rows(terms, of: description.inputs, seed: seed, stream: 0, length: gain)
        exponents = DenseWeights(
            RandomDirections.transposed(first, columns: description.inputs), inputs: description.inputs, units: terms)
        // Each term then has mean 1 and variance exp(gain²) − 1 before its factor.
        bias = AlignedBuffer(count: exponents.stride, repeating: Float(-gain * gain / 2))
        let second = RandomDirections.rows(
            description.targets, of: terms, seed: seed, stream: 1,
            length: 1 / ElementaryFunctions.expm1(gain * gain).squareRoot())
        factors = DenseWeights(
            RandomDirections.transposed(second, columns: terms), inputs: terms, units: description.targets)
        noise = TaskNoise(description, columns: description.targets)
    }

    // The noise takes the place of the terms.
    var scratchColumns: Int { max(exponents.stride, noise.scratchColumns) + factors.stride }

    func make(_ rows: TaskRows) {
        inputs.make(rows)
        let terms = MatrixView(
            pointer: rows.scratch, rows: rows.count, columns: exponents.units, stride: exponents.stride)
        let sums = MatrixView(
            pointer: rows.scratch + rows.count * max(exponents.stride, noise.scratchColumns), rows: rows.count,
            columns: factors.units, stride: factors.stride)
        exponents.multiply(rows.inputs, into: terms)
        Float.activate(.exp, bias: bias.pointer, preActivations: terms, outputs: terms)
        factors.multiply(terms, into: sums)
        for row in 0..<rows.count {
            rows.target(row).update(from: sums.pointer + row * sums.stride, count: sums.columns)
        }
        noise.add(of: rows.indices, to: rows.targets, scratch: rows.scratch)
    }
}
