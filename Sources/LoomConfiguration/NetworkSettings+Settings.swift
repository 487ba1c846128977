import LoomModel

/// The network's keys as they are given: layers and an output map, or vertices.
struct NetworkForm {
    var layers: [LayerDescription]?
    var inputs: [String]?
    var vertices: [VertexNetwork.Vertex]?
    var edges: [VertexNetwork.Edge]?
    /// An output map, or the names of output vertices.
    var output = ["softmax"]
    var weightsLayout = WeightsLayout.outByIn
    var initialization = InitializationForm()
    /// What the keys say; nil after reporting that they say nothing.
    var network: NetworkSettings?
}

extension NetworkSettings {

    /// The type of `network`.
    static var type: SettingsType<NetworkSettings> {
        let form = section
        return SettingsType(
            expectation: "a mapping",
            read: { form.read($0)?.network },
            write: { network in
                var values = NetworkForm()
                values.initialization = InitializationForm(
                    rule: network.initialization, parameters: network.parametersFile)
                if let vertices = network.vertices {
                    values.inputs = vertices.inputs
                    values.vertices = vertices.vertices
                    values.edges = vertices.edges
                    values.output = vertices.outputs
                } else {
                    values.layers = network.layers
                    values.output = [network.output.rawValue]
                }
                return form.write(values)
            },
            keys: form.references)
    }

    private static var section: SettingsSection<NetworkForm> {
        var section = SettingsSection(initial: NetworkForm())
        section.optionalKey(
            "layers", \.layers, .list(of: LayerDescription.section.type(), "a list of layers"),
            default: "or else vertices and edges",
            "the layers; without inputs of their own, each reads the one before it")
        section.optionalKey(
            "inputs", \.inputs, .names, default: "not with layers", "names for the features, in their order, for edges")
        section.optionalKey(
            "vertices", \.vertices, .list(of: VertexNetwork.Vertex.section.type(), "a list of vertices"),
            default: "not with layers", "the single units of a network without layers")
        section.optionalKey(
            "edges", \.edges, .list(of: VertexNetwork.Edge.section.type(), "a list of edges"),
            default: "not with layers", "what the vertices read")
        section.requiredKey(
            "output", \.output, outputs, "the map from the last layer to the prediction; or the output vertices")
        section.key(
            "weights_layout", \.weightsLayout, .choice(),
            when: SettingsCondition(
                holds: { $0.vertices == nil },
                problem: { _ in "not used with vertices, whose edges have one number per component" },
                keys: ["vertices"]),
            "whether given weights of layers have one row per unit or per input")
        section.key(
            "initialization", \.initialization, InitializationForm.section.type(),
            "the first weights; biases start at 0")
        section.resolve = { form, reader in
            let ofVertices = ["inputs", "vertices", "edges"].filter { reader.has($0) }
            if reader.has("layers") || ofVertices.isEmpty {
                for key in ofVertices {
                    reader.reportKey(key, "not used together with layers; a network has layers, or vertices and edges")
                }
                form.network = form.layered(reader)
            } else {
                form.network = form.ofVertices(reader)
            }
            form.network?.initialization = form.initialization.rule
            form.network?.parametersFile = form.initialization.parameters
            form.weightsLayout = .outByIn
        }
        return section
    }

    /// A word or a list of words: which ones are right depends on the other keys.
    private static var outputs: SettingsType<[String]> {
        let maps = OutputMap.allCases.map(\.rawValue).alternatives
        return SettingsType(
            expectation: "\(maps), or the name of a vertex or a list of them",
            read: { value in
                if case .list = value.node.content { return SettingsType<[String]>.names.read(value) }
                return SettingsType<String>.text(maps).read(value).map { [$0] }
            },
            write: { names in
                guard names.count == 1 else { return SettingsType<[String]>.names.write(names) }
                return OutputMap(rawValue: names[0]) == nil ? .quoted(names[0]) : .plain(names[0])
            })
    }
}

extension SettingsType<[String]> {
    /// A list of names.
    static var names: SettingsType { list(of: .text("a name"), "a list of names") }
}
