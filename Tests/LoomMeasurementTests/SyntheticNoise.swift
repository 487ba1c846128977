import Foundation

/// Random numbers that are the same in every run: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct SyntheticNoise {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Above 0, at most 1.
    mutating func uniform() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((z ^ (z >> 31)) >> 11 + 1) * 0x1p-53
    }

    /// Of the normal distribution with mean 0 and deviation 1 (Box and Muller).
    mutating func normal() -> Double { (-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform()) }

    /// Of the exponential distribution, whose median is log 2: far from symmetric.
    mutating func exponential() -> Double { -log(uniform()) }
}

/// Whether the two differ by no more than rounding.
func isClose(_ first: Double?, _ second: Double, within tolerance: Double = 1e-12) -> Bool {
    first.map { abs($0 - second) <= tolerance * max(1, abs(second)) } ?? false
}
