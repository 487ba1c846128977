import LoomModel
import LoomReference
import TestSupport
import Testing

@Suite struct ReferenceFixtureTests {
    @Test func everyBlockOfTheFileIsTested() {
        var blocks: Set<String> = []
        for (id, fixture) in SeedFixtures.shared.fixtures {
            for key in fixture.keys where key.hasPrefix("canonical") || key == "dag" {
                blocks.insert("\(id) \(key)")
            }
        }
        let tested = SeedFixtures.denseBlocks.map { "\($0.fixture) \($0.key)" }
        let vertices = SeedFixtures.vertexBlocks.map { "\($0.fixture) dag" }
        #expect(Set(tested + vertices) == blocks)
        #expect(tested.count + vertices.count == blocks.count)
        #expect(tested.count == 25 && vertices.count == 9)
        #expect(SeedFixtures.trainableBlocks.count == 22)
    }

    @Test(arguments: SeedFixtures.denseBlocks)
    func forwardValues(block: DenseBlock) throws {
        let pass = try block.referenceTrainer().forward(inputs: block.inputs)
        var comparison = Comparison(block.id, tolerance: SeedFixtures.tolerance)
        comparison.compare("Z", pass.preActivations, block.preActivations)
        comparison.compare("U", pass.outputs, block.outputs)
        comparison.compare("prediction", pass.prediction, block.prediction)
        #expect(comparison.passes, "\(comparison)")
    }

    @Test(arguments: SeedFixtures.trainableBlocks)
    func lossesAndGradients(block: DenseBlock) throws {
        let training = try #require(block.training)
        let gradients = try block.referenceTrainer().gradients(
            inputs: block.inputs, targets: .values(training.targets))
        var comparison = Comparison(block.id, tolerance: SeedFixtures.tolerance)
        comparison.compare("per-sample loss", gradients.perSampleLosses, training.perSampleLosses)
        comparison.compare("data loss", gradients.dataLoss, training.dataLoss)
        comparison.compare("total loss", gradients.totalLoss, training.totalLoss)
        comparison.compare("dZ", gradients.deltas, training.deltas)
        comparison.compare("gradients", gradients.layers, training.gradients)
        comparison.compare("dX", gradients.inputs, training.inputGradients)
        #expect(comparison.passes, "\(comparison)")
    }

    @Test(arguments: SeedFixtures.trainableBlocks.filter { $0.training!.labels != nil })
    func labelsGiveWhatTheirOneHotRowsGive(block: DenseBlock) throws {
        let training = try #require(block.training)
        let trainer = try block.referenceTrainer()
        let byLabels = try trainer.gradients(inputs: block.inputs, targets: .labels(training.labels!))
        let byValues = try trainer.gradients(inputs: block.inputs, targets: .values(training.targets))
        #expect(byLabels == byValues)
    }

    @Test(arguments: SeedFixtures.trainableBlocks.filter { $0.training!.step != nil })
    func gradientDescentStep(block: DenseBlock) throws {
        let training = try #require(block.training)
        let step = try #require(training.step)
        var trainer = try block.referenceTrainer(
            optimizer: OptimizerDescription(kind: .sgd, learningRate: step.learningRate))
        try trainer.step(inputs: block.inputs, targets: .values(training.targets))
        let after = try trainer.gradients(inputs: block.inputs, targets: .values(training.targets))
        var comparison = Comparison(block.id, tolerance: SeedFixtures.tolerance)
        comparison.compare("parameters after", trainer.parameters, step.parameters)
        comparison.compare("data loss after", after.dataLoss, step.dataLossAfter)
        comparison.compare("total loss after", after.totalLoss, step.totalLossAfter)
        #expect(comparison.passes, "\(comparison)")
        #expect(trainer.completedSteps == 1)
    }

    @Test func trajectoryOfFiveThousandSteps() throws {
        let trajectory = SeedFixtures.trajectory
        let block = SeedFixtures.block("F3.18")
        let targets = ReferenceTargets.values(try #require(block.training).targets)
        var trainer = try block.referenceTrainer(
            optimizer: OptimizerDescription(kind: .sgd, learningRate: trajectory.learningRate))
        var exact = Comparison("F3.18", tolerance: trajectory.tolerance(step: 0))
        var late = Comparison("F3.18 late", tolerance: trajectory.tolerance(step: trajectory.lastStep))
        var firstAllCorrect: Int?
        for step in 0...trajectory.lastStep {
            if let parameters = trajectory.parameters[step] {
                exact.compare("parameters before step \(step)", trainer.parameters, parameters)
            }
            if step == trajectory.lastStep { break }
            let before = try trainer.step(inputs: block.inputs, targets: targets)
            if firstAllCorrect == nil && allCorrect(before.pass.logits, targets) { firstAllCorrect = step }
            guard let loss = trajectory.losses[step] else { continue }
            if step <= 100 {
                exact.compare("loss before step \(step)", before.totalLoss, loss)
            } else {
                late.compare("loss before step \(step)", before.totalLoss, loss)
            }
        }
        let last = try trainer.gradients(inputs: block.inputs, targets: targets)
        late.compare("last loss", last.totalLoss, trajectory.losses[trajectory.lastStep]!)
        late.compare("last logits", last.pass.logits.map { $0[0] }, trajectory.lastLogits)
        let testPoint = trainer.forward(inputs: [[3.5]]).logits[0][0]
        late.compare("last logit of 3.5", testPoint, trajectory.lastLogitOfTestPoint)
        #expect(exact.passes, "\(exact)")
        #expect(late.passes, "\(late)")
        #expect(firstAllCorrect == trajectory.firstStepWithAllCorrect)
    }

    private func allCorrect(_ logits: [[Double]], _ targets: ReferenceTargets) -> Bool {
        zip(logits, targets.values(outputs: 1)).allSatisfy { ($0[0] >= 0) == ($1[0] >= 0.5) }
    }

    @Test func sumsOverShardsMakeTheWholeBatch() throws {
        let block = SeedFixtures.block("FX.1")
        let training = try #require(block.training)
        let sums = LossDescription(kind: training.loss.kind, reduction: .sum)
        let trainer = try ReferenceTrainer(network: block.network, loss: sums, optimizer: .init())
        var comparison = Comparison("FX.1", tolerance: SeedFixtures.tolerance)
        var lossSum = 0.0
        var weightSum = 0.0
        for (index, shard) in SeedFixtures.shards.enumerated() {
            let gradients = try trainer.gradients(
                inputs: Array(block.inputs[shard.rows]), targets: .values(Array(training.targets[shard.rows]))
            )
            comparison.compare("loss of shard \(index)", gradients.dataLoss, shard.lossSum)
            comparison.compare("gradients of shard \(index)", gradients.layers, shard.gradientSums)
            lossSum += gradients.dataLoss
            weightSum += gradients.layers[0].weights[0][0]
        }
        // Divided by the whole batch once, and the penalty's gradient 2λW added once.
        let rows = Double(block.inputs.count)
        let weight = try #require(block.network.layers[0].weights)[0][0]
        comparison.compare("mean of the losses", lossSum / rows, training.dataLoss)
        comparison.compare(
            "dW[0][0][0]", weightSum / rows + 2 * training.loss.l2 * weight,
            training.gradients[0].weights[0][0])
        #expect(comparison.passes, "\(comparison)")
        #expect(SeedFixtures.shards.map(\.rows) == [0..<3, 3..<5, 5..<7])
    }
}
