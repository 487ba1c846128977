import Foundation
import LoomKernels
import Testing

@testable import GradloomCLI

/// What `evaluate` says of predictions beside loss and accuracy, and the formats that it and `predict` read.
@Suite struct MeasureTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    private func evaluate(_ arguments: String...) throws -> Outcome {
        let outcome = try workplace.run(["evaluate"] + arguments)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        return outcome
    }

    /// The rows of a text, cells apart from each other by two spaces or more.
    private func rows(_ text: String) -> [[String]] {
        text.split(separator: "\n").map { line in
            line.split(separator: #/ {2,}/#).map(String.init)
        }
    }

    private func trainedAnimals() throws -> String {
        try workplace.write(SampleData.classes, to: "classes.yaml")
        try workplace.write(SampleData.animals, to: "data.csv")
        return try workplace.train("classes.yaml")
    }

    // MARK: Measures

    /// More classes than are shown in a matrix, and no mistake.
    @Test func whereNothingIsConfusedThereIsNoTableOfIt() throws {
        try workplace.write("x,y\n" + String(repeating: "-1,0\n1,1\n", count: 20), to: "data.csv")
        try workplace.write(
            """
            data: {csv: {path: data.csv, label: y}}
            network: {layers: [{units: 13}], output: softmax}
            optimizer: {kind: adam, learning_rate: 0.1}
            training: {batch: 10, epochs: 30}

            """, to: "signs.yaml")
        let run = try workplace.train("signs.yaml")
        let outcome = try evaluate(run)
        #expect(outcome.output.contains("100.0 %") && !outcome.output.contains("confused"), "\(outcome.output)")
    }

    /// A dog that is taken for a cat, of which there is none.
    @Test func classesHaveTheirScores() throws {
        let run = try trainedAnimals()
        try workplace.write("a,b,y\n1,0,dog\n-1,-1,cow\n0,1,dog\n", to: "other.csv")
        let event = try evaluate(run, "--data", "other.csv", "--json").lastEvent()
        let classification = try #require(event["classification"] as? [String: Any])
        let classes = try #require(classification["classes"] as? [[String: Any]])
        func numbers(_ key: String) -> [Double] {
            let means = ["macro_avg", "weighted_avg"].compactMap { classification[$0] as? [String: Any] }
            return (classes + means).compactMap { ($0[key] as? NSNumber)?.doubleValue }
        }
        func areEqual(_ values: [Double], _ others: [Double]) -> Bool {
            values.count == others.count && zip(values, others).allSatisfy { abs($0 - $1) < 1e-15 }
        }
        #expect(classes.map { $0["class"] as? String } == ["cat", "cow", "dog"])
        #expect(areEqual(numbers("precision"), [0, 1, 1, 2.0 / 3, 1]))
        #expect(areEqual(numbers("recall"), [0, 1, 0.5, 0.5, 2.0 / 3]))
        let scores: [Double] = [0, 1, 2.0 / 3, 5.0 / 9, 7.0 / 9]
        #expect(areEqual(numbers("f1_score"), scores))
        #expect(numbers("support") == [0, 1, 2, 3, 3])
        #expect(classification["confusion_matrix"] as? [[Int]] == [[0, 0, 0], [0, 1, 0], [1, 0, 1]])
        #expect((event["binary"] as? [Any])?.isEmpty == true && event["regression"] is NSNull)

        let text = try evaluate(run, "--data", "other.csv").output
        let parts = text.components(separatedBy: "\n\n").map(rows)
        #expect(parts.count == 3)
        #expect(parts[1][0] == ["class", "precision", "recall", "F1", "support"])
        #expect(parts[1][4] == ["dog", "1.0000", "0.5000", "0.6667", "2"])
        #expect(
            parts[1][5...] == [
                ["mean", "0.6667", "0.5000", "0.5556", "3"], ["weighted mean", "1.0000", "0.6667", "0.7778", "3"],
            ])
        #expect(parts[2][0] == ["actual \\ predicted", "cat", "cow", "dog"])
        #expect(parts[2][2...] == [["cat", "0", "0", "0"], ["cow", "0", "1", "0"], ["dog", "1", "0", "1"]])
    }

    /// p = 1 / (1 + exp(−(2a − 3b + 1))): ½ for a yes and a no, 0.9526 for a yes, 0.0180 for a no.
    @Test func probabilitiesOfTwoClassesHaveTheirs() throws {
        try workplace.write(
            SampleData.linear.replacing("output: identity", with: "output: sigmoid")
                .replacing("squared_sum", with: "cross_entropy"), to: "linear.yaml")
        try workplace.write("a,b,y\n-0.5,0,yes\n-0.5,0,no\n1,0,yes\n-1,1,no\n", to: "data.csv")
        let run = try workplace.train("linear.yaml")
        let event = try evaluate(run, "--json").lastEvent()
        let binary = try #require((event["binary"] as? [[String: Any]])?.first)
        func number(_ key: String) throws -> Double { try #require(binary[key] as? Double) }
        let (large, small) = (1 / (1 + exp(-3.0)), 1 / (1 + exp(4.0)))
        #expect(binary["class"] as? String == "yes")
        #expect(try number("roc_auc_score") == 0.875)
        #expect(abs(try number("average_precision_score") - 5.0 / 6) < 1e-15)
        let logLoss = -(2 * log(0.5) + log(large) + log(1 - small)) / 4
        #expect(abs(try number("log_loss") - logLoss) < 1e-14)
        let brier = (0.5 + (1 - large) * (1 - large) + small * small) / 4
        #expect(abs(try number("brier_score_loss") - brier) < 1e-14)
        let bins = try #require(binary["calibration_curve"] as? [[String: Any]])
        #expect(bins.map { $0["count"] as? Int } == [1, 0, 0, 0, 2, 0, 0, 0, 0, 1])
        #expect(bins[4]["fraction_of_positives"] as? Double == 0.5 && bins[4]["mean_predicted_value"] as? Double == 0.5)
        #expect(bins[1]["fraction_of_positives"] is NSNull && bins[1]["mean_predicted_value"] is NSNull)
        let matrix = (event["classification"] as? [String: Any])?["confusion_matrix"] as? [[Int]]
        #expect(matrix == [[1, 1], [0, 2]])

        let parts = try evaluate(run).output.components(separatedBy: "\n\n").map(rows)
        #expect(parts.count == 5)
        #expect(parts[3][0] == ["probability of", "yes"])
        #expect(
            parts[3][2...] == [
                ["ROC AUC", "0.8750"], ["average precision", "0.8333"], ["log loss", "0.3633"],
                ["Brier score", "0.1256"],
            ])
        #expect(parts[4][0] == ["predicted", "mean", "share of yes", "samples"])
        #expect(parts[4][3] == ["0.1 to 0.2", "–", "–", "0"])
        #expect(parts[4][6] == ["0.4 to 0.5", "0.5000", "0.5000", "2"])
    }

    /// y is predicted with the errors 0 and 2, z with 1 and 1.
    @Test func errorsAreThoseOfEachTarget() throws {
        try workplace.write(
            SampleData.linear.replacing("label: y}", with: "label: [y, z]}")
                .replacing(
                    "units: 1, weights: [[2, -3]], bias: [1]", with: "units: 2, weights: [[2, -3], [1, 1]]"),
            to: "linear.yaml")
        try workplace.write("a,b,y,z\n1,1,-1,1\n2,1,-1,4\n", to: "data.csv")
        let run = try workplace.train("linear.yaml")
        let event = try evaluate(run, "--json").lastEvent()
        let regression = try #require(event["regression"] as? [String: Any])
        let targets = try #require(regression["targets"] as? [[String: Any]])
        let average = try #require(regression["uniform_average"] as? [String: Any])
        #expect(targets.map { $0["target"] as? String } == ["y", "z"])
        func numbers(_ key: String) -> [Double?] { (targets + [average]).map { $0[key] as? Double } }
        #expect(numbers("mean_absolute_error") == [1, 1, 1])
        let root = Double(2).squareRoot()
        #expect(numbers("root_mean_squared_error") == [root, 1, (root + 1) / 2])
        // All targets y are the same; those of z lie 1.5 from their mean.
        let scores = numbers("r2_score").compactMap { $0 }
        #expect(zip(scores, [0, 5.0 / 9, 5.0 / 18]).allSatisfy { abs($0 - $1) < 1e-15 } && scores.count == 3)
        #expect(event["classification"] is NSNull)
        let parts = try evaluate(run).output.components(separatedBy: "\n\n").map(rows)
        #expect(
            parts[1][2...] == [
                ["y", "1.000", "1.414", "0.000"], ["z", "1.000", "1.000", "0.5556"],
                ["mean", "1.000", "1.207", "0.2778"],
            ])
    }

    @Test func independentDecisionsAreMeasuredOneByOne() throws {
        try workplace.write(
            SampleData.linear.replacing("label: y}", with: "label: [y, z]}")
                .replacing("output: identity", with: "output: sigmoid").replacing("squared_sum", with: "cross_entropy")
                .replacing(
                    "units: 1, weights: [[2, -3]], bias: [1]", with: "units: 2, weights: [[2, 0], [0, 2]]"),
            to: "linear.yaml")
        try workplace.write("a,b,y,z\n1,1,1,0\n-1,1,0,1\n1,-1,1,1\n", to: "data.csv")
        let run = try workplace.train("linear.yaml")
        let event = try evaluate(run, "--json").lastEvent()
        let binary = try #require(event["binary"] as? [[String: Any]])
        #expect(binary.map { $0["class"] as? String } == ["y", "z"])
        #expect(binary.map { $0["roc_auc_score"] as? Double } == [1, 0.25])
        #expect((event["classification"] as? [String: Any])?["confusion_matrix"] is NSNull)
        let parts = try evaluate(run).output.components(separatedBy: "\n\n").map(rows)
        #expect(parts[1][0][0] == "output" && parts[1][2][0] == "y")
        #expect(parts[2][0] == ["output", "ROC AUC", "average precision", "log loss", "Brier score"])
        #expect(parts[2][3][0...1] == ["z", "0.2500"])
        let predicted = try workplace.run("predict", run, "--input", "data.csv", "--output", "p.csv")
        #expect(predicted.exitCode == 0, "\(predicted.errors)")
        let lines = try workplace.read("p.csv").split(separator: "\n")
        #expect(lines[0] == "decision_y,probability_y,decision_z,probability_z")
        #expect(lines[2].hasPrefix("0,0.1192") && lines[2].contains(",1,0.8807"))
    }

    /// Each of 13 classes is recognised; of the samples of class 2 two are taken for 5, one of class 0 for 1.
    @Test func manyClassesHaveTheirMostConfused() throws {
        let rows = (0..<13).map { row in (0..<13).map { $0 == row ? 10 : 0 } }
        let seen = Array(0..<13) + [5, 5, 1]
        let labels = Array(0..<13) + [2, 2, 0]
        try workplace.write(
            """
            data: {inline: {inputs: \(seen.map { rows[$0] }), targets: \(labels)}}
            network: {layers: [{name: output, units: 13, weights: \(rows)}], output: softmax}
            optimizer: {kind: sgd, learning_rate: 1.0e-200}
            training: {batch: 16, epochs: 1, precision: float64}
            parallel: {workers: 1}
            """, to: "many.yaml")
        let run = try workplace.train("many.yaml")
        let parts = try evaluate(run).output.components(separatedBy: "\n\n").map { self.rows($0) }
        #expect(parts[2][0] == ["most confused", "predicted as", "samples"])
        #expect(parts[2][2...] == [["2", "5", "2"], ["0", "1", "1"]])
        let matrix = try #require(
            (try evaluate(run, "--json").lastEvent()["classification"] as? [String: Any])?["confusion_matrix"]
                as? [[Int]])
        #expect(matrix[2][5] == 2 && matrix[0][1] == 1 && matrix.joined().reduce(0, +) == 16)
    }

    @Test func ofManyOutputsTheWorstAreShown() {
        #expect(MeasuresReport.worst(40) { Double($0) } == Array(0..<40))
        // NaN is worse than all numbers.
        let failed = MeasuresReport.worst(41) { $0 % 2 == 0 ? .nan : Double($0) }
        #expect(failed == (0..<20).map { 2 * $0 })
        let worst = MeasuresReport.worst(41) { $0 == 7 ? 0.5 : $0 < 21 ? 0.25 : 0.75 }
        #expect(worst == Array(0..<7) + Array(8..<21))
    }

    // MARK: Formats

    @Test func allFormatsAreReadAlike() throws {
        let run = try trainedAnimals()
        try workplace.write("a,b,y\n1,0,dog\n-1,-1,cow\n0,1,dog\n0,2,cat\n", to: "other.csv")
        #expect(try workplace.run("convert", "other.csv", "other", "--label", "y", "--float64").exitCode == 0)
        try workplace.write("2 1:1\n1 1:-1 2:-1\n2 2:1\n0 2:2\n", to: "other.svm")
        try workplace.write(SampleData.classes.replacing("data.csv", with: "other.csv"), to: "other.yaml")
        func shown(_ path: String) throws -> [String] {
            let event = try evaluate(run, "--data", path, "--json").lastEvent()
            let predicted = try workplace.run("predict", run, "--input", path, "--output", "p.csv", "--force")
            #expect(predicted.exitCode == 0, "\(predicted.errors)")
            return ["\(event["loss"] ?? 0) \(event["accuracy"] ?? 0)", try workplace.read("p.csv")]
        }
        let expected = try shown("other.csv")
        #expect(expected[1].hasPrefix("class,probability_cat,probability_cow,probability_dog\ndog,"))
        for path in ["other", "other.svm", "other.yaml"] { #expect(try shown(path) == expected, "\(path)") }
        // The features that a text does not mention are 0.
        try workplace.write("2 1:1\n", to: "short.svm")
        #expect(try evaluate(run, "--data", "short.svm", "--json").lastEvent()["accuracy"] as? Double == 1)
    }

    /// Samples of a task are made, not kept.
    @Test func tasksAreMeasuredAsTheRunsOwnData() throws {
        try workplace.write(
            """
            data: {synthetic: {task: blobs, samples: 700, inputs: 4, classes: 3, seed: 2}, standardize: true}
            network: {layers: [{units: 3}], output: softmax}
            training: {batch: 32, epochs: 1}
            """, to: "blobs.yaml")
        let run = try workplace.train("blobs.yaml")
        func shown(_ arguments: String...) throws -> [String: Any] {
            var event = try workplace.run(["evaluate", run, "--json"] + arguments).lastEvent()
            event["data"] = nil
            return event
        }
        let own = try shown()
        #expect(own["samples"] as? Int == 700 && own["classification"] is [String: Any])
        #expect(try NSDictionary(dictionary: shown("--data", "blobs.yaml")).isEqual(to: own))
        #expect(try NSDictionary(dictionary: shown("--workers", "1")).isEqual(to: own))
        try workplace.write(
            "data: {synthetic: {task: blobs, samples: 9, inputs: 5}}\nnetwork: {layers: [{units: 3}], output: softmax}",
            to: "five.yaml")
        let refused = try workplace.run("evaluate", run, "--data", "five.yaml")
        #expect(refused.exitCode == 65 && refused.errors.contains("5 feature columns, but"), "\(refused.errors)")
    }

    /// Numbers of a byte, half as large as they stand there.
    @Test func arraysAreScaledAsInTraining() throws {
        try workplace.write(SampleData.npy("|u1", shape: "(2, 2)", Data([2, 2, 4, 2])), to: "x.npy")
        try workplace.write(SampleData.npy("<f8", shape: "(2, 1)", SampleData.bytes([0, 2] as [Double])), to: "y.npy")
        try workplace.write(
            SampleData.linear.replacing(
                "csv: {path: data.csv, label: y}", with: "npy: {inputs: x.npy, targets: y.npy, scale: 0.5}"),
            to: "linear.yaml")
        let run = try workplace.train("linear.yaml")
        let own = try evaluate(run, "--json").lastEvent()["loss"] as? Double
        // 2 − 3 + 1 and 4 − 3 + 1: no error.
        #expect(own == 0)
        let scaled = try evaluate(run, "--data", "x.npy", "--targets", "y.npy", "--json")
        #expect(try scaled.lastEvent()["loss"] as? Double == 0)
        #expect(scaled.errors.contains("the numbers of x.npy are multiplied with 0.5000, as in training"))
        let images = Data([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 1, 2, 1])
        try workplace.write(images, to: "images")
        func predicted(_ arguments: String...) throws -> String {
            let outcome = try workplace.run(["predict", run, "--output", "p.csv", "--force"] + arguments)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            return try workplace.read("p.csv")
        }
        #expect(try predicted("--input", "x.npy") == "y0\n0.0\n2.0\n")
        #expect(try predicted("--input", "images", "--scale", "1") == "y0\n0.0\n2.0\n")
        #expect(try predicted("--input", "images") == "y0\n0.5\n1.5\n")
    }

    @Test(arguments: [
        (["--data", "x.npy"], 64, "--targets is needed for x.npy, which is npy."),
        (["--data", "data.csv", "--targets", "y.npy"], 64, "--targets has no use for data.csv, which is csv."),
        (["--data", "x.npy", "--targets", "y.npy", "--label", "y"], 64, "--label has no use for x.npy, which is npy."),
        (["--data", "data.csv", "--scale", "2"], 64, "--scale has no use for data.csv, which is csv."),
        (
            ["--data", "classes.yaml", "--scale", "2"], 64,
            "--scale has no use for classes.yaml, which is configuration."
        ),
        (["--data", "two"], 65, "two: the classes are cat, dog, but those of the training data are cat, cow, dog"),
    ])
    func whatDoesNotFitIsNamed(arguments: [String], exitCode: Int32, message: String) throws {
        let run = try trainedAnimals()
        try workplace.write(SampleData.npy("|u1", shape: "(1, 2)", Data([1, 1])), to: "x.npy")
        try workplace.write(SampleData.npy("|u1", shape: "(1,)", Data([1])), to: "y.npy")
        try workplace.write("a,b,y\n1,0,dog\n0,1,cat\n", to: "two.csv")
        #expect(try workplace.run("convert", "two.csv", "two", "--label", "y").exitCode == 0)
        let outcome = try workplace.run(["evaluate", run] + arguments)
        #expect(outcome.exitCode == exitCode, "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("error: " + message), "\(outcome.errors)")
        #expect(outcome.output == "")
    }

    // MARK: Predictions

    @Test func linesAreWrittenInBlocks() {
        let rows = 250_000
        let predictions = AlignedBuffer<Double>(uninitializedCount: rows)
        for row in 0..<rows { predictions.pointer[row] = Double(row) / 8 }
        let names = OutputNames(className: String.init, targetName: { _ in "a,b" })
        var blocks: [[UInt8]] = []
        withExtendedLifetime(predictions) {
            PredictionTable(.identity, names: names, columns: 1).write(
                MatrixView(pointer: predictions.pointer, rows: rows, columns: 1, stride: 1)
            ) { blocks.append($0) }
        }
        let expected = "\"a,b\"\n" + (0..<rows).map { "\(Double($0) / 8)\n" }.joined()
        #expect(String(decoding: blocks.joined(), as: UTF8.self) == expected)
        #expect(blocks.count == 3 && blocks.dropLast().allSatisfy { $0.count >= PredictionTable.blockBytes })
    }
}
