/// One layer's parameters, or anything in their shape: a gradient, an optimizer's moment.
public struct ReferenceLayer: Sendable, Equatable {
    /// Weights, units × inputs (out by in).
    public var weights: [[Double]]
    /// Biases, one per unit; nil for a layer without.
    public var bias: [Double]?

    /// A layer's parameters.
    public init(weights: [[Double]], bias: [Double]?) {
        self.weights = weights
        self.bias = bias
    }

    /// The result of `body` for every element of `layers`, which all have the same shape: `body` gets one number of
    /// each, and whether it belongs to the weights (not to the bias).
    static func map(_ layers: ReferenceLayer..., body: ([Double], Bool) -> Double) -> ReferenceLayer {
        let first = layers[0]
        let weights = first.weights.indices.map { row in
            first.weights[row].indices.map { column in
                body(layers.map { $0.weights[row][column] }, true)
            }
        }
        let bias = first.bias.map { values in
            values.indices.map { unit in body(layers.map { $0.bias![unit] }, false) }
        }
        return ReferenceLayer(weights: weights, bias: bias)
    }
}

/// What a batch is compared with.
public enum ReferenceTargets: Sendable, Equatable {
    /// One class index per sample, from 0.
    case labels([Int])
    /// Values, samples × outputs: class probabilities, 0/1 decisions or reals.
    case values([[Double]])

    /// Samples × `outputs` values: a label becomes a row with a 1 in its place.
    public func values(outputs: Int) -> [[Double]] {
        switch self {
        case .values(let values): values
        case .labels(let labels): labels.map { label in (0..<outputs).map { $0 == label ? 1 : 0 } }
        }
    }
}

/// A batch's way forward through the network.
public struct ReferencePass: Sendable, Equatable {
    /// z of every layer: samples × units. The last layer's are the logits.
    public var preActivations: [[[Double]]]
    /// u = activation(z) of every layer: samples × units.
    public var outputs: [[[Double]]]
    /// The output map of the logits: samples × outputs.
    public var prediction: [[Double]]

    /// The last layer's pre-activations: samples × outputs.
    public var logits: [[Double]] { preActivations.last! }
}

/// A batch's loss and its gradient with respect to everything.
public struct ReferenceGradients: Sendable, Equatable {
    /// The way forward that it belongs to.
    public var pass: ReferencePass
    /// Every sample's loss, neither scaled by the reduction nor with the penalty.
    public var perSampleLosses: [Double]
    /// The sum or mean of the samples' losses.
    public var dataLoss: Double
    /// λ Σ‖W‖² over all weights.
    public var penalty: Double
    /// ∂total/∂z of every layer: samples × units, scaled by the reduction.
    public var deltas: [[[Double]]]
    /// ∂total/∂W, the penalty's 2λW included, and ∂total/∂b of every layer.
    public var layers: [ReferenceLayer]
    /// ∂total/∂x: samples × inputs.
    public var inputs: [[Double]]

    /// What training minimises: data loss + penalty.
    public var totalLoss: Double { dataLoss + penalty }

    /// The norm of all parameters' gradients together.
    public var norm: Double {
        var sum = 0.0
        for layer in layers {
            for value in layer.weights.joined() { sum += value * value }
            for value in layer.bias ?? [] { sum += value * value }
        }
        return sum.squareRoot()
    }
}
