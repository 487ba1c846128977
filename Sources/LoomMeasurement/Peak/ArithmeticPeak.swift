import CHardware
import LoomHardware
import LoomKernels
import LoomRuns
import LoomTraining

/// Instructions that multiply and add.
public enum ArithmeticInstructions: String, Sendable, CaseIterable, Codable {
    /// What every processor of the architecture has.
    case baseline
    /// 32-byte vectors with fused multiply-add.
    case avx2
    /// 64-byte vectors with fused multiply-add.
    case avx512
    /// AVX-512's products of pairs of bfloat16, added up in float32.
    case vdpbf16ps
    /// Products of tiles of bfloat16, added up in float32.
    case amxBF16 = "amx_bf16"

    /// Those of this package's kernels in this process.
    public static var ofKernels: ArithmeticInstructions {
        ArithmeticInstructions(InstructionSet.active)
    }

    /// Those that `provider` multiplies with, the widest of the processor for OpenBLAS: it chooses for itself.
    public static func inUse(by provider: GemmBackend) -> ArithmeticInstructions {
        provider == .builtin ? ofKernels : [.avx512, .avx2].first { $0.loop(.float32) != nil } ?? .baseline
    }

    /// Those that a training multiplies with: of mixed precision if it has any, and otherwise of `provider`.
    public static func inUse(by provider: GemmBackend, _ bfloat16: BFloat16Products?) -> ArithmeticInstructions {
        guard let bfloat16 else { return inUse(by: provider) }
        guard bfloat16.isAccelerated else { return bfloat16.portable.map(ArithmeticInstructions.init) ?? ofKernels }
        return bfloat16.definition == .tiles ? .amxBF16 : .vdpbf16ps
    }

    private init(_ set: InstructionSet) {
        self =
            switch set {
            case .baseline: .baseline
            case .avx2: .avx2
            case .avx512: .avx512
            }
    }

    /// For tables: "AVX-512".
    public var title: String {
        switch self {
        case .baseline:
            #if arch(x86_64)
                "SSE2"
            #elseif arch(arm64)
                "NEON"
            #else
                "baseline"
            #endif
        case .avx2: "AVX2"
        case .avx512: "AVX-512"
        case .vdpbf16ps: "AVX-512 VDPBF16PS"
        case .amxBF16: "AMX tiles"
        }
    }

    /// Whether the factors are bfloat16, whatever precision is asked for.
    public var multipliesBF16: Bool { self == .vdpbf16ps || self == .amxBF16 }

    /// The loop in registers; nil where processor or system do not have the instructions.
    func loop(_ precision: Precision) -> loom_arithmetic_loop? {
        let isSingle = precision == .float32
        let arithmetic =
            switch self {
            case .baseline: isSingle ? LOOM_BASELINE_F32 : LOOM_BASELINE_F64
            case .avx2: isSingle ? LOOM_AVX2_F32 : LOOM_AVX2_F64
            case .avx512: isSingle ? LOOM_AVX512_F32 : LOOM_AVX512_F64
            case .vdpbf16ps: LOOM_AVX512_BF16
            case .amxBF16: LOOM_AMX_BF16
            }
        let loop = loom_arithmetic_loop_of(arithmetic)
        return loop.run == nil ? nil : loop
    }
}

/// The arithmetic peak: the most operations a second of the instructions in use, with all workers of a team at once, each
/// in its place as in training. It is the ceiling that the speed of a training is held against.
///
/// A loop of multiply-adds in registers measures it, and not a library's product: that says how good the library is, and a
/// good training is faster than a bad library. Nothing that multiplies with these instructions on these cores can be faster
/// than the loop *at the same moment*. But moments differ: clocks go up and down with heat and with neighbours on the same
/// host, which this system does not see, and other programs take their part. All of that can only make a measurement too
/// low, never too high. Hence four rules, which `train`, `peak` and step-speed share:
///
/// - A measurement is the highest of rounds that go on until more of them bring nothing higher.
/// - Of several measurements on one machine the highest counts: a lower figure never takes the place of a higher one in the
///   `CeilingCache`.
/// - One that was taken while others had the cores is used but not trusted: it is measured again next time.
/// - Whoever was faster than the ceiling, a training or a product, has shown that it was too low. It is measured again, and
///   if it stays below, that speed itself is the ceiling from then on. So a share is never above 1.
///
/// A share can still be too low, where the ceiling was measured in a better moment than the training: that is what the
/// share of time that others had, reported beside it, is for.
public struct ArithmeticPeak: Sendable, Equatable {
    /// All workers together, in GFLOP/s.
    public private(set) var gflops: Double
    /// The instructions that were measured.
    public let instructions: ArithmeticInstructions
    /// Whether the figure was measured earlier, and kept in a `CeilingCache`.
    public private(set) var isCached: Bool

    /// Measures the instructions that `provider` multiplies with on every worker of `team` at the same time.
    public init<Scalar: LoomScalar>(
        _ type: Scalar.Type, provider: GemmBackend = .preferred, bfloat16: BFloat16Products? = nil, team: WorkerTeam
    ) {
        instructions = .inUse(by: provider, bfloat16)
        gflops = Self.measure(type, instructions, team: team)
        isCached = false
    }

    /// The figure kept in `cache`; or else, and where it is not trusted, one that is measured now and kept there. Without
    /// a cache it is measured now.
    public init<Scalar: LoomScalar>(
        _ type: Scalar.Type, provider: GemmBackend = .preferred, bfloat16: BFloat16Products? = nil, team: WorkerTeam,
        machine: MachineSetup, cache: CeilingCache?
    ) {
        let instructions = ArithmeticInstructions.inUse(by: provider, bfloat16)
        let key = CeilingCache.Key(machine, instructions: instructions, precision: Scalar.precision)
        if let kept = cache?.figure(for: key), kept.isTrusted {
            self.init(gflops: kept.gflops, instructions: instructions, isCached: true)
        } else {
            self.init(gflops: 0, instructions: instructions, isCached: false)
            measureAgain(type, team: team, machine: machine, cache: cache)
        }
    }

    init(gflops: Double, instructions: ArithmeticInstructions, isCached: Bool) {
        self.gflops = gflops
        self.instructions = instructions
        self.isCached = isCached
    }

    /// Makes the ceiling at least what was reached below it: where `speed` in GFLOP/s is higher, measures again, and
    /// takes the speed itself if that brings less. Returns whether there was a reason.
    @discardableResult
    public mutating func raise<Scalar: LoomScalar>(
        toReach speed: Double, _ type: Scalar.Type, team: WorkerTeam, machine: MachineSetup, cache: CeilingCache?
    ) -> Bool {
        guard speed.isFinite, speed > gflops else { return false }
        measureAgain(type, team: team, machine: machine, cache: cache)
        if speed > gflops { keep(.init(gflops: speed, otherWorkFraction: nil), Scalar.precision, machine, cache) }
        return true
    }

    private mutating func measureAgain<Scalar: LoomScalar>(
        _ type: Scalar.Type, team: WorkerTeam, machine: MachineSetup, cache: CeilingCache?
    ) {
        let contention = machine.contention()
        let measured = Self.measure(type, instructions, team: team)
        keep(.init(gflops: measured, otherWorkFraction: contention.fraction()), Scalar.precision, machine, cache)
    }

    private mutating func keep(
        _ figure: CeilingCache.Figure, _ precision: Precision, _ machine: MachineSetup, _ cache: CeilingCache?
    ) {
        let key = CeilingCache.Key(machine, instructions: instructions, precision: precision)
        gflops = max(gflops, figure.gflops, cache?.keep(figure, for: key)?.gflops ?? 0)
        isCached = false
    }

    private static func measure<Scalar: LoomScalar>(
        _: Scalar.Type, _ instructions: ArithmeticInstructions, team: WorkerTeam
    ) -> Double {
        // Where there is no loop for the architecture, the best large product has to do.
        let probes =
            Probe.arithmetic(instructions, Scalar.precision, team: team).map { [$0] }
            ?? GemmBackend.allCases.map {
                Probe.product(PeakMeasurement.largeProduct(Scalar.precision), Scalar.self, provider: $0, team: team)
            }
        return Probe.highest(probes, secondsPerRound: 0.01)
    }
}

extension Probe {
    /// The speed of the loop on every worker at the same time: GFLOP/s of all workers together. Nil where there is none.
    static func arithmetic(
        _ instructions: ArithmeticInstructions, _ precision: Precision, team: WorkerTeam
    ) -> Probe? {
        guard let loop = instructions.loop(precision), let run = loop.run else { return nil }
        // So many passes that the call itself does not count.
        let passes = 1000
        return Probe(
            seconds: { repetitions in team.seconds { _ in run(UInt64(repetitions * passes)) } },
            figure: { [workers = team.workers] in Double(workers * passes) * Double(loop.operations) / $0 / 1e9 })
    }

    /// The highest figure of any of `probes`: of five rounds at least, and of more, up to 40, as long as one of the last
    /// five was higher than all before it.
    static func highest(_ probes: [Probe], secondsPerRound seconds: Double) -> Double {
        let repetitions = probes.map { $0.repetitions(inSeconds: seconds) }
        var (highest, roundsSince) = (0.0, 0)
        for _ in 0..<40 where roundsSince < 5 {
            let figure = zip(probes, repetitions).map { $0.figure($0.seconds($1) / Double($1)) }.max() ?? 0
            // The last digits of a clock that does not change would never settle.
            roundsSince = figure > 1.002 * highest ? 1 : roundsSince + 1
            highest = max(highest, figure)
        }
        return highest
    }
}
