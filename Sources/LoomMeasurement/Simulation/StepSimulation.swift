import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomModel
import LoomPlan
import LoomRuns
import LoomTraining

/// The steps of a training on a machine that is not here: the programs that would run there, and how long they would take at
/// the rates of this machine's cores; and the same for this machine, beside what it really takes.
package struct StepSimulation: Sendable {
    /// What is to be predicted.
    package struct Request: Sendable {
        /// The other machine.
        package var topology: Topology
        /// Numbers of workers there; nil: 1, 2, 4 … and one on each of its fastest cores.
        package var workerCounts: [Int]?
        /// About how long is measured.
        package var seconds = 10.0
        /// 10⁹ bytes a second of the memory of a NUMA node there; nil: as much for each of its cores as here.
        package var memoryGigabytesPerSecond: Double?

        package init(topology: Topology) { self.topology = topology }

        /// The numbers of workers; Dispatch runs no more than `CPUAllowance.dispatchWorkerLimit`.
        package var counts: [Int] {
            if let workerCounts { return workerCounts.sorted() }
            let fastest = topology.cores.map(\.performanceClass).max() ?? 0
            let cores = topology.cores.count {
                $0.performanceClass == fastest && $0.threads.contains(where: \.isAllowed)
            }
            return ProfileMeasurement.Request().counts(largest: max(1, min(cores, CPUAllowance.dispatchWorkerLimit)))
        }
    }

    /// One number of workers.
    package struct Case: Sendable {
        /// The program, and what it was planned from.
        package let step: PlannedStep
        /// Where the workers would be.
        package let placement: Placement
        /// How long it would take.
        package let prediction: StepPrediction
    }

    /// A number of workers that this machine has.
    package struct Validation: Sendable, Equatable {
        /// The workers.
        package let workers: Int
        /// Seconds of a step as predicted for this machine.
        package let predicted: Double
        /// Seconds of a step as measured here.
        package let measured: MedianEstimate

        /// Predicted over measured, less 1.
        package var error: Double { predicted / measured.median - 1 }
    }

    /// Ascending in workers.
    package let cases: [Case]
    /// One worker there: what efficiencies are relative to.
    package let oneWorker: StepPrediction
    /// Ascending in workers; empty where the loss became infinite before anything was measured.
    package let validation: [Validation]
    /// What the prediction takes for granted, a sentence each.
    package let assumptions: [String]
    /// What was detected or decided, for the user.
    package let notes: [String]

    /// The part of the time that the training itself is measured for; the rest is for its products.
    private static let profilePart = 0.5

    /// Measures the rates of `machine` with the training of `configuration`, and predicts.
    /// - Throws: as `ProfileMeasurement.init`, and `PlacementError` where the other machine has no place for the workers.
    package init(
        _ configuration: Configuration, _ request: Request, machine: MachineSetup, cache: CeilingCache?
    ) throws {
        let there = try Plans(
            configuration, machine: machine, counts: Set(request.counts + [1]).sorted(),
            cacheBytes: request.topology.secondLevelCacheBytes, topology: request.topology,
            allowedCPUs: request.topology.usableCPUs, policy: configuration.parallel.placement)
        var profileRequest = ProfileMeasurement.Request()
        profileRequest.seconds = max(0.1, request.seconds * Self.profilePart)
        let here = try Plans(
            configuration, machine: machine, counts: profileRequest.counts(largest: machine.workers),
            cacheBytes: machine.cacheBytes, topology: machine.topology, allowedCPUs: machine.allowance.allowedCPUs,
            policy: machine.placement.policy)
        let profile = try ProfileMeasurement(configuration, profileRequest, machine: machine, cache: cache)

        var meter = RateMeter(configuration, machine: machine, seconds: request.seconds * (1 - Self.profilePart))
        meter.measureProducts(of: there.steps + here.steps)
        meter.measureMemory(isNeeded: !(there.fitsCaches && here.fitsCaches), given: request.memoryGigabytesPerSecond)
        if let alone = profile.counts.first(where: { $0.workers == 1 }), let plan = here.steps.first {
            // What the clocks cost is part of the operations' seconds, and not of the step's.
            let step = Double(alone.batchRows) / alone.speed.median
            let part = step / max(alone.profile.secondsByWorker[0], 1e-12)
            meter.calibrate(plan) { kind, layer in
                let name = layer.map { plan.shapes.layers[$0].name }
                let entry = alone.profile.entries.first { $0.kind == kind.rawValue && $0.layer == name }
                return entry.map { $0.secondsPerStep * part }
            }
        }
        let rates = meter.rates
        let predictions = there.predictions(rates)
        oneWorker = predictions[0]
        cases = zip(there.planned, zip(there.placements, predictions)).filter {
            request.counts.contains($0.0.program.workers)
        }.map { Case(step: $0, placement: $1.0, prediction: $1.1) }
        // What this machine really has of memory is part of its own predictions, whatever the other one has.
        let predictionsHere = here.predictions(meter.ratesHere)
        validation = profile.counts.compactMap { count in
            guard let prediction = predictionsHere.first(where: { $0.workers == count.workers }) else { return nil }
            return Validation(
                workers: count.workers, predicted: prediction.stepSeconds,
                measured: count.speed.reciprocal(times: Double(count.batchRows)))
        }
        notes = (there.planned.last?.notes ?? []) + Self.disturbance(profile.otherWorkFraction)
        assumptions = meter.assumptions(request, there: there)
    }
}

extension StepSimulation {
    /// Other programs' part of the cores from which on measured times are doubtful.
    private static let doubtfulPart = 0.05

    static func disturbance(_ otherWorkFraction: Double?) -> [String] {
        guard let otherWorkFraction, otherWorkFraction > doubtfulPart else { return [] }
        return [
            "other programs had \(percent(otherWorkFraction)) of the workers' cores while the steps were measured: their times "
                + "and the errors are too large"
        ]
    }
}

/// The programs of some numbers of workers on one machine.
struct Plans {
    let planned: [PlannedStep]
    let steps: [PlannedProgram]
    let placements: [Placement]
    let places: [SimulatedPlace]
    let dataBytes: Double

    init(
        _ configuration: Configuration, machine: MachineSetup, counts: [Int], cacheBytes: Int, topology: Topology,
        allowedCPUs: [Int], policy: PlacementPolicy
    ) throws {
        // Workers that are not bound are somewhere all the same.
        let places = policy == .none ? .auto : policy
        placements = try counts.map {
            try Placement.plan(topology: topology, allowedCPUs: allowedCPUs, workers: $0, policy: places)
        }
        self.places = placements.map { SimulatedPlace($0, on: topology) }
        planned = try configuration.plannedSteps(
            counts.map { workers in
                var team = configuration.teamPlan(on: machine)
                (team.workers, team.cacheBytes) = (workers, cacheBytes)
                return team
            })
        let stateBuffers = configuration.optimizer.kind.stateBuffers
        steps = planned.map { PlannedProgram($0.program, shapes: $0.shapes, stateBuffers: stateBuffers) }
        dataBytes = planned.first.map { Double($0.samples * $0.shapes.inputs * $0.shapes.elementBytes) } ?? 0
    }

    /// Whether the caches of all numbers of workers hold the step and all samples.
    var fitsCaches: Bool {
        zip(steps, places).allSatisfy { StepPrediction.holdsData($0, at: $1, dataBytes: dataBytes) }
    }

    func predictions(_ rates: StepRates) -> [StepPrediction] {
        zip(steps, places).map { StepPrediction($0, at: $1, rates: rates, dataBytes: dataBytes) }
    }
}

extension Topology {
    /// The CPUs that a training on this machine could use: those of the exporting process's cpuset, or all where none is.
    package var usableCPUs: [Int] {
        allowedCPUs.isEmpty ? hardwareThreads.map(\.osIndex).sorted() : allowedCPUs
    }
}

extension MedianEstimate {
    /// The same of `factor` over what was sampled.
    func reciprocal(times factor: Double) -> MedianEstimate {
        MedianEstimate(median: factor / median, low: factor / high, high: factor / low, confidence: confidence)
    }
}
