import Foundation
import Testing

/// Which samples validate, and how much each counts, from a configuration and files as a user has them.
@Suite struct ValidationTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(Self.configuration, to: "a.yaml")
        // 30 samples of ten people: nine of class yes, 21 of class no.
        let lines = (0..<30).map { "\($0 % 7),\($0 % 5),\(1 + $0 % 3),p\($0 / 3),\($0 % 10 < 3 ? "yes" : "no")" }
        try workplace.write("a,b,w,person,y\n" + lines.joined(separator: "\n") + "\n", to: "data.csv")
    }

    private static let configuration = """
        data:
          csv: {path: data.csv, label: y, weights: w, groups: person}
          validation: {fraction: 0.2, by: group}
          class_weights: balanced
        network: {layers: [{units: 2}], output: softmax, initialization: {kind: constant, value: 0}}
        optimizer: {kind: sgd, learning_rate: 1.0e-200}
        training: {batch: 7, epochs: 1, precision: float64}
        parallel: {workers: 2}

        """

    /// Weights of zero make log 2 of every loss, so that their mean says what each sample counts.
    @Test func weightsOfClassesTimesThoseOfSamples() throws {
        let outcome = try workplace.run("train", "a.yaml", "--set", "data.validation=0", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        // 30 ÷ (2 · 21) and 30 ÷ (2 · 9).
        #expect(outcome.errors.contains("note: classes count in the loss: no 0.7143, yes 1.667\n"), "\(outcome.errors)")
        #expect(outcome.errors.contains("samples count in the loss as their weights say, from 1.000 to 3.000\n"))
        #expect(outcome.errors.contains("groups are not looked at") == false, "nothing is split")
        var mean = 0.0
        for sample in 0..<30 {
            let ofClass: Double = sample % 10 < 3 ? 30.0 / 18 : 30.0 / 42
            mean += Double(1 + sample % 3) * ofClass / 30
        }
        let loss = try #require(try outcome.lastEvent()["loss"] as? Double)
        #expect(abs(loss - mean * log(2)) < 1e-12, "\(loss)")
        // Its own data count as in training; other data once.
        let run = "runs/\(try #require(try workplace.names(in: "runs").last))"
        let own = try workplace.run("evaluate", run, "--json")
        #expect(abs(try #require(try own.lastEvent()["loss"] as? Double) - loss) < 1e-12, "\(own.output)\(own.errors)")
        let other = try workplace.run("evaluate", run, "--data", "data.csv", "--json")
        #expect(abs(try #require(try other.lastEvent()["loss"] as? Double) - log(2)) < 1e-12, "\(other.output)")
        // A file without the columns that nobody needs any more.
        try workplace.write("a,b\n1,2\n", to: "new.csv")
        #expect(try workplace.run("predict", run, "--input", "new.csv", "--output", "p.csv").exitCode == 0)
        #expect(try workplace.run("check", "a.yaml", "--samples", "12").exitCode == 0)
    }

    @Test func otherWeightsAreOtherData() throws {
        let outcome = try workplace.run("train", "a.yaml", "--set", "training.epochs=2", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let run = "runs/\(try #require(try workplace.names(in: "runs").last))"
        try workplace.write(workplace.read("data.csv").replacing("\n0,0,1,", with: "\n0,0,9,"), to: "data.csv")
        let resumed = try workplace.run("train", "--resume", run, "--set", "training.epochs=3")
        #expect(resumed.exitCode != 0 && resumed.errors.contains("data"), "\(resumed.exitCode) \(resumed.errors)")
        #expect(try workplace.run("evaluate", run).exitCode == 65)
    }

    /// The rule alone says nothing of how much validates: the fold does.
    @Test func aFoldNeedsNoFraction() throws {
        try workplace.write(
            Self.configuration.replacing("{fraction: 0.2, by: group}", with: "{by: group}"), to: "by.yaml")
        #expect(try workplace.run("train", "by.yaml", "--fold", "1/5").exitCode == 0)
        #expect(try workplace.run("train", "by.yaml").errors.contains("only used together with fraction or fold"))
        let run = "runs/\(try #require(try workplace.names(in: "runs").last))"
        #expect(try workplace.read(run + "/config.yaml").contains("fold: 1/5"))
        let other = try workplace.run(
            "train", "by.yaml", "--fold", "1/5", "--set", "data.validation={csv: {path: data.csv, label: y}}")
        #expect(
            other.exitCode == 78 && other.errors.contains("only one of fold and csv can be given"), "\(other.errors)")
        let plain = try workplace.run("train", "by.yaml", "--fold", "1/5", "--set", "data.validation=0.1")
        #expect(plain.exitCode == 0, "\(plain.errors)")
    }

    @Test func foldsOfGroups() throws {
        // Ten groups of three: two in each of five folds.
        for fold in 1...5 {
            let outcome = try workplace.run("train", "a.yaml", "--fold", "\(fold)/5", "--json")
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            let run = "runs/\(try #require(try workplace.names(in: "runs").last))"
            let scored = try workplace.run("evaluate", run, "--json")
            #expect(try scored.lastEvent()["samples"] as? Int == 6, "\(scored.output)\(scored.errors)")
        }
        let kept = try workplace.read("runs/\(try #require(try workplace.names(in: "runs").last))/config.yaml")
        #expect(kept.contains("fold: 5/5") && kept.contains("by: group"))
        for (arguments, code, message) in [
            (["--fold", "6/5"], 64, "is invalid for '--fold <i/k>'"),
            (["--fold", "1/11"], 78, "11 folds need as many groups"),
            (
                ["--fold", "1/2", "--set", "data.validation.by=group", "--set", "data.csv.groups=5"], 65,
                "there is no column 5"
            ),
        ] as [([String], Int32, String)] {
            let outcome = try workplace.run(["train", "a.yaml"] + arguments)
            #expect(outcome.exitCode == code && outcome.errors.contains(message), "\(outcome.errors)")
        }
        #expect(try workplace.run("train", "--resume", "runs", "--fold", "1/2").exitCode == 64)
        try workplace.write(Self.configuration.replacing(", groups: person", with: ""), to: "b.yaml")
        let none = try workplace.run("train", "b.yaml")
        #expect(
            none.exitCode == 78 && none.errors.contains("nothing says which samples of"), "\(none.errors)")
        let unused = try workplace.run("train", "a.yaml", "--set", "data.validation={fraction: 0.2}")
        #expect(unused.errors.contains("note: groups are not looked at: data.validation.by is random"))
    }
}
