import GradloomInternals
import Workloads

/// Times slices of one workload's steps, each of at least a tenth of a second, beside the ceiling.
final class SliceTimer {
    let trainer: Trainer<Float>
    /// The highest arithmetic peak so far: what `gradloom train` and `gradloom peak` divide by, too.
    private(set) var ceiling: ArithmeticPeak
    private let machine: MachineSetup
    /// Half of a slice's.
    private let steps: Int

    /// Plans the workload and warms it up.
    init(_ workload: Workload, machine: MachineSetup, adjust: (inout TeamPlan) -> Void) throws {
        let trainer = try workload.trainer(Float.self, machine: machine, adjust: adjust)
        self.trainer = trainer
        self.machine = machine
        ceiling = ArithmeticPeak(
            Float.self, provider: trainer.gemmBackend, bfloat16: trainer.bfloat16, team: trainer.team, machine: machine,
            cache: .user())
        steps = try trainer.warmedUp(seconds: 0.05)
    }

    /// The steps, whose caches half a slice has filled again.
    /// - Throws: `StepsLeftOut`.
    func slice() throws -> Slice {
        _ = try trainer.trained(steps: steps)
        let report = try trainer.trained(steps: 2 * steps)
        let samplesPerSecond = Double(report.samples) / report.seconds
        ceiling.raise(
            toReach: samplesPerSecond * trainer.network.operationsPerSample / 1e9, Float.self, team: trainer.team,
            machine: machine, cache: .user())
        return Slice(
            samplesPerSecond: samplesPerSecond, ceilingGflops: ceiling.gflops,
            forkedAndJoined: report.region?.mode == .forkJoin, peakResidentBytes: ResidentMemory.peakBytes())
    }

    /// Answers every line of the input with a slice as a line of JSON. A first line says what multiplies, and that all is
    /// ready.
    /// - Throws: `StepsLeftOut`.
    func takeTurns(on machine: MachineSetup) throws {
        try JSONLines.print(["blas": machine.blasTitle])
        while readLine() != nil { try JSONLines.print(slice()) }
    }
}

extension MachineSetup {
    /// OpenBLAS's version and the processor that its kernels are for.
    var blasTitle: String { "\(blas.version), \(blas.coreName)" }
}

/// What a slice of steps has shown.
struct Slice: Encodable {
    let samplesPerSecond: Double
    /// The highest arithmetic peak of all workers at once so far.
    let ceilingGflops: Double
    let forkedAndJoined: Bool
    /// The largest resident set that this process has had.
    let peakResidentBytes: Int?

    enum CodingKeys: String, CodingKey {
        case samplesPerSecond = "samples_per_second"
        case ceilingGflops = "ceiling_gflops"
        case forkedAndJoined = "forked_and_joined"
        case peakResidentBytes = "peak_resident_bytes"
    }
}
