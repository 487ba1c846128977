import LoomKernels

extension NetworkDescription {
    /// Refuses given parameters that `Scalar` would make infinite.
    func checkParameters<Scalar: LoomScalar>(of _: Scalar.Type) throws(ModelError) {
        func check(_ value: Double, _ place: @autoclosure () -> String) throws(ModelError) {
            guard !Scalar(value).isFinite else { return }
            throw ModelError(
                "\(place()) is \(value), which is not finite in \(Scalar.precision.rawValue); give a smaller number, or "
                    + "train in float64")
        }
        if initialization.kind == .constant { try check(initialization.value, "the initial value of all weights") }
        for layer in layers {
            for weights in layer.connectionWeights ?? [] {
                for (row, values) in weights.enumerated() {
                    for (column, value) in values.enumerated() {
                        try check(value, "weight [\(row)][\(column)] of layer '\(layer.name)'")
                    }
                }
            }
            for (unit, value) in (layer.bias ?? []).enumerated() {
                try check(value, "bias [\(unit)] of layer '\(layer.name)'")
            }
        }
    }
}

extension ParameterBuffer {
    /// The name of the first tensor with a value that is NaN or infinite; nil: all are finite.
    package var firstNotFinite: String? {
        layout.tensors.indices.first { !view($0).isFinite }.map { layout.tensors[$0].name }
    }
}

extension MatrixView where Scalar: BinaryFloatingPoint {
    /// Whether no element is NaN or infinite.
    package var isFinite: Bool {
        (0..<rows).allSatisfy { row in (0..<columns).allSatisfy { self[row, $0].isFinite } }
    }
}

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
