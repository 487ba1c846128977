import CKernels

/// Products of bfloat16 factors with sums in float32: under which definition of the bits, and by which instructions.
public struct BFloat16Products: Hashable, Sendable {
    /// A definition of the bits, after the instructions that form them fast. Any x86-64 processor with AVX2 can form both.
    public enum Definition: String, Sendable, CaseIterable, Codable {
        /// tiles (AMX): for every 32 terms of a sum one chain over the even and one over the odd ones
        case tiles = "bf16-amx-1"
        /// VDPBF16PS (AVX-512-BF16): one chain over all terms, of every two the second one first
        case dot = "bf16-dot-1"

        var kernels: loom_bf16_numerics { self == .tiles ? LOOM_BF16_TILES : LOOM_BF16_DOT }

        /// What the bits are called in runs and checkpoints.
        public var numerics: NumericsIdentity { NumericsIdentity(rawValue: rawValue) }

        /// Whether this machine has the instructions, may use them, and is faster with them than with float32. AVX-512-BF16 of
        /// Intel's processors is slower than their float32 (149 against 262 GFLOP/s, two cores of Emerald Rapids).
        public var isAccelerated: Bool {
            guard let kernels = loom_bf16_kernels_of(kernels), kernels.pointee.is_accelerated else { return false }
            return self == .tiles || loom_dot_is_fast()
        }
    }

    /// The definition of the bits.
    public let definition: Definition
    /// The vectors of float32 that form the bits in place of the definition's own instructions; nil: the fastest way there is.
    public let portable: InstructionSet?

    /// Products under `definition`.
    /// - Parameter portable: The vectors that form them without the definition's own instructions; nil: the fastest way.
    public init(_ definition: Definition, portable: InstructionSet? = nil) {
        self.definition = definition
        self.portable = portable
    }

    /// Those that are faster than float32 on this machine; nil: none are.
    public static var accelerated: BFloat16Products? {
        Definition.allCases.first(where: \.isAccelerated).map { BFloat16Products($0) }
    }

    /// What carries them out; nil on other architectures than x86-64.
    package var kernels: UnsafePointer<loom_bf16_kernels>? {
        guard let portable else { return loom_bf16_kernels_of(definition.kernels) }
        return loom_bf16_portable_kernels_of(definition.kernels, portable.kernels)
    }

    /// Whether this machine can carry them out: other architectures than x86-64 cannot.
    public var isAvailable: Bool { kernels != nil }

    /// Whether the definition's own instructions do it.
    public var isAccelerated: Bool { kernels?.pointee.is_accelerated ?? false }

    /// Who multiplies, for machines: "amx_bf16", "avx512_bf16" or "portable_bf16".
    public var name: String {
        guard isAccelerated else { return "portable_bf16" }
        return definition == .tiles ? "amx_bf16" : "avx512_bf16"
    }

    /// What the system says to the use of tiles. Asked once, before threads are started that multiply.
    public static var tilesAreRefused: Bool { loom_request_tiles() == LOOM_TILES_REFUSED }
}
