import Foundation
import LoomModel

/// What an optimizer remembers between steps, and its rules.
struct ReferenceOptimizerState: Sendable {
    /// Velocity of momentum and nesterov, first moment of adam and adamw.
    private var first: [ReferenceLayer]
    /// Second moment of adam and adamw.
    private var second: [ReferenceLayer]

    /// Zeros in the shapes of `shapes`.
    init(shapes: [ReferenceLayer]) {
        first = shapes.map { layer in ReferenceLayer.map(layer) { _, _ in 0 } }
        second = first
    }

    /// Changes `parameters` by the gradient, clipped first if the optimizer says so; `step` counts from 1.
    mutating func update(
        _ parameters: inout [ReferenceLayer], gradients: ReferenceGradients, optimizer: OptimizerDescription,
        learningRate: Double, step: Int
    ) {
        var scale = 1.0
        if let clipNorm = optimizer.clipNorm, gradients.norm > clipNorm {
            scale = clipNorm / gradients.norm
        }
        for index in parameters.indices {
            let gradient = ReferenceLayer.map(gradients.layers[index]) { values, _ in scale * values[0] }
            remember(gradient, layer: index, optimizer: optimizer)
            parameters[index] = ReferenceLayer.map(
                parameters[index], gradient, first[index], second[index]
            ) { values, isWeight in
                let (parameter, gradient, first, second) = (values[0], values[1], values[2], values[3])
                switch optimizer.kind {
                case .sgd:
                    return parameter - learningRate * gradient
                case .momentum:
                    return parameter - learningRate * first
                case .nesterov:
                    return parameter - learningRate * (gradient + optimizer.momentum * first)
                case .adam, .adamw:
                    let mean = first / (1 - pow(optimizer.beta1, Double(step)))
                    let square = second / (1 - pow(optimizer.beta2, Double(step)))
                    let decays = optimizer.kind == .adamw && isWeight
                    let decay = decays ? optimizer.weightDecay * parameter : 0
                    let direction = mean / (square.squareRoot() + optimizer.epsilon)
                    return parameter - learningRate * (direction + decay)
                }
            }
        }
    }

    /// v ← μv + g, or m ← β₁m + (1 − β₁)g and v ← β₂v + (1 − β₂)g².
    private mutating func remember(_ gradient: ReferenceLayer, layer: Int, optimizer: OptimizerDescription) {
        switch optimizer.kind {
        case .sgd:
            return
        case .momentum, .nesterov:
            first[layer] = ReferenceLayer.map(first[layer], gradient) { values, _ in
                optimizer.momentum * values[0] + values[1]
            }
        case .adam, .adamw:
            first[layer] = ReferenceLayer.map(first[layer], gradient) { values, _ in
                optimizer.beta1 * values[0] + (1 - optimizer.beta1) * values[1]
            }
            second[layer] = ReferenceLayer.map(second[layer], gradient) { values, _ in
                optimizer.beta2 * values[0] + (1 - optimizer.beta2) * values[1] * values[1]
            }
        }
    }
}
