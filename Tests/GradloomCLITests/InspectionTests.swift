import Foundation
import TestSupport
import Testing

/// inspect, jacobian, graph and check as commands.
@Suite struct InspectionTests {
    private static let root = ProjectFolder.url
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try FileManager.default.createSymbolicLink(
            at: workplace.url("configs"), withDestinationURL: Self.root.appendingPathComponent("configs"))
    }

    private let example = "configs/seeds/001-worked-example.yaml"

    /// What a step does, as text and as JSON; not together with options that choose samples.
    @Test func aProgramIsShown() throws {
        try workplace.write(SampleData.xor, to: "xor.yaml")
        let text = try workplace.run("inspect", "xor.yaml", "--program")
        #expect(text.exitCode == 0 && text.output.hasPrefix("partition, 1 worker, 4 samples in 1 group\nsamples\n"))
        #expect(text.output.contains("fused_update") && text.output.contains("─ barrier"))
        let json = try workplace.run("inspect", "xor.yaml", "--program", "--json")
        let program = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(program["workers"] as? Int == 1 && program["slice_count"] is Int)
        #expect(try workplace.run("inspect", "xor.yaml", "--program", "--step").exitCode == 64)
    }

    @Test func inspectPrintsTheWorkedExample() throws {
        let outcome = try workplace.run("inspect", example, "--step")
        #expect(outcome.exitCode == 0)
        #expect(outcome.errors == "")
        for part in [
            "1 of 1 sample, 2 layers, 12 parameters, float64",
            "  hidden: z = W·input + b\n    sample   unit 0  1\n    ──────  ───────  ─\n         0  4.00000  0\n",
            "  hidden: u = sigmoid(z)\n    sample    unit 0         1\n",
            "    total L  0.985311\n", "         0  0.626677  -0.626677\n",
            "  after one step of sgd, learning rate 0.5\n", "       0  3.00553  4.00000\n", "  total L 0.342065\n",
        ] {
            #expect(outcome.output.contains(part), "\(part)\nin\n\(outcome.output)")
        }
        let short = try workplace.run("inspect", example, "--digits", "3").output
        #expect(short.contains("total L  0.985\n"))
    }

    @Test func inspectPrintsOneObject() throws {
        let object = try workplace.run("inspect", example, "--step", "--json").lastEvent()
        #expect(Set(object.keys) == ["loss", "prediction", "layers", "input_gradient", "after_step"])
        #expect(Set((object["loss"] as! [String: Any]).keys) == ["data", "penalty", "total"])
        let layers = try #require(object["layers"] as? [[String: Any]])
        #expect(layers.map { $0["name"] as? String } == ["hidden", "output"])
        #expect(
            Set(layers[0].keys) == [
                "name", "preactivations", "outputs", "deltas", "weights_gradient", "bias_gradient",
            ])
        let after = try #require(object["after_step"] as? [String: Any])
        #expect(abs(try #require(after["loss"] as? Double) - 0.3420653793878908) < 1e-15)
        let updated = try #require(after["layers"] as? [[String: Any]])
        #expect(Set(updated[0].keys) == ["name", "weights", "bias"])
        // Out by in, though the configuration gives in by out.
        let weights = try #require(updated[0]["weights"] as? [[Double]])
        #expect(abs(weights[1][0] - 5.921665405699104) < 1e-14)
        let without = try workplace.run("inspect", example, "--json").lastEvent()
        #expect(without["after_step"] == nil)
    }

    @Test func severalInputsHaveNames() throws {
        let object = try workplace.run("inspect", "configs/seeds/004-deep-skip.yaml", "--json").lastEvent()
        let layers = try #require(object["layers"] as? [[String: Any]])
        let vertex = try #require(layers.first { $0["name"] as? String == "q" })
        #expect(Set((vertex["weights_gradient"] as! [String: Any]).keys) == ["v", "p"])
        #expect(vertex["bias_gradient"] is NSNull)
    }

    @Test func thresholdsAreShownForward() throws {
        let name = "configs/seeds/003-problem-1.2-threshold.yaml"
        let object = try workplace.run("inspect", name, "--json").lastEvent()
        #expect(object["loss"] is NSNull)
        #expect(object["prediction"] as? [[Double]] == [[0], [0], [1], [0], [1]])
        let text = try workplace.run("inspect", name)
        #expect(text.exitCode == 0)
        #expect(text.output.contains("loss: none, because no gradient passes a threshold"))
        let step = try workplace.run("inspect", name, "--step")
        #expect(step.exitCode == 78)
        #expect(step.errors.contains("has the activation threshold"))
    }

    @Test func jacobianInEveryFormat() throws {
        let arguments = [
            "jacobian", "configs/seeds/001-relu-softmax-jacobian.yaml", "--of", "prediction", "--wrt", "hidden.weights",
        ]
        let table = try workplace.run(arguments)
        #expect(table.exitCode == 0)
        #expect(table.output.contains("dimensions: output 3 × hidden.weights out 4 × in 3\n"))
        #expect(table.output.contains("0.00739393"))
        let object = try workplace.run(arguments + ["--format", "json"]).lastEvent()
        #expect(object["shape"] as? [Int] == [3, 4, 3])
        #expect(object["axes"] as? [String] == ["output", "hidden.weights out", "in"])
        let data = try #require(object["data"] as? [[[Double]]])
        #expect(abs(data[0][0][0] - 0.007393927376) < 1e-12)
        #expect(
            try workplace.run(arguments + ["--json"]).output == workplace.run(arguments + ["--format", "json"]).output)
        // Axes of three sizes in an order that does not read backwards.
        let second = Array(arguments.dropLast()) + ["output.weights"]
        // JSONSerialization reads some numbers one bit off.
        struct Report: Decodable { let data: [[[Double]]] }
        let json = try workplace.run(second + ["--json"]).output
        let values = try JSONDecoder().decode(Report.self, from: Data(json.utf8)).data
        let npy = try workplace.run(second + ["--format", "npy", "--output", "j.npy"])
        #expect(npy.exitCode == 0 && npy.output == "")
        let bytes = try Data(contentsOf: workplace.url("j.npy"))
        #expect(String(decoding: bytes.prefix(128), as: UTF8.self).contains("'shape': (3, 3, 4)"))
        #expect(bytes.count == 128 + 36 * 8)
        let numbers = (0..<36).map { index in
            bytes[(128 + 8 * index)...].prefix(8).withUnsafeBytes { $0.loadUnaligned(as: Double.self) }
        }
        #expect(numbers == values.flatMap { $0.flatMap { $0 } })
    }

    @Test func jacobianOfOneElementAndInBlocks() throws {
        let name = "configs/seeds/001-relu-softmax-jacobian.yaml"
        let element = try workplace.run(
            "jacobian", name, "--wrt", "hidden.weights", "--element", "0,0", "--json"
        ).lastEvent()
        #expect(element["shape"] as? [Int] == [3])
        let blocks = ["jacobian", name, "--of", "hidden.preactivations", "--wrt", "hidden.weights", "--blocks"]
        let text = try workplace.run(blocks)
        #expect(text.output.hasSuffix("  12 of 48 numbers; all others are 0\n"))
        let object = try workplace.run(blocks + ["--json"]).lastEvent()
        let list = try #require(object["blocks"] as? [[String: Any]])
        #expect(list.count == 4)
        let rows = try #require(list[2]["rows"] as? [[String: Any]])
        #expect(rows.count == 1 && rows[0]["indices"] as? [Int] == [2])
        #expect(rows[0]["values"] as? [Double] == [-0.107, -0.829, 0.438])
    }

    @Test func graphInEveryFormat() throws {
        let text = try workplace.run("graph", "configs/seeds/003-problem-1.4a-letters.yaml")
        #expect(text.output.contains("\n21,376 parameters; N: samples of the batch\n"))
        let svg = try workplace.run("graph", example, "--format", "svg")
        #expect(svg.output.hasPrefix("<svg ") && svg.output.hasSuffix("</svg>\n"))
        let dot = try workplace.run("graph", example, "--format", "dot")
        #expect(dot.output.hasPrefix("digraph network {\n"))
        #expect([text, svg, dot].allSatisfy { $0.exitCode == 0 && $0.errors == "" })
    }

    @Test func checkSaysWhatIsWrong() throws {
        let good = try workplace.run("check", example)
        #expect(good.exitCode == 0 && good.errors == "")
        #expect(good.output.contains("4 workers, same bits as 1") && !good.output.contains("TOO LARGE"))
        let bad = try workplace.run("check", example, "--corrupt", "hidden")
        #expect(bad.exitCode == 1)
        #expect(bad.errors.contains("comparisons have too large an error"))
        #expect(bad.output.contains("TOO LARGE"))
        let object = try workplace.run("check", example, "--corrupt", "hidden", "--json")
        #expect(object.exitCode == 1)
        let report = try object.lastEvent()
        #expect(Set(report.keys) == ["passed", "samples", "rows", "kinks"])
        #expect(report["passed"] as? Bool == false)
        let kinks = try workplace.run("check", "configs/seeds/002-relu-at-zero-zero.yaml")
        #expect(kinks.exitCode == 0)
        #expect(kinks.output.contains("  hidden, sample 0, unit 0: z = 0"))
    }

    @Test(
        arguments: [
            Mistake(
                name: "sample that is not there", arguments: ["inspect", "a.yaml", "--sample", "2"], exitCode: 64,
                message: "error: there is no sample 2: the data have 2 samples, counted from 0"),
            Mistake(
                name: "too many samples", arguments: ["inspect", "many.yaml"], exitCode: 64,
                message: """
                    error: the data have 100 samples, which is more than 64; choose one with --sample 0 … \
                    --sample 99, or take them all with --all
                    """),
            Mistake(
                name: "too many samples for a Jacobian", arguments: ["jacobian", "many.yaml", "--wrt", "input"],
                exitCode: 64,
                message: """
                    error: the data have 100 samples, which is more than 64; choose one with --sample 0 … \
                    --sample 99, or the first n with --samples n
                    """),
            Mistake(
                name: "more samples than anybody reads", arguments: ["inspect", "huge.yaml", "--all"], exitCode: 64,
                message: """
                    error: the data have 200000 samples, which is more than 100000; choose one with --sample 0 … \
                    --sample 199999
                    """),
            Mistake(
                name: "unknown array", arguments: ["jacobian", "a.yaml", "--wrt", "hidden.wieghts"], exitCode: 64,
                message: "error: there is no array 'hidden.wieghts'; did you mean 'hidden.weights'?"),
            Mistake(
                name: "element out of range",
                arguments: ["jacobian", "a.yaml", "--wrt", "hidden.weights", "--element", "3,0"], exitCode: 64,
                message: "error: 'hidden.weights' is 3 × 2, counted from 0; there is no element 3,0"),
            Mistake(
                name: "layer behind", arguments: ["jacobian", "a.yaml", "--of", "hidden", "--wrt", "output.bias"],
                exitCode: 64,
                message: "error: 'hidden' does not depend on 'output.bias', so all derivatives are 0"),
            Mistake(
                name: "unknown layer", arguments: ["check", "a.yaml", "--corrupt", "hiden"], exitCode: 64,
                message: "error: there is no layer 'hiden'; did you mean 'hidden'?"),
            Mistake(
                name: "no targets", arguments: ["inspect", "unlabelled.yaml"], exitCode: 65,
                message: """
                    error: {DIR}/x.csv: there are no targets, but the loss compares with some; name them, in a CSV \
                    file with data.csv.label
                    """),
            Mistake(
                name: "missing file", arguments: ["graph", "none.yaml"], exitCode: 66,
                message: "error: none.yaml: there is no such file"),
        ])
    func mistakes(mistake: Mistake) throws {
        var mistake = mistake
        let network = """
            network:
              layers: [{name: hidden, units: 3, activation: tanh}, {name: output, units: 2}]
              output: softmax
            """
        let many = (0..<100).map { "[\($0), 1]" }.joined(separator: ", ")
        let labels = (0..<100).map { "\($0 % 2)" }.joined(separator: ", ")
        mistake.files = [
            "a.yaml": "data: {inline: {inputs: [[1, 2], [3, 4]], targets: [0, 1]}}\n" + network,
            "many.yaml": "data: {inline: {inputs: [\(many)], targets: [\(labels)]}}\n" + network,
            "huge.yaml": "data: {synthetic: {task: xor, samples: 200_000}}\n" + network,
            "unlabelled.yaml": "data: {csv: {path: x.csv}}\n" + network,
            "x.csv": "a,b\n1,2\n3,4\n",
        ]
        try mistake.check(in: workplace)
    }

    @Test(arguments: [
        (["inspect", "a.yaml", "--sample", "0", "--all"], "Give --sample or --all, not both."),
        (["inspect", "a.yaml", "--digits", "18"], "--digits must be from 1 to 17."),
        (
            ["jacobian", "a.yaml", "--wrt", "input", "--element", "a"],
            "--element 'a' is not a list of indices, such as 0,1."
        ),
        (
            ["jacobian", "a.yaml", "--wrt", "input", "--json", "--format", "npy"],
            "Give --json or --format, not both."
        ),
        (["check", "a.yaml", "--samples", "0"], "--samples must be at least 1."),
    ])
    func wrongUsage(arguments: [String], message: String) throws {
        let outcome = try workplace.run(arguments)
        #expect(outcome.exitCode == 64)
        #expect(outcome.errors.hasPrefix("error: \(message)\nUsage: gradloom \(arguments[0])"))
    }
}
