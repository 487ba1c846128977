import Foundation
import LoomKernels
import Testing

/// The functions that random numbers, synthetic tasks, schedules and optimizers are made of, against the system's.
@Suite struct ElementaryFunctionTests {
    /// The largest error over `values`, in units in the last place of the true result.
    private static func largestUlps(
        _ values: [Double], _ function: (Double) -> Double, _ reference: (WideReal) -> WideReal
    ) -> (error: Double, at: Double) {
        var worst = (error: 0.0, at: 0.0)
        for value in values {
            let error = KernelElementaryTests.ulps(function(value), reference(WideReal(value)))
            if !(error <= worst.error) { worst = (error, value) }
        }
        return worst
    }

    /// Where the functions bend, and every exponent.
    private static let values = KernelElementaryTests.sample(Double.self)
    private static let positive = values.filter { !($0 < 0) } + values.map { abs($0.remainder(dividingBy: 1)) + 0.5 }

    @Test func exponential() {
        let worst = Self.largestUlps(Self.values, ElementaryFunctions.exp) { exp($0) }
        #expect(worst.error <= 1, "\(worst)")
    }

    @Test func exponentialLessOne() {
        let worst = Self.largestUlps(Self.values, ElementaryFunctions.expm1) { expm1($0) }
        #expect(worst.error <= 2, "\(worst)")
    }

    @Test func logarithm() {
        let worst = Self.largestUlps(Self.positive, ElementaryFunctions.log) { log($0) }
        #expect(worst.error <= 1, "\(worst)")
        #expect(ElementaryFunctions.log(-1).isNaN && ElementaryFunctions.log(-.infinity).isNaN)
        #expect(ElementaryFunctions.log(0) == -.infinity && ElementaryFunctions.log(1) == 0)
    }

    @Test func hyperbolicTangent() {
        let worst = Self.largestUlps(Self.values, ElementaryFunctions.tanh) { tanh($0) }
        #expect(worst.error <= 2, "\(worst)")
        #expect(ElementaryFunctions.tanh(-0.0).sign == .minus)
    }

    /// Sine and cosine of 2πt, reduced to an eighth of a turn first: 2π · t itself would lose what large angles have of
    /// precision.
    private static func reference(turns: Double) -> (sine: WideReal, cosine: WideReal) {
        let quarters = (WideReal(turns) * 4).rounded(.toNearestOrEven)
        let angle = 2 * WideReal.pi * (WideReal(turns) - quarters / 4)
        return switch Int(quarters.truncatingRemainder(dividingBy: 4) + 4) % 4 {
        case 1: (cos(angle), -sin(angle))
        case 2: (-sin(angle), -cos(angle))
        case 3: (-cos(angle), sin(angle))
        default: (sin(angle), cos(angle))
        }
    }

    @Test func sineAndCosine() {
        var worst = (sine: 0.0, cosine: 0.0)
        // Below that, parts of 2π · t are subnormal.
        for turns in Self.values where turns == 0 || (1e-290..<1000).contains(turns.magnitude) {
            let got = ElementaryFunctions.sineAndCosine(turns: turns), want = Self.reference(turns: turns)
            worst.sine = max(worst.sine, KernelElementaryTests.ulps(got.sine, want.sine))
            worst.cosine = max(worst.cosine, KernelElementaryTests.ulps(got.cosine, want.cosine))
        }
        #expect(worst.sine <= 1 && worst.cosine <= 1, "\(worst)")
        #expect(ElementaryFunctions.sineAndCosine(turns: .infinity).sine.isNaN)
        for quarter in -9...9 {
            let (sine, cosine) = ElementaryFunctions.sineAndCosine(turns: Double(quarter) / 4)
            let expected = [(0.0, 1.0), (1, 0), (0, -1), (-1, 0)][(quarter % 4 + 4) % 4]
            #expect(sine == expected.0 && cosine == expected.1, "\(quarter)")
        }
        let (sine, cosine) = ElementaryFunctions.sineAndCosine(turns: 1e300)
        #expect(sine == 0 && cosine == 1)
    }

    @Test func powers() {
        for base in [0.0, 0.1, 0.5, 0.9, 0.999, 1, 1.5, 3] {
            for exponent in [0.0, 0.25, 1, 2, 3.7, 10, 100.5, 999] {
                let got = ElementaryFunctions.power(base, exponent), want = pow(base, exponent)
                let error = KernelElementaryTests.ulps(got, WideReal(want))
                #expect(error <= 3 + exponent, "\(base) to the power of \(exponent): \(got), not \(want)")
            }
            #expect(ElementaryFunctions.power(base, 5) == base * ((base * base) * (base * base)))
        }
        #expect(ElementaryFunctions.power(2, -3) == 0.125 && ElementaryFunctions.power(0.0, 0) == 1)
        #expect(ElementaryFunctions.power(0.5, 1e300) == 0)
    }

    /// A few results to the last bit: whoever changes them changes the bits of trainings.
    @Test func resultsAreFixed() {
        let (sine, cosine) = ElementaryFunctions.sineAndCosine(turns: 0.1)
        let results = [
            ElementaryFunctions.exp(1), ElementaryFunctions.exp(-20.3), ElementaryFunctions.expm1(1e-3),
            ElementaryFunctions.log(10), ElementaryFunctions.log(0.3), ElementaryFunctions.tanh(0.4),
            ElementaryFunctions.tanh(-1.7), sine, cosine, ElementaryFunctions.power(0.9, 2.5),
        ]
        #expect(results.map(\.bitPattern) == Self.fixedResults)
    }

    private static let fixedResults: [UInt64] = [
        0x4005_bf0a_8b14_5769, 0x3e1a_3b8d_c86d_1c8e, 0x3f50_6466_dfb8_cf3a, 0x4002_6bb1_bbb5_5516,
        0xbff3_4378_fcbd_a721, 0x3fd8_5115_73c2_42d6, 0xbfed_eedf_00d3_e7f5, 0x3fe2_cf23_0475_5a5e,
        0x3fe9_e377_9b97_f4a8, 0x3fe8_9701_ca9c_f25e,
    ]
}
