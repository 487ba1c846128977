import Foundation
import Testing

@Suite struct EvaluateTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    private static let blobs = """
        data:
          synthetic: {task: blobs, samples: 500, inputs: 4, classes: 3, seed: 2}
          validation: 0.3
          standardize: true
        network:
          layers:
            - {units: 8, activation: tanh}
            - {units: 3}
          output: softmax
        loss: {kind: cross_entropy, l2: 0.001}
        optimizer: {kind: adam, learning_rate: 0.01}
        training: {batch: 32, epochs: 3}

        """

    @Test(arguments: ["float32", "float64"])
    func evaluationRepeatsTheLastValidation(precision: String) throws {
        try workplace.write(Self.blobs, to: "blobs.yaml")
        let training = try workplace.run(
            "train", "blobs.yaml", "--json", "--set", "training.precision=\(precision)")
        let last = try #require(try training.events().last { $0["event"] as? String == "epoch" })
        let run = try #require(try training.lastEvent()["run_directory"] as? String)
        let outcome = try workplace.run("evaluate", run, "--json", "--workers", "1")
        #expect(outcome.exitCode == 0)
        #expect(outcome.errors == "")
        let evaluation = try outcome.lastEvent()
        #expect(
            Set(evaluation.keys) == [
                "event", "data", "samples", "loss", "accuracy", "step", "checkpoint", "classification", "binary",
                "regression",
            ])
        #expect(evaluation["event"] as? String == "evaluation")
        #expect(evaluation["data"] as? String == "validation")
        #expect(evaluation["samples"] as? Int == 150)
        #expect(evaluation["step"] as? Int == last["step"] as? Int)
        #expect(evaluation["loss"] as? Double == last["validation_loss"] as? Double)
        #expect(evaluation["accuracy"] as? Double == last["validation_accuracy"] as? Double)
        #expect(try #require(evaluation["loss"] as? Double) > 0)
    }

    /// A table for a network that was not trained on one: its targets have to be named.
    @Test func tablesForOtherTrainings() throws {
        try workplace.write(Self.blobs, to: "blobs.yaml")
        let run = try workplace.train("blobs.yaml")
        let table = try workplace.run(
            "generate", "blobs.yaml", "--samples", "30", "--format", "csv", "--output", "b.csv")
        #expect(table.exitCode == 0, "\(table.errors)")
        let unnamed = try workplace.run("evaluate", run, "--data", "b.csv")
        #expect(unnamed.exitCode == 64 && unnamed.errors.contains("--label COLUMN"), "\(unnamed.errors)")
        let named = try workplace.run("evaluate", run, "--data", "b.csv", "--label", "label", "--json")
        #expect(try named.lastEvent()["samples"] as? Int == 30, "\(named.errors)")
    }

    @Test func dataOfOthersAreReadAsTheTrainingDataWere() throws {
        try workplace.write(SampleData.classes, to: "classes.yaml")
        try workplace.write(SampleData.animals, to: "data.csv")
        let run = try workplace.train("classes.yaml")
        // Other order of the columns, not all classes, one label that is wrong on purpose.
        try workplace.write("y,b,a\ndog,0,1\ncow,-1,-1\ndog,1,0\n", to: "other.csv")
        let named = try workplace.run("evaluate", run, "--data", "other.csv", "--json")
        #expect(named.exitCode == 0, "\(named.errors)")
        #expect(try named.lastEvent()["accuracy"] as? Double == 2.0 / 3)
        #expect(try named.lastEvent()["data"] as? String == "other.csv")

        try workplace.write("1,0,dog\n-1,-1,cow\n0,1,dog\n", to: "plain.csv")
        let numbered = try workplace.run("evaluate", run, "--data", "plain.csv", "--label", "-1", "--json")
        #expect(try numbered.lastEvent()["accuracy"] as? Double == 2.0 / 3)

        let table = try workplace.run("evaluate", run, "--data", "other.csv")
        #expect(table.output.components(separatedBy: "\n\n")[0].split(separator: "\n").count == 5)
        #expect(table.output.contains(/checkpoint +step-\d+\.safetensors\n/))
        #expect(table.output.contains("accuracy"))
        #expect(table.output.contains("66.7 %"))
    }

    @Test func aRunWithoutValidationIsEvaluatedOnItsTrainingData() throws {
        try workplace.write(SampleData.xor, to: "xor.yaml")
        let run = try workplace.train("xor.yaml", "--set", "run.checkpoint.every=epoch")
        let outcome = try workplace.run("evaluate", run, "--json")
        #expect(try outcome.lastEvent()["data"] as? String == "training")
        #expect(try outcome.lastEvent()["samples"] as? Int == 4)
        // The checkpoint of the step before has another loss.
        let earlier = try workplace.run(
            "evaluate", run, "--json", "--checkpoint", run + "/checkpoints/step-00000002.safetensors")
        #expect(try earlier.lastEvent()["step"] as? Int == 2)
        #expect(
            try earlier.lastEvent()["loss"] as? Double != (try outcome.lastEvent()["loss"] as? Double))
    }

    @Test func npyFilesAreEvaluated() throws {
        try workplace.write(SampleData.classes, to: "classes.yaml")
        try workplace.write(SampleData.animals, to: "data.csv")
        let run = try workplace.train("classes.yaml")
        // cat 0, cow 1, dog 2
        let inputs = SampleData.bytes([1, 0, -1, -1, 0, 1] as [Double])
        try workplace.write(SampleData.npy("<f8", shape: "(3, 2)", inputs), to: "x.npy")
        try workplace.write(
            SampleData.npy("<i8", shape: "(3,)", SampleData.bytes([2, 1, 2] as [Int64])), to: "y.npy")
        let outcome = try workplace.run("evaluate", run, "--data", "x.npy", "--targets", "y.npy", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try outcome.lastEvent()["accuracy"] as? Double == 2.0 / 3)
    }

    @Test func targetColumnsAreThoseOfTheTraining() throws {
        try workplace.write(
            SampleData.linear.replacing("label: y}", with: "label: [y, z]}")
                .replacing(
                    "units: 1, weights: [[2, -3]], bias: [1]", with: "units: 2, weights: [[2, -3], [1, 1]]"),
            to: "linear.yaml")
        try workplace.write("a,b,y,z\n1,1,-1,2\n2,1,1,3\n", to: "data.csv")
        let run = try workplace.train("linear.yaml")
        try workplace.write("z,y,b,a\n5,-5,3,2\n3,1,1,2\n", to: "other.csv")
        let outcome = try workplace.run("evaluate", run, "--data", "other.csv", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try outcome.lastEvent()["loss"] as? Double == 0)
        let prediction = try workplace.run("predict", run, "--input", "other.csv", "--output", "p.csv")
        #expect(prediction.exitCode == 0, "\(prediction.errors)")
        #expect(try workplace.read("p.csv") == "y,z\n-5.0,5.0\n1.0,3.0\n")
    }

    @Test(arguments: [
        ("--data", "nowhere.csv", 66, "nowhere.csv: there is no such file"),
        ("--data", "short.csv", 65, "short.csv, line 1: there is no column \"b\"; the columns are: a, y"),
        (
            "--data", "unlabelled.csv", 65,
            "unlabelled.csv, line 1: there is no column \"y\"; the columns are: a, b"
        ),
        (
            "--checkpoint", "nowhere.safetensors", 66,
            "‘nowhere.safetensors’: cannot be read: No such file or directory"
        ),
        ("--checkpoint", "data.csv", 65, "‘data.csv’: not a valid safetensors header"),
        ("--checkpoint", "cut.safetensors", 65, "‘cut.safetensors’"),
    ])
    func mistakesAreNamed(option: String, file: String, exitCode: Int32, message: String) throws {
        try workplace.write(SampleData.classes, to: "classes.yaml")
        try workplace.write(SampleData.animals, to: "data.csv")
        let run = try workplace.train("classes.yaml")
        try workplace.write("a,y\n1,dog\n", to: "short.csv")
        try workplace.write("a,b\n1,2\n", to: "unlabelled.csv")
        let checkpoint = try Data(contentsOf: workplace.url(run + "/checkpoints/step-00000060.safetensors"))
        try workplace.write(checkpoint.dropLast(8), to: "cut.safetensors")
        let outcome = try workplace.run("evaluate", run, option, file)
        #expect(outcome.exitCode == exitCode)
        #expect(outcome.errors.hasPrefix("error: " + message))
        #expect(outcome.errors.split(separator: "\n").count == 1)
        #expect(outcome.output == "")
    }
}
