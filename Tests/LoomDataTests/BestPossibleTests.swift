import Foundation
import Testing

@testable import LoomData

/// The best that can be reached, against formulas and against rules that know the task.
@Suite struct BestPossibleTests {
    private func entropy(_ shares: [Double]) -> Double { shares.reduce(0) { $0 - $1 * log($1) } }

    /// Whether a figure is `expected`, as far as its standard error says; four of them are allowed.
    private func agrees(_ figure: BestPossible.Figure?, _ expected: Double, _ tolerance: Double = 0) -> Bool {
        guard let figure else { return false }
        return abs(figure.value - expected) <= 4 * (figure.standardError ?? 0) + tolerance + 1e-12
    }

    @Test func regressions() throws {
        for task in [SyntheticDescription.Task.linear, .friedman1, .friedman2, .friedman3, .exponentials, .prices] {
            let best = try SyntheticDescription(task: task, samples: 9, noise: 0.3).bestPossible()
            #expect(best?.meanSquaredError?.value == 0.09 && best?.meanSquaredError?.standardError == nil)
            #expect(best?.accuracy == nil && best?.crossEntropy == nil)
        }
        let teacher = SyntheticDescription(task: .teacher, samples: 9, targets: 2, noise: 0.5)
        #expect(try teacher.bestPossible()?.meanSquaredError?.value == 0.25)
    }

    @Test func certainClasses() throws {
        let tasks: [SyntheticDescription.Task] = [
            .teacher, .spirals, .rings, .xor, .parity, .intervals, .triangle, .threshold,
        ]
        for task in tasks {
            let best = try SyntheticDescription(task: task, samples: 9, noise: 0).bestPossible()
            #expect(best?.accuracy?.value == 1 && best?.crossEntropy?.value == 0, "\(task)")
            #expect(best?.meanSquaredError == nil && best?.accuracy?.standardError == nil)
        }
        let blobs = SyntheticDescription(task: .blobs, samples: 9, classes: 5, clusterStd: 0)
            .with { $0.labelNoise = 0.2 }
        let best = try blobs.bestPossible()
        #expect(agrees(best?.accuracy, 0.8) && agrees(best?.crossEntropy, entropy([0.8, 0.05, 0.05, 0.05, 0.05])))
        // With so many wrong labels, any other class is better.
        #expect(agrees(try blobs.with { $0.labelNoise = 0.96 }.bestPossible()?.accuracy, 0.24))
        #expect(try SyntheticDescription(task: .letters, samples: 9).bestPossible() == nil)
        #expect(try SyntheticDescription(task: .voices, samples: 9).bestPossible() == nil)
        #expect(dataError { _ = try SyntheticDescription(task: .rings, samples: 0).bestPossible() } != nil)
    }

    /// Two clouds: Φ(d / 2σ) of the labels are right.
    @Test func twoBlobs() throws {
        let task = SyntheticDescription(task: .blobs, samples: 9, inputs: 3, classes: 2, clusterStd: 5)
        let centers = BlobsTask(task).centers.map(Double.init)
        let distance = (0..<3).reduce(0) { $0 + pow(centers[$1] - centers[$1 + 3], 2) }.squareRoot()
        let right = erfc(-distance / 10 / 2.0.squareRoot()) / 2
        #expect(agrees(try task.bestPossible()?.accuracy, right))
        let noisy = try task.with { $0.labelNoise = 0.1 }.bestPossible()
        #expect(agrees(noisy?.accuracy, 0.9 * right + 0.1 * (1 - right)))
        #expect((noisy?.accuracy?.standardError ?? 1) < 0.002)
    }

    @Test func xor() throws {
        let task = SyntheticDescription(task: .xor, samples: 9, noise: 0.4)
        // A sign survives its noise with this probability; both do, or neither.
        let kept = 1 - atan(0.4) / .pi
        #expect(agrees(try task.bestPossible()?.accuracy, kept * kept + (1 - kept) * (1 - kept)))
    }

    @Test func parity() throws {
        let task = SyntheticDescription(task: .parity, samples: 9, noise: 0.6).with { $0.bits = 4 }
        let kept = erfc(-1 / 0.6 / 2.0.squareRoot()) / 2
        #expect(agrees(try task.bestPossible()?.accuracy, (1 + pow(2 * kept - 1, 4)) / 2))
    }

    /// A rule that knows the direction, on samples of the task.
    @Test(arguments: [0, 0.2], [0, 0.5])
    func logistic(labelNoise: Double, correlation: Double) throws {
        let task = SyntheticDescription(task: .logistic, samples: 20_000, inputs: 4, gain: 2, bias: 0.7).with {
            ($0.labelNoise, $0.correlation) = (labelNoise, correlation)
        }
        let best = try task.bestPossible()
        let (inputs, targets) = try task.rows()
        let weights = LogisticTask.direction(task)
        let probabilities = zip(inputs, targets).map { x, y -> Double in
            let first = 1 / (1 + exp(-dot(x[...], weights) - 0.7))
            let seen = (1 - labelNoise) * first + labelNoise * (1 - first)
            return y[0] == 1 ? seen : 1 - seen
        }
        #expect(agrees(best?.accuracy, mean(probabilities.map { $0 > 0.5 ? 1 : 0 }), 0.013))
        #expect(agrees(best?.crossEntropy, mean(probabilities.map { -log($0) }), 0.016))
    }

    /// Nearly all samples are certain: ∫ H(σ(t)) dt φ(0) / deviation is left of the entropy, with ∫ H(σ(t)) dt = π² / 3.
    @Test(arguments: [200.0, 1000])
    func steepLogistic(gain: Double) throws {
        let best = try SyntheticDescription(task: .logistic, samples: 9, gain: gain).bestPossible()
        let expected = Double.pi * Double.pi / 3 / (2 * Double.pi).squareRoot() / gain
        #expect(abs(best!.crossEntropy!.value / expected - 1) < 1e-3)
    }

    /// Noise that float32 does not have.
    @Test func vanishingNoise() throws {
        for task in [SyntheticDescription.Task.rings, .spirals, .xor, .parity, .teacher] {
            let best = try SyntheticDescription(task: task, samples: 9, noise: 1e-200).bestPossible()
            #expect(best?.accuracy?.value == 1 && best?.crossEntropy?.value == 0, "\(task)")
        }
        let blobs = SyntheticDescription(task: .blobs, samples: 9, clusterStd: 1e-200)
        #expect(try blobs.bestPossible()?.accuracy?.value == 1)
    }

    /// The probabilities that the tasks' densities give, on samples of the tasks.
    @Test(arguments: [
        SyntheticDescription(task: .mixture, samples: 8000, classes: 3, clusterStd: 3),
        SyntheticDescription(task: .rings, samples: 8000, classes: 3, noise: 0.15).with { $0.labelNoise = 0.1 },
        SyntheticDescription(task: .rings, samples: 8000, noise: 0.2).with { $0.classShares = [1, 3] },
        SyntheticDescription(task: .spirals, samples: 3000, noise: 0.1, turns: 0.75),
        SyntheticDescription(task: .xor, samples: 8000, noise: 0.3),
        SyntheticDescription(task: .parity, samples: 8000, noise: 0.7).with { $0.labelNoise = 0.1 },
    ])
    func labelsAreAsProbableAsTheySay(task: SyntheticDescription) throws {
        let posterior = Posterior(task)
        let (inputs, targets) = try task.rows()
        let probabilities = inputs.map { x in x.withUnsafeBufferPointer { posterior.probabilities($0.baseAddress!) } }
        // For each class alone: where one is too probable another one is not probable enough.
        for (label, bin) in (0..<(task.classes ?? 0)).flatMap({ label in (0..<4).map { (label, $0) } }) {
            // Of all samples that have the class with such a probability, so many have it.
            let chosen = zip(probabilities, targets).filter { shares, _ in Int(min(3.99, shares[label] * 4)) == bin }
                .map { ($0[label], $1[0] == Double(label) ? 1.0 : 0) }
            guard chosen.count > 100 else { continue }
            let deviation = chosen.reduce(0) { $0 + $1.0 * (1 - $1.0) }.squareRoot() / Double(chosen.count)
            let difference = mean(chosen.map(\.0)) - mean(chosen.map(\.1))
            #expect(abs(difference) < 4 * deviation + 0.002, "class \(label), bin \(bin)")
        }
        let best = try task.bestPossible()
        let right = zip(probabilities, targets).map { $0.max() == $0[Int($1[0])] ? 1.0 : 0 }
        let loss = zip(probabilities, targets).map { -log($0[Int($1[0])]) }
        #expect(agrees(best?.accuracy, mean(right), 4 * (0.25 / Double(task.samples)).squareRoot()))
        let spread = (covariance(loss, loss) / Double(task.samples)).squareRoot()
        #expect(agrees(best?.crossEntropy, mean(loss), 4 * spread))
        #expect(best?.method.hasPrefix("estimated from ") == true)
    }

    @Test func noisyTeacher() throws {
        let task = SyntheticDescription(task: .teacher, samples: 9, classes: 2, noise: 0.5)
        let best = try task.bestPossible()
        // The difference of two outputs is nearly normal, of variance 2, as that of their noise is of 2 · 0.5².
        #expect(agrees(best?.accuracy, 1 - atan(0.5) / .pi, 0.01) && best?.crossEntropy == nil)
        let noisy = try task.with { $0.labelNoise = 0.25 }.bestPossible()
        #expect(abs(noisy!.accuracy!.value - (0.5 * best!.accuracy!.value + 0.25)) < 1e-12)
        #expect(try task.with { $0.labelNoise = 0.5 }.bestPossible() == nil)
    }

    @Test func bessel() {
        #expect(abs(Posterior.logBessel(1) - log(1.266065877752008336)) < 1e-15)
        #expect(abs(Posterior.logBessel(0)) < 1e-15)
        // The series and the asymptotic expansion meet.
        #expect(abs(Posterior.logBessel(30.000001) - Posterior.logBessel(30) - 1e-6) < 1e-6)
    }

    @Test func whatWouldTakeTooLongIsNotEstimated() throws {
        #expect(try SyntheticDescription(task: .spirals, samples: 3, classes: 16_000_000).bestPossible() == nil)
        #expect(
            try SyntheticDescription(task: .teacher, samples: 3, inputs: 1200, noise: 1, hidden: [1000]).bestPossible()
                == nil)
        #expect(
            try SyntheticDescription(task: .teacher, samples: 3, inputs: 1 << 16, noise: 1, hidden: [1]).bestPossible()
                == nil)
        #expect(try SyntheticDescription(task: .spirals, samples: 3, noise: 1e-6).bestPossible() == nil)
        #expect(try SyntheticDescription(task: .blobs, samples: 3, inputs: 10_000, classes: 100).bestPossible() == nil)
    }
}
