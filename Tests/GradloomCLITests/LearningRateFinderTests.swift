import Foundation
import Testing

/// `gradloom train --learning-rate-finder` and `--until-epoch`
@Suite struct LearningRateFinderTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(
            """
            data: {synthetic: {task: mixture, samples: 300, inputs: 4, classes: 3, seed: 1}, validation: 0.2}
            network: {layers: [{units: 8, activation: relu}, {units: 3}], output: softmax}
            optimizer: {kind: adam, learning_rate: 0.1}
            training: {batch: 32, epochs: 4}

            """, to: "c.yaml")
    }

    @Test func ratesAreSuggestedAndNothingIsKept() throws {
        let outcome = try workplace.run(
            "train", "c.yaml", "--learning-rate-finder", "--quiet", "--set", "training.seed=2", "--set",
            "optimizer.learning_rate=0.1", "--workers", "1",
            "--fold", "1/3")
        #expect(outcome.exitCode == 0 && outcome.errors == "", "\(outcome.errors)")
        #expect(try workplace.names() == ["c.yaml"])
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines[0].contains(/^c: \d+ steps, learning rate 1.0e-07 to [0-9.e-]+,/) && lines[2] == "loss")
        #expect(
            outcome.output.contains("\n           1.0e-07 ")
                && outcome.output.contains("loss, smoothed, by learning rate\n"))
        let steepest = try #require(outcome.output.firstMatch(of: /\n +([0-9.e-]+)  the loss falls fastest there\n/))
        #expect(outcome.output.contains(/\n +[0-9.e-]+  a tenth of [0-9.e-]+, where the loss was smallest\n/))
        #expect(outcome.output.contains("0.1  the configuration as it is\n"))
        #expect(
            outcome.output.hasSuffix(
                "\nNext: gradloom train c.yaml --set training.seed=2 --set parallel.workers=1 --fold 1/3 --set "
                    + "optimizer.learning_rate=\(steepest.1)\n"))
    }

    @Test func theCurveIsOneObject() throws {
        let outcome = try workplace.run("train", "c.yaml", "--learning-rate-finder", "--json")
        #expect(try outcome.exitCode == 0 && outcome.events().count == 1, "\(outcome.errors)")
        let event = try outcome.lastEvent()
        #expect(
            Set(event.keys) == [
                "event", "points", "diverged", "steepest", "tenth_of_minimum", "rate_of_minimum", "configured",
            ])
        let points = try #require(event["points"] as? [[String: Double]])
        #expect(points.count > 100 && points.count <= 200 && points[0]["learning_rate"] == 1e-7)
        #expect(points.allSatisfy { Set($0.keys) == ["learning_rate", "loss", "smoothed_loss"] })
        let steepest = try #require(event["steepest"] as? Double)
        let minimum = try #require(event["rate_of_minimum"] as? Double)
        #expect(steepest > 1e-7 && steepest <= minimum * 1.1 && event["configured"] as? Double == 0.1)
    }

    @Test func nothingIsSuggestedOfWhatCannotBeLearnt() throws {
        // Weights that no step of these sizes changes.
        let outcome = try workplace.run(
            "train", "c.yaml", "--learning-rate-finder", "--quiet", "--set", "data.synthetic.label_noise=1", "--set",
            "optimizer.epsilon=1e30")
        #expect(
            outcome.exitCode == 0 && outcome.output.contains("No rate is suggested: "),
            "\(outcome.output)\(outcome.errors)")
        #expect(!outcome.output.contains("Next: "))
    }

    @Test(arguments: ["--resume", "--profile", "--until-epoch", "--on-nan"])
    func whatMakesNoSenseIsRefused(option: String) throws {
        let value = ["--on-nan": "stop", "--until-epoch": "2"][option] ?? "x"
        let configuration = option == "--resume" ? [] : ["c.yaml"]
        let outcome = try workplace.run(["train", "--learning-rate-finder", option, value] + configuration)
        #expect(outcome.exitCode == 64)
        #expect(
            outcome.errors.contains("which leaves nothing behind: it goes without \(option).\n"), "\(outcome.errors)")
    }

    @Test func aTrainingEndsAfterTheEpochThatIsNamed() throws {
        let outcome = try workplace.run("train", "c.yaml", "--until-epoch", "3", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try outcome.events().compactMap { $0["epoch"] as? Int } == [1, 2, 3])
        let run = try #require(try outcome.lastEvent()["run_directory"] as? String)
        // At its end, and not a step later.
        #expect(try workplace.names(in: run + "/checkpoints").contains { $0.contains("24.") })
        let rest = try workplace.run("train", "--resume", run, "--until-epoch", "9")
        #expect(rest.exitCode == 0 && rest.output.contains(": 4 epochs, "), "\(rest.errors)")
        let wrong = try workplace.run("train", "c.yaml", "--until-epoch", "0")
        #expect(wrong.exitCode == 64 && wrong.errors.contains("error: --until-epoch must be at least 1."))
    }
}
