import LoomModel

extension ReferenceFunctions {
    /// Jᵀ·gradient of one sample for the Jacobian J of the output map at `logits`, where it gives `prediction`.
    static func throughOutputMap(
        _ output: OutputMap, logits: [Double], prediction: [Double], gradient: [Double], components: Int
    ) -> [Double] {
        if output == .softmaxWeighted {
            return throughSoftmaxWeighted(logits, gradient: gradient, components: components)
        }
        return throughOutputMap(output, prediction: prediction, gradient: gradient)
    }

    /// Jᵀ·gradient of one sample for the Jacobian J of a layer's activation at `preActivations`.
    static func throughActivation(
        _ layer: LayerDescription, preActivations: [Double], gradient: [Double]
    ) -> [Double] {
        if layer.activation == .softmaxWeighted {
            return throughSoftmaxWeighted(preActivations, gradient: gradient, components: layer.components ?? 1)
        }
        return zip(preActivations, gradient).map { z, value in
            value * derivative(layer.activation, at: z, reluAtZero: layer.reluAtZero)
        }
    }
}
