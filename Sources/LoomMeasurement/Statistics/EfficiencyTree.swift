/// What an efficiency tree is made of: how long some workers took for some work, and how much of it was useful.
public struct ParallelRun: Sendable, Equatable {
    /// From the beginning to the end.
    public var runtimeSeconds: Double
    /// The time that each worker computed: without waiting, and without what only moves work about.
    public var usefulSeconds: [Double]
    /// How long the run would take if meeting and moving data cost nothing, and workers only waited for each other's work;
    /// nil where it is not known.
    public var idealRuntimeSeconds: Double?
    /// How much was done, in a unit that the runs to be compared share, for example samples.
    public var work: Double
    /// Instructions of all workers while they computed; nil without counters.
    public var instructions: Double?
    /// Cycles of all workers while they computed; nil without counters.
    public var cycles: Double?

    /// A run whose workers computed `usefulSeconds` each.
    public init(
        runtimeSeconds: Double, usefulSeconds: [Double], idealRuntimeSeconds: Double? = nil, work: Double,
        instructions: Double? = nil, cycles: Double? = nil
    ) {
        self.runtimeSeconds = runtimeSeconds
        self.usefulSeconds = usefulSeconds
        self.idealRuntimeSeconds = idealRuntimeSeconds
        self.work = work
        self.instructions = instructions
        self.cycles = cycles
    }

    /// A run of phases, one after the other, in each of which `phases[phase][worker]` seconds were useful and at the end of
    /// which all workers wait for the slowest. A phase of each step is an entry of its own: sums over steps would hide that
    /// another worker was the slowest in each of them.
    ///
    /// Were waiting for nobody's work free, the run would take the slowest worker's time of each phase.
    public init(
        runtimeSeconds: Double, phases: [[Double]], work: Double, instructions: Double? = nil, cycles: Double? = nil
    ) {
        let workers = phases.map(\.count).max() ?? 0
        self.init(
            runtimeSeconds: runtimeSeconds,
            usefulSeconds: (0..<workers).map { worker in
                phases.reduce(0) { $0 + (worker < $1.count ? $1[worker] : 0) }
            },
            idealRuntimeSeconds: phases.reduce(0) { $0 + ($1.max() ?? 0) }, work: work, instructions: instructions,
            cycles: cycles)
    }
}

/// Where the efficiency of a parallel run goes, as a tree of factors whose product is the whole: the POP project's standard
/// metrics (co-design.pop-coe.eu/metrics). 1 is perfect; POP calls 0.8 acceptable; factors of computation can be above 1.
///
/// ```
/// global
/// ├ parallel                      mean useful time / runtime
/// │ ├ load balance                mean useful time / longest useful time
/// │ └ communication               longest useful time / runtime
/// │   ├ serialisation             longest useful time / ideal runtime
/// │   └ transfer                  ideal runtime / runtime
/// └ computation                   useful time of the reference / useful time, all workers together
///   ├ instruction scaling         instructions of the reference / instructions
///   ├ IPC scaling                 instructions per cycle / those of the reference
///   └ frequency scaling           cycles per useful second / those of the reference
/// ```
///
/// Computation and its factors are for equal work. Where a run does more than its reference, as in weak scaling, both are
/// divided by their work.
public struct EfficiencyTree: Sendable, Equatable, Codable {
    /// Whether all workers have the same to do.
    public let loadBalance: Double
    /// Whether the slowest worker of the whole run was busy all the time: what meetings, data that moves, and waiting for
    /// slower workers of single phases leave.
    public let communication: Double
    /// What workers that wait for each other's work leave; nil where the ideal runtime is not known.
    public let serialisation: Double?
    /// What meeting and moving data leaves; nil where the ideal runtime is not known.
    public let transfer: Double?
    /// Whether workers compute as fast as in the reference; nil without one.
    public let computation: Double?
    /// Whether they need as few instructions; nil without counters.
    public let instructionScaling: Double?
    /// Whether they finish as many instructions in a cycle; nil without counters.
    public let ipcScaling: Double?
    /// Whether their clock is as high; nil without counters.
    public let frequencyScaling: Double?

    /// How well the work is split and brought together: load balance × communication.
    public var parallel: Double { loadBalance * communication }
    /// Parallel efficiency × computation; nil without a reference.
    public var global: Double? { computation.map { parallel * $0 } }

    /// The tree of `run`, whose computation is compared with that of `reference`, most often the run with one worker.
    ///
    /// Nil where a run has no workers, or times, work or counts that are not above 0.
    public init?(_ run: ParallelRun, reference: ParallelRun? = nil) {
        guard run.isMeasured, reference?.isMeasured ?? true else { return nil }
        let longest = run.usefulSeconds.max()!
        loadBalance = run.totalUsefulSeconds / Double(run.usefulSeconds.count) / longest
        if let ideal = run.idealRuntimeSeconds {
            let (serialisation, transfer) = (longest / ideal, ideal / run.runtimeSeconds)
            self.serialisation = serialisation
            self.transfer = transfer
            communication = serialisation * transfer
        } else {
            serialisation = nil
            transfer = nil
            communication = longest / run.runtimeSeconds
        }
        guard let reference else {
            (computation, instructionScaling, ipcScaling, frequencyScaling) = (nil, nil, nil, nil)
            return
        }
        let moreWork = run.work / reference.work
        if let instructions = run.instructions, let cycles = run.cycles,
            let referenceInstructions = reference.instructions, let referenceCycles = reference.cycles
        {
            let instruction = referenceInstructions * moreWork / instructions
            let ipc = instructions / cycles / (referenceInstructions / referenceCycles)
            let frequency = cycles / run.totalUsefulSeconds / (referenceCycles / reference.totalUsefulSeconds)
            (instructionScaling, ipcScaling, frequencyScaling) = (instruction, ipc, frequency)
            computation = instruction * ipc * frequency
        } else {
            (instructionScaling, ipcScaling, frequencyScaling) = (nil, nil, nil)
            computation = reference.totalUsefulSeconds * moreWork / run.totalUsefulSeconds
        }
    }

    /// Below this an efficiency is worth a look: POP's own limit.
    public static let acceptable = 0.8
}

extension ParallelRun {
    fileprivate var totalUsefulSeconds: Double { usefulSeconds.reduce(0, +) }

    fileprivate var isMeasured: Bool {
        usefulSeconds.allSatisfy { $0 >= 0 && $0.isFinite }
            && [runtimeSeconds, totalUsefulSeconds, work, idealRuntimeSeconds ?? 1, instructions ?? 1, cycles ?? 1]
                .allSatisfy { $0 > 0 && $0.isFinite }
    }
}
