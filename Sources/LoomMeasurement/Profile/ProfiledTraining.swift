import LoomConfiguration
import LoomData
import LoomHardware
import LoomKernels
import LoomModel
import LoomPlan
import LoomRuns
import LoomTraining

/// One number of workers of a profile: its trainer, and what was measured of it.
final class ProfiledTraining<Scalar: LoomScalar> {
    private let workers: Int
    private let trainer: Trainer<Scalar>
    private let counters: WorkerCounters?
    private let stateBuffers: Int
    /// Made when it is known how long a step takes.
    private var clock: WorkerClockMemory?
    private var stepsPerRegion = 1
    private var speeds: [Double] = []
    private var stepSeconds: [Double] = []
    private var speedsWithClock: [Double] = []
    private var regionsWithClock: [ClockTotals] = []
    private var disturbances: [RegionDisturbance] = []
    private let contestedCPUs: [Int]
    private var measured = StepReport()
    private var teamMode = TeamMode.alone
    private(set) var hasDiverged = false

    var operationsPerSample: Double { trainer.network.operationsPerSample }

    /// - Parameter batch: Samples of a batch; nil: as configured.
    init(
        _ configuration: Configuration, data: SampleFeed<Scalar>, machine: MachineSetup, workers: Int, batch: Int?
    ) throws {
        let counters = machine.binding.map { _ in WorkerCounters(workers: workers) }
        var plan = configuration.teamPlan(on: machine)
        plan.workers = workers
        plan.separatesLayers = true
        plan.binding = machine.binding.flatMap { binding in counters.map { $0.counting(binding) } }
        var schedule = configuration.trainingSchedule
        if let batch { schedule.batchRows = batch }
        // A profile ends by time.
        (schedule.epochs, schedule.maximumSteps) = (1 << 40 / max(1, data.sampleCount / schedule.batchRows), nil)
        trainer = try configuration.trainer(data: data, schedule: schedule, team: plan)
        stateBuffers = [trainer.state.first, trainer.state.second].compactMap { $0 }.count
        self.counters = counters
        self.workers = workers
        contestedCPUs = machine.contestedCPUs
    }

    /// Finds out how many steps a region has: as many as `regionSeconds` take, but no fewer than `steps`.
    func warmUp(regionSeconds: Double, steps: Int) {
        let length = RegionLength(seconds: regionSeconds) { run($0, clock: nil) }
        let clock = WorkerClockMemory(trainer.program)
        // By a disturbed run laps would look cheap, and all steps would have them.
        clock.limitCost(stepSeconds: length.shortestStepSeconds)
        self.clock = clock
        // No region is without measured steps: an epoch's last one may have fewer samples, and is not measured.
        stepsPerRegion = max(length.steps, steps, 2 * clock.measuredEvery)
    }

    /// A region with clocks and one without.
    func runPair(clockFirst: Bool) {
        guard !hasDiverged else { return }
        for isMeasured in clockFirst ? [true, false] : [false, true] {
            let clock = isMeasured ? clock : nil
            let before = clock.map { (totals: $0.totals(), moment: DisturbanceMoment.now(cpus: contestedCPUs)) }
            let report = run(stepsPerRegion, clock: clock)
            guard !hasDiverged else { return }
            let speed = Double(report.samples) / report.seconds
            if isMeasured {
                speedsWithClock.append(speed)
                measured.add(report)
                if let before, let clock {
                    let added = clock.totals().since(before.totals)
                    regionsWithClock.append(added)
                    disturbances.append(
                        before.moment.region(until: .now(cpus: contestedCPUs), steps: added.steps[0]))
                }
            } else {
                speeds.append(speed)
                stepSeconds.append(report.seconds / Double(report.steps))
            }
        }
    }

    private func run(_ count: Int, clock: WorkerClockMemory?) -> StepReport {
        let report = trainer.run(steps: count, clock: clock)
        hasDiverged = report.divergedStep != nil
        if let region = report.region { teamMode = region.mode }
        return report
    }

    /// How fast the program's products are alone.
    func productCeilings(binding: WorkerBinding?) -> ProductCeilings {
        ProductCeilings(
            trainer.program, shapes: trainer.shapes, provider: trainer.gemmBackend, bfloat16: trainer.bfloat16,
            team: WorkerTeam(workers: workers, binding: binding))
    }

    /// Bytes of the inputs of all samples.
    var dataBytes: Double { Double(trainer.epochs.samples * trainer.shapes.inputs * trainer.shapes.elementBytes) }

    /// What was measured; nil when the loss became infinite too early.
    func result() -> ProfileMeasurement.Count? {
        guard let clock, let speed = MedianEstimate(speeds), !speedsWithClock.isEmpty else { return nil }
        let profile = StepProfile(
            clock, regions: regionsWithClock, program: trainer.program, shapes: trainer.shapes,
            stateBuffers: stateBuffers)
        let ratio = PairedRatio.estimate(speedsWithClock, over: speeds)
        return ProfileMeasurement.Count(
            workers: workers, samplesPerSecond: speeds, stepSeconds: stepSeconds, speed: speed, profile: profile,
            slowSteps: SlowSteps(clock, regions: disturbances),
            accountedFraction: profile.accountedFraction(of: measured, batchRows: trainer.epochs.batchRows),
            overheadFraction: 1 - (ratio?.median ?? 1), measuredEvery: clock.measuredEvery,
            counters: counters?.readings() ?? Array(repeating: nil, count: workers), shardCount: trainer.shardCount,
            shardRows: trainer.shardRows,
            batchRows: trainer.epochs.batchRows, teamMode: teamMode,
            laps: ProfileLaps(clock, program: trainer.program, shapes: trainer.shapes))
    }
}

/// The last laps of each worker with the names of what they are laps of.
package struct ProfileLaps: Sendable {
    /// What one lap was spent on.
    package struct Lap: Sendable {
        /// The step.
        package let step: Int
        /// The operation with its layer, or the wait; nil: a step begins.
        package let name: String?
        /// The end of the lap, in nanoseconds since some moment.
        package let nanoseconds: UInt64
    }

    /// By worker, oldest first.
    package let workers: [[Lap]]

    /// Laps that were not measured.
    init(workers: [[Lap]]) { self.workers = workers }

    init(_ clock: WorkerClockMemory, program: StepProgram, shapes: StepShapes) {
        var names: [String] = program.operationsInOrder.map { _, operation in
            let layer = shapes.layer(of: operation).map { " " + shapes.layers[$0].name } ?? ""
            return operation.kind.rawValue + layer
        }
        names += program.recovery.joined().map { _ in "recovery" }
        names += program.phases.map { _ in StepProfile.wait }
        let nanosecondsPerTick = clock.nanosecondsPerTick()
        let all = (0..<clock.workers).map { clock.laps(worker: $0) }
        let first = all.compactMap { $0.first?.tick }.min() ?? 0
        workers = all.map { laps in
            laps.map { lap in
                Lap(
                    step: Int(lap.step),
                    name: lap.slot == ClockEvent.beginSlot ? nil : names[Int(lap.slot)],
                    nanoseconds: UInt64(Double(lap.tick &- first) * nanosecondsPerTick))
            }
        }
    }
}
