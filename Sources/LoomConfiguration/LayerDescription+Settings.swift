import LoomModel

extension LayerDescription {
    static var section: SettingsSection<LayerDescription> {
        var section = SettingsSection(initial: LayerDescription(name: "", units: 1))
        section.key(
            "name", \.name, .text("a name"), default: "layer1, layer2 …",
            "the layer's name in messages and checkpoints")
        section.requiredKey("units", \.units, .whole(1), "the number of its outputs")
        section.optionalKey(
            "inputs", \.inputs, .names, default: "the layer before it, or the data",
            "what it reads: names of layers, and input for the data; their products with weights of their own are added"
        )
        section.key(
            "activation", \.activation, .choice(), "the function of its pre-activations; none for the last layer")
        section.optionalKey(
            "components", \.components, .whole(1), default: "only with softmax_weighted",
            "the pre-activations of one softmax-weighted unit; also for the last layer before such an output")
        section.key(
            "relu_at_zero", \.reluAtZero, .choice(of: [("0", .zero), ("1", .one)]),
            when: .when("activation", \.activation, is: .relu), "the derivative of relu at 0")
        section.key(
            "bias", \.givenBias, GivenBias.type,
            "whether it adds a bias; or the biases, one per unit, or per component of every unit")
        section.optionalKey(
            "weights", \.givenWeights, GivenLayerWeights.type, default: "by network.initialization",
            "the first weights, as network.weights_layout says; a unit's components follow each other")
        section.resolve = { layer, reader in
            layer.checkNames(reader)
            guard reader.isSound("units", "bias", "components"), let bias = layer.bias,
                bias.count != layer.preActivations
            else { return }
            let per = layer.components == nil ? "unit" : "component of every unit"
            reader.report("bias", "expected one bias per \(per), \(layer.preActivations), found \(bias.count)")
        }
        return section
    }

    /// Weights by input must name the layer's inputs, each once.
    private func checkNames(_ reader: SettingsReader) {
        guard reader.isSound("inputs", "weights"), case .mapping(let entries)? = reader["weights"]?.node.content
        else { return }
        let given = entries.map(\.key)
        let inputs = inputs ?? []
        if inputs.isEmpty {
            reader.report("weights", "weights by input need the layer's inputs; expected a list of rows, or add inputs")
        }
        for name in given where !inputs.isEmpty && !inputs.contains(name) {
            reader.report("weights.\(name)", "'\(name)' is no input of the layer; it has \(inputs.enumeration)")
        }
        for name in inputs where !given.contains(name) {
            reader.report("weights", "the weights of the input '\(name)' are missing")
        }
    }

    /// `inputs` is read before the weights, which follow its order.
    private var givenWeights: GivenLayerWeights? {
        get {
            guard let connectionWeights else { return nil }
            guard let inputs, inputs.count > 1 else { return .single(connectionWeights[0]) }
            return .byInput(Array(zip(inputs, connectionWeights)))
        }
        set {
            switch newValue {
            case .single(let rows)?: connectionWeights = [rows]
            case .byInput(let matrices)?:
                connectionWeights = inputs?.compactMap { name in matrices.first { $0.0 == name }?.1 }
            case nil: connectionWeights = nil
            }
        }
    }

    private var givenBias: GivenBias {
        get { bias.map { .values($0) } ?? (hasBias ? .zeros : .none) }
        set {
            hasBias = newValue != .none
            bias = if case .values(let values) = newValue { values } else { nil }
        }
    }
}

/// What `weights` can be.
private enum GivenLayerWeights {
    case single([[Double]])
    case byInput([(String, [[Double]])])

    static var type: SettingsType<GivenLayerWeights> {
        let expectation =
            "a list of rows, each a list of numbers, or with several inputs a mapping of each to such a list"
        return SettingsType(
            expectation: expectation,
            read: { value in
                switch value.node.content {
                case .list: return SettingsType<[[Double]]>.matrix.read(value).map { .single($0) }
                case .mapping(let entries):
                    let matrices = entries.map { entry in
                        SettingsType<[[Double]]>.matrix.read(value.child(entry.key, entry.value)).map {
                            (entry.key, $0)
                        }
                    }
                    return matrices.contains { $0 == nil } ? nil : .byInput(matrices.map { $0! })
                case .scalar:
                    value.mismatch(expectation)
                    return nil
                }
            },
            write: { weights in
                let matrix = SettingsType<[[Double]]>.matrix
                switch weights {
                case .single(let rows): return matrix.write(rows)
                case .byInput(let matrices):
                    return SettingsNode(
                        content: .mapping(
                            matrices.map { .init(key: $0.0, origin: .program, value: matrix.write($0.1)) }))
                }
            },
            keys: { path in
                [
                    KeyReference(
                        path: "\(path).INPUT", type: SettingsType<[[Double]]>.matrix.expectation, defaultValue: nil,
                        isRequired: false, description: "the first weights of one of several inputs, by its name")
                ]
            })
    }
}

/// What `bias` can be.
private enum GivenBias: Equatable {
    case none
    case zeros
    case values([Double])

    static var type: SettingsType<GivenBias> {
        let expectation = "true, false or a list of numbers"
        return SettingsType(
            expectation: expectation,
            read: { value in
                if case .list = value.node.content {
                    return SettingsType<[Double]>.numbers.read(value).map { .values($0) }
                }
                switch value.node.content {
                case .scalar("true", isPlain: true): return .zeros
                case .scalar("false", isPlain: true): return GivenBias.none
                default:
                    value.mismatch(expectation)
                    return nil
                }
            },
            write: { bias in
                switch bias {
                case .none: .plain("false")
                case .zeros: .plain("true")
                case .values(let values): SettingsType<[Double]>.numbers.write(values)
                }
            })
    }
}
