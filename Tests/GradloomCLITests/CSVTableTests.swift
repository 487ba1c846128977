import Foundation
import Testing

/// CSV files with categories, missing values and decimal commas, from the training to the prediction.
@Suite struct CSVTableTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(Self.configuration, to: "table.yaml")
        try workplace.write(Self.table, to: "data.csv")
    }

    /// y = 2 age + 10 (age is missing) + 100 baker + 1000 cook, and steps too small to change the weights.
    private static let configuration = """
        data:
          csv: {path: data.csv, label: y, categories: [job], missing: mean}
        network:
          layers:
            - {name: output, units: 1, weights: [[2, 10, 100, 1000]], bias: [0]}
          output: identity
        loss: {kind: squared_sum}
        optimizer: {kind: sgd, learning_rate: 1.0e-200}
        training: {batch: 2, epochs: 1, precision: float64}
        parallel: {workers: 1}

        """
    private static let table = "age,job,y\n1,cook,1002\n?,baker,114\n3,cook,1006\n"

    /// Whatever the inputs.
    private static let plainLayer = "network.layers=[{name: output, units: 1}]"

    private func predict(_ run: String, _ text: String) throws -> Outcome {
        try workplace.write(text, to: "x.csv")
        return try workplace.run("predict", run, "--input", "x.csv", "--output", "p.csv", "--force")
    }

    @Test func aModelReadsOtherFilesAsItsOwn() throws {
        let run = try workplace.train("table.yaml")
        // The mean of 1 and 3 is 2. Columns in another order, a file of other categories, and labels left out.
        let outcome = try predict(run, "job,age\nbaker,5\ncook,NA\n\" baker \",\n")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try workplace.read("p.csv") == "y\n110.0\n1014.0\n114.0\n")
        // Without a header, by position.
        _ = try predict(run, "5,baker\n,cook\n")
        #expect(try workplace.read("p.csv") == "y\n110.0\n1014.0\n")
        let evaluated = try workplace.run("evaluate", run, "--data", "data.csv", "--json")
        #expect(evaluated.exitCode == 0 && evaluated.output.contains("\"loss\":0"), "\(evaluated.output)")
    }

    @Test func whatAModelHasNotSeenIsNamed() throws {
        let run = try workplace.train("table.yaml")
        let category = try predict(run, "age,job\n1,cook\n2,smith\n")
        #expect(category.exitCode == 65)
        #expect(
            category.errors
                == """
                error: x.csv, line 3, column 2 (job): "smith" is none of the column's 2 categories in training; correct \
                the cell, remove the line, or train on data that have it; the categories are: baker, cook

                """)
        let missing = try predict(run, "age,job\n1,cook\n2,NA\n")
        #expect(missing.exitCode == 65)
        #expect(
            missing.errors.contains(
                "line 3, column 2 (job): \"NA\" stands for a missing value, but the column had none"))
        try workplace.write("age,job,y\n1,smith,1\n", to: "other.csv")
        #expect(try workplace.run("evaluate", run, "--data", "other.csv").exitCode == 65)
    }

    @Test func aRunGoesOnWithItsCategories() throws {
        let run = try workplace.train("table.yaml")
        let resumed = try workplace.run("train", "--resume", run, "--set", "training.epochs=2")
        #expect(resumed.exitCode == 0, "\(resumed.errors)")
        #expect(try predict(run, "age,job\n,cook\n").exitCode == 0)
        #expect(try workplace.read("p.csv") == "y\n1014.0\n")
        let inspected = try workplace.run("inspect", "table.yaml", "--sample", "1")
        #expect(inspected.exitCode == 0 && inspected.output.contains("114"), "\(inspected.output)\(inspected.errors)")
    }

    @Test func linesWithMissingValuesAreLeftOutAndCounted() throws {
        let run = try workplace.train(
            "table.yaml", "--set", "data.csv.missing=drop", "--set",
            "network.layers=[{name: output, units: 1, weights: [[2, 1000]], bias: [0]}]")
        let outcome = try predict(run, "age,job\n1,cook\n,cook\n")
        #expect(outcome.exitCode == 65)
        #expect(outcome.errors.contains("line 3, column 1 (age)"))
        let evaluated = try workplace.run("evaluate", run, "--data", "data.csv")
        #expect(evaluated.exitCode == 0, "\(evaluated.errors)")
        #expect(evaluated.errors == "note: 1 of 3 samples are left out, because values are missing\n")
    }

    @Test func missingValuesAndTextsAreRefusedByDefault() throws {
        let text = try workplace.run(
            "train", "table.yaml", "--set", "data.csv.categories=none", "--set", Self.plainLayer)
        #expect(text.exitCode == 65)
        #expect(
            text.errors.contains(
                "line 2, column 2 (job): \"cook\" is not a number; correct the cell, remove the line, or ignore the column; "
                    + "if it holds categories, list it in data.csv.categories\n"))
        let missing = try workplace.run(
            "train", "table.yaml", "--set", "data.csv.missing=refuse", "--set", Self.plainLayer)
        #expect(missing.exitCode == 65)
        #expect(
            missing.errors.contains("line 3, column 1 (age): \"?\" is not a number; missing values are not filled in"))
    }

    @Test func decimalCommas() throws {
        try workplace.write("age;job;y\n\"1,5\";cook;1003\n2,5;baker;105\n", to: "data.csv")
        let run = try workplace.train(
            "table.yaml", "--set", "data.csv.decimal=\",\"", "--set",
            "network.layers=[{name: output, units: 1, weights: [[2, 100, 1000]], bias: [0]}]")
        #expect(try predict(run, "age;job\n0,25;cook\n").exitCode == 0)
        #expect(try workplace.read("p.csv") == "y\n1000.5\n")
    }
}
