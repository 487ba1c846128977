/// The arrays of a network that have gradients, in topological order, and the data's.
package struct GradientArrays {
    /// One array.
    package struct Entry {
        package let place: JacobianPlace
        package let name: String
        /// Row-major.
        package let values: [Double]

        package var largest: Double { values.reduce(0) { max($0, abs($1)) } }
    }

    package let entries: [Entry]

    package init(_ layers: [ReferenceLayer], inputs: [[Double]]?, graph: LayerGraph) {
        var entries: [Entry] = []
        func add(_ place: JacobianPlace, _ values: [Double]) {
            entries.append(Entry(place: place, name: place.name(in: graph), values: values))
        }
        for (index, layer) in layers.enumerated() {
            for (source, matrix) in layer.connections.enumerated() {
                add(.weights(index, source: source), matrix.flatMap { $0 })
            }
            if let bias = layer.bias { add(.bias(index), bias) }
        }
        if let inputs { add(.input, inputs.flatMap { $0 }) }
        self.entries = entries
    }

    /// The largest element of all.
    package var largest: Double { entries.map(\.largest).max() ?? 0 }
}
