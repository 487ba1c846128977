import Foundation
import LoomRuns
import Testing

/// `gradloom export` and `gradloom import`, and what a run writes for other programs.
@Suite struct ExportCommandTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(Self.configuration, to: "c.yaml")
    }

    private static let configuration = """
        data: {synthetic: {task: mixture, samples: 200, inputs: 4, classes: 3, seed: 1}, validation: 0.2}
        network:
          layers: [{units: 8, activation: relu}, {units: 3}]
          output: softmax
          initialization: {kind: xavier, seed: 2}
        training: {batch: 32, epochs: 4}
        parallel: {workers: 1}
        run: {tensorboard: true, histograms: true, csv: true, checkpoint: {every: epoch}}

        """

    private func contents(_ name: String) throws -> Data {
        try Data(contentsOf: workplace.url(name))
    }

    @Test(arguments: [("onnx", "Gemm"), ("safetensors", "\"layer1.weight\""), ("npz", "description.json")])
    func everyFormatIsWritten(format: String, part: String) throws {
        let run = try workplace.train("c.yaml")
        let file = "m." + format
        let outcome = try workplace.run("export", run, "--output", file)
        #expect(outcome.exitCode == 0 && outcome.errors == "" && outcome.output == "", "\(outcome.errors)")
        let bytes = try contents(file)
        #expect(bytes.range(of: Data(part.utf8)) != nil)
        // The same model, the same bytes, whatever the file is called.
        #expect(try workplace.run("export", run, "--output", "m", "--format", format).exitCode == 0)
        #expect(try contents("m") == bytes)
        let again = try workplace.run("export", run, "--output", file)
        #expect(again.exitCode != 0 && again.errors.contains("--force replaces it"), "\(again.errors)")
        #expect(try workplace.run("export", run, "--output", file, "--force").exitCode == 0)
    }

    /// A model that a program saved stands for its run.
    @Test func savedModelsAreTakenToo() throws {
        let run = try workplace.train("c.yaml")
        try ModelFile(workplace.url(run).path).write(to: workplace.url("m.safetensors").path)
        for (name, model) in [("run", run), ("file", "m.safetensors")] {
            let predicted = try workplace.run("predict", model, "--input", "c.yaml", "--output", name + ".npy")
            #expect(predicted.exitCode == 0 && predicted.errors == "", "\(predicted.errors)")
            #expect(try workplace.run("export", model, "--output", name + ".onnx").exitCode == 0)
        }
        #expect(try contents("run.npy") == contents("file.npy"))
        #expect(try contents("run.onnx") == contents("file.onnx"))
        let own = try workplace.run("evaluate", "m.safetensors", "--json")
        #expect(own.exitCode == 0 && own.output.contains(#""samples":40"#), "\(own.output)\(own.errors)")
        let checkpoint = try workplace.run("evaluate", run + "/checkpoints/step-00000020.safetensors")
        #expect(
            checkpoint.exitCode == 78 && checkpoint.errors.contains("name the run directory that it is in"),
            "\(checkpoint.errors)")
    }

    @Test func mistakesAreExplained() throws {
        let run = try workplace.train("c.yaml")
        let unnamed = try workplace.run("export", run, "--output", "m.pt")
        #expect(unnamed.exitCode == 64 && unnamed.errors.contains(".onnx, .safetensors or .npz"), "\(unnamed.errors)")
        let other = try workplace.run("export", "c.yaml", "--output", "m.onnx")
        #expect(other.exitCode != 0 && other.errors.contains("run directory"), "\(other.errors)")
        let useless = try workplace.run("train", "c.yaml", "--set", "run.tensorboard=false")
        #expect(useless.exitCode == 78 && useless.errors.contains("run.histograms"), "\(useless.errors)")
    }

    /// An interrupted training that goes on leaves the files of one that was not.
    @Test func logsAreThoseOfTheWholeTraining() throws {
        func table(_ run: String) throws -> [[Substring]] {
            // Speeds differ.
            String(decoding: try contents(run + "/epochs.csv"), as: UTF8.self).split(separator: "\n").map {
                Array($0.split(separator: ",", omittingEmptySubsequences: false).prefix(7))
            }
        }
        let whole = try workplace.train("c.yaml")
        let expected = try table(whole)
        #expect(expected.count == 5)
        #expect(expected[0].joined(separator: ",").hasPrefix("epoch,step,loss,accuracy,validation_loss,"))
        #expect(expected[1...].map { $0[0] } == ["1", "2", "3", "4"] && expected[4][6] == "0.01")
        let parts = try workplace.train("c.yaml", "--set", "training.epochs=2")
        #expect(try table(parts) == Array(expected[..<3]))
        // Lines after the checkpoint, and half a line.
        let file = workplace.url(parts + "/epochs.csv")
        try (contents(parts + "/epochs.csv") + Data("3,99,1,1,1,1,1,1,1\n4,1".utf8)).write(to: file)
        let resumed = try workplace.run("train", "--resume", parts, "--set", "training.epochs=4")
        #expect(resumed.exitCode == 0, "\(resumed.errors)")
        #expect(try table(parts) == expected)
        // Times and speeds apart, events have as many bytes: one record for each epoch, and the first one.
        let events = try [whole, parts].map { try contents($0 + "/events.out.tfevents.gradloom") }
        #expect(events[0].count == events[1].count && events[0].count > 1000)
        #expect(events[0].range(of: Data("layer1.weights".utf8)) != nil)
    }

    /// What was exported and imported predicts the same: a learning rate that changes nothing makes a run of it.
    @Test(arguments: ["onnx", "safetensors", "npz"]) func exportedNetworksComeBack(format: String) throws {
        let run = try workplace.train("c.yaml")
        #expect(try workplace.run("export", run, "--output", "m." + format).exitCode == 0)
        let imported = try workplace.run("import", "m." + format, "--config", "c.yaml", "--output", "i.yaml")
        #expect(imported.exitCode == 0 && imported.errors == "", "\(imported.errors)")
        let again = try workplace.run("import", "m." + format, "--config", "c.yaml", "--output", "i.yaml")
        #expect(again.exitCode != 0 && again.errors.contains("--force replaces it"), "\(again.errors)")
        let copy = try workplace.train("i.yaml", "--set", "optimizer.learning_rate=1e-30", "--set", "training.epochs=1")
        try workplace.write("1,2,3,4\n-1,0.5,0,2\n0,0,0,0\n", to: "x.csv")
        for (run, output) in [(run, "a.npy"), (copy, "b.npy")] {
            #expect(try workplace.run("predict", run, "--input", "x.csv", "--output", output).exitCode == 0)
        }
        #expect(try contents("a.npy") == contents("b.npy"))
    }

    @Test func importsThatFailAreExplained() throws {
        try workplace.write("no model", to: "m.onnx")
        let damaged = try workplace.run("import", "m.onnx", "--config", "c.yaml", "--output", "i.yaml")
        #expect(damaged.exitCode == 65 && damaged.errors.contains("m.onnx: it is no ONNX file"), "\(damaged.errors)")
        let missing = try workplace.run("import", "n.onnx", "--config", "c.yaml", "--output", "i.yaml")
        #expect(missing.exitCode != 0 && missing.errors.contains("n.onnx"), "\(missing.errors)")
        let run = try workplace.train("c.yaml")
        #expect(try workplace.run("export", run, "--output", "m.npz").exitCode == 0)
        let wider = try workplace.run(
            "import", "m.npz", "--config", "c.yaml", "--output", "i.yaml", "--map", "layer2=layer1")
        #expect(wider.exitCode == 65 && wider.errors.contains("has the shape [8, 4]"), "\(wider.errors)")
        let usage = try workplace.run("import", "m.npz", "--config", "c.yaml", "--output", "i.yaml", "--map", "layer2")
        #expect(usage.exitCode == 64 && usage.errors.contains("LAYER=PREFIX"), "\(usage.errors)")
    }
}
