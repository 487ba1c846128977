/// Random numbers as a function: every value depends on (seed, purpose, sub-stream, index) and on nothing else.
///
/// Any thread can compute any value in any order, so results do not depend on how work is divided. The function is
/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3",
/// doi:10.1145/2063384.2063405): the seed is its key; index, purpose and sub-stream are its counter.
public struct CounterRandom: Sendable {
    /// What numbers are drawn for. Two purposes never share a number. The raw values are part of the file formats
    /// and of every published result: they never change.
    public enum Purpose: UInt32, Sendable, CaseIterable {
        /// the order of the samples in an epoch; sub-stream 0, index: the epoch
        case epochOrder = 1
        /// which samples belong to the validation part
        case split = 2
        /// first weights; sub-stream: the layer
        case initialization = 3
        /// the parameters of a synthetic task: teacher weights, centres, coefficients; sub-stream: the tensor
        case teacher = 4
        /// the inputs of synthetic samples
        case syntheticInputs = 5
        /// the noise of synthetic samples
        case syntheticNoise = 6
        /// choices per synthetic sample other than inputs and noise
        case syntheticChoice = 7
        /// values that only tests and benchmarks use
        case measurement = 8
        /// the trials of a search for hyperparameters; sub-stream: the key, index: the draw
        case search = 9
    }

    @usableFromInline let key0: UInt32
    @usableFromInline let key1: UInt32
    @usableFromInline let purpose: UInt32
    @usableFromInline let subStream: UInt32

    /// The numbers of `purpose` for `seed`; `subStream` tells apart layers, tensors or the like.
    @inlinable
    public init(seed: UInt64, purpose: Purpose, subStream: UInt32 = 0) {
        self.key0 = UInt32(truncatingIfNeeded: seed)
        self.key1 = UInt32(truncatingIfNeeded: seed >> 32)
        self.purpose = purpose.rawValue
        self.subStream = subStream
    }

    /// 128 random bits.
    @inlinable
    public func bits(at index: UInt64) -> SIMD4<UInt32> {
        let counter = SIMD4<UInt32>(
            UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32), purpose, subStream)
        return Self.philox(counter: counter, key0: key0, key1: key1)
    }

    /// Two independent numbers, uniform in the open interval (0, 1) with 52 bits each: the values
    /// `uniform(at: 2 * pair)` and `uniform(at: 2 * pair + 1)`.
    @inlinable
    public func uniformPair(at pair: UInt64) -> (Double, Double) {
        let bits = bits(at: pair)
        return (Self.unitInterval(bits.x, bits.y), Self.unitInterval(bits.z, bits.w))
    }

    /// A number uniform in the open interval (0, 1), with 52 random bits.
    @inlinable
    public func uniform(at index: UInt64) -> Double {
        let pair = uniformPair(at: index >> 1)
        return index & 1 == 0 ? pair.0 : pair.1
    }

    /// Two independent numbers from the standard normal distribution: the values `normal(at: 2 * pair)` and
    /// `normal(at: 2 * pair + 1)`; one call costs half as much as two calls of `normal`.
    ///
    /// Box and Muller 1958, doi:10.1214/aoms/1177706645.
    public func normalPair(at pair: UInt64) -> (Double, Double) {
        let (first, second) = uniformPair(at: pair)
        let radius = (-2 * ElementaryFunctions.log(first)).squareRoot()
        let (sine, cosine) = ElementaryFunctions.sineAndCosine(turns: second)
        return (radius * cosine, radius * sine)
    }

    /// A number from the standard normal distribution.
    @inlinable
    public func normal(at index: UInt64) -> Double {
        let pair = normalPair(at: index >> 1)
        return index & 1 == 0 ? pair.0 : pair.1
    }

    /// An integer uniform in 0 ..< `bound`, 1 ≤ `bound` ≤ 2³²; its bias is below `bound` / 2⁶⁴.
    @inlinable
    public func integer(below bound: Int, at index: UInt64) -> Int {
        assert(bound >= 1 && bound <= 1 << 32, "the bound is between 1 and 2³²")
        let bits = bits(at: index)
        let wide = UInt64(bits.y) << 32 | UInt64(bits.x)
        return Int(truncatingIfNeeded: wide.multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// The middle of one of the 2⁵² equal parts of (0, 1): never 0 and never 1.
    @inlinable
    static func unitInterval(_ low: UInt32, _ high: UInt32) -> Double {
        let wide = UInt64(high) << 32 | UInt64(low)
        return (Double(wide >> 12) + 0.5) * 0x1p-52
    }

    /// Philox4x32 itself, with the constants of the paper.
    @inlinable
    static func philox(
        counter: SIMD4<UInt32>, key0: UInt32, key1: UInt32, rounds: Int = 10
    ) -> SIMD4<UInt32> {
        var (c0, c1, c2, c3) = (counter.x, counter.y, counter.z, counter.w)
        var (k0, k1) = (key0, key1)
        for _ in 0..<rounds {
            let product0 = UInt64(0xD251_1F53) &* UInt64(c0)
            let product1 = UInt64(0xCD9E_8D57) &* UInt64(c2)
            c0 = UInt32(truncatingIfNeeded: product1 >> 32) ^ c1 ^ k0
            c1 = UInt32(truncatingIfNeeded: product1)
            c2 = UInt32(truncatingIfNeeded: product0 >> 32) ^ c3 ^ k1
            c3 = UInt32(truncatingIfNeeded: product0)
            k0 = k0 &+ 0x9E37_79B9
            k1 = k1 &+ 0xBB67_AE85
        }
        return SIMD4(c0, c1, c2, c3)
    }
}
