import CKernels
import Foundation
import LoomKernels
import Testing

/// Optimizer updates against the formulas in double precision, over several steps.
@Suite struct KernelUpdateTests {
    static let settings: [UpdateSettings] = [
        UpdateSettings(),
        UpdateSettings(gradientScale: 0.5, l2Twice: 0.02),
        UpdateSettings(learningRate: 0.1, momentum: 0.5, epsilon: 1e-4, weightDecay: 0.1),
    ]

    struct State {
        var weight: Double, first = 0.0, second = 0.0

        mutating func step(_ rule: UpdateRule, _ settings: UpdateSettings, gradient: Double) {
            let g = settings.gradientScale * gradient + settings.l2Twice * weight
            switch rule {
            case .sgd:
                weight -= settings.learningRate * g
            case .momentum:
                first = settings.momentum * first + g
                weight -= settings.learningRate * first
            case .nesterov:
                first = settings.momentum * first + g
                weight -= settings.learningRate * (g + settings.momentum * first)
            case .adam:
                first = settings.beta1 * first + (1 - settings.beta1) * g
                second = settings.beta2 * second + (1 - settings.beta2) * g * g
                let root = (second * settings.biasCorrection2).squareRoot() + settings.epsilon
                weight -=
                    settings.learningRate
                    * (first * settings.biasCorrection1 / root + settings.weightDecay * weight)
            }
        }
    }

    static func check<Scalar: KernelScalar>(
        _: Scalar.Type, _ variant: KernelVariant, _ rule: UpdateRule, _ settings: UpdateSettings, columns: Int
    ) {
        let rows = 7
        var generator = KernelTestGenerator(seed: 21)
        func matrix(_ range: ClosedRange<Double>) -> PaddedMatrix<Scalar> {
            // Padding lanes are updated like the others: no poison that would say nothing.
            PaddedMatrix(rows: rows, columns: columns, poison: [0]) { _, _ in generator.uniform(range) }
        }
        let weights = matrix(-1...1), gradients = matrix(-1...1)
        let first = matrix(0...0), second = matrix(0...0)
        var states = weights.values.map { State(weight: $0) }
        let inputs = gradients.values
        let parts = weights.copy(), partFirst = first.copy(), partSecond = second.copy()
        for _ in 0..<3 {
            Scalar.update(
                variant, rule, settings, rows: rows, columns: columns, stride: weights.stride,
                weights: weights.pointer, gradients: gradients.pointer, first: first.pointer,
                second: second.pointer)
            for (start, count) in [(0, 2), (2, 5)] {
                Scalar.update(
                    variant, rule, settings, rows: count, columns: columns, stride: weights.stride,
                    weights: parts.row(start), gradients: gradients.row(start), first: partFirst.row(start),
                    second: partSecond.row(start))
            }
            for index in states.indices { states[index].step(rule, settings, gradient: inputs[index]) }
        }
        let label = "\(variant), \(Scalar.self), \(rule), \(columns) columns"
        let tolerance = Scalar.self == Float.self ? 2e-6 : 1e-13
        #expect(largestKernelError(weights.values, states.map(\.weight)) <= tolerance, "\(label): weights")
        #expect(largestKernelError(first.values, states.map(\.first)) <= tolerance, "\(label): first moment")
        #expect(
            largestKernelError(second.values, states.map(\.second)) <= tolerance, "\(label): second moment")
        #expect(parts.hasSameBits(as: weights, rows: rows), "\(label): parts")
    }

    /// With a gradient of 1 the corrected moments are 1, and every step is the learning rate; the decays of the moments are
    /// known to float64's digits, however near to 1.
    @Test("The coefficients of Adam are rounded once", arguments: KernelVariant.all)
    func coefficientsOfAdam(_ variant: KernelVariant) {
        for (beta1, beta2) in [(0.9, 0.999), (0.99, 0.9999), (0.999, 0.999_99), (0.999_99, 0.999_999_9)] {
            let weights = PaddedMatrix<Float>(rows: 1, columns: 1, poison: [0]), gradients = weights.copy()
            let (first, second) = (weights.copy(), weights.copy())
            gradients.pointer[0] = 1
            let rate = 0.01
            for step in 1...50 {
                let before = weights[0, 0]
                let settings = UpdateSettings(
                    learningRate: rate, beta1: beta1, beta2: beta2,
                    biasCorrection1: -1 / expm1(Double(step) * log(beta1)),
                    biasCorrection2: -1 / expm1(Double(step) * log(beta2)))
                Float.update(
                    variant, .adam, settings, rows: 1, columns: 1, stride: weights.stride, weights: weights.pointer,
                    gradients: gradients.pointer, first: first.pointer, second: second.pointer)
                let moved = before - weights[0, 0]
                // Roundings of the weight, and of the moments so far.
                let tolerance = 6e-8 * abs(weights[0, 0]) + rate * 6e-8 * Double(2 + step)
                #expect(abs(moved - rate) <= tolerance, "\(variant), β \(beta1) and \(beta2), step \(step): \(moved)")
            }
        }
    }

    @Test("Updates of every shape", arguments: KernelVariant.all, UpdateRule.allCases)
    func updates(_ variant: KernelVariant, _ rule: UpdateRule) {
        for settings in Self.settings {
            for columns in testedColumns {
                Self.check(Float.self, variant, rule, settings, columns: columns)
                Self.check(Double.self, variant, rule, settings, columns: columns)
            }
        }
    }

    /// Once where they are and once in the copy, with the bits of an update without one.
    @Test("New weights are written twice", arguments: KernelVariant.all, UpdateRule.allCases)
    func copies(_ variant: KernelVariant, _ rule: UpdateRule) {
        let rows = 3
        for columns in testedColumns {
            var generator = KernelTestGenerator(seed: 23)
            func matrix(rows: Int, _ range: ClosedRange<Double>) -> PaddedMatrix<Float> {
                PaddedMatrix(rows: rows, columns: columns, poison: [0]) { _, _ in generator.uniform(range) }
            }
            // The copy lies before the weights.
            let memory = matrix(rows: 2 * rows, -1...1)
            let (expected, gradients) = (memory.copy(), matrix(rows: rows, -1...1))
            let (first, second) = (matrix(rows: rows, -1...1), matrix(rows: rows, 0...1))
            let (expectedFirst, expectedSecond) = (first.copy(), second.copy())
            let distance = rows * memory.stride
            var settings = UpdateSettings(gradientScale: 0.5, l2Twice: 0.02)
            func update(_ weights: PaddedMatrix<Float>, _ first: PaddedMatrix<Float>, _ second: PaddedMatrix<Float>) {
                Float.update(
                    variant, rule, settings, rows: rows, columns: columns, stride: memory.stride,
                    weights: weights.pointer + distance, gradients: gradients.pointer, first: first.pointer,
                    second: second.pointer)
            }
            update(expected, expectedFirst, expectedSecond)
            settings.mirrors = [-distance]
            update(memory, first, second)
            for row in 0..<rows {
                for column in 0..<columns {
                    let value = expected[rows + row, column]
                    #expect(memory[rows + row, column] == value && memory[row, column] == value, "\(variant), \(rule)")
                }
            }
            #expect(first.hasSameBits(as: expectedFirst, rows: rows))
            #expect(second.hasSameBits(as: expectedSecond, rows: rows))
        }
    }

    /// The bits of adding the matrices up along the tree first.
    @Test("A gradient of several matrices", arguments: KernelVariant.all, UpdateRule.allCases)
    func severalMatrices(_ variant: KernelVariant, _ rule: UpdateRule) {
        // Whole trees, and one whose second leaf is a subtree of two.
        for columns in testedColumns {
            for merges in [[0, 1], [0, 1, 0, 2], [0, 0, 2], [0, 1, 1]] {
                Self.checkMatrices(variant, rule, columns: columns, merges: merges)
            }
        }
    }

    private static func checkMatrices(_ variant: KernelVariant, _ rule: UpdateRule, columns: Int, merges: [Int]) {
        let rows = 3, count = merges.count
        var generator = KernelTestGenerator(seed: 22)
        func matrix(rows: Int, _ range: ClosedRange<Double>) -> PaddedMatrix<Float> {
            PaddedMatrix(rows: rows, columns: columns, poison: [0]) { _, _ in generator.uniform(range) }
        }
        let gradients = matrix(rows: count * rows, -1...1)
        let (sum, mirror, weights) = (matrix(rows: rows, 0...0), matrix(rows: rows, 0...0), matrix(rows: rows, -1...1))
        let (first, second) = (matrix(rows: rows, -1...1), matrix(rows: rows, 0...1))
        let (weightsOfSum, firstOfSum, secondOfSum) = (weights.copy(), first.copy(), second.copy())
        let addends = merges.enumerated().map {
            loom_addend(offset: $0 * rows * gradients.stride, merges: $1)
        }
        var mirrors = [mirror.pointer - sum.pointer]
        variant.kernels(Float.self).sum_addends(
            count, addends, rows, columns, gradients.stride, gradients.pointer, sum.pointer, 1, &mirrors)
        let label = "\(variant), \(rule), \(columns) columns, \(merges)"
        for row in 0..<rows {
            for column in 0..<columns {
                let expected = tree(merges) { Float(gradients[$0 * rows + row, column]) }
                #expect(sum[row, column] == Double(expected) && mirror[row, column] == Double(expected), "\(label)")
            }
        }
        var settings = UpdateSettings(gradientScale: 0.5, l2Twice: 0.02)
        Float.update(
            variant, rule, settings, rows: rows, columns: columns, stride: sum.stride,
            weights: weightsOfSum.pointer, gradients: sum.pointer, first: firstOfSum.pointer,
            second: secondOfSum.pointer)
        settings.addends = addends
        Float.update(
            variant, rule, settings, rows: rows, columns: columns, stride: gradients.stride,
            weights: weights.pointer, gradients: gradients.pointer, first: first.pointer, second: second.pointer)
        #expect(weights.hasSameBits(as: weightsOfSum, rows: rows), "\(label): weights")
        #expect(first.hasSameBits(as: firstOfSum, rows: rows), "\(label): first moment")
        #expect(second.hasSameBits(as: secondOfSum, rows: rows), "\(label): second moment")
    }

    /// The sum of numbered addends along the tree that `merges` describes, by a stack.
    private static func tree(_ merges: [Int], _ addend: (Int) -> Float) -> Float {
        var stack: [Float] = []
        for (index, count) in merges.enumerated() {
            stack.append(addend(index))
            for _ in 0..<count {
                let right = stack.removeLast()
                stack[stack.count - 1] += right
            }
        }
        return stack[0]
    }

    @Test("A block of columns leaves its neighbours alone", arguments: KernelVariant.all, UpdateRule.allCases)
    func blocks(_ variant: KernelVariant, _ rule: UpdateRule) {
        let weights = PaddedMatrix<Float>(rows: 3, columns: 48) { Double($0 * 48 + $1) }
        let gradients = PaddedMatrix<Float>(rows: 3, columns: 48) { _, _ in 1 }
        let first = PaddedMatrix<Float>(rows: 3, columns: 48),
            second = PaddedMatrix<Float>(rows: 3, columns: 48)
        Float.update(
            variant, rule, UpdateSettings(learningRate: 1), rows: 3, columns: 16, stride: 48,
            weights: weights.pointer + 16, gradients: gradients.pointer + 16, first: first.pointer + 16,
            second: second.pointer + 16)
        for row in 0..<3 {
            for column in 0..<48 {
                let changed = weights[row, column] != Double(row * 48 + column)
                #expect(changed == (16..<32).contains(column), "\(variant), \(rule): \(row), \(column)")
            }
        }
    }
}
