/// What is wrong with the graph of a network, and where: of a layer's key, or of the network.
public struct NetworkGraphError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The mistake.
    public enum Problem: Sendable, Equatable {
        /// There are no layers.
        case noLayers
        /// Two layers, or a layer and a part of the data, have this name.
        case duplicateName(String)
        /// A layer has the name of the data.
        case reservedName
        /// A checkpoint would have two tensors of this name.
        case tensorName(String)
        /// A layer reads what there is not; `known` is what it could read.
        case unknownInput(String, known: [String])
        /// A layer reads the same thing twice.
        case duplicateInput(String)
        /// A layer reads nothing.
        case noInputs
        /// Layers that read each other in a circle, in the order of reading.
        case cycle([String])
        /// Nothing reads the layer's outputs, and it is not the last one.
        case unused(output: String)
    }
    /// The index of the layer in the description; nil for the network as a whole.
    public let layer: Int?
    /// The layer's name.
    public let name: String
    /// The index of the input in the layer's `inputs`, if it is about one.
    public let input: Int?
    /// The mistake.
    public let problem: Problem

    init(_ problem: Problem, layer: Int? = nil, name: String = "", input: Int? = nil) {
        self.problem = problem
        self.layer = layer
        self.name = name
        self.input = input
    }

    /// One sentence that says what to do.
    public var description: String {
        switch problem {
        case .noLayers:
            "the network has no layers; it needs at least the output layer"
        case .duplicateName(let name):
            "the name '\(name)' is given twice; names must be unique"
        case .reservedName:
            "'\(NetworkDescription.dataName)' is the name of the data; give the layer another one"
        case .tensorName(let tensor):
            "layer '\(name)' would have the tensor '\(tensor)' in checkpoints, a name that is taken; give the layer another one"
        case .unknownInput(let input, let known):
            "layer '\(name)' reads '\(input)', which does not exist; there is "
                + known.map { "'\($0)'" }.joined(separator: ", ")
        case .duplicateInput(let input):
            "layer '\(name)' reads '\(input)' twice; name every input once"
        case .noInputs:
            "layer '\(name)' reads nothing; name its inputs, or leave them out to read the layer before it"
        case .cycle(let names):
            names.count == 1
                ? "layer '\(names[0])' reads itself; a network must not have circles"
                : "the layers " + (names + [names[0]]).map { "'\($0)'" }.joined(separator: " ← ")
                    + " read each other in a circle; a network must not have circles"
        case .unused(let output):
            "nothing reads the outputs of layer '\(name)', and the network's output is layer '\(output)'; name it in "
                + "another layer's inputs, or remove it"
        }
    }
}

/// A network's layers in the order of evaluation, each with what it reads.
///
/// The order is that of the description wherever a layer comes after all its inputs; otherwise, of all layers whose
/// inputs are there, the first in the description is next. The last layer is the output.
public struct NetworkGraph: Sendable, Equatable {
    /// What a layer reads.
    public enum Source: Sendable, Hashable {
        /// Features of the samples.
        case data(columns: Range<Int>)
        /// The outputs of the layer with this index in the order of evaluation.
        case layer(Int)
    }

    /// The description with its layers in the order of evaluation and all inputs named.
    public let description: NetworkDescription
    /// What every layer reads, in the order in which its products are added.
    public let sources: [[Source]]
    /// For every layer in the order of evaluation, its index in the description that the graph was made from.
    public let givenIndices: [Int]

    /// Sorts the layers of `description`; sizes and given weights are not looked at.
    /// - Throws: The first of `problems(in:)`.
    public init(_ description: NetworkDescription) throws(NetworkGraphError) {
        if let problem = Self.problems(in: description).first { throw problem }
        let links = LayerLinks(description)
        let order = links.order
        var places = [Int](repeating: 0, count: order.count)
        for (place, index) in order.enumerated() { places[index] = place }
        var sorted = description
        sorted.layers = order.map { index in
            var layer = description.layers[index]
            layer.inputs = links.inputs[index]
            return layer
        }
        self.description = sorted
        givenIndices = order
        sources = order.map { index in
            links.sources[index].map { source in
                if case .layer(let producer)? = source { return .layer(places[producer]) }
                return source!
            }
        }
    }

    /// The number of values that `source` gives.
    public func width(of source: Source) -> Int {
        switch source {
        case .data(let columns): columns.count
        case .layer(let index): description.layers[index].units
        }
    }

    /// Everything that is wrong with the names and connections of `description`.
    public static func problems(in description: NetworkDescription) -> [NetworkGraphError] {
        guard !description.layers.isEmpty else { return [NetworkGraphError(.noLayers)] }
        var problems = nameProblems(in: description)
        let links = LayerLinks(description)
        for (index, layer) in description.layers.enumerated() {
            if links.inputs[index].isEmpty {
                problems.append(NetworkGraphError(.noInputs, layer: index, name: layer.name))
            }
            for (offset, input) in links.inputs[index].enumerated() {
                let problem: NetworkGraphError.Problem
                if links.sources[index][offset] == nil {
                    let others = description.layers.map(\.name).filter { $0 != layer.name }
                    problem = .unknownInput(input, known: links.dataNames + others)
                } else if links.inputs[index][..<offset].contains(input) {
                    problem = .duplicateInput(input)
                } else {
                    continue
                }
                problems.append(NetworkGraphError(problem, layer: index, name: layer.name, input: offset))
            }
        }
        problems += tensorNameProblems(in: description, inputs: links.inputs)
        guard problems.isEmpty else { return problems }
        if let circle = links.circle {
            let names = circle.map { description.layers[$0].name }
            return [NetworkGraphError(.cycle(names), layer: circle[0], name: names[0])]
        }
        let unread = description.layers.indices.filter { links.readers[$0].isEmpty }
        let output = description.layers[unread.last!].name
        return unread.dropLast().map { index in
            NetworkGraphError(.unused(output: output), layer: index, name: description.layers[index].name)
        }
    }

    /// Names of layers may have points, and then look like those of other layers' tensors, or of the optimizer's.
    private static func tensorNameProblems(
        in description: NetworkDescription, inputs: [[String]]
    ) -> [NetworkGraphError] {
        var names: Set<String> = []
        var problems: [NetworkGraphError] = []
        var known = Set(description.dataParts.map(\.name))
        for (index, layer) in description.layers.enumerated() where known.insert(layer.name).inserted {
            var resolved = layer
            resolved.inputs = Array(Set(inputs[index])).sorted()
            let own = resolved.inputs!.map(resolved.weightsName) + (layer.hasBias ? [layer.biasName] : [])
            let all = own.flatMap { tensor in ([""] + OptimizerDescription.statePrefixes).map { $0 + tensor } }
            if let taken = all.first(where: names.contains) {
                problems.append(NetworkGraphError(.tensorName(taken), layer: index, name: layer.name))
            }
            names.formUnion(all)
        }
        return problems
    }

    private static func nameProblems(in description: NetworkDescription) -> [NetworkGraphError] {
        var names = Set(description.dataParts.map(\.name))
        var problems: [NetworkGraphError] = []
        for (index, layer) in description.layers.enumerated() {
            if layer.name == NetworkDescription.dataName {
                problems.append(NetworkGraphError(.reservedName, layer: index, name: layer.name))
            }
            if !names.insert(layer.name).inserted {
                problems.append(NetworkGraphError(.duplicateName(layer.name), layer: index, name: layer.name))
            }
        }
        return problems
    }
}

/// The names that layers read, looked up; indices are those of the description.
private struct LayerLinks {
    /// The names that each layer reads, also where they are not written.
    let inputs: [[String]]
    /// What they stand for; nil for an unknown name.
    let sources: [[NetworkGraph.Source?]]
    /// The layers that read each layer.
    let readers: [[Int]]
    /// The names by which data can be read.
    let dataNames: [String]

    init(_ description: NetworkDescription) {
        let layers = description.layers
        inputs = layers.indices.map { index in
            layers[index].inputs ?? [index == 0 ? NetworkDescription.dataName : layers[index - 1].name]
        }
        var known: [String: NetworkGraph.Source] = [
            NetworkDescription.dataName: .data(columns: 0..<description.inputs)
        ]
        for (index, layer) in layers.enumerated() where known[layer.name] == nil {
            known[layer.name] = .layer(index)
        }
        for part in description.dataParts { known[part.name] = .data(columns: part.columns) }
        sources = inputs.map { $0.map { known[$0] } }
        var readers = [[Int]](repeating: [], count: layers.count)
        for (index, sources) in sources.enumerated() {
            for case .layer(let producer)? in sources { readers[producer].append(index) }
        }
        self.readers = readers
        dataNames = [NetworkDescription.dataName] + description.dataParts.map(\.name)
    }

    /// The layers that can be evaluated, in the order of `NetworkGraph`; all of them unless there is a circle.
    var order: [Int] {
        var missing = sources.map { sources in
            sources.count { if case .layer? = $0 { true } else { false } }
        }
        var ready = Set(missing.indices.filter { missing[$0] == 0 })
        var order: [Int] = []
        while let next = ready.min() {
            ready.remove(next)
            order.append(next)
            for reader in readers[next] {
                missing[reader] -= 1
                if missing[reader] == 0 { ready.insert(reader) }
            }
        }
        return order
    }

    /// Layers that read each other in a circle, the first in the description first, each read by the one before it; nil
    /// when there is none.
    var circle: [Int]? {
        let stuck = Set(sources.indices).subtracting(order)
        guard var current = stuck.min() else { return nil }
        // Every layer that cannot be evaluated reads another such layer: following them must come back.
        var path: [Int] = []
        while !path.contains(current) {
            path.append(current)
            current = sources[current].lazy.compactMap { source -> Int? in
                guard case .layer(let producer)? = source, stuck.contains(producer) else { return nil }
                return producer
            }.first!
        }
        let circle = path[path.firstIndex(of: current)!...]
        let start = circle.firstIndex(of: circle.min()!)!
        return Array(circle[start...] + circle[..<start])
    }
}
