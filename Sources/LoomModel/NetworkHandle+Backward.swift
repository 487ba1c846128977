import LoomKernels

extension NetworkHandle {
    /// Backward for the batch rows `rows`: ∂L/∂z of every layer, or of those in `layers`, from ∂L/∂z of the last one, which the loss has written.
    ///
    /// Layers run in reverse order; a layer whose outputs go to several layers adds their parts in that fixed order.
    /// Parameter gradients are sums over the whole batch and are formed afterwards.
    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    public func backward(rows: Range<Int>, layers range: Range<Int>? = nil, products: NetworkProducts<Scalar>) {
        assert(rows.count == products.rows, "the products are planned for other rows")
        for index in (range ?? 0..<layerCount).reversed() {
            let layer = layers[index]
            let deltas = layer.deltas.rows(rows)
            if index == layerCount - 1 {
                // The loss has written ∂L/∂z.
            } else if layer.components > 1 {
                Scalar.softmaxWeightedDerivative(
                    components: layer.components, preActivations: layer.preActivations.rows(rows),
                    gradients: layer.outputGradients.rows(rows), deltas: deltas)
            } else {
                let stored = layer.derivativeFromPreActivations ? layer.preActivations : layer.outputs
                Scalar.multiplyDerivative(layer.activation, stored: stored.rows(rows), deltas: deltas)
            }
            for offset in 0..<layer.connectionCount {
                let connection = connections[layer.firstConnection + offset]
                guard connection.source >= 0 else { continue }
                let dInputs = layers[connection.source].outputGradients.rows(rows)
                products.inBackwardCalls(of: layer.firstConnection + offset) { call, product in
                    product.run(
                        deltas.rows(call), connection.weights.matrix, into: dInputs.rows(call),
                        beta: connection.accumulatesBackward ? 1 : 0, scratch: gemm.scratch)
                }
            }
        }
    }

    /// ∂L/∂data of the batch rows `rows`: the products of all layers that read the data; `backward` has run.
    public func inputGradient(rows: Range<Int>, into dData: MatrixView<Scalar>) {
        // Layers may read different parts of the data, and none some of them.
        for row in rows {
            dData.rows(row..<row + 1).pointer.update(repeating: 0, count: dData.columns)
        }
        for index in stride(from: layerCount - 1, through: 0, by: -1) {
            let layer = layers[index]
            for offset in 0..<layer.connectionCount {
                let connection = connections[layer.firstConnection + offset]
                guard connection.source < 0 else { continue }
                // Not `gemm`, which writes whole vectors: a part of the data may begin anywhere.
                Gemm<Scalar>.openBLAS.backward(
                    layer.deltas.rows(rows), weights: connection.weights,
                    into: dData.columns(connection.sourceColumns.range).rows(rows), accumulate: true)
            }
        }
    }
}
