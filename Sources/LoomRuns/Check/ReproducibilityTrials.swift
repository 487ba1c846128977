import Foundation
import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomModel
import LoomPlan
import LoomReference
import LoomTraining

/// The trainings of a `ReproducibilityCheck`, one after the other on the same data.
final class ReproducibilityTrials<Scalar: LoomScalar> {
    /// One way of doing the steps.
    private struct Way {
        let name: String
        var workers: Int?
        var placement: PlacementPolicy?
        var route: GradientRoute?
        var team: TeamRequest?
        var instructionSet: InstructionSet?
        var materialization: Materialization?
        var isProfiled = false
        /// The steps before an interruption, after which one worker goes on from a checkpoint.
        var interruptedAfter: Int?
    }

    private typealias Done = ReproducibilityCheck.Done

    /// A training is as long as takes so long with the configuration's own way, which is repeated some 20 times.
    private static var secondsPerWay: Double { 0.25 }
    /// Other instructions may be much slower: longer than this, nobody waits for them.
    private static var mostSecondsPerWay: Double { 20 }

    private let configuration: Configuration
    private let options: ReproducibilityCheck.Options
    private let experiment: Experiment<Scalar>
    private let first: ParameterBuffer<Scalar>
    private var steps = 0

    init(_ configuration: Configuration, options: ReproducibilityCheck.Options) throws {
        self.configuration = configuration
        self.options = options
        experiment = try Experiment(configuration, machine: MachineSetup(configuration))
        first = ParameterBuffer(layout: experiment.trainer.network.layout)
        first.copy(from: experiment.trainer.parameters)
        if let name = options.corrupted, !experiment.trainer.network.layers.contains(where: { $0.name == name }) {
            throw RequestError("there is no layer '\(name)' to corrupt")
        }
    }

    func check() throws -> ReproducibilityCheck {
        let trainer = experiment.trainer
        steps = min(trainer.totalSteps, options.steps ?? chosenSteps())
        let (reference, divergedStep) = try run(Way(name: "as configured"), isReference: true)
        if let divergedStep {
            guard divergedStep > 0 else {
                throw RequestError("the loss of the first step is not a finite number: there is nothing to compare")
            }
            steps = divergedStep
        }
        var rows = [ReproducibilityCheck.Row(way: "as configured", done: reference, leftOut: nil, isSame: true)]
        let active = InstructionSet.active
        for way in ways(reference) {
            defer { try? active.select() }
            do {
                let (done, step) = try run(way)
                let isSame =
                    done.parameterHash == reference.parameterHash && done.lossBits == reference.lossBits && step == nil
                rows.append(.init(way: way.name, done: done, leftOut: nil, isSame: isSame))
            } catch let reason as LeftOut {
                rows.append(.init(way: way.name, done: nil, leftOut: reason.text, isSame: nil))
            }
        }
        return ReproducibilityCheck(
            steps: steps, divergedStep: divergedStep, totalSteps: trainer.totalSteps, batch: trainer.epochs.batchRows,
            parameters: trainer.network.layout.parameterCount, precision: configuration.training.precision.rawValue,
            numerics: experiment.numerics.rawValue, rows: rows)
    }

    /// Why a way was not gone.
    private struct LeftOut: Error {
        let text: String
    }

    /// As many steps as take about `secondsPerWay` with the trainer of the configuration.
    private func chosenSteps() -> Int {
        let trainer = experiment.trainer
        _ = trainer.run(steps: 1)
        let report = trainer.run(steps: 2)
        let stepSeconds = report.seconds / Double(max(1, report.steps))
        // At least one step behind an interruption, and one before.
        return max(4, Int(min(Self.secondsPerWay / max(stepSeconds, 1e-7), 1e6)))
    }

    // MARK: Ways

    /// All ways but the configuration's own, on which the bits must not depend.
    private func ways(_ reference: Done) -> [Way] {
        var ways = [Way(name: "once more")]
        let dependsOnWorkers = configuration.parallel.reproducible == .fixedWorkers
        let backend = experiment.trainer.gemmBackend
        if !dependsOnWorkers {
            for workers in Set(1...max(1, options.workers)).sorted() where workers != reference.workers {
                ways.append(Way(name: NumberFormat.counted(workers, "worker"), workers: workers))
            }
        }
        let several = dependsOnWorkers ? reference.workers : max(2, reference.workers)
        if backend.isPartitionInvariant {
            ways += GradientRoute.allCases.filter { $0.rawValue != reference.route || several != reference.workers }
                .map { Way(name: "route \($0.rawValue)", workers: several, route: $0) }
        }
        ways += [TeamRequest.gang, .forkJoin].map {
            Way(name: "team \($0.rawValue)", workers: several, team: $0)
        }
        let placements: [PlacementPolicy] = [.none, .compact, .spread]
        ways += placements.filter { $0 != configuration.parallel.placement }.map {
            Way(name: "placement \($0)", placement: $0)
        }
        // Beside instructions of its own for bfloat16, those in use otherwise are another way.
        let hasOwnInstructions = experiment.trainer.bfloat16?.isAccelerated ?? false
        ways += InstructionSet.allCases.reversed()
            .filter { $0.isSupported && ($0.rawValue != reference.instructionSet || hasOwnInstructions) }
            .map { Way(name: "instructions \($0.rawValue)", instructionSet: $0) }
        if case .synthetic = configuration.data.source, experiment.data.training.dataset != nil {
            ways.append(Way(name: "samples made while training", materialization: .never))
        }
        ways.append(Way(name: "profiled", isProfiled: true))
        if steps > 1 {
            ways.append(
                Way(name: "interrupted after step \(NumberFormat.grouped(steps / 2))", interruptedAfter: steps / 2))
        }
        return ways
    }

    // MARK: Trainings

    /// How the steps were done, and the step whose loss was not finite, if there was one.
    private func run(_ way: Way, isReference: Bool = false) throws -> (Done, divergedStep: Int?) {
        try way.instructionSet?.select()
        var machine = try machine(way)
        let trainer = try trainer(way, on: machine, isReference: isReference)
        if way.instructionSet != nil { try refuseIfSlow(trainer) }
        let clock = way.isProfiled ? WorkerClockMemory(trainer.program) : nil
        var report = trainer.run(steps: way.interruptedAfter ?? steps, clock: clock)
        var last = trainer
        if way.interruptedAfter != nil {
            let bytes = try checkpoint(of: trainer)
            var resumed = way
            resumed.workers = configuration.parallel.reproducible == .fixedWorkers ? way.workers : 1
            machine = try self.machine(resumed)
            last = try self.trainer(resumed, on: machine, isReference: isReference)
            try last.restore(bytes)
            report = last.run(steps: steps - last.step)
        }
        let loss = last.epochReport.loss
        let done = Done(
            workers: last.team.workers, pinned: machine.workerCPUs.count { $0 != nil },
            route: last.program.route.rawValue, team: report.region?.mode.rawValue ?? "alone",
            instructionSet: InstructionSet.active.rawValue, parameterHash: last.parameters.hash,
            loss: loss.isFinite ? loss : nil, lossBits: String(loss.bitPattern, radix: 16))
        return (done, report.divergedStep)
    }

    private func machine(_ way: Way) throws -> MachineSetup {
        do {
            return try experiment.machine.placing(
                workers: way.workers ?? experiment.machine.workers,
                policy: way.placement ?? configuration.parallel.placement)
        } catch let error as PlacementError {
            // More workers than CPUs: the system moves their threads.
            guard way.placement == nil else { throw LeftOut(text: "\(error)") }
            return try experiment.machine.placing(workers: way.workers ?? experiment.machine.workers, policy: .none)
        }
    }

    private func trainer(_ way: Way, on machine: MachineSetup, isReference: Bool) throws -> Trainer<Scalar> {
        var team = configuration.teamPlan(on: machine)
        team.request = way.team ?? team.request
        team.route = way.route ?? team.route
        if let set = way.instructionSet {
            team.bfloat16 = team.bfloat16.map { BFloat16Products($0.definition, portable: set) }
        }
        let trainer = try configuration.trainer(
            data: feed(way), schedule: configuration.trainingSchedule, team: team)
        if let route = way.route, trainer.program.route != route {
            throw LeftOut(
                text: trainer.program.sum.groups == 1
                    ? "a batch of one group of samples is not shared out that way"
                    : "this network and batch have no such route")
        }
        trainer.parameters.copy(from: first)
        if !isReference { corrupt(trainer) }
        return trainer
    }

    /// Where the way's samples come from.
    private func feed(_ way: Way) throws -> SampleFeed<Scalar> {
        guard let materialization = way.materialization else { return experiment.data.training }
        var description = configuration.data
        description.materialization = materialization
        let feed = try PreparedData<Scalar>(
            description, network: configuration.network.description(inputs: 0), loss: configuration.loss
        ).training
        guard feed.dataset == nil else { throw LeftOut(text: "a stratified split needs the samples in memory") }
        return feed
    }

    /// Moves the first weight of the layer that is to be corrupted.
    private func corrupt(_ trainer: Trainer<Scalar>) {
        guard let layer = trainer.network.layers.first(where: { $0.name == options.corrupted }),
            let weights = layer.connections.first?.weights
        else { return }
        trainer.parameters.view(weights)[0, 0] = trainer.parameters.view(weights)[0, 0].nextUp
    }

    private func refuseIfSlow(_ trainer: Trainer<Scalar>) throws {
        let seconds = trainer.gradientSeconds * Double(steps)
        guard seconds > Self.mostSecondsPerWay else { return }
        throw LeftOut(
            text:
                "\(NumberFormat.grouped(steps)) steps would take \(NumberFormat.duration(seconds: seconds)); give fewer "
                + "with --steps")
    }

    /// What a run would write, read back.
    private func checkpoint(of trainer: Trainer<Scalar>) throws -> Safetensors {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("gradloom-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = CheckpointStore(directory: directory.path, keep: 1)
        let writer = CheckpointWriter(
            trainer, contents: experiment.checkpointContents, to: store, best: nil, metrics: nil, writesBeside: true,
            choosesInterval: false)
        try writer.write(ValidationHistory())
        try writer.finish()
        return try Safetensors(contentsOf: store.newest!)
    }
}

extension Trainer {
    /// How long forming a gradient takes, without a change of the parameters.
    fileprivate var gradientSeconds: Double {
        let start = ContinuousClock.now
        _ = gradient()
        return (ContinuousClock.now - start) / .seconds(1)
    }
}
