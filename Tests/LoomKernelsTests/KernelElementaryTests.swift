import CKernels
import Foundation
import Testing

/// Values of single elements: accuracy, special values, derivatives.
@Suite struct KernelElementaryTests {
    static let transcendental = [
        LOOM_SIGMOID, LOOM_ARCTAN, LOOM_TANH, LOOM_EXP, LOOM_SOFTPLUS,
    ]

    /// The largest error allowed, in units in the last place; a little above what all float32 values show.
    static func largestUlps(_ activation: loom_activation) -> Double {
        switch activation {
        case LOOM_EXP: 1.2
        case LOOM_ARCTAN: 2
        case LOOM_SIGMOID, LOOM_SOFTPLUS: 2.5
        default: 2.6
        }
    }

    /// The activation in the reference's precision.
    static func reference(_ activation: loom_activation, _ z: WideReal) -> WideReal {
        switch activation {
        case LOOM_SIGMOID: z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z))
        case LOOM_RELU, LOOM_RELU_ONE: max(z, 0)
        case LOOM_ARCTAN: atan(z)
        case LOOM_TANH: tanh(z)
        case LOOM_EXP: exp(z)
        case LOOM_SOFTPLUS: max(z, 0) + log1p(exp(-abs(z)))
        case LOOM_THRESHOLD: z >= 0 ? 1 : 0
        default: z
        }
    }

    /// The error of `actual` in units in the last place of its own type at `expected`.
    static func ulps<Scalar: KernelScalar>(_ actual: Scalar, _ expected: WideReal) -> Double {
        if expected.isNaN { return actual.isNaN ? 0 : .infinity }
        let rounded = Scalar(expected)
        if rounded.isInfinite || actual.isInfinite || actual.isNaN {
            return actual == rounded ? 0 : .infinity
        }
        let unit = max(rounded.magnitude.ulp, .leastNonzeroMagnitude)
        return Double((actual.asReference - expected).magnitude / unit.asReference)
    }

    /// Every exponent and sign with several significands, and a dense sample of where the functions bend.
    static func sample<Scalar: KernelScalar>(_: Scalar.Type) -> [Scalar] {
        var generator = KernelTestGenerator(seed: 11)
        var values: [Scalar] = [0, -0.0, .infinity, -.infinity, .nan, 1000, -1000, 1, -1]
        values += [.leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude].flatMap {
            [$0, -$0]
        }
        let exponents =
            Int(Scalar.leastNonzeroMagnitude.exponent)...Int(Scalar.greatestFiniteMagnitude.exponent)
        let step = max(1, exponents.count / 600)
        for exponent in stride(from: exponents.lowerBound, through: exponents.upperBound, by: step) {
            for _ in 0..<3 {
                let significand = Scalar(rounding: generator.uniform(1...1.999_999))
                let value = Scalar(sign: .plus, exponent: Scalar.Exponent(exponent), significand: significand)
                values += [value, -value]
            }
        }
        for range in [-1.0...1, -3...3, -20...20, -110...110, -760...760] {
            for _ in 0..<4000 { values.append(Scalar(rounding: generator.uniform(range))) }
        }
        // Where the reductions change pieces: multiples of ln2/2 and tan(π/8), tan(3π/8).
        for k in -60...60 { values.append(Scalar(rounding: Double(k) * 0.346_573_590_279_972_65)) }
        for edge in [0.414_213_562_373_095_05, 2.414_213_562_373_095] {
            let near = Scalar(rounding: edge)
            values += [near, near.nextUp, near.nextDown, -near, -near.nextUp, -near.nextDown]
        }
        return values
    }

    static func activate<Scalar: KernelScalar>(
        _ variant: KernelVariant, _ activation: loom_activation, _ values: [Scalar]
    ) -> [Scalar] {
        let matrix = PaddedMatrix<Scalar>(rows: 1, columns: values.count)
        for (index, value) in values.enumerated() { matrix.pointer[index] = value }
        variant.kernels(Scalar.self).activate(
            activation, 1, values.count, matrix.stride, nil, matrix.pointer, matrix.pointer)
        return (0..<values.count).map { matrix.pointer[$0] }
    }

    static func checkAccuracy<Scalar: KernelScalar>(_: Scalar.Type, _ activation: loom_activation) {
        let values = sample(Scalar.self)
        let expected = values.map { reference(activation, $0.asReference) }
        for variant in KernelVariant.all {
            let actual = activate(variant, activation, values)
            var worst = (error: 0.0, value: Scalar.zero)
            for index in values.indices {
                let error = ulps(actual[index], expected[index])
                if !(error <= worst.error) { worst = (error, values[index]) }
            }
            #expect(
                worst.error <= largestUlps(activation), "\(variant): \(worst.error) ulp at \(worst.value)")
        }
    }

    @Test("Transcendental functions are within 1.2 to 2.6 ulp", arguments: transcendental)
    func accuracy(_ activation: loom_activation) {
        Self.checkAccuracy(Float.self, activation)
        Self.checkAccuracy(Double.self, activation)
    }

    static func checkSpecialValues<Scalar: KernelScalar>(_: Scalar.Type, _ variant: KernelVariant) {
        let inputs: [Scalar] = [0, -0.0, .infinity, -.infinity, .nan, 1000, -1000]
        let halfPi = Scalar(rounding: Double.pi / 2), nan = Scalar.nan
        let logTwo = Scalar(rounding: 0.693_147_180_559_945_3)
        let large = Scalar(Self.reference(LOOM_ARCTAN, 1000))
        let table: [(loom_activation, [Scalar])] = [
            (LOOM_IDENTITY, inputs),
            (LOOM_SIGMOID, [0.5, 0.5, 1, 0, nan, 1, 0]),
            (LOOM_RELU, [0, 0, .infinity, 0, nan, 1000, 0]),
            (LOOM_RELU_ONE, [0, 0, .infinity, 0, nan, 1000, 0]),
            (LOOM_ARCTAN, [0, -0.0, halfPi, -halfPi, nan, large, -large]),
            (LOOM_TANH, [0, -0.0, 1, -1, nan, 1, -1]),
            (LOOM_EXP, [1, 1, .infinity, 0, nan, .infinity, 0]),
            (LOOM_SOFTPLUS, [logTwo, logTwo, .infinity, 0, nan, 1000, 0]),
            (LOOM_THRESHOLD, [1, 1, 1, 0, 0, 1, 0]),
        ]
        for (activation, expected) in table {
            let actual = activate(variant, activation, inputs)
            for index in inputs.indices {
                let same =
                    expected[index].isNaN
                    ? actual[index].isNaN
                    : actual[index] == expected[index]
                let near = ulps(actual[index], expected[index].asReference) <= 1 && !expected[index].isZero
                let label = "\(variant), activation \(activation.rawValue) of \(inputs[index])"
                #expect(same || near, "\(label): \(actual[index])")
                let keepsSign = activation == LOOM_ARCTAN || activation == LOOM_TANH
                #expect(!keepsSign || inputs[index].isNaN || actual[index].sign == inputs[index].sign)
            }
        }
    }

    @Test("Zeros, infinities, NaN and ±1000", arguments: KernelVariant.all)
    func specialValues(_ variant: KernelVariant) {
        Self.checkSpecialValues(Float.self, variant)
        Self.checkSpecialValues(Double.self, variant)
    }

    /// activation'(z) in the reference's precision.
    static func derivative(_ activation: loom_activation, _ z: WideReal) -> WideReal {
        let sigmoid = reference(LOOM_SIGMOID, z)
        switch activation {
        case LOOM_SIGMOID: return sigmoid * (1 - sigmoid)
        case LOOM_RELU: return z > 0 ? 1 : 0
        case LOOM_RELU_ONE: return z >= 0 ? 1 : 0
        case LOOM_ARCTAN: return 1 / (1 + z * z)
        case LOOM_TANH: return 1 - tanh(z) * tanh(z)
        case LOOM_EXP: return exp(z)
        case LOOM_SOFTPLUS: return sigmoid
        case LOOM_THRESHOLD: return 0
        default: return 1
        }
    }

    static func checkDerivatives<Scalar: KernelScalar>(_: Scalar.Type, _ variant: KernelVariant) {
        for raw in 0..<LOOM_ACTIVATION_COUNT.rawValue {
            let activation = loom_activation(rawValue: raw)
            let columns = 203
            var generator = KernelTestGenerator(seed: UInt64(raw) + 5)
            let z = PaddedMatrix<Scalar>(rows: 2, columns: columns) { row, column in
                row == 0 && column == 0 ? 0 : generator.uniform(-4...4)
            }
            let deltas = PaddedMatrix<Scalar>(rows: 2, columns: columns) { _, _ in generator.uniform(-2...2) }
            let expected = zip(z.values, deltas.values).map { z, delta in
                delta * Double(derivative(activation, WideReal(z)))
            }
            let stored = PaddedMatrix<Scalar>(rows: 2, columns: columns)
            variant.kernels(Scalar.self).activate(
                activation, 2, columns, z.stride, nil, z.pointer, stored.pointer)
            let fromOutputs = loom_activation_derivative_source(activation) == LOOM_FROM_OUTPUTS
            variant.kernels(Scalar.self).multiply_derivative(
                activation, 2, columns, z.stride, fromOutputs ? stored.pointer : z.pointer, deltas.pointer)
            let error = largestKernelError(deltas.values, expected)
            #expect(
                error <= 2 * Scalar.tolerance,
                "\(variant), activation \(raw): \(error)")
        }
    }

    @Test("Derivatives, also at 0", arguments: KernelVariant.all)
    func derivatives(_ variant: KernelVariant) {
        Self.checkDerivatives(Float.self, variant)
        Self.checkDerivatives(Double.self, variant)
    }

    /// All 2³² floats; minutes, therefore only with GRADLOOM_SOAK=1.
    @Test(
        "Every float32 is within 1.2 to 2.6 ulp",
        .enabled(if: ProcessInfo.processInfo.environment["GRADLOOM_SOAK"] == "1"), arguments: transcendental)
    func everyFloat(_ activation: loom_activation) throws {
        let count = 1 << 16
        let variant = try #require(KernelVariant.all.last)
        let inputs = PaddedMatrix<Float>(rows: 1, columns: count)
        let outputs = PaddedMatrix<Float>(rows: 1, columns: count)
        var worst = (error: 0.0, value: Float.zero)
        for high in 0..<UInt32(1 << 16) {
            for low in 0..<UInt32(count) { inputs.pointer[Int(low)] = Float(bitPattern: high << 16 | low) }
            variant.kernels(Float.self).activate(
                activation, 1, count, count, nil, inputs.pointer, outputs.pointer)
            for index in 0..<count {
                let expected = Self.reference(activation, WideReal(inputs.pointer[index]))
                let error = Self.ulps(outputs.pointer[index], expected)
                if !(error <= worst.error) { worst = (error, inputs.pointer[index]) }
            }
        }
        #expect(worst.error <= Self.largestUlps(activation), "\(worst.error) ulp at \(worst.value)")
    }
}
