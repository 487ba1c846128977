import LoomModel
import LoomReference
import LoomTraining

/// A small generator for test data (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators").
public struct TestRandom: RandomNumberGenerator {
    private var state: UInt64

    /// A generator whose numbers depend on `seed` alone.
    public init(seed: UInt64) {
        state = seed
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number between ±`bound` that float32 holds exactly, so that both precisions start from the same numbers.
    public mutating func uniform(_ bound: Double) -> Double {
        Double(Float(Double.random(in: -bound...bound, using: &self)))
    }
}

/// A network with random weights and biases, a loss, and a random batch: the same for the same arguments.
///
/// All numbers are exact in float32.
public struct RandomProblem: Sendable, CustomStringConvertible {
    /// The network, with weights and biases.
    public let network: NetworkDescription
    /// The loss.
    public let loss: LossDescription
    /// The batch: rows × features, between ±1.
    public let inputs: [[Double]]
    /// Target values: rows × outputs; one-hot for softmax, 0 or 1 for sigmoid, reals between ±1 for identity.
    public let targets: [[Double]]
    /// The class of every row; nil unless the output is softmax.
    public let labels: [Int]?
    /// What tells it from others.
    public let description: String

    /// A problem with the widths `layers` = [features, hidden …, outputs].
    public init(
        seed: UInt64, layers: [Int], activation: Activation, output: OutputMap, loss: LossDescription,
        rows: Int,
        reluAtZero: ReluAtZero = .zero, hasBias: Bool = true
    ) {
        precondition(layers.count >= 2 && rows > 0)
        var random = TestRandom(seed: seed)
        var descriptions: [LayerDescription] = []
        for (index, units) in layers.dropFirst().enumerated() {
            let width = layers[index]
            // Variance 1 / width keeps the pre-activations near ±1 at every depth, where activations are not flat.
            let bound = (3 / Double(width)).squareRoot()
            let isLast = index == layers.count - 2
            let isWeighted = isLast ? output == .softmaxWeighted : activation == .softmaxWeighted
            let rows = units * (isWeighted ? Self.components : 1)
            let weights = (0..<rows).map { _ in (0..<width).map { _ in random.uniform(bound) } }
            let bias = (0..<rows).map { _ in random.uniform(0.5) }
            descriptions.append(
                LayerDescription(
                    name: "layer\(index + 1)", units: units, activation: isLast ? .identity : activation,
                    components: isWeighted ? Self.components : nil, reluAtZero: reluAtZero, hasBias: hasBias,
                    weights: weights, bias: hasBias ? bias : nil))
        }
        network = NetworkDescription(inputs: layers[0], layers: descriptions, output: output)
        self.loss = loss
        inputs = (0..<rows).map { _ in (0..<layers[0]).map { _ in random.uniform(1) } }
        let outputs = layers.last!
        let labels = (0..<rows).map { _ in Int.random(in: 0..<outputs, using: &random) }
        switch output {
        case .softmax:
            targets = ReferenceTargets.labels(labels).values(outputs: outputs)
        case .sigmoid, .threshold:
            targets = (0..<rows).map { _ in (0..<outputs).map { _ in Bool.random(using: &random) ? 1 : 0 } }
        case .identity, .softmaxWeighted:
            targets = (0..<rows).map { _ in (0..<outputs).map { _ in random.uniform(1) } }
        }
        self.labels = output == .softmax ? labels : nil
        description = [
            layers.map(String.init).joined(separator: "-"), activation.rawValue, output.rawValue,
            loss.kind.rawValue, loss.reduction.rawValue, loss.l2 == 0 ? nil : "l2 \(loss.l2)", "rows \(rows)",
            hasBias ? nil : "no bias", "seed \(seed)",
        ].compactMap { $0 }.joined(separator: " ")
    }

    /// The reference trainer at the problem's parameters.
    public func referenceTrainer(
        optimizer: OptimizerDescription = .init(), totalSteps: Int = 1, stepsPerEpoch: Int = 1
    ) throws -> ReferenceTrainer {
        try ReferenceTrainer(
            network: network, loss: loss, optimizer: optimizer, totalSteps: totalSteps,
            stepsPerEpoch: stepsPerEpoch)
    }

    /// The pairs of output map and loss that can be trained.
    public static let trainableOutputs: [(output: OutputMap, loss: LossDescription.Kind)] = [
        (.softmax, .crossEntropy), (.softmax, .squaredSum), (.softmax, .halfSquared),
        (.sigmoid, .crossEntropy), (.sigmoid, .squaredSum), (.sigmoid, .halfSquared),
        (.identity, .squaredSum), (.identity, .halfSquared),
        (.softmaxWeighted, .squaredSum), (.softmaxWeighted, .halfSquared),
    ]

    /// The components of a softmax-weighted unit.
    public static let components = 3

    /// The activations that can be trained.
    public static let trainableActivations = Activation.allCases.filter { $0 != .threshold }
}
