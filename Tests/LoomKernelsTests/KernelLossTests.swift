import CKernels
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The five losses against plain double precision loops.
enum TestedLoss: CaseIterable {
    case labels, distribution, sigmoid, squaredIdentity, squaredSigmoid, squaredSoftmax

    var map: loom_output_map {
        switch self {
        case .labels, .distribution, .squaredSoftmax: LOOM_OUTPUT_SOFTMAX
        case .sigmoid, .squaredSigmoid: LOOM_OUTPUT_SIGMOID
        case .squaredIdentity: LOOM_OUTPUT_IDENTITY
        }
    }

    /// One sample's loss (½ ‖·‖² for the squared ones), ∂loss/∂z and the number of right decisions.
    func reference(z: [Double], t: [Double]) -> (loss: Double, deltas: [Double], correct: Int) {
        let y = KernelMatrixTests.prediction(map, z)
        let errors = zip(y, t).map { $0 - $1 }
        let elementDecisions = zip(z, t).count { ($0 >= 0) == ($1 >= 0.5) }
        let rowDecision = z.firstIndex(of: z.max()!) == t.firstIndex(of: t.max()!) ? 1 : 0
        switch self {
        case .labels, .distribution:
            let maximum = z.max()!
            let logSum = maximum + log(z.reduce(0) { $0 + exp($1 - maximum) })
            let total = t.reduce(0, +)
            let loss = zip(z, t).reduce(logSum * total) { $0 - $1.0 * $1.1 }
            return (loss, zip(y, t).map { $0 * total - $1 }, rowDecision)
        case .sigmoid:
            let loss = zip(z, t).reduce(0) { $0 + max($1.0, 0) - $1.0 * $1.1 + log1p(exp(-abs($1.0))) }
            return (loss, errors, elementDecisions)
        case .squaredIdentity:
            return (0.5 * errors.reduce(0) { $0 + $1 * $1 }, errors, 0)
        case .squaredSigmoid:
            return (
                0.5 * errors.reduce(0) { $0 + $1 * $1 },
                zip(y, errors).map { $0 * (1 - $0) * $1 }, elementDecisions
            )
        case .squaredSoftmax:
            let mean = zip(y, errors).reduce(0) { $0 + $1.0 * $1.1 }
            return (
                0.5 * errors.reduce(0) { $0 + $1 * $1 }, zip(y, errors).map { $0 * ($1 - mean) }, rowDecision
            )
        }
    }

    /// Calls the kernel on the rows from `start` on; squared errors with factor ½.
    func call<Scalar: KernelScalar>(
        _ variant: KernelVariant, start: Int, count: Int, bias: [Scalar]?, logits: PaddedMatrix<Scalar>,
        targets: PaddedMatrix<Scalar>, labels: [Int32], scale: Scalar, deltas: PaddedMatrix<Scalar>?
    ) -> (loss: Double, correct: Int) {
        var correct = 1000  // added to, not set
        let z = logits.row(start), t = targets.row(start), d = deltas?.row(start)
        let columns = logits.columns, stride = logits.stride, scale = scale.asDouble
        let loss: Double
        switch self {
        case .labels:
            loss = variant.kernels(Scalar.self).softmax_cross_entropy_labels(
                count, columns, stride, bias, z, Array(labels[start...]), scale, d, &correct)
        case .distribution:
            loss = variant.kernels(Scalar.self).softmax_cross_entropy(
                count, columns, stride, bias, z, t, targets.stride, scale, d, &correct)
        case .sigmoid:
            loss = variant.kernels(Scalar.self).sigmoid_cross_entropy(
                count, columns, stride, bias, z, t, targets.stride, scale, d, &correct)
        case .squaredIdentity, .squaredSigmoid, .squaredSoftmax:
            loss = variant.kernels(Scalar.self).squared_error(
                map, count, columns, stride, bias, z, t, targets.stride, 0.5, scale, d, &correct)
        }
        return (loss, correct - 1000)
    }
}

@Suite struct KernelLossTests {
    struct Problem<Scalar: KernelScalar> {
        let bias: [Scalar]?
        let logits: PaddedMatrix<Scalar>
        let targets: PaddedMatrix<Scalar>
        let labels: [Int32]

        /// Logits up to ±15; one-hot, mixed or multi-label targets, as the loss wants them.
        init(_ loss: TestedLoss, columns: Int, hasBias: Bool) {
            var generator = KernelTestGenerator(seed: UInt64(columns) &+ (hasBias ? 7 : 0))
            bias = hasBias ? KernelMatrixTests.bias(Scalar.self, columns: columns) : nil
            logits = PaddedMatrix(rows: testedRows, columns: columns) { row, _ in
                generator.uniform(row % 3 == 0 ? -15...15 : -2...2)
            }
            let classes = (0..<testedRows).map { _ in Int(generator.next() % UInt64(columns)) }
            labels = classes.map(Int32.init)
            targets = PaddedMatrix(rows: testedRows, columns: columns) { row, column in
                switch loss {
                case .labels: column == classes[row] ? 1 : 0
                case .sigmoid: generator.next() % 2 == 0 ? 1 : 0
                default:
                    row % 2 == 0 ? (column == classes[row] ? 1 : 0) : generator.uniform(0...1)
                }
            }
        }
    }

    /// What a call on all rows must give.
    struct Expected {
        var loss = 0.0, correct = 0
        var deltas: [Double] = []
    }

    static let scale = 0.25

    static func expected<Scalar>(_ loss: TestedLoss, _ problem: Problem<Scalar>) -> Expected {
        var expected = Expected()
        let columns = problem.logits.columns
        for row in 0..<testedRows {
            let z = (0..<columns).map {
                (problem.logits.row(row)[$0] + (problem.bias?[$0] ?? 0)).asDouble
            }
            let sample = loss.reference(z: z, t: (0..<columns).map { problem.targets[row, $0] })
            expected.loss += sample.loss
            expected.correct += sample.correct
            expected.deltas += sample.deltas.map { $0 * scale }
        }
        return expected
    }

    static func check<Scalar: KernelScalar>(
        _ variant: KernelVariant, _ loss: TestedLoss, _ problem: Problem<Scalar>, _ expected: Expected
    ) {
        let columns = problem.logits.columns
        let label = "\(variant), \(Scalar.self), \(loss), \(columns) columns, bias: \(problem.bias != nil)"
        func call(_ start: Int, _ count: Int, _ logits: PaddedMatrix<Scalar>, _ deltas: PaddedMatrix<Scalar>?)
            -> (loss: Double, correct: Int)
        {
            loss.call(
                variant, start: start, count: count, bias: problem.bias, logits: logits,
                targets: problem.targets, labels: problem.labels, scale: Scalar(rounding: scale),
                deltas: deltas)
        }
        let logits = problem.logits.copy()
        let deltas = PaddedMatrix<Scalar>(rows: testedRows, columns: columns)
        let whole = call(0, testedRows, logits, deltas)
        // Sums over many columns in float32 lose some bits.
        let tolerance = Scalar.tolerance * (20 + Double(columns).squareRoot())
        #expect(abs(whole.loss - expected.loss) <= tolerance * (1 + abs(expected.loss)), "\(label): loss")
        #expect(whole.correct == expected.correct, "\(label): decisions")
        let error = largestKernelError(deltas.values, expected.deltas)
        #expect(error <= tolerance, "\(label): deltas off by \(error)")
        for row in [0, testedRows - 1] {
            let z = problem.logits.row(row)[columns - 1] + (problem.bias?.last ?? 0)
            #expect(logits.row(row)[columns - 1] == z, "\(label): z is written back")
        }

        var singles = (loss: 0.0, correct: 0)
        let singleLogits = problem.logits.copy()
        for row in 0..<testedRows {
            let single = call(row, 1, singleLogits, nil)
            singles = (singles.loss + single.loss, singles.correct + single.correct)
        }
        #expect(singles == whole, "\(label): without deltas, row by row")
        let parts = PaddedMatrix<Scalar>(rows: testedRows, columns: columns)
        let partLogits = problem.logits.copy()
        for (start, count) in [(0, 3), (3, 18), (21, 19)] { _ = call(start, count, partLogits, parts) }
        #expect(parts.hasSameBits(as: deltas, rows: testedRows), "\(label): deltas in parts")
    }

    static func check<Scalar: KernelScalar>(_: Scalar.Type, _ loss: TestedLoss, columns: Int) {
        for hasBias in [false, true] {
            let problem = Problem<Scalar>(loss, columns: columns, hasBias: hasBias)
            let expected = expected(loss, problem)
            for variant in KernelVariant.all { check(variant, loss, problem, expected) }
        }
    }

    @Test("Losses of every shape", arguments: TestedLoss.allCases, testedColumns)
    func losses(_ loss: TestedLoss, _ columns: Int) {
        Self.check(Float.self, loss, columns: columns)
        Self.check(Double.self, loss, columns: columns)
    }

    static func checkExtremes<Scalar: KernelScalar>(_: Scalar.Type, _ variant: KernelVariant) {
        func sigmoid(_ z: Double, _ t: Double) -> (Double, Double) {
            let logits = PaddedMatrix<Scalar>(rows: 1, columns: 1) { _, _ in z }
            let targets = PaddedMatrix<Scalar>(rows: 1, columns: 1) { _, _ in t }
            let deltas = PaddedMatrix<Scalar>(rows: 1, columns: 1)
            let result = TestedLoss.sigmoid.call(
                variant, start: 0, count: 1, bias: nil, logits: logits, targets: targets, labels: [0],
                scale: 1,
                deltas: deltas)
            return (result.loss, deltas[0, 0])
        }
        func softmax(_ z: [Double], _ label: Int32, _ loss: TestedLoss) -> (Double, [Double]) {
            let logits = PaddedMatrix<Scalar>(rows: 1, columns: z.count) { _, column in z[column] }
            let targets = PaddedMatrix<Scalar>(rows: 1, columns: z.count) { $1 == Int(label) ? 1 : 0 }
            let deltas = PaddedMatrix<Scalar>(rows: 1, columns: z.count)
            let result = loss.call(
                variant, start: 0, count: 1, bias: nil, logits: logits, targets: targets, labels: [label],
                scale: 1, deltas: deltas)
            return (result.loss, deltas.values)
        }
        // log1p(exp(-40))
        let tiny = 4.248354255291589e-18
        func isTiny(_ value: Double) -> Bool { abs(value / tiny - 1) < 4 * Scalar.tolerance }
        #expect(sigmoid(800, 1) == (0, 0))
        #expect(sigmoid(-800, 0) == (0, 0))
        #expect(sigmoid(800, 0) == (800, 1))
        #expect(sigmoid(-800, 1) == (800, -1))
        #expect(isTiny(sigmoid(40, 1).0) && isTiny(-sigmoid(40, 1).1), "\(variant)")
        #expect(isTiny(sigmoid(-40, 0).0) && isTiny(sigmoid(-40, 0).1), "\(variant)")
        for loss in [TestedLoss.labels, .distribution] {
            for width in [2, 10, 40, 100] {
                let rest = [Double](repeating: -2000, count: width - 2)
                let certain = softmax([40, 0] + rest, 0, loss)
                #expect(isTiny(certain.0) && isTiny(-certain.1[0]) && isTiny(certain.1[1]), "\(variant)")
                let wrong = softmax([800, -800] + rest, 1, loss)
                #expect(wrong.0 == 1600 && wrong.1[0] == 1 && wrong.1[1] == -1, "\(variant)")
                #expect(softmax([800, -800] + rest, 0, loss).0 == 0, "\(variant)")
                #expect(softmax([.nan, 0] + rest, 1, loss).0.isNaN, "\(variant): a NaN must show")
            }
        }
    }

    @Test("Losses far from zero neither overflow nor cancel", arguments: KernelVariant.all)
    func extremes(_ variant: KernelVariant) {
        Self.checkExtremes(Float.self, variant)
        Self.checkExtremes(Double.self, variant)
    }

    @Test("The lowest index decides a tie", arguments: KernelVariant.all, [2, 10, 20, 40, 100])
    func ties(_ variant: KernelVariant, _ columns: Int) {
        let tied = [columns / 2, columns - 1]
        let logits = PaddedMatrix<Float>(rows: 2, columns: columns) { tied.contains($1) ? 3 : -1 }
        let targets = PaddedMatrix<Float>(rows: 2, columns: columns) { $1 == tied[$0] ? 1 : 0 }
        let isOne = tied[0] == tied[1]
        // The largest elements take part in the sum, each of them.
        let others = exp(-4.0) * Double(columns - (isOne ? 1 : 2))
        let crossEntropy = log1p(others + (isOne ? 0 : 1))
        for loss in [TestedLoss.labels, .distribution, .squaredSoftmax] {
            let results = (0..<2).map { row in
                loss.call(
                    variant, start: row, count: 1, bias: nil, logits: logits, targets: targets,
                    labels: tied.map(Int32.init), scale: 1, deltas: nil)
            }
            #expect(results.map(\.correct) == (isOne ? [1, 1] : [1, 0]), "\(variant), \(loss)")
            guard loss != .squaredSoftmax else { continue }
            for result in results {
                #expect(abs(result.loss - crossEntropy) < 1e-5, "\(variant), \(loss): \(result.loss)")
            }
        }
    }

    @Test("z = 0 and t = ½ count as 1 in an element's decision", arguments: KernelVariant.all)
    func elementDecisions(_ variant: KernelVariant) {
        let cases: [(z: Double, t: Double)] = [(0, 0.5), (0, 0.49), (-0.0, 1), (-1e-30, 0.6), (-1, 0.49)]
        let logits = PaddedMatrix<Float>(rows: 1, columns: 5) { cases[$1].z }
        let targets = PaddedMatrix<Float>(rows: 1, columns: 5) { cases[$1].t }
        for loss in [TestedLoss.sigmoid, .squaredSigmoid] {
            let correct = loss.call(
                variant, start: 0, count: 1, bias: nil, logits: logits, targets: targets, labels: [0],
                scale: 1,
                deltas: nil
            ).correct
            #expect(correct == 3, "\(variant), \(loss)")
        }
    }
}
