import CKernels

/// Vector instructions that the kernels exist for. All give the same bits; the wider ones are faster.
public enum InstructionSet: String, BitwiseCopyable, Sendable, CaseIterable, Codable {
    /// What every processor of the architecture has: SSE2 on x86-64, where fused multiply-adds are slow; NEON on arm64.
    case baseline
    /// AVX2, FMA and BMI2.
    case avx2
    /// AVX-512 F, BW, DQ and VL, FMA and BMI2.
    case avx512

    /// A request for instructions that the processor or the operating system lacks.
    public struct Unsupported: Error, CustomStringConvertible {
        /// What was asked for.
        public let requested: InstructionSet

        /// The sentence for the user.
        public var description: String {
            let present = InstructionSet.allCases.filter(\.isSupported).map(\.rawValue).joined(separator: ", ")
            return "parallel.instruction_set is \(requested.rawValue), which this processor does not have; it has "
                + "\(present): choose one of these, or auto"
        }
    }

    /// Those that this program has kernels for.
    public static var compiled: [InstructionSet] {
        #if arch(x86_64)
            allCases
        #else
            [.baseline]
        #endif
    }

    /// Whether this machine can run it.
    public var isSupported: Bool { loom_supports_instruction_set(kernels) != 0 }

    /// The one in use: the best that the machine can run, until another one is selected.
    public static var active: InstructionSet {
        allCases.first { $0.kernels == loom_active_instruction_set() } ?? .baseline
    }

    /// Uses it from now on, in the whole process. Threads may run kernels meanwhile.
    /// - Throws: `Unsupported`; nothing is changed then.
    public func select() throws(Unsupported) {
        guard loom_select_instruction_set(kernels) != 0 else { throw Unsupported(requested: self) }
    }

    var kernels: loom_instruction_set {
        switch self {
        case .baseline: LOOM_BASELINE
        case .avx2: LOOM_AVX2
        case .avx512: LOOM_AVX512
        }
    }
}
