import Foundation
import LoomModel

/// The functions of a network on single numbers and single samples, each written as its formula.
package enum ReferenceFunctions {
    // MARK: Activations

    /// The activation's value at the pre-activation `z`; softmax-weighted with one component.
    package static func activate(_ activation: Activation, at z: Double) -> Double {
        switch activation {
        case .identity, .softmaxWeighted: z
        case .sigmoid: sigmoid(z)
        case .relu: z > 0 ? z : 0
        case .arctan: atan(z)
        case .tanh: tanh(z)
        case .exp: exp(z)
        case .softplus: softplus(z)
        case .threshold: z >= 0 ? 1 : 0
        }
    }

    /// The activation's derivative at the pre-activation `z`; `reluAtZero` is that of relu at exactly 0.
    package static func derivative(
        _ activation: Activation, at z: Double, reluAtZero: ReluAtZero = .zero
    ) -> Double {
        switch activation {
        case .identity, .softmaxWeighted: 1
        case .sigmoid: sigmoid(z) * sigmoid(-z)
        case .relu: z == 0 ? Double(reluAtZero.rawValue) : (z > 0 ? 1 : 0)
        case .arctan: 1 / (1 + z * z)
        case .tanh: 1 - tanh(z) * tanh(z)
        case .exp: exp(z)
        case .softplus: sigmoid(z)
        case .threshold: 0
        }
    }

    /// 1 / (1 + exp(−z)), from the exponential that cannot overflow.
    package static func sigmoid(_ z: Double) -> Double {
        z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z))
    }

    /// log(1 + exp z) = max(z, 0) + log1p(exp(−|z|)), which cannot overflow.
    package static func softplus(_ z: Double) -> Double {
        max(z, 0) + log1p(exp(-abs(z)))
    }

    // MARK: Softmax-weighted units

    /// softmax(a)·a of one unit with the components `a`.
    package static func softmaxWeighted(_ a: [Double]) -> Double {
        zip(softmax(a), a).reduce(0) { $0 + $1.0 * $1.1 }
    }

    /// ∂o/∂aᵢ = σᵢ (1 + aᵢ − o) of one unit with the components `a`, σ = softmax(a) and o = σ·a.
    package static func softmaxWeightedDerivative(_ a: [Double]) -> [Double] {
        let output = softmaxWeighted(a)
        return zip(softmax(a), a).map { $0 * (1 + ($1 - output)) }
    }

    /// `values`, cut into pieces of `components`: one per unit.
    static func units(_ values: [Double], components: Int) -> [[Double]] {
        stride(from: 0, to: values.count, by: components).map { Array(values[$0..<$0 + components]) }
    }

    // MARK: Output maps

    /// One sample's prediction from its logits; `components` are those of a softmax-weighted output's unit.
    package static func predict(_ output: OutputMap, logits: [Double], components: Int = 1) -> [Double] {
        switch output {
        case .softmaxWeighted: units(logits, components: components).map(softmaxWeighted)
        case .identity: logits
        case .sigmoid: logits.map(sigmoid)
        case .threshold: logits.map { $0 >= 0 ? 1 : 0 }
        case .softmax: softmax(logits)
        }
    }

    /// exp zₖ / Σ exp zⱼ, with the largest logit subtracted from all.
    package static func softmax(_ logits: [Double]) -> [Double] {
        let largest = logits.max()!
        let exponentials = logits.map { exp($0 - largest) }
        let sum = exponentials.reduce(0, +)
        return exponentials.map { $0 / sum }
    }

    // MARK: Losses

    /// One sample's loss from its logits and targets, not scaled by a reduction. Output map and loss must go together
    /// (`ReferenceTrainer` checks that).
    package static func loss(
        _ kind: LossDescription.Kind, output: OutputMap, logits: [Double], targets: [Double],
        components: Int = 1
    ) -> Double {
        switch kind {
        case .crossEntropy:
            return output == .softmax
                ? softmaxCrossEntropy(logits: logits, targets: targets)
                : zip(logits, targets).reduce(0) { $0 + sigmoidCrossEntropy(logit: $1.0, target: $1.1) }
        case .squaredSum, .halfSquared:
            let prediction = predict(output, logits: logits, components: components)
            var sum = 0.0
            for (value, target) in zip(prediction, targets) {
                sum += (value - target) * (value - target)
            }
            return kind == .halfSquared ? sum / 2 : sum
        }
    }

    /// ∂loss/∂z of one sample, for every logit, not scaled by a reduction.
    package static func lossGradient(
        _ kind: LossDescription.Kind, output: OutputMap, logits: [Double], targets: [Double],
        components: Int = 1
    ) -> [Double] {
        let prediction = predict(output, logits: logits, components: components)
        switch kind {
        case .crossEntropy:
            // Soft targets need not add up to 1 with softmax; with sigmoid every unit is a decision of its own.
            let total = output == .softmax ? targets.reduce(0, +) : 1
            return zip(prediction, targets).map { total * $0 - $1 }
        case .squaredSum, .halfSquared:
            let factor = kind == .halfSquared ? 1.0 : 2.0
            let byPrediction = zip(prediction, targets).map { factor * ($0 - $1) }
            if output == .softmaxWeighted {
                return throughSoftmaxWeighted(logits, gradient: byPrediction, components: components)
            }
            return throughOutputMap(output, prediction: prediction, gradient: byPrediction)
        }
    }

    /// Σ −tₖ log softmax(z)ₖ = Σ tₖ (log Σ exp(zⱼ − m) − (zₖ − m)) with m = max z.
    private static func softmaxCrossEntropy(logits: [Double], targets: [Double]) -> Double {
        let largest = logits.max()!
        let position = logits.firstIndex(of: largest)!
        // The largest logit's own exponential is 1: log1p keeps what the others add to it, however little.
        var others = 0.0
        for (index, logit) in logits.enumerated() where index != position {
            others += exp(logit - largest)
        }
        let logOfSum = log1p(others)
        var loss = 0.0
        for (logit, target) in zip(logits, targets) where target != 0 {
            loss += target * (logOfSum - (logit - largest))
        }
        return loss
    }

    /// log(1 + exp z) − t z.
    private static func sigmoidCrossEntropy(logit: Double, target: Double) -> Double {
        // max(z, 0) − t z first: added last, a tiny logarithm is not lost beside a large z.
        (max(logit, 0) - target * logit) + log1p(exp(-abs(logit)))
    }

    /// ∂/∂a from ∂/∂o of softmax-weighted units with the pre-activations `a`, unit after unit.
    static func throughSoftmaxWeighted(_ a: [Double], gradient: [Double], components: Int) -> [Double] {
        zip(units(a, components: components), gradient).flatMap { unit, value in
            softmaxWeightedDerivative(unit).map { value * $0 }
        }
    }

    /// Jᵀ·gradient for the Jacobian J of an output map of single logits at `prediction`.
    static func throughOutputMap(
        _ output: OutputMap, prediction: [Double], gradient: [Double]
    ) -> [Double] {
        switch output {
        case .identity, .softmaxWeighted:
            return gradient
        case .sigmoid:
            return zip(prediction, gradient).map { $0 * (1 - $0) * $1 }
        case .softmax:
            let mean = zip(prediction, gradient).reduce(0) { $0 + $1.0 * $1.1 }
            return zip(prediction, gradient).map { $0 * ($1 - mean) }
        case .threshold:
            return gradient.map { _ in 0 }
        }
    }
}
