import LoomKernels

/// A random network whose pre-activations all have one deviation, and whose outputs have variance about 1 and mean 0.
struct RandomNetwork: Sendable {
    private struct Layer: Sendable {
        let weights: DenseWeights
        /// Padded to whole vectors; nil where activations have mean 0.
        let bias: AlignedBuffer<Float>?
    }
    private let layers: [Layer]
    private let activation: ActivationKernel
    /// The distance of two rows of the outputs.
    let outputStride: Int
    /// The distance of two rows of the widest hidden layer.
    private let hiddenStride: Int
    /// Elements of scratch memory for each row, a multiple of 16.
    let scratchColumns: Int

    /// A network `inputs`-`hidden`-`outputs`; hidden pre-activations of standard normal inputs have the deviation `gain`.
    init(
        seed: UInt64, inputs: Int, hidden: [Int], outputs: Int, activation: ActivationKernel, gain: Double
    ) {
        self.activation = activation
        let moments = RandomDirections.moments(of: activation, gain: gain)
        let sizes = [inputs] + hidden + [outputs]
        layers = (0...hidden.count).map { layer in
            let (from, to) = (sizes[layer], sizes[layer + 1])
            let deviation = layer == hidden.count ? 1 : gain
            let length = layer == 0 ? gain : deviation / moments.deviation
            let rows = RandomDirections.rows(to, of: from, seed: seed, stream: UInt32(layer), length: length)
            let weights = DenseWeights(RandomDirections.transposed(rows, columns: from), inputs: from, units: to)
            guard layer > 0, moments.mean != 0 else { return Layer(weights: weights, bias: nil) }
            let bias = AlignedBuffer<Float>(count: weights.stride, repeating: 0)
            for unit in 0..<to {
                var sum = 0.0
                for input in 0..<from { sum += rows[unit * from + input] }
                bias.pointer[unit] = Float(-moments.mean * sum)
            }
            return Layer(weights: weights, bias: bias)
        }
        outputStride = layers[hidden.count].weights.stride
        hiddenStride = layers.dropLast().map(\.weights.stride).max() ?? 0
        scratchColumns = (hidden.count > 1 ? 2 : 1) * hiddenStride + outputStride
    }

    /// The outputs of the samples `inputs`, in `scratch`; all of it before them is free again.
    func outputs(of inputs: MatrixView<Float>, scratch: UnsafeMutablePointer<Float>) -> MatrixView<Float> {
        let count = inputs.rows
        let start = scratch + count * (scratchColumns - outputStride)
        var values = inputs
        for (index, layer) in layers.enumerated() {
            let weights = layer.weights
            let isLast = index == layers.count - 1
            let units = MatrixView(
                pointer: isLast ? start : scratch + index % 2 * count * hiddenStride, rows: count,
                columns: weights.units, stride: weights.stride)
            weights.multiply(values, into: units)
            if !isLast {
                Float.activate(activation, bias: layer.bias?.pointer, preActivations: units, outputs: units)
            } else if let bias = layer.bias {
                for row in 0..<count {
                    for column in 0..<weights.units { units[row, column] += bias.pointer[column] }
                }
            }
            values = units
        }
        return values
    }
}

extension TeacherActivation {
    var kernel: ActivationKernel {
        switch self {
        case .tanh: .tanh
        case .relu: .relu
        case .sigmoid: .sigmoid
        case .arctan: .arctan
        }
    }
}
