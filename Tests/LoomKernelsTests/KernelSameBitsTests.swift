import CKernels
import LoomKernels
import Testing

/// What the promise of the same bits on every processor rests on: all instruction sets give the same results, bit by bit.
///
/// Sums of random numbers almost surely show another order of addition. Every instruction set is compared with the first.
@Suite struct KernelSameBitsTests {
    /// The bits of numbers, all NaNs alike: their signs and payloads mean nothing.
    struct Bits: Equatable {
        private var words: [UInt64] = []

        mutating func append(_ value: Double) { words.append(value.isNaN ? .max : value.bitPattern) }
        mutating func append<Scalar: KernelScalar>(_ matrix: PaddedMatrix<Scalar>) {
            for value in matrix.values { append(value) }
        }
    }

    /// Compares what `results` has to say about each instruction set.
    static func expectSame(
        _ subject: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ results: (KernelVariant, inout Bits) -> Void
    ) {
        var expected: Bits?
        for variant in KernelVariant.all {
            var bits = Bits()
            results(variant, &bits)
            let isSame = bits == expected ?? bits
            #expect(isSame, "\(variant): \(subject)", sourceLocation: sourceLocation)
            expected = expected ?? bits
        }
    }

    static func checkLosses<Scalar: KernelScalar>(_: Scalar.Type, columns: Int) {
        for loss in TestedLoss.allCases {
            let problem = KernelLossTests.Problem<Scalar>(loss, columns: columns, hasBias: columns % 2 == 0)
            // A last block of rows that is not full, too.
            for rows in [testedRows, 21] {
                expectSame("\(loss), \(Scalar.self), \(rows) × \(columns)") { variant, bits in
                    let logits = problem.logits.copy(), deltas = problem.logits.copy()
                    let (sum, correct) = loss.call(
                        variant, start: 0, count: rows, bias: problem.bias, logits: logits, targets: problem.targets,
                        labels: problem.labels, scale: 0.3, deltas: deltas)
                    bits.append(sum)
                    bits.append(Double(correct))
                    bits.append(logits)
                    bits.append(deltas)
                    let prediction = problem.logits.copy()
                    variant.kernels(Scalar.self).predict(
                        loss.map, rows, columns, logits.stride, problem.bias, prediction.pointer, prediction.pointer)
                    bits.append(prediction)
                }
            }
        }
    }

    @Test("Losses and predictions", arguments: testedColumns + [4, 7, 9, 12, 20, 24, 30, 32, 40])
    func losses(_ columns: Int) {
        Self.checkLosses(Float.self, columns: columns)
        Self.checkLosses(Double.self, columns: columns)
    }

    /// The ways for few, for some and for many classes are one: the same row has the same deltas with columns behind it that
    /// have no weight.
    @Test("Cross entropy of labels has the same bits in every way", arguments: [3, 4, 7, 10, 16])
    func waysOfCrossEntropy(_ classes: Int) {
        for columns in [classes, 16, 30, 100] where columns >= classes {
            var generator = KernelTestGenerator(seed: 9)
            let rows = (0..<testedRows).map { _ in (0..<classes).map { _ in generator.uniform(-3...3) } }
            let labels = (0..<testedRows).map { Int32($0 % classes) }
            // exp(-1000 - M) is 0.
            let logits = PaddedMatrix<Float>(rows: testedRows, columns: columns) { $1 < classes ? rows[$0][$1] : -1000 }
            let reference = PaddedMatrix<Float>(rows: testedRows, columns: 100) { $1 < classes ? rows[$0][$1] : -1000 }
            for variant in KernelVariant.all {
                var correct = 0
                let deltas = logits.copy(), expected = reference.copy()
                let sum = variant.kernels(Float.self).softmax_cross_entropy_labels(
                    testedRows, columns, logits.stride, nil, logits.pointer, labels, 0.3, deltas.pointer, &correct)
                let expectedSum = variant.kernels(Float.self).softmax_cross_entropy_labels(
                    testedRows, 100, reference.stride, nil, reference.pointer, labels, 0.3, expected.pointer, &correct)
                #expect(sum == expectedSum, "\(variant), \(classes) classes in \(columns)")
                let isSame = (0..<testedRows).allSatisfy { row in
                    (0..<classes).allSatisfy { deltas[row, $0] == expected[row, $0] }
                }
                #expect(isSame, "\(variant), \(classes) classes in \(columns)")
            }
        }
    }

    static func checkSums<Scalar: KernelScalar>(_: Scalar.Type, columns: Int) {
        let matrix = KernelMatrixTests.matrix(Scalar.self, columns: columns, seed: 31)
        for rows in [1, 7, testedRows] {
            expectSame("sums, \(Scalar.self), \(rows) × \(columns)") { variant, bits in
                var sums = [Scalar](repeating: 0, count: columns)
                variant.kernels(Scalar.self).column_sums(rows, columns, matrix.stride, matrix.pointer, &sums)
                for sum in sums { bits.append(sum.asDouble) }
                bits.append(variant.kernels(Scalar.self).sum_of_squares(rows, columns, matrix.stride, matrix.pointer))
            }
        }
    }

    @Test("Sums and squares", arguments: testedColumns + [48, 50])
    func sums(_ columns: Int) {
        Self.checkSums(Float.self, columns: columns)
        Self.checkSums(Double.self, columns: columns)
    }

    static func checkProducts<Scalar: KernelScalar>(_: Scalar.Type, _ shape: KernelProductTests.Shape) {
        for form in KernelProductTests.Form.allCases {
            let a: PaddedMatrix<Scalar> = KernelProductTests.operand(
                shape.rows, shape.inner, transposed: form.transposesFirst, seed: 1)
            let b: PaddedMatrix<Scalar> = KernelProductTests.operand(
                shape.inner, shape.columns, transposed: form.transposesSecond, seed: 2)
            for (alpha, beta) in [(1.0, 0.0), (0.5, 0.9)] {
                expectSame("\(form) \(Scalar.self) \(shape), \(alpha), \(beta)") { variant, bits in
                    let c = PaddedMatrix<Scalar>(rows: shape.rows, columns: shape.columns) { row, column in
                        (Double(row % 7) - Double(column % 5)) / 3
                    }
                    Scalar.multiply(variant, a, b, form, shape, alpha: alpha, beta: beta, into: c)
                    bits.append(c)
                }
            }
        }
    }

    @Test(
        "Products of every form",
        arguments: KernelProductTests.shapes + [
            // Around what the choice of a way depends on: from 64 steps on, and the columns for which it is worth it.
            .init(rows: 9, columns: 1, inner: 63), .init(rows: 9, columns: 1, inner: 64),
            .init(rows: 9, columns: 8, inner: 64),
            .init(rows: 9, columns: 8, inner: 130), .init(rows: 9, columns: 9, inner: 300),
            .init(rows: 5, columns: 16, inner: 777),
            .init(rows: 5, columns: 17, inner: 777),
        ])
    func products(_ shape: KernelProductTests.Shape) {
        Self.checkProducts(Float.self, shape)
        Self.checkProducts(Double.self, shape)
    }

    static func checkElements<Scalar: KernelScalar>(_: Scalar.Type) {
        let values = KernelElementaryTests.sample(Scalar.self)
        for raw in 0..<LOOM_ACTIVATION_COUNT.rawValue {
            let activation = loom_activation(rawValue: raw)
            expectSame("activation \(raw), \(Scalar.self)") { variant, bits in
                for value in KernelElementaryTests.activate(variant, activation, values) { bits.append(value.asDouble) }
                let deltas = PaddedMatrix<Scalar>(rows: 1, columns: values.count) { 1 / Double($0 + $1 + 3) }
                let stored = PaddedMatrix<Scalar>(rows: 1, columns: values.count) { values[$1].asDouble }
                variant.kernels(Scalar.self).multiply_derivative(
                    activation, 1, values.count, stored.stride, stored.pointer, deltas.pointer)
                bits.append(deltas)
            }
        }
    }

    @Test("Activations and derivatives") func elements() {
        Self.checkElements(Float.self)
        Self.checkElements(Double.self)
    }

    static func checkUpdates<Scalar: KernelScalar>(_: Scalar.Type) {
        let columns = 203
        var settings = UpdateSettings()
        settings.gradientScale = 0.7
        settings.l2Twice = 1e-3
        settings.weightDecay = 0.01
        for rule in UpdateRule.allCases {
            expectSame("\(rule), \(Scalar.self)") { variant, bits in
                var generator = KernelTestGenerator(seed: 8)
                let blocks = (0..<4).map { index in
                    PaddedMatrix<Scalar>(rows: 3, columns: columns) { _, _ in
                        generator.uniform((index == 3 ? 0 : -1)...1)
                    }
                }
                for _ in 0..<3 {
                    Scalar.update(
                        variant, rule, settings, rows: 3, columns: columns, stride: blocks[0].stride,
                        weights: blocks[0].pointer, gradients: blocks[1].pointer, first: blocks[2].pointer,
                        second: blocks[3].pointer)
                }
                for block in blocks { bits.append(block) }
            }
        }
    }

    @Test("Updates") func updates() {
        Self.checkUpdates(Float.self)
        Self.checkUpdates(Double.self)
    }

    @Test("Softmax-weighted units", arguments: [1, 3, 4, 9, 20]) func softmaxWeighted(_ units: Int) {
        for components in [1, 2, 5] {
            let columns = units * components
            var generator = KernelTestGenerator(seed: 4)
            let pre = PaddedMatrix<Float>(rows: testedRows, columns: columns) { _, _ in generator.uniform(-4...4) }
            let targets = PaddedMatrix<Float>(rows: testedRows, columns: units) { _, _ in generator.uniform(-1...1) }
            let wide = PaddedMatrix<Double>(rows: testedRows, columns: columns) { pre[$0, $1] }
            let wideTargets = PaddedMatrix<Double>(rows: testedRows, columns: units) { targets[$0, $1] }
            Self.expectSame("\(units) units of \(components)") { variant, bits in
                let logits = pre.copy(), deltas = pre.copy()
                bits.append(
                    variant.kernels(Float.self).squared_error_softmax_weighted(
                        testedRows, units, components, pre.stride, nil, logits.pointer, targets.pointer, targets.stride,
                        0.5, 0.1, deltas.pointer))
                bits.append(deltas)
                let wideLogits = wide.copy(), wideDeltas = wide.copy()
                bits.append(
                    variant.kernels(Double.self).squared_error_softmax_weighted(
                        testedRows, units, components, wide.stride, nil, wideLogits.pointer, wideTargets.pointer,
                        wideTargets.stride, 0.5, 0.1, wideDeltas.pointer))
                bits.append(wideDeltas)
            }
        }
    }
}
