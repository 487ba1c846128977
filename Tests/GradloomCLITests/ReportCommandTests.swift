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

    /// Few validation samples are points, many are counted in cells; only some of many targets have charts.
    @Test func residuals() throws {
        try workplace.write(
            Self.configuration(
                "task: teacher, targets: 6", "[{units: 4, activation: tanh}, {units: 6}], output: identity"),
            to: "a.yaml")
        let few = try workplace.train("a.yaml")
        let many = try workplace.train("a.yaml", "--set", "data.synthetic.samples=1600")
        let page = try page(few, many)
        let pointers = Set(page.numbers.map(\.pointer))
        for pointer in [
            "0/residuals/0/mean", "0/residuals/3/standard_deviation", "0/residuals/1/largest/4/residual",
            "1/residuals/3/histogram/counts/20", "1/residuals/0/histogram/ends/20",
        ] {
            #expect(pointers.contains("/runs/" + pointer), "\(pointer)")
        }
        #expect(!pointers.contains { $0.hasPrefix("/runs/0/residuals/4") } && page.text.contains("2 other targets"))
        let runs = try #require(try page.object()["runs"] as? [[String: Any]])
        let residuals = try runs.map { try #require($0["residuals"] as? [[String: Any]]) }
        #expect(residuals.map(\.count) == [4, 4])
        #expect((residuals[0][0]["points"] as? [Any])?.count == 60 && residuals[0][0]["density"] == nil)
        let density = try #require((residuals[1][0]["density"] as? [String: Any])?["counts"] as? [[Int]])
        #expect(residuals[1][0]["points"] == nil && density.joined().reduce(0, +) == 320)
        // A disc for each sample and target, drawn for wide and for narrow pages; the other run has none of them.
        let curves = 2 * (2 * 3 * 2 + 2 * 3)
        #expect(
            (page.elements["circle"] ?? 0) >= 60 * 4 * 2 && (page.elements["circle"] ?? 0) <= 60 * 4 * 2 + curves + 30)
        #expect(try workplace.read("page.html").utf8.count < 1_000_000)
        let other = try self.page(few, "--no-predictions")
        #expect(!other.text.contains("esidual"))
    }

    /// The speed of a run that was interrupted has a part for each start, with the workers that it had.
    @Test func speedHasGapsWhereRunsWereInterrupted() throws {
        try workplace.write(
            Self.configuration(
                "task: mixture, classes: 3", "[{units: 8, activation: relu}, {units: 3}], output: softmax"),
            to: "a.yaml")
        let run = try workplace.train("a.yaml", "--set", "training.epochs=5", "--until-epoch", "2")
        let whole = try page(run, "--no-predictions")
        #expect(!whole.text.contains("A curve has a gap"))
        let resumed = try workplace.run("train", "--resume", run, "--workers", "2")
        #expect(resumed.exitCode == 0, "\(resumed.errors)")
        let page = try page(run, "--no-predictions")
        #expect(page.text.contains("A curve has a gap"))
        let workers = page.numbers.filter { $0.pointer.hasSuffix("/workers") && $0.pointer.contains("/starts/") }
        #expect(workers.map(\.text) == ["1", "1", "2", "2", "2"])
        #expect(workers.last?.pointer == "/runs/0/starts/1/workers")
        // Loss and accuracy, two curves each, and the two parts of the speed: each for wide and narrow pages.
        #expect(page.elements["path"] == 2 * (1 + 1 + 1 + 1 + 2))
        #expect(page.numbers.filter { $0.pointer.hasSuffix("/samples_per_second") }.count == 5 + 2)
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
