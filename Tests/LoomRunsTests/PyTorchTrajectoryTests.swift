import Foundation
import LoomModel
import LoomReference
import LoomTraining
import TestSupport
import Testing

@testable import LoomConfiguration
@testable import LoomRuns

/// Fifty steps as PyTorch does them: every optimizer, schedule, loss and activation, penalties and clipping.
///
/// `make trajectories` trains in PyTorch again.
@Suite struct PyTorchTrajectoryTests {
    private static let tolerance = Tolerance(absolute: 0, relative: 1e-9)

    /// Everything that a configuration can choose of the arithmetic is among the trajectories.
    @Test func everyDefinitionIsThere() throws {
        let configurations = try PyTorchTrajectory.all.map { try Configuration(yaml: $0.yaml, file: $0.name) }
        func values<Value: Hashable>(_ value: (Configuration) -> Value) -> Set<Value> {
            Set(configurations.map(value))
        }
        for reduction in LossDescription.Reduction.allCases {
            let losses = Set(
                configurations.filter { $0.loss.reduction == reduction }.map {
                    "\($0.network.output) \($0.loss.kind)"
                })
            for (output, loss) in RandomProblem.trainableOutputs {
                #expect(losses.contains("\(output) \(loss)"), "\(reduction)")
            }
        }
        for kind in OptimizerDescription.Kind.allCases {
            for (l2, clips) in [(false, false), (true, false), (false, true), (true, true)] {
                #expect(
                    configurations.contains {
                        $0.optimizer.kind == kind && ($0.loss.l2 > 0) == l2 && ($0.optimizer.clipNorm != nil) == clips
                    }, "\(kind), l2 \(l2), clipping \(clips)")
            }
        }
        let schedules = values { "\($0.optimizer.schedule.kind) \($0.optimizer.schedule.warmupSteps > 0)" }
        #expect(schedules.count == 2 * LearningRateSchedule.Kind.allCases.count)
        let activations = Set(configurations.flatMap { $0.network.layers.map(\.activation) })
        #expect(activations.isSuperset(of: RandomProblem.trainableActivations))
        #expect(configurations.contains { $0.network.layers[0].reluAtZero == .one })
    }

    @Test(arguments: PyTorchTrajectory.all) func reference(_ trajectory: PyTorchTrajectory) throws {
        let configuration = try Configuration(yaml: trajectory.yaml, file: trajectory.name)
        let problem = try ReferenceProblem(configuration, samples: .all(limit: .max))
        let targets = try #require(problem.targets)
        var trainer = try problem.trainer()
        let batch = configuration.training.batch
        let losses = try trajectory.losses.indices.map { step in
            let start = step % problem.stepsPerEpoch * batch
            let rows = start..<min(start + batch, problem.inputs.count)
            return try trainer.step(inputs: Array(problem.inputs[rows]), targets: targets[rows]).totalLoss
        }
        var tensors: [String: [Double]] = [:]
        for (layer, values) in zip(trainer.network.layers, trainer.parameters) {
            for (index, weights) in values.connections.enumerated() {
                let source = values.connections.count > 1 ? ".\(layer.inputs![index])" : ""
                tensors["\(layer.name).weights\(source)"] = weights.flatMap { $0 }
            }
            tensors["\(layer.name).bias"] = values.bias
        }
        compare(trajectory, losses, tensors)
    }

    /// Alone; and three workers with a sample or two of each batch.
    @Test(arguments: PyTorchTrajectory.all, [[], ["parallel.shard_rows=1", "parallel.groups=4"]])
    func fast(_ trajectory: PyTorchTrajectory, team: [String]) throws {
        let configuration = try Configuration(yaml: trajectory.yaml, file: trajectory.name, overrides: team)
        let machine = try MachineSetup(workers: team.isEmpty ? 1 : 3, policy: .none)
        let data = try PreparedData<Double>(
            configuration.data, network: configuration.network.description(inputs: 0), loss: configuration.loss)
        let trainer = try configuration.trainer(on: machine, data: data.training)
        #expect(trainer.totalSteps == trajectory.losses.count)
        let losses = trajectory.losses.indices.map { _ in trainer.run(steps: 1).loss }
        let layout = trainer.parameters.layout.tensors
        let tensors = layout.indices.map { (layout[$0].name, trainer.parameters.values($0)) }
        compare(trajectory, losses, Dictionary(uniqueKeysWithValues: tensors))
    }

    private func compare(_ trajectory: PyTorchTrajectory, _ losses: [Double], _ tensors: [String: [Double]]) {
        var comparison = Comparison(trajectory.name, tolerance: Self.tolerance)
        comparison.compare("loss", losses, trajectory.losses)
        #expect(Set(tensors.keys) == Set(trajectory.parameters.keys))
        for (name, expected) in trajectory.parameters {
            let values = tensors[name] ?? [.nan]
            comparison.compare(
                "\(name), sum of magnitudes", values.reduce(0) { $0 + abs($1) }, expected.sumOfMagnitudes)
            comparison.compare("\(name), first", values[0], expected.first)
            comparison.compare("\(name), last", values[values.count - 1], expected.last)
        }
        #expect(comparison.passes, "\(comparison)")
    }
}

extension ReferenceTargets {
    fileprivate subscript(rows: Range<Int>) -> ReferenceTargets {
        switch self {
        case .labels(let labels): .labels(Array(labels[rows]))
        case .values(let values): .values(Array(values[rows]))
        }
    }
}
