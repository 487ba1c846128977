import LoomModel

extension ReferenceFunctions {
    /// Jᵀ·gradient of one sample for the Jacobian J of the output map at `logits`, where it gives `prediction`.
    static func throughOutputMap(
        _ output: OutputMap, logits: [Double], prediction: [Double], gradient: [Double]
    ) -> [Double] {
        throughOutputMap(output, prediction: prediction, gradient: gradient)
    }

    /// Jᵀ·gradient of one sample for the Jacobian J of a layer's activation at `preActivations`.
    static func throughActivation(
        _ layer: LayerDescription, preActivations: [Double], gradient: [Double]
    ) -> [Double] {
        zip(preActivations, gradient).map { z, value in
            value * derivative(layer.activation, at: z, reluAtZero: layer.reluAtZero)
        }
    }
}
