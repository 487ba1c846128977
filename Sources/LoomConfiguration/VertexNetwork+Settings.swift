import LoomModel

extension NetworkForm {
    /// The network of the given vertices and edges; nil after reporting that something does not fit.
    func ofVertices(_ reader: SettingsReader) -> NetworkSettings? {
        let keys = ["inputs", "vertices", "edges"]
        for key in keys where !reader.has(key) {
            reader.report(key, "the key is missing; a network of vertices has \(keys.enumeration)")
        }
        guard let inputs, let vertices, let edges, (keys + ["output"]).allSatisfy({ reader.isSound($0) }) else {
            return nil
        }
        let network = VertexNetwork(inputs: inputs, vertices: vertices, edges: edges, outputs: output)
        let mistakes = network.mistakes
        for mistake in mistakes {
            // A single output is written without a list.
            let isWord = mistake.list == .output && output.count == 1
            let place = isWord ? "output" : "\(mistake.list.rawValue).\(mistake.index)"
            reader.report(mistake.key.map { "\(place).\($0)" } ?? place, mistake.description)
        }
        guard mistakes.isEmpty else { return nil }
        return try? NetworkSettings(vertices: network)
    }
}

extension VertexNetwork.Vertex {
    static var section: SettingsSection<VertexNetwork.Vertex> {
        var section = SettingsSection(initial: VertexNetwork.Vertex(name: "", kind: .sigmoid))
        section.requiredKey("name", \.name, .text("a name"), "the vertex's name, for edges")
        section.requiredKey("kind", \.kind, .choice(), "its activation; an output vertex's is the output map")
        section.optionalKey(
            "components", \.components, .whole(1), default: "only with softmax_weighted",
            "the pre-activations of a softmax-weighted vertex")
        return section
    }
}

extension VertexNetwork.Edge {
    static var section: SettingsSection<VertexNetwork.Edge> {
        var section = SettingsSection(initial: VertexNetwork.Edge(from: "", to: ""))
        section.requiredKey("from", \.from, .text("a name"), "the input or vertex it comes from")
        section.requiredKey("to", \.to, .text("a name"), "the vertex it goes to")
        section.optionalKey(
            "weights", \.weights, .numberOrNumbers, default: "by network.initialization",
            "the first weights, one per component of the vertex it goes to")
        section.optionalKey(
            "weight", \.weight, .number(.any), "the same as weights, for a vertex of one component")
        section.resolve = { _, reader in
            if reader.has("weight"), reader.has("weights") {
                reader.reportKey("weight", "not used together with weights; keep one of them")
            }
        }
        return section
    }

    /// Written as `weights`.
    private var weight: Double? {
        get { nil }
        set { if let newValue { weights = [newValue] } }
    }
}

extension SettingsType<[Double]> {
    /// A number, or a list of numbers.
    static var numberOrNumbers: SettingsType {
        let expectation = "a number or a list of numbers"
        return SettingsType(
            expectation: expectation,
            read: { value in
                switch value.node.content {
                case .list: numbers.read(value)
                case .scalar: SettingsType<Double>.number(.any).read(value).map { [$0] }
                case .mapping:
                    {
                        value.mismatch(expectation)
                        return nil
                    }()
                }
            },
            write: numbers.write)
    }
}
