import Foundation
import Testing

/// `gradloom report`: pages about runs, whose numbers are those of their files.
@Suite struct ReportCommandTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    private static func configuration(_ task: String, _ layers: String) -> String {
        """
        data: {synthetic: {\(task), samples: 300, inputs: 5, seed: 1}, validation: 0.2}
        network: {layers: \(layers)}
        training: {batch: 32, epochs: 3}
        parallel: {workers: 1}

        """
    }

    private func page(_ arguments: String...) throws -> ReportPageReader {
        let outcome = try workplace.run(["report"] + arguments + ["--output", "page.html", "--force"])
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let page = ReportPageReader(try workplace.read("page.html"))
        #expect(page.error == nil)
        #expect(try page.faults() == [])
        return page
    }

    @Test func classifications() throws {
        try workplace.write(
            Self.configuration(
                "task: mixture, classes: 3", "[{units: 8, activation: relu}, {units: 3}], output: softmax"),
            to: "a.yaml")
        let runs = try [workplace.train("a.yaml"), workplace.train("a.yaml", "--set", "optimizer.learning_rate=0.05")]
        let one = try page(runs[0])
        #expect(one.headings == ["Results", "Learning", "Predictions", "Configuration", "Speed", "Origins"])
        // Losses, accuracies and the matrix.
        let pointers = Set(one.numbers.map(\.pointer))
        for pointer in [
            "epochs/2/validation_loss", "epochs/0/accuracy", "evaluation/classification/confusion_matrix/2/1",
        ] {
            #expect(pointers.contains("/runs/0/" + pointer), "\(pointer)")
        }
        #expect(one.text.contains("units: 8"))
        let both = try page(runs[0], runs[1])
        #expect(both.headings.contains("Configurations"))
        // The rate is the only difference.
        #expect(both.text.contains("optimizer.learning_rate") && !both.text.contains("training.epochs"))
        #expect(both.numbers.contains { $0.pointer == "/runs/1/epochs/2/loss" })
    }

    @Test func twoClassesAndRegressions() throws {
        try workplace.write(
            Self.configuration(
                "task: mixture, classes: 2", "[{units: 4, activation: tanh}, {units: 1}], output: sigmoid"),
            to: "a.yaml")
        let binary = try page(workplace.train("a.yaml"))
        #expect(binary.numbers.contains { $0.pointer.hasPrefix("/runs/0/evaluation/binary/0/calibration_curve/") })
        try workplace.write(
            Self.configuration("task: friedman1", "[{units: 4, activation: tanh}, {units: 1}], output: identity"),
            to: "b.yaml")
        let regression = try page(workplace.train("b.yaml"))
        #expect(regression.numbers.contains { $0.pointer == "/runs/0/evaluation/regression/targets/0/r2_score" })
    }

    /// What is not there is left out: data that have changed, a run without an epoch.
    @Test func whatIsMissingIsSaid() throws {
        try workplace.write("0,1,a\n1,0,b\n0,0,a\n1,1,b\n", to: "d.csv")
        try workplace.write(
            """
            data: {csv: {path: d.csv, label: 2}}
            network: {layers: [{units: 2}], output: softmax}
            training: {batch: 2, epochs: 2}

            """, to: "c.yaml")
        let run = try workplace.train("c.yaml")
        try workplace.write("0,1,a\n1,0,b\n0,0,b\n1,1,b\n", to: "d.csv")
        let outcome = try workplace.run("report", run, "--output", "page.html")
        #expect(outcome.exitCode == 0)
        #expect(
            outcome.errors.contains("the predictions of ") && outcome.errors.contains("have changed"),
            "\(outcome.errors)")
        #expect(try !ReportPageReader(workplace.read("page.html")).headings.contains("Predictions"))
        try workplace.write("{\"event\":\"run\"", to: run + "/metrics.jsonl")
        #expect(try page(run, "--no-predictions").headings == ["Results", "Configuration", "Origins"])
        try workplace.write("no event\n", to: run + "/metrics.jsonl")
        let damaged = try workplace.run("report", run, "--output", "other.html")
        #expect(damaged.exitCode == 65 && damaged.errors.contains("line 1: this is no event"), "\(damaged.errors)")
        let twice = try workplace.run("report", run, run, "--output", "other.html")
        #expect(twice.exitCode == 64 && twice.errors.contains("named twice"))
    }
}
