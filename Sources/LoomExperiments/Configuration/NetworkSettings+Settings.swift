import LoomModel

extension NetworkSettings {
    /// The network's keys with the layout in which its weights are given.
    private struct Form {
        var network: NetworkSettings
        var weightsLayout = WeightsLayout.outByIn
        var initialization = InitializationForm()
    }

    /// The type of `network`.
    static var type: SettingsType<NetworkSettings> {
        let form = section
        return SettingsType(
            expectation: "a mapping",
            read: { form.read($0)?.network },
            write: { network in
                let initialization = InitializationForm(
                    rule: network.initialization, parameters: network.parametersFile)
                return form.write(Form(network: network, initialization: initialization))
            },
            keys: form.references)
    }

    private static var section: SettingsSection<Form> {
        var section = SettingsSection(initial: Form(network: NetworkSettings(layers: [], output: .softmax)))
        section.requiredKey(
            "layers", \.network.layers, .list(of: LayerDescription.section.type(), "a list of layers"),
            "the layers in the order of evaluation")
        section.requiredKey(
            "output", \.network.output, outputs, "the map from the last layer to the prediction")
        section.key(
            "weights_layout", \.weightsLayout, .choice(),
            "whether given weights have one row per unit or per input")
        section.key(
            "initialization", \.initialization, InitializationForm.section.type(),
            "the first weights; biases start at 0")
        let remedy = "describe the network as a chain of layers"
        section.later = ["inputs": remedy, "vertices": remedy, "edges": remedy, "components": remedy]
        section.resolve = { form, reader in
            form.network.initialization = form.initialization.rule
            form.network.parametersFile = form.initialization.parameters
            form.network.resolveLayers(layout: form.weightsLayout, reader)
            form.weightsLayout = .outByIn
        }
        return section
    }

    private static var outputs: SettingsType<OutputMap> {
        laterChoice(
            .choice(), later: "softmax_weighted", remedy: "use softmax, sigmoid, identity or threshold")
    }

    /// Names layers, turns weights to out by in, and reports what does not fit.
    private mutating func resolveLayers(layout: WeightsLayout, _ reader: SettingsReader) {
        guard reader.isSound("layers", "weights_layout") else { return }
        var names: [String: Int] = [:]
        for index in layers.indices {
            if layers[index].name.isEmpty { layers[index].name = "layer\(index + 1)" }
            let name = layers[index].name
            if let first = names.updateValue(index, forKey: name) {
                reader.report(
                    "layers.\(index).name",
                    "the name '\(name)' is taken by layers.\(first); names must be unique")
            }
            if let weights = layers[index].weights {
                let given = GivenWeights(rows: weights, layout: layout)
                let inputs = index > 0 ? layers[index - 1].units : nil
                if let problem = given.problem(layer: layers[index], inputs: inputs) {
                    reader.report("layers.\(index).weights", problem)
                }
                layers[index].weights = given.outByIn
            }
        }
        let last = layers.count - 1
        guard reader.isSound("layers", "output") else { return }
        if layers[last].activation != .identity {
            let activation = layers[last].activation.rawValue
            let remedy = OutputMap(rawValue: activation).map {
                "remove it and set network.output: \($0.rawValue)"
            }
            reader.report(
                "layers.\(last).activation",
                "expected no activation, because the last layer is followed by network.output, found '\(activation)'; "
                    + (remedy ?? "remove it, or add a layer"))
        }
        if output == .softmax, layers[last].units == 1 {
            reader.report(
                "layers.\(last).units",
                "the softmax of a single unit is always 1; expected one unit per class, or network.output: sigmoid"
            )
        }
    }
}

/// Weights as they were written.
private struct GivenWeights {
    let rows: [[Double]]
    let layout: WeightsLayout

    var outByIn: [[Double]] {
        guard layout == .inByOut else { return rows }
        return rows[0].indices.map { column in rows.map { $0[column] } }
    }

    /// Why they are not those of `layer` with `inputs` inputs (nil: not known yet); nil when they are.
    func problem(layer: LayerDescription, inputs: Int?) -> String? {
        let (units, width) = layout == .outByIn ? (rows.count, rows[0].count) : (rows[0].count, rows.count)
        guard units != layer.units || width != inputs ?? width else { return nil }
        let wanted = layout == .outByIn ? [layer.units, inputs] : [inputs, layer.units]
        let sizes = wanted.map { $0.map(String.init) ?? "?" }.joined(separator: " × ")
        let other: WeightsLayout = layout == .outByIn ? .inByOut : .outByIn
        let fitsOther = width == layer.units && units == inputs ?? units
        return "layer '\(layer.name)' has \(layer.units) unit\(layer.units == 1 ? "" : "s")"
            + (inputs.map { " and \($0) input\($0 == 1 ? "" : "s")" } ?? "")
            + ": expected \(sizes) weights (\(layout.rawValue)), found \(rows.count) × \(rows[0].count)"
            + (fitsOther ? "; they fit with network.weights_layout: \(other.rawValue)" : "")
    }
}

/// A choice with one more word, that of a later release.
private func laterChoice<Value>(
    _ type: SettingsType<Value>, later word: String, remedy: String
) -> SettingsType<Value> {
    SettingsType(
        expectation: type.expectation,
        read: { value in
            guard value.node.text == word else { return type.read(value) }
            value.reading.report(value.path, at: value.node.origin, "\(word) is not supported yet; \(remedy)")
            return nil
        },
        write: type.write)
}

// MARK: Layers

extension LayerDescription {
    fileprivate static var section: SettingsSection<LayerDescription> {
        var section = SettingsSection(initial: LayerDescription(name: "", units: 1))
        section.key(
            "name", \.name, .text("a name"), default: "layer1, layer2 …",
            "the layer's name in messages and checkpoints")
        section.requiredKey("units", \.units, .whole(1), "the number of its outputs")
        section.key(
            "activation", \.activation,
            laterChoice(
                .choice(), later: "softmax_weighted",
                remedy: "use \(Activation.allCases.map(\.rawValue).alternatives)"),
            "the function of its pre-activations; none for the last layer")
        section.key(
            "relu_at_zero", \.reluAtZero, .choice(of: [("0", .zero), ("1", .one)]),
            when: .when("activation", \.activation, is: .relu), "the derivative of relu at 0")
        section.key(
            "bias", \.givenBias, GivenBias.type, "whether it adds a bias; or the biases, one per unit")
        section.optionalKey(
            "weights", \.weights, .matrix, default: "by network.initialization",
            "the first weights, as network.weights_layout says")
        section.later = ["components": "softmax_weighted belongs to a later release"]
        section.resolve = { layer, reader in
            guard reader.isSound("units", "bias"), let bias = layer.bias, bias.count != layer.units else {
                return
            }
            reader.report("bias", "expected one bias per unit, \(layer.units), found \(bias.count)")
        }
        return section
    }

    private var givenBias: GivenBias {
        get { bias.map { .values($0) } ?? (hasBias ? .zeros : .none) }
        set {
            hasBias = newValue != .none
            bias = if case .values(let values) = newValue { values } else { nil }
        }
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

// MARK: Initialisation

/// The keys of `network.initialization`: a rule, or a file.
private struct InitializationForm {
    var rule = Initialization()
    var parameters: String?

    static var section: SettingsSection<InitializationForm> {
        func rule(_ kinds: Initialization.Kind...) -> SettingsCondition<InitializationForm> {
            SettingsCondition(
                holds: { $0.parameters == nil && kinds.contains($0.rule.kind) },
                problem: { form in
                    guard form.parameters == nil else {
                        return "not used together with parameters, which replace the rule"
                    }
                    return "not used with kind \(form.rule.kind.rawValue); "
                        + "it belongs to kind \(kinds.map(\.rawValue).alternatives)"
                }, keys: ["kind", "parameters"])
        }
        var section = SettingsSection(initial: InitializationForm())
        section.optionalKey(
            "parameters", \.parameters, .path,
            "a safetensors file with all parameters, relative to the configuration file")
        section.key("kind", \.rule.kind, .choice(), when: rule(.he, .xavier, .constant), "the rule")
        section.key(
            "distribution", \.rule.distribution, .choice(), default: "normal (he), uniform (xavier)",
            when: rule(.he, .xavier), "the distribution of he and xavier")
        section.key("value", \.rule.value, .number(.any), when: rule(.constant), "the value of constant")
        section.key(
            "seed", \.rule.seed, .whole(0), when: rule(.he, .xavier, .constant), "decides the weights")
        section.resolve = { form, reader in
            if !reader.has("distribution") {
                form.rule.distribution = form.rule.kind == .xavier ? .uniform : .normal
            }
        }
        return section
    }
}
