import LoomModel

/// The derivatives of one element of an array of a network with respect to everything before it, for each sample: one
/// way backward through the graph, from wherever it begins.
struct ReverseSweep {
    /// ∂/∂z of every layer: samples × pre-activations; nil where nothing passed.
    private(set) var preActivations: [[[Double]]?]
    /// ∂/∂u of every layer: samples × units; nil where nothing passed.
    private(set) var outputs: [[[Double]]?]
    /// ∂/∂x: samples × features.
    private(set) var inputs: [[Double]]
    private let graph: LayerGraph
    private let parameters: [ReferenceLayer]
    private let pass: ReferencePass

    /// A sweep in which nothing has been done.
    init(graph: LayerGraph, parameters: [ReferenceLayer], pass: ReferencePass, samples: Int) {
        self.graph = graph
        self.parameters = parameters
        self.pass = pass
        preActivations = Array(repeating: nil, count: graph.layers.count)
        outputs = preActivations
        inputs = Array(repeating: Array(repeating: 0, count: graph.inputs), count: samples)
    }

    /// Begins with `gradient`, samples × outputs, at the prediction.
    mutating func begin(prediction gradient: [[Double]]) {
        preActivations[graph.layers.count - 1] = gradient.indices.map { sample in
            ReferenceFunctions.throughOutputMap(
                graph.output, logits: pass.logits[sample], prediction: pass.prediction[sample],
                gradient: gradient[sample], components: graph.layers.last?.description.components ?? 1)
        }
    }

    /// Begins with `gradient`, samples × pre-activations, at the pre-activations of `layer`.
    mutating func begin(preActivationsOf layer: Int, gradient: [[Double]]) {
        preActivations[layer] = gradient
    }

    /// Begins with `gradient`, samples × units, at the outputs of `layer`.
    mutating func begin(outputsOf layer: Int, gradient: [[Double]]) {
        outputs[layer] = gradient
    }

    /// Goes backward, from the last layer to the first.
    mutating func run() {
        for index in graph.layers.indices.reversed() {
            if let gradients = outputs[index] {
                let local = throughActivation(index, gradients: gradients)
                preActivations[index] = Self.sum(preActivations[index], local)
            }
            guard let deltas = preActivations[index] else { continue }
            for (source, weights) in zip(graph.layers[index].sources, parameters[index].connections) {
                let gradients = deltas.map { Self.transposedProduct(weights, $0) }
                switch source {
                case .layer(let below):
                    outputs[below] = Self.sum(outputs[below], gradients)
                case .data(let columns):
                    for sample in gradients.indices {
                        for (column, value) in zip(columns, gradients[sample]) { inputs[sample][column] += value }
                    }
                }
            }
        }
    }

    private func throughActivation(_ index: Int, gradients: [[Double]]) -> [[Double]] {
        let layer = graph.layers[index].description
        return gradients.indices.map { sample in
            ReferenceFunctions.throughActivation(
                layer, preActivations: pass.preActivations[index][sample], gradient: gradients[sample])
        }
    }

    /// Wᵀ·δ of one sample.
    private static func transposedProduct(_ weights: [[Double]], _ delta: [Double]) -> [Double] {
        var product = [Double](repeating: 0, count: weights.first?.count ?? 0)
        for (row, factor) in zip(weights, delta) where factor != 0 {
            for column in row.indices { product[column] += row[column] * factor }
        }
        return product
    }

    private static func sum(_ first: [[Double]]?, _ second: [[Double]]) -> [[Double]] {
        guard let first else { return second }
        return zip(first, second).map { zip($0, $1).map { $0 + $1 } }
    }
}
