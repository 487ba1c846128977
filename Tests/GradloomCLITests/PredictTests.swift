import Foundation
import Testing

@Suite struct PredictTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    private func predict(_ run: String, _ input: String, to output: String = "p.csv") throws -> String {
        let outcome = try workplace.run("predict", run, "--input", input, "--output", output, "--force")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(outcome.output == "")
        #expect(outcome.errors == "")
        return output.hasSuffix(".csv") ? try workplace.read(output) : ""
    }

    @Test func textClassesComeBackAsText() throws {
        try workplace.write(SampleData.classes, to: "classes.yaml")
        try workplace.write(
            SampleData.animals.replacing("cow", with: "\"cow, \"\"brown\"\"\""), to: "data.csv")
        let run = try workplace.train("classes.yaml")
        // With the labels and without them, in any order of columns.
        let labelled = try predict(run, "data.csv")
        let lines = labelled.split(separator: "\n")
        #expect(lines[0] == "class,probability_cat,\"probability_cow, \"\"brown\"\"\",probability_dog")
        #expect(lines.count == 7)
        for (line, name) in zip(lines.dropFirst(), ["dog", "cat", "\"cow, \"\"brown\"\"\"", "dog", "cat"]) {
            #expect(line.hasPrefix(name + ","))
        }
        let probabilities = try lines[1].split(separator: ",").dropFirst().map { try #require(Double($0)) }
        #expect(abs(probabilities.reduce(0, +) - 1) < 1e-12)
        try workplace.write("b,a\n0,1\n1,0\n-1,-1\n0.1,1.5\n1.2,0.1\n-1.1,-0.9\n", to: "x.csv")
        #expect(try predict(run, "x.csv") == labelled)
        try workplace.write("1,0\n0,1\n-1,-1\n1.5,0.1\n0.1,1.2\n-0.9,-1.1\n", to: "x.csv")
        #expect(try predict(run, "x.csv") == labelled)
    }

    @Test func standardInputIsNoFile() throws {
        try workplace.write(SampleData.classes, to: "classes.yaml")
        try workplace.write(SampleData.animals, to: "data.csv")
        let run = try workplace.train("classes.yaml")
        let outcome = try workplace.run("predict", run, "--input", "-", "--output", "-")
        #expect(outcome.exitCode == 66 && outcome.errors.contains("-: there is no such file"), "\(outcome.errors)")
    }

    @Test func labelsFromOneComeBackFromOne() throws {
        try workplace.write(SampleData.classes, to: "classes.yaml")
        let numbered = SampleData.animals.replacing("cat", with: "1").replacing("cow", with: "2")
            .replacing("dog", with: "3")
        try workplace.write(numbered, to: "data.csv")
        let run = try workplace.train("classes.yaml")
        let lines = try predict(run, "data.csv").split(separator: "\n")
        #expect(lines[0] == "class,probability_1,probability_2,probability_3")
        #expect(lines.dropFirst().map(\.first) == ["3", "1", "2", "3", "1", "2"])
    }

    @Test func filesWithoutHeaderHaveTheTrainingColumnsOrTheFeatures() throws {
        try workplace.write(SampleData.linear.replacing("label: y", with: "label: 0"), to: "linear.yaml")
        try workplace.write("0,1,2\n0,3,4\n", to: "data.csv")
        let run = try workplace.train("linear.yaml")
        try workplace.write("9,5,6\n", to: "x.csv")
        #expect(try predict(run, "x.csv") == "y0\n-7.0\n")
        try workplace.write("5,6\n", to: "x.csv")
        #expect(try predict(run, "x.csv") == "y0\n-7.0\n")
        try workplace.write("5,6,7,8\n", to: "x.csv")
        let outcome = try workplace.run("predict", run, "--input", "x.csv", "--output", "q.csv")
        #expect(outcome.exitCode == 65)
        #expect(
            outcome.errors == """
                error: x.csv: 4 feature columns, but the model was trained on 2; give the same features as \
                in training, in \
                the same order

                """)
        #expect(try !workplace.names().contains("q.csv"))
    }

    @Test func standardizationIsPartOfTheModel() throws {
        try workplace.write(
            SampleData.linear.replacing("label: y}", with: "label: y}\n  standardize: true"),
            to: "linear.yaml")
        // Means 2 and 10, deviations 1 and 5.
        try workplace.write("a,b,y\n1,5,0\n3,15,0\n", to: "data.csv")
        let run = try workplace.train("linear.yaml")
        try workplace.write("a,b\n4,10\n2,20\n", to: "x.csv")
        #expect(try predict(run, "x.csv") == "y\n5.0\n-5.0\n")
    }

    @Test func timesInSecondsKeepTheirDifferences() throws {
        try workplace.write(
            SampleData.linear.replacing("label: y}", with: "label: y}\n  standardize: true")
                .replacing("float64", with: "float32").replacing("1.0e-200", with: "1.0e-30"),
            to: "linear.yaml")
        // Means 1,700,000,002 and 10, deviations 1 and 5; float32 has no number between ...1,968 and ...2,096.
        try workplace.write("a,b,y\n1700000001,5,0\n1700000003,15,0\n", to: "data.csv")
        let run = try workplace.train("linear.yaml")
        try workplace.write("a,b\n1700000004,10\n1700000002,20\n", to: "x.csv")
        #expect(try predict(run, "x.csv") == "y\n5.0\n-5.0\n")
    }

    @Test func oneSigmoidUnitChoosesBetweenTwoClasses() throws {
        try workplace.write(
            SampleData.linear.replacing("output: identity", with: "output: sigmoid")
                .replacing("squared_sum", with: "cross_entropy"), to: "linear.yaml")
        try workplace.write("a,b,y\n1,0,yes\n0,1,no\n", to: "data.csv")
        let run = try workplace.train("linear.yaml")
        try workplace.write("a,b\n-0.5,0\n-1,1\n", to: "x.csv")
        let lines = try predict(run, "x.csv").split(separator: "\n")
        #expect(lines[0] == "class,probability_yes")
        #expect(lines[1] == "yes,0.5")
        #expect(lines[2].hasPrefix("no,0.0179"))
    }

    @Test func unitsWithoutANameAreNumbered() throws {
        try workplace.write(SampleData.classes, to: "classes.yaml")
        try workplace.write("a,b\n1,0\n", to: "x.csv")
        try workplace.write("a,b,y\n1,0,dog\n0,1,cat\n1,1,cat\n", to: "data.csv")
        #expect(
            try predict(try workplace.train("classes.yaml"), "x.csv")
                .hasPrefix("class,probability_cat,probability_dog,probability_class_2\ndog,"))
        try workplace.write("a,b,y\n1,0,dog\n0,1,dog\n1,1,dog\n", to: "data.csv")
        #expect(
            try predict(try workplace.train("classes.yaml"), "x.csv", to: "q.csv")
                .hasPrefix("class,probability_dog,probability_class_1,probability_class_2\ndog,"))
        let sigmoid = SampleData.classes.replacing("units: 3", with: "units: 1").replacing("softmax", with: "sigmoid")
        try workplace.write(sigmoid, to: "sigmoid.yaml")
        #expect(
            try predict(try workplace.train("sigmoid.yaml"), "x.csv", to: "r.csv")
                .hasPrefix("class,probability_class_1\ndog,"))
    }

    @Test func labelsThatWereNumbersStayNumbers() throws {
        try workplace.write(SampleData.linear, to: "linear.yaml")
        try workplace.write("a,b,y\n1,5,0.5\n3,15,1.5\n", to: "data.csv")
        let run = try workplace.train("linear.yaml")
        try workplace.write("a,b,y\n1,5,NA\n3,15,low\n", to: "more.csv")
        let outcome = try workplace.run("evaluate", run, "--data", "more.csv")
        #expect(outcome.exitCode == 65)
        #expect(outcome.errors.hasPrefix("error: more.csv, line 2, column 3 (y): \"NA\" is not a number; "))
    }

    @Test func floatsHaveTheirOwnDigits() throws {
        try workplace.write(
            SampleData.linear.replacing("float64", with: "float32").replacing(
                "bias: [1]", with: "bias: [0.1]"
            )
            .replacing("1.0e-200", with: "1.0e-30"), to: "linear.yaml")
        try workplace.write("a,b,y\n0,0,0\n0,0,0\n", to: "data.csv")
        let run = try workplace.train("linear.yaml")
        #expect(try predict(run, "data.csv") == "y\n0.1\n0.1\n")
    }

    @Test func npyGoesInAndOut() throws {
        try workplace.write(SampleData.linear, to: "linear.yaml")
        try workplace.write("a,b,y\n1,2,0\n3,4,0\n", to: "data.csv")
        let run = try workplace.train("linear.yaml")
        let inputs = SampleData.bytes([5, 6, 7, 9] as [Int16])
        try workplace.write(SampleData.npy("<i2", shape: "(2, 2)", inputs), to: "x.npy")
        _ = try predict(run, "x.npy", to: "p.npy")
        let expected = SampleData.npy("<f8", shape: "(2, 1)", SampleData.bytes([-7, -12] as [Double]))
        #expect(try Data(contentsOf: workplace.url("p.npy")) == expected)
        #expect(try predict(run, "x.npy") == "y\n-7.0\n-12.0\n")
    }

    @Test(arguments: [
        ("short.csv", "p.csv", 65, "short.csv, line 1: there is no column \"b\"; the columns are: a"),
        ("nan.csv", "p.csv", 65, "nan.csv, line 3, column 2 (b): the input is NaN"),
        ("nowhere.csv", "p.csv", 66, "nowhere.csv: there is no such file"),
        ("nowhere.npy", "p.csv", 66, "nowhere.npy: there is no such file"),
        ("data.csv", "nowhere/p.csv", 74, "cannot write ‘nowhere/p.csv’"),
        ("data.csv", "nowhere/p.npy", 74, "cannot write ‘nowhere/p.npy’"),
    ])
    func mistakesAreNamed(input: String, output: String, exitCode: Int32, message: String) throws {
        try workplace.write(SampleData.linear, to: "linear.yaml")
        try workplace.write("a,b,y\n1,2,0\n3,4,0\n", to: "data.csv")
        try workplace.write("a\n1\n", to: "short.csv")
        try workplace.write("a,b\n1,2\n1,nan\n", to: "nan.csv")
        let run = try workplace.train("linear.yaml")
        let before = try workplace.names()
        let outcome = try workplace.run("predict", run, "--input", input, "--output", output, "--force")
        #expect(outcome.exitCode == exitCode)
        #expect(outcome.errors.hasPrefix("error: " + message))
        #expect(outcome.errors.split(separator: "\n").count == 1)
        #expect(try workplace.names() == before)
    }
}
