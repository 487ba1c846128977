import LoomModel

extension NetworkForm {
    /// The network of the given layers; nil after reporting that something does not fit.
    func layered(_ reader: SettingsReader) -> NetworkSettings? {
        guard reader.has("layers") else {
            reader.report("layers", "the key is missing; expected a list of layers, or else vertices and edges")
            return nil
        }
        let outputType = SettingsType<OutputMap>.choice()
        guard let value = reader["output"], let output = outputType.read(value), var layers,
            reader.isSound("layers", "weights_layout")
        else { return nil }
        for index in layers.indices where layers[index].name.isEmpty { layers[index].name = "layer\(index + 1)" }
        var network = NetworkSettings(layers: layers, output: output)
        guard let graph = network.graph(reader) else { return nil }
        let last = graph.givenIndices.last!
        network.resolveWeights(graph, layout: weightsLayout, reader)
        network.checkComponents(last: last, reader)
        network.checkLast(last, reader)
        return network
    }
}

extension NetworkSettings {
    /// The layers in the order of evaluation; nil after reporting why there is none.
    fileprivate func graph(_ reader: SettingsReader) -> NetworkGraph? {
        let description = NetworkDescription(inputs: 0, layers: layers, output: output)
        let problems = NetworkGraph.problems(in: description)
        for problem in problems {
            let index = problem.layer ?? 0
            let key: String
            var text = problem.description
            switch problem.problem {
            case .duplicateName(let name):
                key = "name"
                let first = layers.firstIndex { $0.name == name }!
                text = "the name '\(name)' is taken by layers.\(first); names must be unique"
            case .reservedName, .tensorName: key = "name"
            case .unknownInput(let input, let known):
                key = "inputs.\(problem.input!)"
                if let nearest = NearestName.find(input, in: known) { text += "; did you mean '\(nearest)'?" }
            case .duplicateInput: key = "inputs.\(problem.input!)"
            case .noInputs, .cycle: key = "inputs"
            case .unused, .noLayers: key = "name"
            }
            reader.report("layers.\(index).\(key)", text)
        }
        return problems.isEmpty ? try? NetworkGraph(description) : nil
    }

    /// Turns given weights to out by in, and reports those that do not fit.
    fileprivate mutating func resolveWeights(
        _ graph: NetworkGraph, layout: WeightsLayout, _ reader: SettingsReader
    ) {
        for (place, index) in graph.givenIndices.enumerated() {
            guard let given = layers[index].connectionWeights else { continue }
            let sources = graph.sources[place]
            let names = graph.description.layers[place].inputs!
            guard given.count == sources.count else {
                reader.report(
                    "layers.\(index).weights",
                    "layer '\(layers[index].name)' has the inputs \(names.enumeration): expected a mapping of every input "
                        + "to a list of rows")
                continue
            }
            for (offset, source) in sources.enumerated() {
                // The data decide their number of columns.
                let width: Int? = if case .layer = source { graph.width(of: source) } else { nil }
                let weights = GivenWeights(rows: given[offset], layout: layout)
                if let problem = weights.problem(layer: layers[index], inputs: width) {
                    let key = sources.count > 1 ? "weights.\(names[offset])" : "weights"
                    reader.report("layers.\(index).\(key)", problem)
                }
                layers[index].connectionWeights![offset] = weights.outByIn
            }
        }
    }

    /// Components belong to softmax-weighted layers, and to the last one before such an output.
    fileprivate func checkComponents(last: Int, _ reader: SettingsReader) {
        for (index, layer) in layers.enumerated() {
            let isLast = index == last && output == .softmaxWeighted
            let key = "layers.\(index).components"
            if layer.activation == .softmaxWeighted || isLast {
                guard layer.components == nil else { continue }
                let place = isLast ? "the last layer before network.output: softmax_weighted" : "softmax_weighted"
                reader.report(
                    key, "the key is missing; \(place) needs a whole number, 1 or more, of components per unit")
            } else if layer.components != nil {
                reader.report(
                    key,
                    "not used here; components belong to activation softmax_weighted, and to the last layer when "
                        + "network.output is softmax_weighted")
            }
        }
    }

    /// The last layer has no activation of its own, and enough units for its output map.
    fileprivate func checkLast(_ last: Int, _ reader: SettingsReader) {
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
        let pre = layer.preActivations
        guard units != pre || width != inputs ?? width else { return nil }
        let wanted = layout == .outByIn ? [pre, inputs] : [inputs, pre]
        let sizes = wanted.map { $0.map(String.init) ?? "?" }.joined(separator: " × ")
        let other: WeightsLayout = layout == .outByIn ? .inByOut : .outByIn
        let fitsOther = width == pre && units == inputs ?? units
        return "layer '\(layer.name)' has \(layer.units) unit\(layer.units == 1 ? "" : "s")"
            + (layer.components.map { " of \($0) component\($0 == 1 ? "" : "s")" } ?? "")
            + (inputs.map { " and \($0) input\($0 == 1 ? "" : "s")" } ?? "")
            + ": expected \(sizes) weights (\(layout.rawValue)), found \(rows.count) × \(rows[0].count)"
            + (fitsOther ? "; they fit with network.weights_layout: \(other.rawValue)" : "")
    }
}
