import LoomKernels

/// Standard normal inputs, and what a random network says about them.
struct TeacherTask: GeneratedTask {
    private let inputs: RandomRows
    private let hidden: DenseWeights
    private let outputs: DenseWeights
    private let isClassification: Bool
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        let (seed, count) = (description.seed, description.outputCount)
        inputs = description.inputRows
        isClassification = description.classes != nil
        let first = RandomDirections.rows(
            description.hidden, of: description.inputs, seed: seed, stream: 0, length: description.gain)
        let second = RandomDirections.rows(
            count, of: description.hidden, seed: seed, stream: 1,
            length: 1 / RandomDirections.tanhDeviation(gain: description.gain))
        hidden = DenseWeights(
            RandomDirections.transposed(first, columns: description.inputs), inputs: description.inputs,
            units: description.hidden)
        outputs = DenseWeights(
            RandomDirections.transposed(second, columns: description.hidden), inputs: description.hidden, units: count)
        noise = TaskNoise(description, columns: count)
    }

    // The noise takes the place of the hidden units, which are not needed any more.
    var scratchColumns: Int { max(hidden.stride, noise.scratchColumns) + outputs.stride }

    func make(_ rows: TaskRows) {
        inputs.makeNormals(rows.indices, into: rows.inputs)
        let units = MatrixView(pointer: rows.scratch, rows: rows.count, columns: hidden.units, stride: hidden.stride)
        let logits = MatrixView(
            pointer: rows.scratch + rows.count * max(hidden.stride, noise.scratchColumns), rows: rows.count,
            columns: outputs.units, stride: outputs.stride)
        hidden.multiply(rows.inputs, into: units)
        Float.activate(.tanh, bias: nil, preActivations: units, outputs: units)
        outputs.multiply(units, into: logits)
        noise.add(of: rows.indices, to: logits, scratch: rows.scratch)
        for row in 0..<rows.count {
            let values = logits.pointer + row * logits.stride
            if isClassification {
                rows.target(row)[0] = Float(Self.largest(values, count: outputs.units))
            } else {
                rows.target(row).update(from: values, count: outputs.units)
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

/// Standard normal inputs, and a random linear function of some of them.
struct LinearTask: GeneratedTask {
    private let inputs: RandomRows
    private let weights: DenseWeights
    private let bias: Float
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        inputs = description.inputRows
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
        inputs.makeNormals(rows.indices, into: rows.inputs)
        let values = MatrixView(
            pointer: rows.scratch, rows: rows.count, columns: weights.units, stride: weights.stride)
        weights.multiply(rows.inputs, into: values)
        for row in 0..<rows.count {
            for column in 0..<weights.units { rows.target(row)[column] = values[row, column] + bias }
        }
        noise.add(of: rows.indices, to: rows.targets, scratch: rows.scratch + rows.count * weights.stride)
    }
}
