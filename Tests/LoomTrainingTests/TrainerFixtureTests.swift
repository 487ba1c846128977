import LoomKernels
import LoomModel
import LoomPlan
import LoomReference
import LoomTraining
import TestSupport
import Testing

/// The trainer's gradient, step and trajectory against the exact numbers of the fixtures.
struct TrainerFixtureTests {
    private static let float32Tolerance = Tolerance(absolute: 1e-5, relative: 1e-5)

    @Test(arguments: SeedFixtures.trainableBlocks, [1, 3])
    func gradientAndStep(_ block: DenseBlock, workers: Int) throws {
        for (provider, route, groups) in [
            (GemmBackend.builtin, GradientRoute.partition, 1), (.builtin, .reduceScatter, 4),
            (.builtin, .reduceScatterAllGather, 4), (.builtin, .allReduce, 2), (.openBLAS, .partition, 1),
        ] {
            let team = TeamPlan(
                workers: workers, shardRows: 2, gemmBackend: provider, groups: groups, route: route)
            try check(block, Double.self, SeedFixtures.tolerance, team)
            try check(block, Float.self, Self.float32Tolerance, team)
        }
    }

    private func check<Scalar: LoomScalar>(
        _ block: DenseBlock, _ type: Scalar.Type, _ tolerance: Tolerance, _ team: TeamPlan
    ) throws {
        let expected = try #require(block.training)
        let rate = expected.step?.learningRate ?? 0.1
        let trainer = try FastProblem(block).trainer(
            type, optimizer: OptimizerDescription(kind: .sgd, learningRate: rate),
            team: team)
        var comparison = Comparison(
            "\(block.id) \(team.gemmBackend) \(team.route!) \(Scalar.precision) \(team.workers) workers",
            tolerance: tolerance)
        let (loss, gradient) = trainer.gradient()
        comparison.compare("total loss", loss, expected.totalLoss)
        comparison.compare("gradient", gradient.layers, expected.gradients)
        if let step = expected.step {
            let report = trainer.run(steps: 1)
            comparison.compare("loss of the step", report.loss, expected.totalLoss)
            comparison.compare("stepped", trainer.parameters.layers, step.parameters)
            comparison.compare("loss after", trainer.gradient().loss, step.totalLossAfter)
        }
        #expect(comparison.passes, "\(comparison)")
    }

    @Test(arguments: [1, 2])
    func trajectory(workers: Int) throws {
        let expected = SeedFixtures.trajectory
        let problem = FastProblem(SeedFixtures.block("F3.18"))
        let trainer = try problem.trainer(
            Double.self, optimizer: OptimizerDescription(kind: .sgd, learningRate: expected.learningRate),
            team: TeamPlan(workers: workers, shardRows: 1))
        for step in expected.losses.keys.sorted() {
            _ = trainer.run(steps: step - trainer.step)
            #expect(trainer.step == step)
            var comparison = Comparison("F3.18 step \(step)", tolerance: expected.tolerance(step: step))
            comparison.compare("loss", trainer.gradient().loss, expected.losses[step]!)
            if let parameters = expected.parameters[step] {
                comparison.compare("parameters", trainer.parameters.layers, parameters)
            }
            #expect(comparison.passes, "\(comparison)")
        }
    }

    @Test func trajectoryDecidesAllRightFromTheStepOfTheFixture() throws {
        let expected = SeedFixtures.trajectory
        let trainer = try FastProblem(SeedFixtures.block("F3.18")).trainer(
            Double.self, optimizer: OptimizerDescription(kind: .sgd, learningRate: expected.learningRate))
        let last = expected.firstStepWithAllCorrect
        var accuracies: [Double?] = []
        for _ in 0...last {
            accuracies.append(trainer.run(steps: 1).accuracy)
        }
        #expect(accuracies[last] == 1)
        #expect(accuracies[last - 1] != 1)
    }

    /// Sums over shards of different sizes are the sum over the batch, divided once by its size.
    @Test func shards() throws {
        let block = SeedFixtures.block("FX.1")
        let expected = try #require(block.training)
        var sums: [ReferenceLayer]?
        for shard in SeedFixtures.shards {
            var problem = FastProblem(block)
            problem.inputs = Array(problem.inputs[shard.rows])
            problem.targets = Array(problem.targets[shard.rows])
            problem.loss.reduction = .sum
            problem.loss.l2 = 0
            let (loss, gradient) = try problem.trainer(Double.self).gradient()
            var comparison = Comparison("FX.1 rows \(shard.rows)", tolerance: SeedFixtures.tolerance)
            comparison.compare("sum of losses", loss, shard.lossSum)
            comparison.compare("sum of gradients", gradient.layers, shard.gradientSums)
            #expect(comparison.passes, "\(comparison)")
            sums = sums.map { zip($0, gradient.layers).map(added) } ?? gradient.layers
        }
        let whole = try FastProblem(block).trainer(Double.self, team: TeamPlan(workers: 3, shardRows: 3))
        var comparison = Comparison("FX.1 whole", tolerance: SeedFixtures.tolerance)
        let penalty = block.parameters.map {
            ReferenceLayer(weights: $0.weights, bias: $0.bias.map { $0.map { _ in 0 } }).scaled(
                by: 2 * expected.loss.l2)
        }
        let mean = sums!.map { $0.scaled(by: 1 / Double(block.inputs.count)) }
        comparison.compare("sum of shards / batch", zip(mean, penalty).map(added), expected.gradients)
        comparison.compare("gradient", whole.gradient().gradient.layers, expected.gradients)
        #expect(comparison.passes, "\(comparison)")
        let wrong = try #require(SeedFixtures.fixture("FX.1")["as_printed"])
        #expect(wrong.keys.contains { $0.hasSuffix("_WRONG") })
        for key in wrong.keys where key.hasSuffix("_WRONG") {
            let values = try #require(wrong[key]?.vector)
            var guardComparison = Comparison("FX.1 \(key)", tolerance: SeedFixtures.tolerance)
            guardComparison.compare(key, whole.gradients.layers.last!.bias!, values)
            #expect(guardComparison.differsInValue, "the mean of shard means must not come out")
        }
    }

    private func added(_ left: ReferenceLayer, _ right: ReferenceLayer) -> ReferenceLayer {
        ReferenceLayer(
            weights: zip(left.weights, right.weights).map { zip($0, $1).map(+) },
            bias: left.bias.map { zip($0, right.bias!).map(+) })
    }
}

extension ReferenceLayer {
    func scaled(by factor: Double) -> ReferenceLayer {
        ReferenceLayer(weights: weights.map { $0.map { factor * $0 } }, bias: bias?.map { factor * $0 })
    }
}
