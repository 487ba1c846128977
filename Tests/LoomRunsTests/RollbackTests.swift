import Foundation
import LoomConfiguration
import LoomKernels
import LoomTraining
import TestSupport
import Testing

@testable import LoomRuns

/// Trainings that diverge and go back.
@Suite struct RollbackTests {
    /// A rate that is much too high: a quadratic loss, whose steps grow without end above 2 ÷ its curvature.
    private static func experiment(
        learningRate: Double, warmupSteps: Int = 0, every: String = "{steps: 5}", onNaN: String = "rollback"
    ) throws -> Experiment<Double> {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).yaml").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try """
        data: {synthetic: {task: teacher, samples: 64, inputs: 4, targets: 2, seed: 5}}
        network: {layers: [{units: 2}], output: identity}
        loss: {kind: squared_sum}
        optimizer: {kind: momentum, learning_rate: \(learningRate), schedule: {warmup_steps: \(warmupSteps)}}
        training: {batch: 16, epochs: 500, precision: float64, on_nan: \(onNaN)}
        run: {checkpoint: {every: \(every), keep: 3}}
        parallel: {workers: 2, placement: none}
        """.write(toFile: path, atomically: true, encoding: .utf8)
        let configuration = try Configuration.load(path: path)
        return try Experiment<Double>(configuration, machine: MachineSetup(configuration))
    }

    private func inTemporaryDirectory(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(directory.path)
    }

    @Test func itEndsAtALowerRate() throws {
        try inTemporaryDirectory { directory in
            let experiment = try Self.experiment(learningRate: 1.5)
            var rollbacks: [Rollback] = []
            var epochs: [Int] = []
            let result = try experiment.train(checkpoints: CheckpointStore(directory: directory, keep: 3)) { event in
                switch event {
                case .rolledBack(let rollback): rollbacks.append(rollback)
                case .epochEnded(let epoch): epochs.append(epoch.step)
                case .progress: break
                }
            }
            #expect(result.end == .completed && result.lastEpoch?.epoch == 499)
            #expect(epochs.suffix(500) == (1...500).map { 4 * $0 })
            #expect(!rollbacks.isEmpty && rollbacks.count < 10)
            for (index, rollback) in rollbacks.enumerated() {
                #expect(rollback.learningRateFactor == pow(0.5, Double(index + 1)))
                #expect(rollback.step % 5 == 0 && rollback.step <= rollback.divergedStep)
            }
            #expect(experiment.trainer.learningRateFactor == rollbacks.last?.learningRateFactor)
            #expect(try #require(result.lastEpoch).training.loss.isFinite)
            // Going on later keeps the rate.
            let later = try Self.experiment(learningRate: 1.5)
            try later.trainer.restore(
                Safetensors(contentsOf: try #require(CheckpointStore(directory: directory, keep: 3).newest)))
            #expect(later.trainer.learningRateFactor == experiment.trainer.learningRateFactor)
        }
    }

    /// Not to the newest checkpoint, whose loss had exploded, but to the last good one; and before it where that did not help.
    @Test func itGoesBackToWhereItWasGood() throws {
        try inTemporaryDirectory { directory in
            let experiment = try Self.experiment(learningRate: 30, warmupSteps: 700, every: "{steps: 50}")
            let store = CheckpointStore(directory: directory, keep: 9)
            var steps: [Int] = []
            _ = try experiment.train(checkpoints: store) { event in
                if case .rolledBack(let rollback) = event { steps.append(rollback.step) }
            }
            #expect(steps.contains(50) && steps.last == 0)
            let back = try #require(steps.firstIndex(of: 50))
            #expect(steps.count > back + 1 && steps[back + 1] == 0)
        }
    }

    /// At a lower rate from the start, training comes to the same: nothing of the attempts is left.
    @Test(arguments: ["never", "end"]) func fromTheBeginningItIsATrainingAtThatRate(every: String) throws {
        try inTemporaryDirectory { directory in
            let experiment = try Self.experiment(learningRate: 2, every: every)
            let store = CheckpointStore(directory: directory, keep: 3)
            #expect(try experiment.train(checkpoints: store, report: { _ in }).end == .completed)
            let factor = experiment.trainer.learningRateFactor
            #expect(factor < 1)
            let direct = try Self.experiment(learningRate: 2 * factor, every: "never", onNaN: "stop")
            #expect(try direct.train(checkpoints: nil, report: { _ in }).end == .completed)
            #expect(experiment.trainer.parameters.hash == direct.trainer.parameters.hash)
        }
    }

    @Test func whatDoesNotHelpEnds() throws {
        try inTemporaryDirectory { directory in
            let experiment = try Self.experiment(learningRate: 1e9)
            var rollbacks = 0
            let result = try experiment.train(checkpoints: CheckpointStore(directory: directory, keep: 3)) { event in
                if case .rolledBack = event { rollbacks += 1 }
            }
            #expect(result.hasDiverged && rollbacks == 10)
        }
    }

    @Test func withoutTheWishItStops() throws {
        let experiment = try Self.experiment(learningRate: 1.5, onNaN: "stop")
        #expect(try experiment.train(checkpoints: nil, report: { _ in }).hasDiverged)
    }
}
