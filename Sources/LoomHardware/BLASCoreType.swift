/// How fast OpenBLAS multiplies large matrices with the kernels for one type of core, as measured in a process of its own:
/// the variable `OPENBLAS_CORETYPE` counts when the library is loaded.
public struct BLASCoreType: Sendable, Codable, Equatable {
    /// The variable's value; nil: not set.
    public let variable: String?
    /// The kernels that OpenBLAS then had.
    public let core: String
    /// One worker's speed in GFLOP/s.
    public let gflops: Double

    /// A measurement.
    public init(variable: String?, core: String, gflops: Double) {
        self.variable = variable
        self.core = core
        self.gflops = gflops
    }

    private enum CodingKeys: String, CodingKey { case variable, core, gflops }

    /// Writes every key; a variable that is not set is null.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(variable, forKey: .variable)
        try container.encode(core, forKey: .core)
        try container.encode(gflops, forKey: .gflops)
    }

    /// Whether OpenBLAS took the kernels that the variable names; it takes others without a word to standard output where
    /// its build does not have them.
    public var isHonoured: Bool { variable.map { $0.lowercased() == core.lowercased() } ?? true }

    /// The values worth trying on a processor with the features `flags` (as in /proc/cpuinfo) besides `current`, which is
    /// what the environment has; nil: not set. None of them has instructions that the processor lacks.
    public static func candidates(flags: Set<String>, current: String?) -> [String?] {
        var candidates: [String?] = current == nil ? [] : [nil]
        if flags.isSuperset(of: ["avx2", "fma"]) { candidates.append("Haswell") }
        if flags.isSuperset(of: ["avx512f", "avx512bw", "avx512dq", "avx512vl"]) {
            candidates.append("SkylakeX")
            if flags.contains("avx512_bf16") { candidates.append("Cooperlake") }
            if flags.contains("amx_bf16") { candidates.append("SapphireRapids") }
        }
        return candidates.filter { $0 == nil || $0?.lowercased() != current?.lowercased() }
    }

    /// The kernels to take instead of `current`'s, where others were at least a tenth faster; nil otherwise: so much two
    /// measurements of the same kernels may differ. Of values that are about as fast, none at all is the best, and then the
    /// first.
    public static func better(than current: BLASCoreType, among others: [BLASCoreType]) -> BLASCoreType? {
        let known = others.filter(\.isHonoured)
        guard let fastest = known.map(\.gflops).max(), fastest >= 1.1 * current.gflops else { return nil }
        let good = known.filter { $0.gflops >= fastest / 1.1 && $0.gflops >= 1.1 * current.gflops }
        return good.first { $0.variable == nil } ?? good.first
    }

    /// What a user should do with the variable, where another value than `current`'s is better; nil otherwise.
    public static func advice(current: BLASCoreType, others: [BLASCoreType]) -> String? {
        guard let best = better(than: current, among: others) else { return nil }
        func speed(_ type: BLASCoreType) -> String { "\(Int(type.gflops.rounded())) GFLOP/s with \(type.core) kernels" }
        let was = current.variable.map { "OPENBLAS_CORETYPE=\($0)" } ?? "OPENBLAS_CORETYPE not set"
        let measured = "On one worker OpenBLAS had \(speed(current)) (\(was)) and \(speed(best))"
        guard let value = best.variable else {
            return "\(measured) without OPENBLAS_CORETYPE: unset it where OpenBLAS multiplies."
        }
        return "\(measured) (OPENBLAS_CORETYPE=\(value)): set it where OpenBLAS multiplies."
    }
}
