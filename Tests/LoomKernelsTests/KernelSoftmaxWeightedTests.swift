import CKernels
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Softmax-weighted units against a plain loop in a wider format.
@Suite struct KernelSoftmaxWeightedTests {
    /// Units around the lanes of a vector: fewer run across rows, more across units.
    static let shapes: [(units: Int, components: Int)] =
        [1, 2, 3, 7, 8, 15, 16, 17, 33, 64].flatMap { units in [1, 2, 3, 5, 16].map { (units, $0) } }

    /// o, ∂o/∂a, and for each of them what an error is measured by: the size of what was added up.
    typealias Reference = (output: WideReal, deltas: [WideReal], outputSize: WideReal, deltaSizes: [WideReal])

    static func reference(_ a: [WideReal]) -> Reference {
        let maximum = a.max()!
        let exponentials = a.map { exp($0 - maximum) }
        let sum = exponentials.reduce(0, +)
        let shift = zip(exponentials, a).reduce(0) { $0 + $1.0 / sum * ($1.1 - maximum) }
        let weights = exponentials.map { $0 / sum }
        return (
            maximum + shift, zip(weights, a).map { $0 * (1 + ($1 - maximum - shift)) },
            max(abs(maximum), abs(shift)),
            // d = a − M is rounded, and exp(d) has |d| times its error.
            zip(weights, a).map { $0 * (1 + abs($1 - maximum) + abs(shift)) * (1 + abs($1 - maximum) / 2) }
        )
    }

    struct Problem<Scalar: KernelScalar> {
        let units: Int
        let components: Int
        let bias: [Scalar]?
        let pre: PaddedMatrix<Scalar>
        let targets: PaddedMatrix<Scalar>
        /// Of each row, a of its units and what comes of them: the same for all variants.
        private(set) var expected: [[(energies: [WideReal], reference: Reference)]] = []

        init(units: Int, components: Int, hasBias: Bool) {
            self.units = units
            self.components = components
            var generator = KernelTestGenerator(seed: UInt64(units * 100 + components))
            let columns = units * components
            bias = hasBias ? (0..<columns).map { _ in Scalar(rounding: generator.uniform(-1...1)) } : nil
            pre = PaddedMatrix(rows: testedRows, columns: columns) { row, _ in
                generator.uniform(row % 3 == 0 ? -30...30 : -2...2)
            }
            targets = PaddedMatrix(rows: testedRows, columns: units) { _, _ in generator.uniform(-1...1) }
            expected = (0..<testedRows).map { row in
                (0..<units).map { unit in
                    let a = energies(row, unit)
                    return (a, KernelSoftmaxWeightedTests.reference(a))
                }
            }
        }

        /// a of one unit, bias added as the kernels add it.
        private func energies(_ row: Int, _ unit: Int) -> [WideReal] {
            (unit * components..<(unit + 1) * components).map { column in
                (pre.row(row)[column] + (bias?[column] ?? 0)).asReference
            }
        }
    }

    static func check<Scalar: KernelScalar>(_ variant: KernelVariant, _ problem: Problem<Scalar>) {
        let (units, components, stride) = (problem.units, problem.components, problem.pre.stride)
        let label = "\(variant), \(Scalar.self), \(units) × \(components), bias: \(problem.bias != nil)"
        let ulp = WideReal(Scalar.ulpOfOne.asReference)
        let pre = problem.pre.copy()
        let outputs = PaddedMatrix<Scalar>(rows: testedRows, columns: units)
        variant.kernels(Scalar.self).softmax_weighted(
            testedRows, units, components, stride, problem.bias, pre.pointer, outputs.stride, outputs.pointer)
        let deltas = PaddedMatrix<Scalar>(rows: testedRows, columns: units * components)
        variant.kernels(Scalar.self).softmax_weighted_derivative(
            testedRows, units, components, stride, pre.pointer, problem.targets.stride, problem.targets.pointer,
            deltas.pointer)
        var worst: (output: WideReal, delta: WideReal, loss: WideReal) = (0, 0, 0)
        var isInputWritten = false
        for row in 0..<testedRows {
            for unit in 0..<units {
                let (a, expected) = problem.expected[row][unit]
                let got = outputs.row(row)[unit].asReference
                worst.output = max(worst.output, abs(got - expected.output) / (ulp * expected.outputSize))
                let gradient = problem.targets.row(row)[unit].asReference
                for (index, delta) in expected.deltas.enumerated() {
                    let got = deltas.row(row)[unit * components + index].asReference
                    let size = abs(gradient) * expected.deltaSizes[index]
                    worst.delta = max(worst.delta, abs(got - gradient * delta) / (ulp * size))
                    isInputWritten = isInputWritten || pre.row(row)[unit * components + index].asReference != a[index]
                }
            }
        }
        // Once: an expectation for each number would take longer than the kernels.
        #expect(!isInputWritten, "\(label): z is written")
        #expect(worst.output <= 4, "\(label): outputs off by \(worst.output) ulp")
        #expect(worst.delta <= 4, "\(label): deltas off by \(worst.delta) ulp")

        // In place, and on parts of the rows, the bits are the same.
        let inPlace = problem.pre.copy()
        for (start, count) in [(0, 3), (3, 18), (21, 19)] {
            variant.kernels(Scalar.self).softmax_weighted(
                count, units, components, stride, problem.bias, inPlace.row(start), stride, inPlace.row(start))
        }
        for row in 0..<testedRows {
            #expect(memcmp(inPlace.row(row), outputs.row(row), units * MemoryLayout<Scalar>.stride) == 0, "\(label)")
        }
        checkLoss(variant, problem, label)
    }

    static func checkLoss<Scalar: KernelScalar>(
        _ variant: KernelVariant, _ problem: Problem<Scalar>, _ label: String
    ) {
        let (units, components, stride) = (problem.units, problem.components, problem.pre.stride)
        func loss(
            _ start: Int, _ count: Int, _ logits: PaddedMatrix<Scalar>, _ deltas: PaddedMatrix<Scalar>?
        ) -> Double {
            variant.kernels(Scalar.self).squared_error_softmax_weighted(
                count, units, components, stride, problem.bias, logits.row(start), problem.targets.row(start),
                problem.targets.stride, 0.5, 0.25, deltas?.row(start))
        }
        let logits = problem.pre.copy()
        let deltas = PaddedMatrix<Scalar>(rows: testedRows, columns: units * components)
        let whole = loss(0, testedRows, logits, deltas)
        var expectedLoss: WideReal = 0
        var expectedDeltas: [Double] = []
        for row in 0..<testedRows {
            for unit in 0..<units {
                let expected = problem.expected[row][unit].reference
                let error = expected.output - problem.targets.row(row)[unit].asReference
                expectedLoss += 0.5 * error * error
                expectedDeltas += expected.deltas.map { Double(0.25 * error * $0) }
            }
        }
        #expect(abs(whole - Double(expectedLoss)) <= 100 * Scalar.tolerance * Double(expectedLoss), "\(label): loss")
        let error = largestKernelError(deltas.values, expectedDeltas)
        #expect(error <= 300 * Scalar.tolerance, "\(label): deltas of the loss off by \(error)")
        let parts = PaddedMatrix<Scalar>(rows: testedRows, columns: units * components)
        let again = problem.pre.copy()
        var rowByRow = 0.0
        for row in 0..<testedRows { rowByRow += loss(row, 1, again, parts) }
        #expect(rowByRow == whole, "\(label): losses are added row by row")
        #expect(parts.hasSameBits(as: deltas, rows: testedRows), "\(label): deltas in parts")
    }

    @Test("Units of every shape", arguments: shapes) func everyShape(_ shape: (units: Int, components: Int)) {
        for hasBias in [false, true] {
            let single = Problem<Float>(units: shape.units, components: shape.components, hasBias: hasBias)
            let double = Problem<Double>(units: shape.units, components: shape.components, hasBias: hasBias)
            for variant in KernelVariant.all {
                Self.check(variant, single)
                Self.check(variant, double)
            }
        }
    }

    static func unit<Scalar: KernelScalar>(
        _ variant: KernelVariant, _: Scalar.Type, _ a: [Double]
    ) -> (output: Double, deltas: [Double]) {
        let pre = PaddedMatrix<Scalar>(rows: 1, columns: a.count) { a[$1] }
        let output = PaddedMatrix<Scalar>(rows: 1, columns: 1)
        let gradient = PaddedMatrix<Scalar>(rows: 1, columns: 1) { _, _ in 1 }
        let deltas = PaddedMatrix<Scalar>(rows: 1, columns: a.count)
        variant.kernels(Scalar.self).softmax_weighted(
            1, 1, a.count, pre.stride, nil, pre.pointer, output.stride, output.pointer)
        variant.kernels(Scalar.self).softmax_weighted_derivative(
            1, 1, a.count, pre.stride, pre.pointer, gradient.stride, gradient.pointer, deltas.pointer)
        return (output[0, 0], deltas.values)
    }

    @Test("Far components neither overflow nor count", arguments: KernelVariant.all)
    func extremes(_ variant: KernelVariant) {
        func check<Scalar: KernelScalar>(_ type: Scalar.Type) {
            let far = Self.unit(variant, type, [1000, -1000])
            #expect(far.output == 1000 && far.deltas == [1, 0], "\(variant)")
            let low = Self.unit(variant, type, [-1e30, -1e30])
            #expect(low.output == Scalar(rounding: -1e30).asDouble && low.deltas == [0.5, 0.5], "\(variant)")
            let one = Self.unit(variant, type, [2.5])
            #expect(one.output == 2.5 && one.deltas == [1], "a single component is the identity")
            let equal = Self.unit(variant, type, [0.75, 0.75, 0.75, 0.75])
            #expect(equal.output == 0.75 && equal.deltas == [0.25, 0.25, 0.25, 0.25], "\(variant)")
            #expect(Self.unit(variant, type, [.nan, 0]).output.isNaN, "a NaN must show")
            #expect(Self.unit(variant, type, [0, .nan]).output.isNaN, "a NaN must show")
        }
        check(Float.self)
        check(Double.self)
    }
}
