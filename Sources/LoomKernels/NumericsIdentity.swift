/// The name of a definition of a training's bits.
///
/// Two trainings of one configuration under one identity have the same parameters bit by bit, on any processor and with any
/// number of workers, except under `openBLAS`. It changes only on purpose: when a kernel, a sum's order, an elementary
/// function or a random number gets other bits, a new identity takes its place. Runs and checkpoints carry it, and a
/// training goes on under the identity that it began with.
public struct NumericsIdentity: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The name in events, summaries and checkpoints.
    public let rawValue: String

    /// An identity that another version may have written.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The built-in kernels: every element of a product is a chain of fused multiply-adds along the inner dimension, other
    /// sums are defined over 16 positions, no function of the system's mathematical library is used, and the coefficients
    /// of an update are computed in float64 and rounded once.
    public static let fma2 = NumericsIdentity(rawValue: "fma-2")
    /// As `fma2`, but in float32 Adam subtracted its decays from 1 after they were rounded.
    public static let fma1 = NumericsIdentity(rawValue: "fma-1")
    /// What checkpoints without the entry were written under: bits that depended on the processor.
    public static let fma0 = NumericsIdentity(rawValue: "fma-0")
    /// Products by OpenBLAS, whose bits depend on its version and on the processor.
    public static let openBLAS = NumericsIdentity(rawValue: "openblas")

    /// The name.
    public var description: String { rawValue }
}

extension GemmBackend {
    /// The identity of a training whose matrices it multiplies.
    public var numerics: NumericsIdentity { self == .builtin ? .fma2 : .openBLAS }
}
