import Foundation
import LoomKernels

/// The probabilities of the classes given a sample's inputs, for tasks whose densities are known.
struct Posterior {
    private let description: SyntheticDescription
    /// The probability of each class before the inputs are known.
    private let priors: [Double]
    /// `blobs`, `mixture`: classes × clusters × features. `spirals`: classes × points × 2.
    private let centers: [Float]
    private let centersPerClass: Int
    private let deviation: Double

    init(_ description: SyntheticDescription) {
        self.description = description
        let classes = description.classes ?? 2
        let shares = description.classShares ?? Array(repeating: 1, count: classes)
        let total = shares.reduce(0, +)
        priors = shares.map { $0 / total }
        switch description.task {
        case .blobs, .mixture:
            let task = BlobsTask(description)
            (centers, centersPerClass) = (task.centers, task.clusters)
            deviation = description.clusterStd
        case .spirals:
            // So many points of an arm that two neighbours are at most half a deviation apart.
            let length = 1 + 2 * Double.pi * description.turns
            let points = Int(min(1e6, max(16, 2 * length / description.noise)))
            centersPerClass = points
            deviation = description.noise
            // Beyond that, the estimate would take too long, and is not made.
            centers =
                points * classes > 50_000
                ? [] : (0..<classes * points).flatMap { Self.spiralPoint($0, points: points, description) }
        default:
            (centers, centersPerClass, deviation) = ([], 1, description.noise)
        }
    }

    private static func spiralPoint(_ index: Int, points: Int, _ description: SyntheticDescription) -> [Float] {
        let radius = (Double(index % points) + 0.5) / Double(points)
        let arm = Double(index / points) / Double(description.classes ?? 2)
        let (sine, cosine) = ElementaryFunctions.sineAndCosine(turns: description.turns * radius + arm)
        return [Float(radius * cosine), Float(radius * sine)]
    }

    /// Terms of the densities at one point.
    var terms: Int { max(1, priors.count * centersPerClass * description.inputs) }

    /// −p ln p.
    static func entropy(_ probability: Double) -> Double { probability > 0 ? -probability * log(probability) : 0 }

    /// The probabilities of the labels of the sample at `x`, wrong ones included.
    func probabilities(_ x: UnsafePointer<Double>) -> [Double] {
        let noise = description.labelNoise
        let wrong = noise / Double(priors.count - 1)
        return classProbabilities(x).map { (1 - noise) * $0 + wrong * (1 - $0) }
    }

    private func classProbabilities(_ x: UnsafePointer<Double>) -> [Double] {
        switch description.task {
        case .xor:
            // The input before its noise is normal around x / (1 + noise²), with the variance noise² / (1 + noise²).
            let scale = 1 / (deviation * (1 + deviation * deviation).squareRoot())
            let positive = (0..<2).map { erfc(-x[$0] * scale / 2.0.squareRoot()) / 2 }
            let differ = positive[0] * (1 - positive[1]) + positive[1] * (1 - positive[0])
            return [1 - differ, differ]
        case .parity:
            // The mean of a bit, −1 or 1, is tanh(x / noise²); the mean of (−1)ⁿ is the product of those of −bit.
            let mean = (0..<description.bits).reduce(1.0) { $0 * -tanh(x[$1] / (deviation * deviation)) }
            return [(1 + mean) / 2, (1 - mean) / 2]
        default:
            let densities = priors.indices.map { log(priors[$0]) + logDensity(x, of: $0) }
            let largest = densities.max() ?? 0
            let shares = densities.map { exp($0 - largest) }
            let total = shares.reduce(0, +)
            return shares.map { $0 / total }
        }
    }

    /// The logarithm of a class's density at `x`, but for a constant.
    private func logDensity(_ x: UnsafePointer<Double>, of label: Int) -> Double {
        let precision = 1 / (2 * deviation * deviation)
        if description.task == .rings {
            // Normal noise around a circle: exp(−(ρ² + r²) / 2σ²) I₀(ρ r / σ²).
            let radius = Double(label + 1) / Double(priors.count)
            let squares = x[0] * x[0] + x[1] * x[1]
            return Self.logBessel(2 * precision * radius * squares.squareRoot())
                - precision * (squares + radius * radius)
        }
        let features = description.inputs
        // log Σ exp(−distance²), by its largest term.
        var (largest, sum) = (-Double.infinity, 0.0)
        for place in label * centersPerClass..<(label + 1) * centersPerClass {
            var squares = 0.0
            for feature in 0..<features {
                let difference = x[feature] - Double(centers[place * features + feature])
                squares += difference * difference
            }
            let exponent = -precision * squares
            if exponent > largest {
                sum = sum * exp(largest - exponent) + 1
                largest = exponent
            } else {
                sum += exp(exponent - largest)
            }
        }
        return largest + log(sum)
    }

    /// log I₀(z) of the modified Bessel function: its series, and for large z its asymptotic expansion.
    static func logBessel(_ z: Double) -> Double {
        if z > 30 {
            let t = 1 / (8 * z)
            return z - log(2 * Double.pi * z) / 2 + log(1 + t * (1 + t * (4.5 + t * 37.5)))
        }
        var (sum, term, k) = (1.0, 1.0, 1.0)
        while term > sum * 1e-17 {
            term *= z * z / (4 * k * k)
            sum += term
            k += 1
        }
        return log(sum)
    }
}
