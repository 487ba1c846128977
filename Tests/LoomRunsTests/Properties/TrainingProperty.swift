import Foundation
import LoomConfiguration
import LoomData
import LoomHardware
import LoomKernels
import LoomModel
import LoomPlan
import LoomReference
import LoomTraining
import TestSupport

@testable import LoomRuns

/// What holds for every training.
enum TrainingProperty: String, CaseIterable, Sendable {
    /// Losses, parameters, evaluation and predictions are those of the reference trainer.
    case reference
    /// The bits of losses, parameters and optimizer do not depend on who does the steps.
    case bits
    /// A checkpoint, written and read again, and other workers: the bits of the undisturbed training.
    case resume

    /// The first of `properties` that does not hold for `training`, and what is wrong.
    static func failure(
        of training: TrainingCase, _ properties: [TrainingProperty] = allCases
    ) throws -> (property: TrainingProperty, problem: String)? {
        switch training.precision {
        case .float32: try failure(CaseRunner<Float>(training), properties)
        case .float64: try failure(CaseRunner<Double>(training), properties)
        }
    }

    private static func failure<Scalar>(
        _ runner: CaseRunner<Scalar>, _ properties: [TrainingProperty]
    ) throws -> (property: TrainingProperty, problem: String)? {
        for property in properties {
            let problem =
                switch property {
                case .reference: try runner.referenceFailure()
                case .bits: try runner.bitsFailure()
                case .resume: try runner.resumeFailure()
                }
            if let problem { return (property, problem) }
        }
        return nil
    }
}

/// Carries out a case.
private final class CaseRunner<Scalar: LoomScalar> {
    private let training: TrainingCase
    private let configuration: Configuration
    private let data: SampleFeed<Scalar>
    /// What one worker leaves behind.
    private lazy var alone = Result { finish(try trainer()) }

    init(_ training: TrainingCase) throws {
        self.training = training
        configuration = try training.configuration()
        data = try Self.data(configuration)
    }

    private static func data(_ configuration: Configuration) throws -> SampleFeed<Scalar> {
        try PreparedData<Scalar>(
            configuration.data, network: configuration.network.description(inputs: 0), loss: configuration.loss
        ).training
    }

    private func trainer(_ way: TrainingCase.Way = TrainingCase.alone) throws -> Trainer<Scalar> {
        let configuration = try training.configuration(way)
        return try configuration.trainer(
            on: CaseMachines.shared.machine(way, training.gemm), data: way.isGenerated ? Self.data(configuration) : data
        )
    }

    // MARK: Reference

    func referenceFailure() throws -> String? {
        let trainer = try trainer()
        let problem = try FastProblem(ConfiguredProblem(configuration, samples: .all(limit: .max)).reference)
        // Triple loops: wide networks would take all of the time.
        guard trainer.network.layout.parameterCount * training.batch * training.steps < 300_000 else { return nil }
        var reference = try ReferenceRun(
            problem, optimizer: configuration.optimizer, schedule: configuration.trainingSchedule)
        // Float64 differs by the order of additions alone, float32 by 6e-8 a number.
        let tolerance =
            Scalar.precision == .float64
            ? Tolerance(absolute: 1e-10, relative: 1e-8) : Tolerance(absolute: 1e-4, relative: 1e-3)
        var comparison = Comparison("", tolerance: tolerance)
        for step in 0..<trainer.totalSteps {
            let expected = try reference.step()
            guard expected.totalLoss < 1000, !expected.isNearKink(of: problem.network, Scalar.precision) else {
                return nil
            }
            let report = trainer.run(steps: 1)
            comparison.compare(
                "samples of step \(step)", Double(report.samples), Double(expected.perSampleLosses.count))
            comparison.compare("loss of step \(step)", report.loss, expected.totalLoss)
        }
        comparison.compare(
            "parameters", trainer.parameters.referenceLayers(of: trainer.network), reference.trainer.parameters)
        let evaluator = Evaluator(
            network: trainer.network, parameters: trainer.parameters, team: trainer.team,
            gemmBackend: trainer.gemmBackend)
        let expected = try reference.trainer.gradients(inputs: problem.inputs, targets: .values(problem.targets))
        comparison.compare("evaluation", try evaluator.evaluate(data, loss: problem.loss).loss, expected.totalLoss)
        let prediction = evaluator.predict(data.dataset!)
        let values = withExtendedLifetime(prediction) { prediction.elements.map { Double($0) } }
        comparison.compare("prediction", values, expected.pass.prediction.flatMap { $0 })
        return comparison.passes ? nil : "one worker against the reference\(comparison)"
    }

    // MARK: Bits

    /// Everything that a training leaves behind.
    private struct Trace: Equatable {
        var losses: [UInt64] = []
        var accuracies: [Double?] = []
        var divergedStep: Int?
        var epochLoss: UInt64 = 0
        var epochAccuracy: Double?
        var parameters = ""
        var first: String?
        var second: String?

        /// The first thing that is another one.
        func difference(from other: Trace) -> String {
            if let region = losses.indices.first(where: { losses[$0] != other.losses[safe: $0] }) {
                return "the loss of region \(region + 1) is \(Double(bitPattern: losses[region])), not "
                    + (other.losses[safe: region].map { "\(Double(bitPattern: $0))" } ?? "there")
            }
            if parameters != other.parameters { return "the parameters have other bits" }
            if (first, second) != (other.first, other.second) { return "the optimizer's state has other bits" }
            if epochLoss != other.epochLoss {
                return "the loss of the last epoch is \(Double(bitPattern: epochLoss)), not "
                    + "\(Double(bitPattern: other.epochLoss))"
            }
            return "accuracies, or the step that diverged, are others"
        }
    }

    /// Does the rest of the steps, in regions of one step and of several.
    private func finish(_ trainer: Trainer<Scalar>) -> Trace {
        var trace = Trace()
        while trainer.step < trainer.totalSteps, trace.divergedStep == nil {
            let report = trainer.run(steps: 1 + trainer.step)
            trace.losses.append(report.loss.bitPattern)
            trace.accuracies.append(report.accuracy)
            trace.divergedStep = report.divergedStep
        }
        trace.epochLoss = trainer.epochReport.loss.bitPattern
        trace.epochAccuracy = trainer.epochReport.accuracy
        trace.parameters = trainer.parameters.hash
        (trace.first, trace.second) = (trainer.state.first?.hash, trainer.state.second?.hash)
        return trace
    }

    func bitsFailure() throws -> String? {
        let alone = try alone.get()
        for way in training.ways {
            let found = finish(try trainer(way))
            if found != alone { return "\(way): \(found.difference(from: alone))" }
        }
        return nil
    }

    // MARK: Resuming

    func resumeFailure() throws -> String? {
        var undisturbed = try alone.get()
        // Regions have other ends; the last epoch's sums tell what was lost.
        (undisturbed.losses, undisturbed.accuracies) = ([], [])
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try trainer(training.ways[0])
        for _ in 0..<training.savedStep where first.run(steps: 1).divergedStep != nil { return nil }
        try Checkpoint.write(
            parameters: first.parameters, state: first.state, step: first.step, numerics: first.gemmBackend.numerics,
            metadata: TrainingState(epochSums: first.epochSums).metadata, to: path)
        for way in [TrainingCase.alone] + training.ways.dropFirst() {
            let second = try trainer(way)
            // What comes from the file must be all that counts.
            _ = second.run(steps: 2)
            try second.restore(Safetensors(contentsOf: path))
            guard second.step == training.savedStep else { return "resumed at step \(second.step)" }
            var found = finish(second)
            (found.losses, found.accuracies) = ([], [])
            if found != undisturbed {
                return "saved after step \(training.savedStep) by \(training.ways[0]), resumed by \(way): "
                    + found.difference(from: undisturbed)
            }
        }
        return nil
    }
}

/// Machines with so many workers in such places, each made once.
private final class CaseMachines: @unchecked Sendable {
    // Sendable: guarded by the lock.
    static let shared = CaseMachines()
    private let lock = NSLock()
    private var machines: [String: MachineSetup] = [:]
    /// Other trainings of this machine are not kept away from any CPU.
    private let locks = CPULocks(
        directory: FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())").path)

    func machine(_ way: TrainingCase.Way, _ gemm: ParallelSettings.Gemm) throws -> MachineSetup {
        try lock.withLock {
            let key = "\(way.workers) \(way.placement) \(gemm)"
            if let machine = machines[key] { return machine }
            let machine = try MachineSetup(
                workers: way.workers, policy: way.placement, provider: gemm == .openBLAS ? .openBLAS : .builtin,
                locks: locks)
            machines[key] = machine
            return machine
        }
    }
}

extension TrainingCase {
    /// The route of a way, which may be another one than was asked for.
    func route(_ way: Way) throws -> GradientRoute {
        try configuration(way).plannedStep(on: CaseMachines.shared.machine(way, gemm)).program.route
    }
}

extension FastProblem {
    /// The problem with its first parameters as given weights.
    fileprivate init(_ problem: ReferenceProblem) {
        var network = problem.network
        for (index, values) in problem.parameters.enumerated() {
            network.layers[index].connectionWeights = values.connections
            network.layers[index].bias = values.bias
        }
        let targets = problem.targets!.values(outputs: network.layers[network.layers.count - 1].units)
        self.init(network: network, loss: problem.loss, inputs: problem.inputs, targets: targets, description: "")
    }
}

extension ReferenceGradients {
    /// Whether a relu's pre-activation is so near to 0 that roundings may decide about its side.
    fileprivate func isNearKink(of network: NetworkDescription, _ precision: Precision) -> Bool {
        let margin = precision == .float64 ? 1e-11 : 1e-4
        return zip(network.layers, pass.preActivations).contains { layer, rows in
            layer.activation == .relu && rows.contains { $0.contains { $0 != 0 && abs($0) < margin } }
        }
    }
}

extension Array {
    fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
