import LoomData
import LoomModel
import LoomTraining
import TestSupport
import Testing

/// What cannot be trained is refused before the first step, in a sentence with the sizes.
@Suite struct TrainerRefusalTests {
    private let problem = FastProblem.made(layers: [3, 5, 4], output: .softmax, rows: 10, seed: 1)

    private func refusal(_ problem: FastProblem, batchRows: Int = 5, data: Dataset<Float>? = nil) throws
        -> String
    {
        let data = try data ?? self.problem.dataset(Float.self)
        let error = #expect(throws: ModelError.self) {
            try Trainer<Float>(
                network: problem.network, loss: problem.loss, optimizer: OptimizerDescription(),
                schedule: TrainingSchedule(batchRows: batchRows, epochs: 1), team: TeamPlan(workers: 1),
                data: data)
        }
        return error?.description ?? ""
    }

    private func expect(_ sentence: String, names parts: [String]) {
        for part in parts { #expect(sentence.contains(part), "‘\(part)’ is missing in: \(sentence)") }
    }

    @Test func anotherNumberOfFeatures() throws {
        var other = problem
        other.network.inputs = 4
        expect(try refusal(other), names: ["3 features", "4 inputs"])
    }

    @Test func aBatchLargerThanTheData() throws {
        expect(try refusal(problem, batchRows: 11), names: ["11", "only 10 training samples", "at most 10"])
        #expect(throws: Never.self) {
            try problem.trainer(Float.self, schedule: TrainingSchedule(batchRows: 10, epochs: 1))
        }
    }

    @Test func moreClassesThanUnits() throws {
        let narrow = FastProblem.made(layers: [3, 5, 2], output: .softmax, rows: 10, seed: 1)
        expect(try refusal(narrow), names: ["4 classes", "'layer2'", "2 units"])
    }

    @Test func otherTargetColumnsThanUnits() throws {
        let data = try FastProblem.made(layers: [3, 4], output: .identity, rows: 10, seed: 1).dataset(
            Float.self)
        let narrow = FastProblem.made(layers: [3, 5, 2], output: .identity, rows: 10, seed: 1)
        expect(try refusal(narrow, data: data), names: ["4 columns", "'layer2'", "2 units"])
    }

    @Test func labelsForALossOfValues() throws {
        let regression = FastProblem.made(layers: [3, 5, 4], output: .identity, rows: 10, seed: 1)
        expect(try refusal(regression), names: ["class indices", "softmax", "cross_entropy"])
    }

    @Test func noTargets() throws {
        let data = try Dataset<Float>(InlineSource(inputs: problem.inputs), conversion: nil)
        expect(try refusal(problem, data: data), names: ["no targets"])
    }

    @Test func thresholds() throws {
        var hidden = problem
        hidden.network.layers[0].activation = .threshold
        expect(try refusal(hidden), names: ["'layer1'", "threshold", "derivative", "sigmoid"])
        var output = problem
        output.network.output = .threshold
        expect(try refusal(output), names: ["output map", "threshold", "sigmoid"])
    }

    @Test func aLossThatDoesNotGoWithTheOutput() throws {
        var identity = problem
        identity.network.output = .identity
        expect(try refusal(identity), names: ["cross_entropy", "identity", "squared_sum"])
    }
}
