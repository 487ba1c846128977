import Foundation
import Testing

/// `gradloom watch`, where its output is no terminal.
@Suite struct WatchCommandTests {
    @Test func curvesArePrintedOnce() throws {
        let workplace = try Workplace()
        try workplace.write(
            """
            data: {synthetic: {task: mixture, samples: 200, inputs: 4, classes: 3, seed: 1}, validation: 0.2}
            network: {layers: [{units: 8, activation: relu}, {units: 3}], output: softmax}
            training: {batch: 32, epochs: 4}

            """, to: "c.yaml")
        let run = try workplace.train("c.yaml")
        let outcome = try workplace.run("watch", run)
        #expect(outcome.exitCode == 0 && outcome.errors == "")
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0].contains(": epoch 4 of 4, loss ") && lines[0].hasSuffix("; it has ended"), "\(lines[0])")
        #expect(lines.contains("loss") && lines.contains("accuracy"))
        #expect(!outcome.output.contains("\u{1B}"))
        // While it goes on: half a line is being written, and nothing has ended yet.
        let metrics = try workplace.read(run + "/metrics.jsonl").split(separator: "\n")
        try workplace.write(metrics[0] + "\n" + metrics[1] + "\n" + metrics[2].prefix(20), to: run + "/metrics.jsonl")
        let begun = try workplace.run("watch", run, "--once")
        #expect(begun.output.contains(": epoch 1 of 4, ") && !begun.output.contains("ended"), "\(begun.output)")
        try workplace.write("", to: run + "/metrics.jsonl")
        #expect(try workplace.run("watch", run).output.contains("no epoch has ended yet"))
        let other = try workplace.run("watch", "nowhere")
        #expect(other.exitCode != 0 && other.errors.contains("there is no run directory"), "\(other.errors)")
    }
}
