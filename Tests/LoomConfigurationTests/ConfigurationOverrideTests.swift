import LoomData
import Foundation
import LoomModel
import LoomTraining
import Testing

@testable import LoomConfiguration

@Suite("Overrides of configurations")
struct ConfigurationOverrideTests {
    static let yaml = """
        data: {synthetic: {task: teacher, samples: 100}, validation: 0.1}
        network:
          layers: [{units: 8, activation: relu}, {units: 10}]
          output: softmax
        optimizer: {learning_rate: 0.1}
        """

    @Test("replace scalars, mappings and elements of lists, and add keys and whole sections")
    func effect() throws {
        let configuration = try Configuration.reading(
            Self.yaml,
            overrides: [
                "optimizer.learning_rate=0.05", "optimizer.kind=adamw", "network.layers.0.units=1_6",
                "parallel.workers=3", "run.checkpoint.every={steps: 5}", "data.validation.fraction=0.25",
                "data.synthetic={task: xor, samples: 8}", "training.epochs=1", "training.epochs=7",
            ])
        #expect(configuration.optimizer.learningRate == 0.05)
        #expect(configuration.optimizer.kind == .adamw)
        #expect(configuration.network.layers.map(\.units) == [16, 10])
        #expect(configuration.network.layers[0].activation == .relu)
        #expect(configuration.parallel.workers == 3)
        #expect(configuration.run.checkpoint.every == .steps(5))
        #expect(configuration.data.validation == .split(SplitDescription(fraction: 0.25)))
        #expect(configuration.data.source == .synthetic(.init(task: .xor, samples: 8)))
        #expect(configuration.training.epochs == 7)
    }

    @Test("take a key away with null")
    func null() throws {
        let configuration = try Configuration.reading(
            Self.yaml,
            overrides: ["data.synthetic=null", "data.npy={inputs: x.npy, targets: y.npy}", "optimizer=~"])
        let directory = FileManager.default.currentDirectoryPath
        #expect(
            configuration.data.source
                == .npy(.init(inputs: "\(directory)/x.npy", targets: "\(directory)/y.npy")))
        #expect(configuration.optimizer == OptimizerDescription())
    }

    @Test(
        "name the argument in messages",
        arguments: [
            ("epochs", "--set epochs: expected KEY.PATH=VALUE, such as optimizer.learning_rate=0.05"),
            (
                "training..epochs=1",
                "--set training..epochs=1: 'training..epochs' is not a key path; expected keys with points between them, "
                    + "such as optimizer.learning_rate"
            ),
            (
                "optimizer.learning_rate=-1",
                "--set optimizer.learning_rate=-1: optimizer.learning_rate: expected a number above 0, found -1"
            ),
            (
                "optimizer.learning_rate=",
                "--set optimizer.learning_rate=: optimizer.learning_rate: expected a number above 0, found nothing"
            ),
            (
                "optimizer.rate=1",
                "--set optimizer.rate=1: optimizer.rate: unknown key; did you mean 'learning_rate'?"
            ),
            (
                "optimiser.kind=sgd",
                "--set optimiser.kind=sgd: optimiser: unknown key; did you mean 'optimizer'?"
            ),
            (
                "network.layers.2.units=3",
                "--set network.layers.2.units=3: network.layers.2.units: network.layers is a list of 2; expected one of "
                    + "its indices, 0 to 1, found '2'; to change their number, replace the whole list"
            ),
            (
                "network.layers.first.units=3",
                "--set network.layers.first.units=3: network.layers.first.units: network.layers is a list of 2; expected "
                    + "one of its indices, 0 to 1, found 'first'; to change their number, replace the whole list"
            ),
            (
                "run.checkpoint={every: end",
                "--set run.checkpoint={every: end: run.checkpoint: not valid YAML: did not find expected ',' or '}', "
                    + "while parsing a flow mapping that starts in line 1"
            ),
            (
                "training.early_stopping.minimum_improvement=1",
                "--set training.early_stopping.minimum_improvement=1: training.early_stopping.patience: the key is "
                    + "missing; expected a whole number, 1 or more: epochs without improvement after which training ends"
            ),
        ])
    func message(override: String, message: String) {
        #expect(Configuration.problems(Self.yaml, overrides: [override]) == message)
    }

    @Test("are reported after the file's mistakes, in their order")
    func order() {
        let problems = Configuration.problems(
            Self.yaml + "\nloss: {l2: -1}", overrides: ["training.epochs=0", "loss.reduction=max", "b"])
        #expect(
            problems.split(separator: "\n").map { $0.split(separator: ": ")[0] }
                == ["run.yaml:6:12", "--set b", "--set loss.reduction=max", "--set training.epochs=0"])
    }
}
