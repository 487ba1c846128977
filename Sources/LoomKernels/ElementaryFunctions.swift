/// Functions of one number, the same bits on every machine: made of +, −, × and ÷, which IEEE 754 defines to the last bit.
/// The system's own (`exp`, `sin`, …) are as accurate, but differ from library to library.
///
/// Results are within 1 unit in the last place of the true ones, those of `expm1` and `tanh` within 2; `power` adds half a
/// unit for every factor. The reductions and minimax polynomials of `exp`, `log` and `tanh` are those of the vector kernels
/// (`CKernels/simd/elementary.h`); sine and cosine have the polynomials of Sun's fdlibm (1993).
package enum ElementaryFunctions {
    // 40 bits, so that the product with an exponent is exact, and the rest.
    private static let ln2High = 0x1.62e42fefa2p-1
    private static let ln2Low = 0x1.9ef35793c7673p-41

    /// eˣ, subnormal results included.
    package static func exp(_ x: Double) -> Double {
        if x.isNaN { return x }
        if x > 710 { return .infinity }
        if x < -746 { return 0 }
        let (exponent, rest) = reduced(x)
        // Two factors, because 2ⁿ itself may be no normal number.
        let half = exponent / 2
        return (1 + rest) * powerOfTwo(half) * powerOfTwo(exponent - half)
    }

    /// eˣ − 1, accurate for small x.
    package static func expm1(_ x: Double) -> Double {
        if x.isNaN || x == 0 { return x }
        if x > 709 { return exp(x) }
        if x < -60 { return -1 }
        let (exponent, rest) = reduced(x)
        let power = powerOfTwo(exponent)
        return rest * power + (power - 1)
    }

    /// The natural logarithm; −∞ of 0, NaN of negative numbers.
    package static func log(_ x: Double) -> Double {
        if x.isNaN || x < 0 { return .nan }
        if x == 0 { return -.infinity }
        if x == .infinity { return x }
        // x = 2ᵏ (1 + f) with √½ <= 1 + f < √2.
        var exponent = Int(x.exponent)
        var significand = x.significand
        if significand > 0x1.6a09e667f3bcdp+0 {
            significand *= 0.5
            exponent += 1
        }
        let f = significand - 1
        let s = f / (2 + f)
        let z = s * s
        let even = 0x1.999999997f387p-2 + z * z * (0x1.c71c5182fceccp-3 + z * z * 0x1.399ea1a9aeb9cp-3)
        let odd =
            0x1.5555555555594p-1
            + z * z * (0x1.249249428c3e6p-2 + z * z * (0x1.74665c1929236p-3 + z * z * 0x1.2f261ac5f26adp-3))
        let rest = z * (odd + z * even)
        let halfSquare = 0.5 * f * f
        let k = Double(exponent)
        return k * ln2High - ((halfSquare - (s * (halfSquare + rest) + k * ln2Low)) - f)
    }

    /// The hyperbolic tangent.
    package static func tanh(_ x: Double) -> Double {
        let magnitude = x.magnitude
        if magnitude.isNaN { return x }
        let result: Double
        if magnitude < 0.5 {
            let m = expm1(-2 * magnitude)
            result = -m / (m + 2)
        } else {
            result = 1 - 2 / (expm1(2 * min(magnitude, 30)) + 2)
        }
        return x.sign == .minus ? -result : result
    }

    /// Sine and cosine of an angle in turns: sin 2πt and cos 2πt. Quarters of a turn give 0 and ±1 exactly.
    package static func sineAndCosine(turns: Double) -> (sine: Double, cosine: Double) {
        guard turns.isFinite else { return (.nan, .nan) }
        // The nearest quarter, and the exact rest, at most an eighth.
        let quarters = (turns * 4).rounded(.toNearestOrEven)
        let rest = turns - quarters * 0.25
        // 2π · rest in two parts; the first factors have 26 bits, so that their product is exact.
        let restHigh = Double(bitPattern: rest.bitPattern & 0xffff_ffff_f800_0000)
        let high = restHigh * 0x1.921fb5p+2
        let low = restHigh * 0x1.110b4611a6263p-24 + (rest - restHigh) * 0x1.921fb54442d18p+2
        let angle = high + low
        let angleRest = (high - angle) + low
        let (sine, cosine) = (smallSine(angle, angleRest), smallCosine(angle, angleRest))
        switch Int(quarters.truncatingRemainder(dividingBy: 4)) {
        case 1, -3: return (cosine, -sine)
        case 2, -2: return (-sine, -cosine)
        case 3, -1: return (-cosine, sine)
        default: return (sine, cosine)
        }
    }

    /// baseʸ for base ≥ 0: y's whole part by multiplications, the rest as e^(y · log base).
    package static func power(_ base: Double, _ exponent: Double) -> Double {
        let whole = exponent.rounded(.towardZero)
        guard whole.magnitude <= 0x1p53 else { return exp(exponent * log(base)) }
        let power = power(base, Int(whole))
        return whole == exponent ? power : power * exp((exponent - whole) * log(base))
    }

    /// baseⁿ by repeated squaring; 1 for n = 0.
    package static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        var square = base
        var rest = exponent.magnitude
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return exponent < 0 ? 1 / result : result
    }

    // MARK: Parts

    /// x = n ln 2 + r with |r| <= ln 2 / 2: n, and eʳ − 1.
    private static func reduced(_ x: Double) -> (exponent: Int, rest: Double) {
        let n = (x * 0x1.71547652b82fep+0).rounded(.toNearestOrEven)
        let high = x - n * ln2High
        let low = n * ln2Low
        let r = high - low
        let z = r * r
        let even =
            0x1.000000000000cp-1
            + z
            * (0x1.555555554fff0p-5
                + z * (0x1.6c16c185b5c66p-10 + z * (0x1.a019966b2b424p-16 + z * 0x1.28b06fd67c9e1p-22)))
        let odd =
            0x1.5555555555561p-3
            + z
            * (0x1.111111110d5fap-7
                + z * (0x1.a01a01bafa00fp-13 + z * (0x1.71dddf925fdaap-19 + z * 0x1.af85e8aa68591p-26)))
        // What r lost in rounding: its derivative is about 1 + r.
        let lost = (high - r) - low
        return (Int(n), r + (z * (even + r * odd) + (lost + lost * r)))
    }

    /// 2ⁿ for exponents of normal numbers.
    private static func powerOfTwo(_ exponent: Int) -> Double {
        Double(bitPattern: UInt64(exponent + 1023) << 52)
    }

    /// sin(x + rest) for |x| <= π/4 and a rest below x's last place.
    private static func smallSine(_ x: Double, _ rest: Double) -> Double {
        let z = x * x
        let cube = z * x
        let tail =
            8.333_333_333_322_489_461_24e-03
            + z
            * (-1.984_126_982_985_794_931_34e-04
                + z
                * (2.755_731_370_707_006_767_89e-06
                    + z * (-2.505_076_025_340_686_341_95e-08 + z * 1.589_690_995_211_550_102_21e-10)))
        return x - ((z * (0.5 * rest - cube * tail) - rest) + cube * 1.666_666_666_666_663_243_48e-01)
    }

    /// cos(x + rest) for the same.
    private static func smallCosine(_ x: Double, _ rest: Double) -> Double {
        let z = x * x
        let tail =
            z
            * (4.166_666_666_666_660_190_37e-02
                + z
                * (-1.388_888_888_887_410_957_49e-03
                    + z
                    * (2.480_158_728_947_672_941_78e-05
                        + z
                        * (-2.755_731_435_139_066_330_35e-07
                            + z * (2.087_572_321_298_174_827_90e-09 + z * -1.135_964_755_778_819_482_65e-11)))))
        let half = 0.5 * z
        let first = 1 - half
        return first + (((1 - first) - half) + (z * tail - x * rest))
    }
}
