import CKernels
import Testing

/// Element-wise kernels over whole matrices: shapes, bias, padding, aliasing, calls on parts.
@Suite struct KernelMatrixTests {
    static func matrix<Scalar: KernelScalar>(
        _: Scalar.Type, columns: Int, seed: UInt64, range: ClosedRange<Double> = -6...6
    ) -> PaddedMatrix<Scalar> {
        var generator = KernelTestGenerator(seed: seed)
        return PaddedMatrix(rows: testedRows, columns: columns) { _, _ in generator.uniform(range) }
    }

    /// A bias of exactly `columns` elements: reading past its end is caught by the allocator's guard or by poison.
    static func bias<Scalar: KernelScalar>(_: Scalar.Type, columns: Int) -> [Scalar] {
        var generator = KernelTestGenerator(seed: 77)
        return (0..<columns).map { _ in Scalar(rounding: generator.uniform(-1...1)) }
    }

    static func checkActivation<Scalar: KernelScalar>(
        _: Scalar.Type, _ activation: loom_activation, columns: Int, hasBias: Bool
    ) {
        let bias = hasBias ? Self.bias(Scalar.self, columns: columns) : nil
        let input = matrix(Scalar.self, columns: columns, seed: UInt64(columns))
        let expectedPre = (0..<testedRows).flatMap { row in
            (0..<columns).map { (input.row(row)[$0] + (bias?[$0] ?? 0)).asDouble }
        }
        let expected = expectedPre.map { Double(KernelElementaryTests.reference(activation, WideReal($0))) }
        for variant in KernelVariant.all {
            let activate = variant.kernels(Scalar.self).activate
            let label =
                "\(variant), \(Scalar.self), activation \(activation.rawValue), \(columns) columns, bias: \(hasBias)"
            let pre = input.copy()
            let outputs = PaddedMatrix<Scalar>(rows: testedRows, columns: columns)
            activate(activation, testedRows, columns, input.stride, bias, pre.pointer, outputs.pointer)
            // Not inside #expect, which would take minutes to describe how two long arrays differ.
            let isBiased = pre.values == expectedPre
            #expect(isBiased, "\(label): z")
            let error = largestKernelError(outputs.values, expected)
            #expect(error <= Scalar.tolerance, "\(label): \(error)")

            let inPlace = input.copy()
            activate(activation, testedRows, columns, input.stride, bias, inPlace.pointer, inPlace.pointer)
            #expect(inPlace.hasSameBits(as: outputs, rows: testedRows), "\(label): in place")

            let parts = input.copy()
            for (start, count) in [(0, 1), (1, 2), (3, 13), (16, 17), (33, 7)] {
                activate(activation, count, columns, input.stride, bias, parts.row(start), parts.row(start))
            }
            #expect(parts.hasSameBits(as: outputs, rows: testedRows), "\(label): parts")
        }
    }

    @Test(
        "Activations of every shape, with and without bias",
        arguments: (0..<LOOM_ACTIVATION_COUNT.rawValue).map(loom_activation.init(rawValue:)), testedColumns)
    func activations(_ activation: loom_activation, _ columns: Int) {
        for hasBias in [false, true] {
            Self.checkActivation(Float.self, activation, columns: columns, hasBias: hasBias)
            Self.checkActivation(Double.self, activation, columns: columns, hasBias: hasBias)
        }
    }

    static func checkPredictions<Scalar: KernelScalar>(
        _: Scalar.Type, _ map: loom_output_map, columns: Int
    ) {
        let bias = Self.bias(Scalar.self, columns: columns)
        let input = matrix(Scalar.self, columns: columns, seed: 3, range: -20...20)
        let expected = (0..<testedRows).flatMap { row in
            prediction(map, (0..<columns).map { (input.row(row)[$0] + bias[$0]).asDouble })
        }
        for variant in KernelVariant.all {
            let predict = variant.kernels(Scalar.self).predict
            let label = "\(variant), \(Scalar.self), map \(map.rawValue), \(columns) columns"
            let logits = input.copy()
            let outputs = PaddedMatrix<Scalar>(rows: testedRows, columns: columns)
            predict(map, testedRows, columns, input.stride, bias, logits.pointer, outputs.pointer)
            // A softmax's relative error grows with the rounding of z - max, up to 20 here.
            let error = largestKernelError(outputs.values, expected)
            #expect(error <= 20 * Scalar.tolerance, "\(label): \(error)")
            let inPlace = input.copy()
            for (start, count) in [(0, 1), (1, 39)] {
                predict(map, count, columns, input.stride, bias, inPlace.row(start), inPlace.row(start))
            }
            #expect(inPlace.hasSameBits(as: outputs, rows: testedRows), "\(label): in place, in parts")
        }
    }

    /// map(z) of a row, in double precision.
    static func prediction(_ map: loom_output_map, _ z: [Double]) -> [Double] {
        switch map {
        case LOOM_OUTPUT_SIGMOID:
            return z.map { Double(KernelElementaryTests.reference(LOOM_SIGMOID, WideReal($0))) }
        case LOOM_OUTPUT_SOFTMAX:
            let maximum = z.max() ?? 0
            let exponentials = z.map {
                Double(KernelElementaryTests.reference(LOOM_EXP, WideReal($0 - maximum)))
            }
            let sum = exponentials.reduce(0, +)
            return exponentials.map { $0 / sum }
        default:
            return z
        }
    }

    @Test(
        "Predictions of every shape",
        arguments: [LOOM_OUTPUT_IDENTITY, LOOM_OUTPUT_SIGMOID, LOOM_OUTPUT_SOFTMAX], testedColumns)
    func predictions(_ map: loom_output_map, _ columns: Int) {
        Self.checkPredictions(Float.self, map, columns: columns)
        Self.checkPredictions(Double.self, map, columns: columns)
    }

    static func checkDerivativeParts<Scalar: KernelScalar>(
        _: Scalar.Type, _ variant: KernelVariant, columns: Int
    ) {
        let stored = matrix(Scalar.self, columns: columns, seed: 8, range: -1...1)
        let deltas = matrix(Scalar.self, columns: columns, seed: 9)
        let multiply = variant.kernels(Scalar.self).multiply_derivative
        for raw in 0..<LOOM_ACTIVATION_COUNT.rawValue {
            let activation = loom_activation(rawValue: raw)
            let whole = deltas.copy(), parts = deltas.copy()
            multiply(activation, testedRows, columns, deltas.stride, stored.pointer, whole.pointer)
            for (start, count) in [(0, 1), (1, 15), (16, 24)] {
                multiply(activation, count, columns, deltas.stride, stored.row(start), parts.row(start))
            }
            #expect(whole.hasSameBits(as: parts, rows: testedRows), "\(variant), activation \(raw)")
            let isFinite = whole.values.allSatisfy(\.isFinite)
            #expect(isFinite, "\(variant), activation \(raw): poison came in")
            // A block of columns of a wider matrix must leave its neighbours alone.
            let lanes = 64 / MemoryLayout<Scalar>.stride
            guard columns > lanes else { continue }
            let block = deltas.copy()
            multiply(activation, testedRows, lanes, deltas.stride, stored.pointer, block.pointer)
            let isUntouched = (0..<testedRows).allSatisfy { row in
                (lanes..<columns).allSatisfy { block[row, $0] == deltas[row, $0] }
            }
            #expect(isUntouched, "\(variant), activation \(raw): wrote past the columns")
        }
    }

    @Test("Derivatives on parts of a matrix", arguments: KernelVariant.all, testedColumns)
    func derivativeParts(_ variant: KernelVariant, _ columns: Int) {
        Self.checkDerivativeParts(Float.self, variant, columns: columns)
        Self.checkDerivativeParts(Double.self, variant, columns: columns)
    }
}
