extension VertexNetwork {
    /// Everything that is wrong with the network; circles and useless vertices only when names and edges are right.
    public var mistakes: [Mistake] {
        let found = nameMistakes + vertexMistakes + edgeMistakes + outputMistakes
        if !found.isEmpty { return found }
        let graph = graphMistakes
        return graph.isEmpty ? outputGroupMistakes : graph
    }

    /// The first index of every name of a vertex.
    private var places: [String: Int] {
        Dictionary(vertices.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private var nameMistakes: [Mistake] {
        var result: [Mistake] = []
        var names = Set<String>()
        if inputs.isEmpty { result.append(Mistake(.inputs, 0, nil, "the network has no inputs; name the features")) }
        for (index, name) in inputs.enumerated() where !names.insert(name).inserted {
            result.append(Mistake(.inputs, index, nil, "the input '\(name)' is named twice; names must be unique"))
        }
        for (index, vertex) in vertices.enumerated() {
            if vertex.name == NetworkDescription.dataName {
                result.append(
                    Mistake(
                        .vertices, index, "name",
                        "'\(vertex.name)' is the name of all data; give the vertex another one"))
            } else if !names.insert(vertex.name).inserted {
                let other = inputs.contains(vertex.name) ? "input" : "vertex"
                result.append(
                    Mistake(
                        .vertices, index, "name",
                        "the name '\(vertex.name)' is that of another \(other); names must be unique"))
            }
        }
        return result
    }

    private var vertexMistakes: [Mistake] {
        vertices.enumerated().compactMap { index, vertex in
            switch (vertex.kind == .softmaxWeighted, vertex.components) {
            case (true, nil):
                Mistake(
                    .vertices, index, "components",
                    "vertex '\(vertex.name)' is softmax_weighted; give the number of its components")
            case (true, let count?) where count < 1:
                Mistake(.vertices, index, "components", "vertex '\(vertex.name)' needs at least one component")
            case (false, .some):
                Mistake(
                    .vertices, index, "components",
                    "vertex '\(vertex.name)' is \(vertex.kind.rawValue); components belong to softmax_weighted")
            default: nil
            }
        }
    }

    private var edgeMistakes: [Mistake] {
        let places = places
        let known = inputs + vertices.map(\.name)
        let knownNames = Set(known)
        var result: [Mistake] = []
        var seen = Set<[String]>()
        for (index, edge) in edges.enumerated() {
            guard knownNames.contains(edge.from) else {
                result.append(Mistake(.edges, index, "from", unknown(edge.from, known)))
                continue
            }
            guard let target = places[edge.to] else {
                let problem =
                    inputs.contains(edge.to)
                    ? "'\(edge.to)' is an input, to which no edge can go" : unknown(edge.to, vertices.map(\.name))
                result.append(Mistake(.edges, index, "to", problem))
                continue
            }
            if !seen.insert([edge.from, edge.to]).inserted {
                result.append(
                    Mistake(.edges, index, nil, "there is another edge from '\(edge.from)' to '\(edge.to)'; keep one"))
            }
            let count = vertices[target].components ?? 1
            if let weights = edge.weights, weights.count != count {
                result.append(
                    Mistake(
                        .edges, index, "weights",
                        "vertex '\(edge.to)' has \(count) component\(count == 1 ? "" : "s"): expected as many weights, "
                            + "found \(weights.count)"))
            }
        }
        if edges.contains(where: { $0.weights != nil }), let index = edges.firstIndex(where: { $0.weights == nil }) {
            result.append(
                Mistake(
                    .edges, index, nil,
                    "the edge from '\(edges[index].from)' to '\(edges[index].to)' has no weight, but others have; give all "
                        + "edges weights, or none"))
        }
        return result
    }

    private func unknown(_ name: String, _ known: [String]) -> String {
        "'\(name)' does not exist; there is " + known.prefix(20).map { "'\($0)'" }.joined(separator: ", ")
            + (known.count > 20 ? " …" : "")
    }

    private var outputMistakes: [Mistake] {
        let places = places
        var result: [Mistake] = []
        var seen = Set<String>()
        let feeding = Set(edges.map(\.from))
        if outputs.isEmpty { result.append(Mistake(.output, 0, nil, "name at least one output vertex")) }
        for (index, name) in outputs.enumerated() {
            guard let place = places[name] else {
                result.append(Mistake(.output, index, nil, "vertex " + unknown(name, vertices.map(\.name))))
                continue
            }
            if !seen.insert(name).inserted {
                result.append(Mistake(.output, index, nil, "the vertex '\(name)' is named twice"))
            }
            if vertices[place].kind.outputMap == nil {
                result.append(
                    Mistake(
                        .vertices, place, "kind",
                        "the output vertex '\(name)' is \(vertices[place].kind.rawValue); an output vertex is identity, "
                            + "sigmoid, softmax_weighted or threshold"))
            }
            if feeding.contains(name) {
                result.append(
                    Mistake(
                        .output, index, nil,
                        "the output vertex '\(name)' has an edge to another vertex; add a vertex that is the output only"
                    ))
            }
        }
        return result
    }

    /// Vertices without predecessors or without a way to the output, and circles; names are right.
    private var graphMistakes: [Mistake] {
        let places = places
        let read = Set(edges.map(\.to))
        var result: [Mistake] = []
        for (index, vertex) in vertices.enumerated() where !read.contains(vertex.name) {
            result.append(
                Mistake(.vertices, index, nil, "no edge goes to the vertex '\(vertex.name)'; add one, or remove it"))
        }
        let layers = vertices.map { vertex in
            LayerDescription(
                name: vertex.name, units: 1,
                inputs: edges.filter { $0.to == vertex.name && places[$0.from] != nil }.map(\.from)
                    + [NetworkDescription.dataName])
        }
        let description = NetworkDescription(inputs: inputs.count, layers: layers, output: .identity)
        for problem in NetworkGraph.problems(in: description) {
            if case .cycle(let names) = problem.problem {
                let circle = (names + [names[0]]).map { "'\($0)'" }.joined(separator: " ← ")
                return result + [
                    Mistake(.vertices, places[names[0]]!, nil, "the vertices \(circle) form a circle; remove an edge")
                ]
            }
        }
        var useful = Set(outputs)
        var open = outputs
        let predecessors = Dictionary(grouping: edges, by: \.to)
        while let name = open.popLast() {
            for edge in predecessors[name] ?? [] where useful.insert(edge.from).inserted { open.append(edge.from) }
        }
        for (index, vertex) in vertices.enumerated() where !useful.contains(vertex.name) {
            result.append(
                Mistake(
                    .vertices, index, nil,
                    "no way leads from the vertex '\(vertex.name)' to the output; add an edge, or remove it"))
        }
        return result
    }

    /// Output vertices are one layer: of one kind, and with the same predecessors.
    private var outputGroupMistakes: [Mistake] {
        let places = places
        let first = vertices[places[outputs[0]]!]
        let predecessors = Dictionary(grouping: edges, by: \.to).mapValues { Set($0.map(\.from)) }
        return outputs.enumerated().compactMap { index, name in
            let vertex = vertices[places[name]!]
            if vertex.kind != first.kind || vertex.components != first.components {
                return Mistake(
                    .output, index, nil,
                    "the output vertices '\(first.name)' and '\(name)' differ in kind or components; all must be alike")
            }
            guard predecessors[name] != predecessors[first.name] else { return nil }
            return Mistake(
                .output, index, nil,
                "the output vertices '\(first.name)' and '\(name)' have edges from different vertices; they are one layer "
                    + "and need the same ones")
        }
    }
}
