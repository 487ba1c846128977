import LoomKernels

extension NetworkHandle {
    /// Forward for the batch rows `rows`: z = Σ source·Wᵀ + b and u = activation(z) of every layer, or of
    /// those in `layers`.
    ///
    /// The last layer gets its products only: its bias is added by the loss, or by `predict`, in the same pass over
    /// the logits. `data` holds the samples of the batch, batch rows × features; `products` are planned for that number of rows
    /// and for such data.
    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    public func forward(
        rows: Range<Int>, layers range: Range<Int>? = nil, data: MatrixView<Scalar>, products: NetworkProducts<Scalar>
    ) {
        assert(rows.count == products.rows, "the products are planned for other rows")
        for index in range ?? 0..<layerCount {
            let layer = layers[index]
            let z = layer.preActivations.rows(rows)
            for offset in 0..<layer.connectionCount {
                let connection = connections[layer.firstConnection + offset]
                let x = sourceOutputs(connection.source, data: data).columns(connection.sourceColumns.range).rows(rows)
                products.inForwardCalls(of: layer.firstConnection + offset) { call, product in
                    product.run(
                        x.rows(call), connection.weights.matrix, into: z.rows(call),
                        beta: connection.accumulatesForward ? 1 : 0, scratch: gemm.scratch)
                }
            }
            if index == layerCount - 1 { continue }
            if layer.components > 1 {
                Scalar.softmaxWeighted(
                    components: layer.components, bias: layer.bias, preActivations: z,
                    outputs: layer.outputs.rows(rows))
            } else {
                Scalar.activate(
                    layer.activation, bias: layer.bias, preActivations: z, outputs: layer.outputs.rows(rows))
            }
        }
    }

    /// Writes the prediction of the batch rows `rows` in place of the logits; `forward` has run.
    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    public func predict(rows: Range<Int>) { predict(rows: rows, bias: outputBias) }

    /// The same for rows whose loss was computed: their logits have the bias.
    package func predictAfterLoss(rows: Range<Int>) { predict(rows: rows, bias: nil) }

    private func predict(rows: Range<Int>, bias: UnsafeMutablePointer<Scalar>?) {
        let z = logits.rows(rows)
        switch outputMap {
        case .identity: Scalar.predict(.identity, bias: bias, logits: z, prediction: z)
        case .sigmoid: Scalar.predict(.sigmoid, bias: bias, logits: z, prediction: z)
        case .softmax: Scalar.predict(.softmax, bias: bias, logits: z, prediction: z)
        case .softmaxWeighted:
            Scalar.softmaxWeighted(
                components: layers[layerCount - 1].components, bias: bias, preActivations: z,
                outputs: prediction.rows(rows))
        case .threshold: Scalar.activate(.threshold, bias: bias, preActivations: z, outputs: z)
        }
    }
}
