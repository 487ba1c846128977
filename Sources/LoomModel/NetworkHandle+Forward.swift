import CKernels
import LoomKernels

extension NetworkHandle {
    /// Forward for the batch rows `rows`: every layer's z = Σ source·Wᵀ + b and u = activation(z).
    ///
    /// The last layer gets its products only: its bias is added by the loss, or by `predict`, in the same pass over
    /// the logits. `data` holds the samples of the batch, batch rows × features.
    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    public func forward(rows: Range<Int>, data: MatrixView<Scalar>) {
        for index in 0..<layerCount {
            let layer = layers[index]
            let z = layer.preActivations.rows(rows)
            for offset in 0..<layer.connectionCount {
                let connection = connections[layer.firstConnection + offset]
                let rowsPerCall = callShapes[layer.firstConnection + offset].rowsPerForwardCall
                let x = sourceOutputs(connection.source, data: data).columns(connection.sourceColumns.range).rows(rows)
                Self.inCalls(of: rowsPerCall, rows: x.rows) { call in
                    gemm.forward(
                        x.rows(call), weights: connection.weights, into: z.rows(call),
                        accumulate: connection.accumulatesForward)
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
    public func predict(rows: Range<Int>) {
        let z = logits.rows(rows)
        switch outputMap {
        case .identity: Scalar.predict(LOOM_OUTPUT_IDENTITY, bias: outputBias, logits: z, prediction: z)
        case .sigmoid: Scalar.predict(LOOM_OUTPUT_SIGMOID, bias: outputBias, logits: z, prediction: z)
        case .softmax: Scalar.predict(LOOM_OUTPUT_SOFTMAX, bias: outputBias, logits: z, prediction: z)
        case .softmaxWeighted:
            Scalar.softmaxWeighted(
                components: layers[layerCount - 1].components, bias: outputBias, preActivations: z,
                outputs: prediction.rows(rows))
        case .threshold: Scalar.activate(LOOM_THRESHOLD, bias: outputBias, preActivations: z, outputs: z)
        }
    }

    /// Splits `rows` rows into calls of `rowsPerCall`; the last one may be smaller.
    @inline(__always)
    static func inCalls(of rowsPerCall: Int, rows: Int, _ call: (Range<Int>) -> Void) {
        var start = 0
        while start < rows {
            let end = rowsPerCall < rows - start ? start + rowsPerCall : rows
            call(start..<end)
            start = end
        }
    }
}
