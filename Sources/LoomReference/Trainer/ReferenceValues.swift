/// One layer's parameters, or anything in their shape: a gradient, an optimizer's moment.
public struct ReferenceLayer: Sendable, Equatable {
    /// The weights of every connection, in the order of the layer's inputs: pre-activations × inputs (out by in).
    public var connections: [[[Double]]]
    /// Biases, one per pre-activation; nil for a layer without.
    public var bias: [Double]?

    /// The parameters of a layer with any number of inputs.
    public init(connections: [[[Double]]], bias: [Double]?) {
        self.connections = connections
        self.bias = bias
    }

    /// The parameters of a layer with one input.
    public init(weights: [[Double]], bias: [Double]?) {
        self.init(connections: [weights], bias: bias)
    }

    /// The weights of the first, or only, connection: pre-activations × inputs (out by in).
    public var weights: [[Double]] {
        get { connections[0] }
        set { connections[0] = newValue }
    }

    /// The result of `body` for every element of `layers`, which all have the same shape: `body` gets one number of
    /// each, and whether it belongs to the weights (not to the bias).
    package static func map(_ layers: ReferenceLayer..., body: ([Double], Bool) -> Double) -> ReferenceLayer {
        let first = layers[0]
        let connections = first.connections.indices.map { connection in
            first.connections[connection].indices.map { row in
                first.connections[connection][row].indices.map { column in
                    body(layers.map { $0.connections[connection][row][column] }, true)
                }
            }
        }
        let bias = first.bias.map { values in
            values.indices.map { unit in body(layers.map { $0.bias![unit] }, false) }
        }
        return ReferenceLayer(connections: connections, bias: bias)
    }

    /// All weights, connection by connection and row by row.
    public var allWeights: [Double] { connections.flatMap { $0.flatMap { $0 } } }
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
    /// z of every layer, in the order of evaluation: samples × pre-activations. The last layer's are the logits.
    public var preActivations: [[[Double]]]
    /// u = activation(z) of every layer: samples × units; of the last layer its logits.
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
    /// ∂total/∂z of every layer: samples × pre-activations, scaled by the reduction.
    public var deltas: [[[Double]]]
    /// ∂total/∂u of every layer, over all ways to the loss: samples × units; of the last layer that of its logits.
    public var outputGradients: [[[Double]]]
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
            for value in layer.allWeights { sum += value * value }
            for value in layer.bias ?? [] { sum += value * value }
        }
        return sum.squareRoot()
    }
}
