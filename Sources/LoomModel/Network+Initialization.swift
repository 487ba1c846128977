import LoomKernels

extension Network {
    /// The first parameters: given weights and biases where the description has them, otherwise weights by the
    /// initialisation rule and biases 0. A pure function of the description: element e of tensor t is drawn from
    /// (seed, t, e), in double precision, and then rounded, so float32 and float64 start from the same network.
    public func initialParameters() -> ParameterBuffer<Scalar> {
        let parameters = ParameterBuffer<Scalar>(layout: layout)
        for (layer, given) in zip(layers, description.layers) {
            if let bias = layer.bias, let values = given.bias {
                parameters.setValues(bias, to: values.map { Scalar($0) })
            }
            for (offset, connection) in layer.connections.enumerated() {
                if let weights = given.connectionWeights?[offset] {
                    parameters.setValues(connection.weights, to: weights.joined().map { Scalar($0) })
                } else {
                    initialize(connection.weights, of: parameters)
                }
            }
        }
        return parameters
    }

    private func initialize(_ tensor: Int, of parameters: ParameterBuffer<Scalar>) {
        let shape = layout.tensors[tensor].shape
        let rule = description.initialization
        let random = CounterRandom(seed: rule.seed, purpose: .initialization, subStream: UInt32(tensor))
        let variance =
            rule.kind == .he ? 2 / Double(shape[1]) : 2 / Double(shape[0] + shape[1])
        let draw: (UInt64) -> Double =
            switch (rule.kind, rule.distribution) {
            case (.constant, _): { _ in rule.value }
            case (_, .normal): { variance.squareRoot() * random.normal(at: $0) }
            case (_, .uniform): { (3 * variance).squareRoot() * (2 * random.uniform(at: $0) - 1) }
            }
        parameters.setValues(tensor) { Scalar(draw(UInt64($0))) }
    }
}
