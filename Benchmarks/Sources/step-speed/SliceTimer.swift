import Gradloom
import Workloads

/// Times slices of one workload's steps, each of at least a tenth of a second, beside the ceiling.
struct SliceTimer {
    let trainer: Trainer<Float>
    let blas: String
    /// Half of a slice's.
    private let steps: Int

    /// Plans the workload and warms it up.
    init(_ workload: Workload, machine: MachineSetup, adjust: (inout TeamPlan) -> Void) throws {
        trainer = try workload.trainer(Float.self, machine: machine, adjust: adjust)
        steps = try trainer.warmedUp(seconds: 0.05)
        blas = "\(machine.blas.version), \(machine.blas.coreName)"
    }

    /// The ceiling, and then the steps, whose caches half a slice has filled again.
    /// - Throws: `StepsLeftOut`.
    func slice() throws -> Slice {
        let ceiling = GemmCeiling(Float.self, team: trainer.team).gflops
        _ = try trainer.trained(steps: steps)
        let report = try trainer.trained(steps: 2 * steps)
        let speed = Double(report.samples) / report.seconds
        return Slice(
            samplesPerSecond: speed, gflops: speed * trainer.network.operationsPerSample / 1e9, ceilingGflops: ceiling,
            forkedAndJoined: report.region?.mode == .forkJoin, peakResidentBytes: ResidentMemory.peakBytes(), blas: blas
        )
    }

    /// Answers every line of the input with a slice as a line of JSON. A first line says that it is ready.
    /// - Throws: `StepsLeftOut`.
    func takeTurns() throws {
        try JSONLines.print(["steps": 2 * steps])
        while readLine() != nil { try JSONLines.print(slice()) }
    }
}

/// What a slice of steps has shown.
struct Slice: Encodable {
    let samplesPerSecond: Double
    let gflops: Double
    /// Matrix products of all workers at once, just before.
    let ceilingGflops: Double
    let forkedAndJoined: Bool
    /// The largest resident set that this process has had.
    let peakResidentBytes: Int?
    let blas: String

    enum CodingKeys: String, CodingKey {
        case gflops, blas
        case samplesPerSecond = "samples_per_second"
        case ceilingGflops = "ceiling_gflops"
        case forkedAndJoined = "forked_and_joined"
        case peakResidentBytes = "peak_resident_bytes"
    }
}
