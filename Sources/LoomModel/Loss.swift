import LoomKernels

/// A loss as the kernels compute it, from logits and numerically stable, with its gradient in the same pass.
public struct Loss<Scalar: LoomScalar>: BitwiseCopyable, Sendable {
    enum Form: BitwiseCopyable {
        case softmaxCrossEntropy
        case sigmoidCrossEntropy
        case squared(PredictionKernel, factor: Double)
        case squaredSoftmaxWeighted(factor: Double)
    }
    let form: Form
    let reduction: LossDescription.Reduction

    /// The loss of `description` on a network with the output map `output`.
    /// - Throws: `ModelError` when the two do not go together.
    public init(_ description: LossDescription, output: OutputMap) throws {
        switch (description.kind, output) {
        case (_, .threshold):
            throw ModelError("a threshold output has no loss that can be trained; use sigmoid")
        case (.crossEntropy, .softmax):
            form = .softmaxCrossEntropy
        case (.crossEntropy, .sigmoid):
            form = .sigmoidCrossEntropy
        case (.crossEntropy, .identity):
            throw ModelError(
                "cross_entropy compares probabilities, but the output map is identity; use the output softmax "
                    + "(one class per sample) or sigmoid (yes or no per unit), or the loss squared_sum")
        case (.crossEntropy, .softmaxWeighted):
            throw ModelError(
                "cross_entropy compares probabilities, but the output map is softmax_weighted, a regression; use the loss "
                    + "half_squared or squared_sum")
        case (.squaredSum, .softmaxWeighted):
            form = .squaredSoftmaxWeighted(factor: 1)
        case (.halfSquared, .softmaxWeighted):
            form = .squaredSoftmaxWeighted(factor: 0.5)
        case (.squaredSum, _):
            form = .squared(output.kernel, factor: 1)
        case (.halfSquared, _):
            form = .squared(output.kernel, factor: 0.5)
        }
        reduction = description.reduction
    }

    /// What multiplies every sample's loss and gradient in a batch of `samples`: 1, or 1 / samples for the mean.
    public func scale(samples: Int) -> Double {
        reduction == .mean ? 1 / Double(samples) : 1
    }

    /// Right-or-wrong decisions that `evaluate` counts for one sample with `outputs` units: one class, one decision a
    /// unit, or none for a regression.
    public func decisionsPerSample(outputs: Int) -> Int {
        switch form {
        case .softmaxCrossEntropy, .squared(.softmax, _): 1
        case .sigmoidCrossEntropy, .squared(.sigmoid, _): outputs
        case .squared, .squaredSoftmaxWeighted: 0
        }
    }

    /// The loss of the batch rows `rows`: adds the bias to the logits and writes ∂L/∂z into the last layer's deltas.
    ///
    /// - Parameters:
    ///   - network: The network; `forward` has run for the rows.
    ///   - scale: `scale(samples:)` of the *whole* batch, so that parts of a batch simply add up.
    ///   - writesDeltas: False when only the value is wanted.
    ///   - correct: Increased by the number of right decisions (rows for softmax, elements for sigmoid).
    /// - Returns: The sum of the rows' losses, each times its weight, not scaled.
    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    public func evaluate(
        _ network: NetworkHandle<Scalar>, rows: Range<Int>, targets: BatchTargets<Scalar>, scale: Double,
        writesDeltas: Bool = true, correct: inout Int
    ) -> Double {
        guard let weights = targets.weights else {
            return evaluateUnweighted(
                network, rows: rows, targets: targets, scale: scale, writesDeltas: writesDeltas, correct: &correct)
        }
        var sum = 0.0
        for row in rows {
            let weight = Double(weights[row])
            sum +=
                weight
                * evaluateUnweighted(
                    network, rows: row..<row + 1, targets: targets, scale: scale * weight, writesDeltas: writesDeltas,
                    correct: &correct)
        }
        return sum
    }

    @inline(__always)
    private func evaluateUnweighted(
        _ network: NetworkHandle<Scalar>, rows: Range<Int>, targets: BatchTargets<Scalar>, scale: Double,
        writesDeltas: Bool, correct: inout Int
    ) -> Double {
        let logits = network.logits.rows(rows)
        let bias = network.outputBias
        let deltas = writesDeltas ? network.deltas(of: network.layerCount - 1).rows(rows).pointer : nil
        switch form {
        case .softmaxCrossEntropy:
            if let labels = targets.labels {
                return Scalar.softmaxCrossEntropy(
                    bias: bias, logits: logits, labels: labels + rows.lowerBound, scale: Scalar(scale),
                    deltas: deltas, correct: &correct)
            }
            return Scalar.softmaxCrossEntropy(
                bias: bias, logits: logits, targets: targets.values.rows(rows), scale: Scalar(scale), deltas: deltas,
                correct: &correct)
        case .sigmoidCrossEntropy:
            return Scalar.sigmoidCrossEntropy(
                bias: bias, logits: logits, targets: targets.values.rows(rows), scale: Scalar(scale), deltas: deltas,
                correct: &correct)
        case .squared(let map, let factor):
            return Scalar.squaredError(
                map, bias: bias, logits: logits, targets: targets.values.rows(rows), factor: Scalar(factor),
                scale: Scalar(scale), deltas: deltas, correct: &correct)
        case .squaredSoftmaxWeighted(let factor):
            return Scalar.squaredErrorOfSoftmaxWeighted(
                components: network.layers[network.layerCount - 1].components, bias: bias, logits: logits,
                targets: targets.values.rows(rows), factor: Scalar(factor), scale: Scalar(scale), deltas: deltas)
        }
    }
}

extension OutputMap {
    /// Its kernel; a threshold is an activation, and softmax-weighted units have kernels of their own.
    var kernel: PredictionKernel {
        switch self {
        case .identity: .identity
        case .sigmoid: .sigmoid
        case .softmax: .softmax
        case .threshold, .softmaxWeighted: preconditionFailure("\(rawValue) is not an element-wise output map")
        }
    }
}
