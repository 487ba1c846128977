import LoomKernels

extension NetworkGraph {
    /// The columns that a layer reads of `source`: of a layer all.
    func columns(of source: Source) -> Range<Int> {
        switch source {
        case .data(let columns): columns
        case .layer(let index): 0..<description.layers[index].units
        }
    }

    /// For everything that is read, the last layer that reads it.
    var lastReaders: [Source: Int] {
        var readers: [Source: Int] = [:]
        for (index, sources) in sources.enumerated() {
            for source in sources { readers[source] = index }
        }
        return readers
    }

    /// Checks the sizes of layers and of given parameters, and that the last layer gives logits.
    /// - Throws: `ModelError` naming the layer.
    public func checkSizes() throws(ModelError) {
        try checkDataParts()
        let last = description.layers.count - 1
        var parameters = 0
        for (index, layer) in description.layers.enumerated() {
            let feedsWeightedOutput = index == last && description.output == .softmaxWeighted
            try layer.checkComponents(belong: layer.activation == .softmaxWeighted || feedsWeightedOutput)
            let widths = sources[index].map { width(of: $0) }
            try layer.checkUnits(widths: widths, parameters: &parameters)
            try layer.checkShapes(widths: widths)
        }
        guard description.layers[last].activation == .identity else {
            throw ModelError(
                "the last layer '\(description.layers[last].name)' has the activation "
                    + "'\(description.layers[last].activation.rawValue)'; its activation must be identity, because "
                    + "network.output is applied to its pre-activations")
        }
    }

    private func checkDataParts() throws(ModelError) {
        guard !description.dataParts.isEmpty else { return }
        var next = 0
        for part in description.dataParts {
            guard part.columns.lowerBound == next, !part.columns.isEmpty else {
                throw ModelError("the part '\(part.name)' of the data must start at feature \(next), and not be empty")
            }
            next = part.columns.upperBound
        }
        guard next == description.inputs else {
            throw ModelError(
                "the network names \(next) input\(next == 1 ? "" : "s"), but the data have \(description.inputs) "
                    + "feature\(description.inputs == 1 ? "" : "s")")
        }
    }
}

extension LayerDescription {
    fileprivate func checkComponents(belong: Bool) throws(ModelError) {
        guard belong else {
            guard components != nil else { return }
            throw ModelError(
                "layer '\(name)' has components, but they belong to the activation softmax_weighted, or to the last "
                    + "layer before the output softmax_weighted")
        }
        guard let components, components > 0 else {
            throw ModelError("layer '\(name)' is softmax-weighted; it needs the number of components of a unit")
        }
    }

    /// Checks that there are units, and that they and their parameters, those of earlier layers included, can be counted.
    fileprivate func checkUnits(widths: [Int], parameters: inout Int) throws(ModelError) {
        guard units > 0 else { throw ModelError("layer '\(name)' has \(units) units; it needs at least one") }
        for width in widths + [1] {
            // Every row of parameters begins on a cache line, and has eight bytes for each at most.
            guard let weights = MemorySize.product(max(preActivations, 16), max(width, 16), 8),
                parameters <= MemorySize.largestPart - weights
            else {
                throw ModelError(
                    "layer '\(name)' has \(rowsInWords) and \(width) inputs: the network's parameters are more than "
                        + "\(MemorySize.words(MemorySize.largestPart)); give it fewer units")
            }
            parameters += weights
        }
    }

    /// Checks given weights and given biases for inputs of `widths` values.
    fileprivate func checkShapes(widths: [Int]) throws(ModelError) {
        let given = connectionWeights ?? []
        guard connectionWeights == nil || given.count == widths.count else {
            throw ModelError("layer '\(name)' has \(widths.count) inputs, but weights for \(given.count)")
        }
        for (offset, (weights, width)) in zip(given, widths).enumerated() {
            let columns = Set(weights.map(\.count))
            guard weights.count == preActivations, columns == [width] else {
                let found = "\(weights.count) × \(columns.sorted().map(String.init).joined(separator: " or "))"
                let from = widths.count > 1 ? " from '\(inputs?[offset] ?? "")'" : ""
                throw ModelError(
                    "layer '\(name)' has \(rowsInWords) and \(width) inputs\(from), so its weights must be "
                        + "\(preActivations) × \(width) (out by in); they are \(found)")
            }
        }
        if let bias, bias.count != preActivations {
            throw ModelError("layer '\(name)' has \(rowsInWords), but \(bias.count) biases are given")
        }
    }

    private var rowsInWords: String {
        "\(units) units" + (components.map { " of \($0) components" } ?? "")
    }
}
