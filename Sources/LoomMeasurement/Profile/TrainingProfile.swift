import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomPlan
import LoomRuns
import LoomTraining

/// The profile of a normal training: nothing is run for it, and the training's results have the same bits.
///
/// Unlike a `ProfileMeasurement` of its own it knows one number of workers, speeds with the clocks only, and operations that
/// cover several layers where the training's program merges them.
package final class TrainingProfile<Scalar: LoomScalar> {
    /// To be given to the training.
    package let clock: WorkerClockMemory
    private let experiment: Experiment<Scalar>
    private let window: CPUDisturbanceWindow
    private let start = ContinuousClock.now
    private var totalsBefore: ClockTotals
    private var series = RegionSeries()
    private var measured = StepReport()

    /// Of the training of `experiment` that is about to begin.
    package init(_ experiment: Experiment<Scalar>) {
        self.experiment = experiment
        clock = WorkerClockMemory(experiment.trainer.program)
        totalsBefore = clock.totals()
        window = CPUDisturbanceWindow(experiment.machine.contention())
    }

    /// Adds a region that the clock was with.
    package func add(_ region: StepReport) {
        let totals = clock.totals()
        defer { totalsBefore = totals }
        guard region.divergedStep == nil else { return }
        measured.add(region)
        series.add(
            RegionSeries.Row(
                steps: region.steps, samples: region.samples, seconds: region.seconds,
                totals: totals.since(totalsBefore)))
    }

    /// What was measured, against an arithmetic peak of all workers; nil where no step was measured.
    /// - Parameter cache: Where the bandwidths are looked up, and kept when they are not there; nil: they are measured.
    package func result(ceilingGflops: Double, cache: CeilingCache?) -> ProfileMeasurement? {
        // Measuring roofs is no part of the training.
        let disturbance = window.soFar()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let trainer = experiment.trainer
        guard let speed = MedianEstimate(series.rows.map(\.samplesPerSecond)),
            (0..<clock.workers).allSatisfy({ clock.measuredSteps(worker: $0) > 0 })
        else { return nil }
        var profile = StepProfile(
            clock, regions: series.rows.map(\.totals), program: trainer.program, shapes: trainer.shapes,
            stateBuffers: [trainer.state.first, trainer.state.second].compactMap { $0 }.count)
        let roofs = Roofs(
            arithmeticGflops: ceilingGflops / Double(clock.workers), machine: experiment.machine, cache: cache)
        let (epochs, shapes) = (trainer.epochs, trainer.shapes)
        profile.setLimits(roofs, dataBytes: Double(epochs.samples * shapes.inputs * shapes.elementBytes))
        let count = ProfileMeasurement.Count(
            workers: clock.workers, samplesPerSecond: series.rows.map(\.samplesPerSecond),
            stepSeconds: series.rows.map(\.stepSeconds), speed: speed, profile: profile,
            // What the system counts in files is too slow to be read between the regions of a training.
            slowSteps: SlowSteps(clock, regions: []),
            accountedFraction: profile.accountedFraction(of: measured, batchRows: epochs.batchRows),
            overheadFraction: nil,
            measuredEvery: clock.measuredEvery, counters: Array(repeating: nil, count: clock.workers),
            shardCount: trainer.shardCount, shardRows: trainer.shardRows, batchRows: trainer.epochs.batchRows,
            teamMode: measured.region?.mode ?? .alone,
            laps: ProfileLaps(clock, program: trainer.program, shapes: trainer.shapes))
        return ProfileMeasurement(
            scaling: .strong, counts: [count], otherWorkFraction: disturbance.othersFraction, seconds: seconds,
            throttledSeconds: disturbance.throttledSeconds ?? 0,
            operationsPerSample: trainer.network.operationsPerSample, samples: epochs.samples,
            ceilingGflops: ceilingGflops, roofs: roofs)
    }
}
