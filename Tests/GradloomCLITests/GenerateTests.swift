import Foundation
import Testing

/// `gradloom generate`, and trainings on what it wrote, read batch by batch.
@Suite struct GenerateTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    private static let network = """
        network: {layers: [{units: 8, activation: relu}, {units: 3}], output: softmax}
        training: {batch: 32, epochs: 2}
        optimizer: {kind: momentum, learning_rate: 0.02}
        parallel: {placement: none}

        """

    private func parameterHash(_ arguments: String...) throws -> String {
        let outcome = try workplace.run(["train"] + arguments + ["--json"])
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        return try #require(outcome.lastEvent()["parameter_hash"] as? String)
    }

    /// Samples made while training, kept in memory, written to files and read from there batch by batch: one training.
    @Test(arguments: ["true", "blocks", "false"]) func allPlacesHaveTheSameBits(shuffle: String) throws {
        let task = ["--task", "teacher", "--samples", "3000", "--inputs", "7", "--classes", "3", "--set", "gain=0.8"]
        let refused = try workplace.run(["generate"] + task + ["--output", "data"])
        #expect(refused.exitCode == 78 && refused.errors.contains("gain"))
        let written = try workplace.run(
            ["generate"] + task.dropLast() + [
                "data.synthetic.gain=0.8", "--output", "data", "--shard-rows", "700", "--json",
            ])
        #expect(written.exitCode == 0, "\(written.errors)")
        #expect(try written.lastEvent()["shards"] as? Int == 5)
        try workplace.write(
            "data: {synthetic: {task: teacher, samples: 3000, inputs: 7, classes: 3, gain: 0.8}, shuffle: \(shuffle)}\n"
                + Self.network, to: "made.yaml")
        try workplace.write("data: {dataset: {path: data}, shuffle: \(shuffle)}\n" + Self.network, to: "read.yaml")
        let expected = try parameterHash("made.yaml", "--set", "data.materialize=memory", "--workers", "1")
        for (file, place) in [
            ("made.yaml", "never"), ("made.yaml", "disk"), ("read.yaml", "memory"), ("read.yaml", "never"),
            ("read.yaml", "disk"),
        ] {
            #expect(
                try parameterHash(file, "--set", "data.materialize=\(place)", "--workers", "2") == expected,
                "\(file) \(place)")
        }
        // A part for validation is drawn from files, and standardisation is that of memory.
        let split = ["--set", "data.validation=0.2", "--set", "data.standardize=true"]
        let kept = try workplace.run(["train", "read.yaml", "--json", "--set", "data.materialize=memory"] + split)
        let read = try workplace.run(["train", "read.yaml", "--json", "--set", "data.materialize=never"] + split)
        for key in ["parameter_hash"] {
            #expect(try kept.lastEvent()[key] as? String == read.lastEvent()[key] as? String)
        }
        let run = "runs/" + (try #require(try workplace.names(in: "runs").last))
        #expect(try workplace.run("evaluate", run).exitCode == 0)
        #expect(try workplace.run("train", "--resume", run, "--set", "training.epochs=3").exitCode == 0)
    }

    @Test func whatDoesNotFitIsNotKept() throws {
        try workplace.write(
            "data: {synthetic: {task: teacher, samples: 10_000_000_000, classes: 3}, validation: 0.0000001}\n"
                + Self.network, to: "large.yaml")
        let outcome = try workplace.run("train", "large.yaml", "--set", "training.steps=3")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("samples are made when they are needed: all of them are 2.6 TB, more than the"))
        let small = try workplace.run(
            "train", "large.yaml", "--set", "data.synthetic.samples=2000", "--set", "data.memory_budget=100KiB",
            "--set",
            "data.validation=0.1", "--json")
        #expect(small.exitCode == 0 && small.errors.contains("memory budget of 0.1 MB"), "\(small.errors)")
        let refused = try workplace.run("train", "large.yaml", "--set", "data.memory_budget=much")
        #expect(refused.exitCode == 78 && refused.errors.contains("such as 512MiB"))
    }

    @Test func theBestPossibleStandsBesideTheResult() throws {
        try workplace.write(
            "data: {synthetic: {task: blobs, samples: 300, classes: 3, label_noise: 0.1}}\n" + Self.network,
            to: "b.yaml")
        let noisy = try workplace.run("train", "b.yaml", "--set", "data.synthetic.cluster_std=0.0001")
        #expect(
            noisy.output.contains("note: the best possible on new samples of this task: accuracy 90.0 %"),
            "\(noisy.output)")
        let run = "runs/" + (try #require(try workplace.names(in: "runs").last))
        let summary = try JSONSerialization.jsonObject(with: Data(workplace.read(run + "/summary.json").utf8))
        let best = try #require((summary as? [String: Any])?["best_possible"] as? [String: Any])
        let accuracy = try #require((best["accuracy"] as? [String: Any])?["value"] as? Double)
        #expect(abs(accuracy - 0.9) < 1e-9 && best["method"] is String)
        let clean = try workplace.run(
            "train", "b.yaml", "--set", "data.synthetic={task: xor, samples: 300}", "--set",
            "network.layers=[{units: 2}]")
        #expect(clean.exitCode == 0 && !clean.output.contains("best possible"), "\(clean.errors)")
    }

    /// A text that does not fit into the budget is written to a file without a name: the bits are those of memory, with parts,
    /// standardisation, categories and missing values.
    @Test func aTableThatDoesNotFitIsReadFromAFile() throws {
        let lines = (0..<900).map { row in
            "\(row % 17 == 3 ? "?" : "\(row * 7 % 31)"),\(["a", "b", "c"][row % 3]),\(row * row % 13),\(row % 2)\n"
        }
        try workplace.write("x,kind,z,y\n" + lines.joined(), to: "d.csv")
        try workplace.write(
            "data: {csv: {path: d.csv, label: y, categories: auto, missing: mean}, validation: {fraction: 0.2, stratified: true},"
                + " standardize: true}\n" + Self.network, to: "t.yaml")
        for precision in ["float32", "float64"] {
            let kept = try workplace.run(
                "train", "t.yaml", "--json", "--set", "data.materialize=memory", "--set",
                "training.precision=\(precision)")
            let spilled = try workplace.run(
                "train", "t.yaml", "--json", "--set", "data.memory_budget=5KiB", "--set",
                "training.precision=\(precision)")
            #expect(spilled.exitCode == 0, "\(spilled.errors)")
            #expect(
                spilled.errors.contains("note: samples are written to a file in "), "\(spilled.errors)")
            for key in ["parameter_hash", "loss"] {
                let (expected, found) = (try kept.lastEvent()[key], try spilled.lastEvent()[key])
                #expect(String(describing: expected) == String(describing: found))
            }
            let run = "runs/" + (try #require(try workplace.names(in: "runs").last))
            #expect(try workplace.run("evaluate", run).exitCode == 0)
        }
        let disk = try workplace.run("train", "t.yaml", "--set", "data.materialize=disk")
        #expect(disk.exitCode == 0 && !disk.errors.contains("are written to a file"), "\(disk.errors)")
        let nowhere = try workplace.start(
            ["train", "t.yaml", "--set", "data.materialize=disk"], environment: ["TMPDIR": "/none"]
        ).wait()
        #expect(
            nowhere.exitCode == 74
                && nowhere.errors.contains("/none: the samples of")
                && nowhere.errors.contains("No such file or directory"),
            "\(nowhere.errors)")
    }

    /// 100 MB of files with a budget of a quarter: beside what a training on few samples takes, no more, in any order.
    @Test(arguments: ["true", "blocks", "false"]) func memoryStaysWithinTheBudget(shuffle: String) throws {
        let task = ["--task", "blobs", "--inputs", "1600", "--classes", "3"]
        #expect(try workplace.run(["generate", "--samples", "16000", "--output", "data"] + task).exitCode == 0)
        #expect(try workplace.run(["generate", "--samples", "400", "--output", "small"] + task).exitCode == 0)
        let settings = "materialize: never, memory_budget: 25MB, shuffle: \(shuffle), validation: 0.1"
        func peakBytes(_ directory: String) throws -> Int {
            try workplace.write("data: {dataset: {path: \(directory)}, \(settings)}\n" + Self.network, to: "r.yaml")
            let outcome = try workplace.run("train", "r.yaml", "--json")
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            return try #require(try outcome.lastEvent()["peak_resident_bytes"] as? Int)
        }
        let (alone, peak) = (try peakBytes("small"), try peakBytes("data"))
        #expect(peak - alone < 25_000_000, "\(alone) \(peak)")
        let told = try workplace.run("train", "r.yaml", "--set", "training.steps=1").errors
        #expect(told.contains("data.memory_budget=93MiB") == (shuffle == "blocks"), "\(told)")
    }

    @Test func whatCannotBeReadInPiecesIsRefused() throws {
        try workplace.write("x,y\n" + (0..<40).map { "\($0),\($0 % 3)\n" }.joined(), to: "d.csv")
        try workplace.write("data: {csv: {path: d.csv, label: y}, materialize: never}\n" + Self.network, to: "c.yaml")
        let outcome = try workplace.run("train", "c.yaml")
        #expect(outcome.exitCode == 78 && outcome.errors.contains("gradloom convert"), "\(outcome.errors)")
        try workplace.write(
            "data: {synthetic: {task: blobs, samples: 90}, validation: {fraction: 0.1, stratified: true}, materialize: never}\n"
                + Self.network, to: "s.yaml")
        let stratified = try workplace.run("train", "s.yaml")
        #expect(
            stratified.exitCode == 78 && stratified.errors.contains("split by a fraction alone"), "\(stratified.errors)"
        )
    }

    /// Options and keys that make no sense, and what they are told.
    @Test(arguments: [
        (["--samples", "-5", "--preview"], 64, "--samples must be at least 1"),
        (["--samples", "0", "--preview"], 64, "--samples must be at least 1"),
        (["--samples", "5", "--classes", "1", "--preview"], 64, "--classes must be at least 2"),
        (["--samples", "5", "--seed", "-1", "--preview"], 64, "'-1' is invalid for '--seed"),
        (["--samples", "5", "--preview", "--json"], 64, "--preview prints text"),
        (["--samples", "5", "--preview", "--force"], 64, "--force belongs to --output"),
        (["--samples", "5", "--speed", "--shard-rows", "2"], 64, "--shard-rows belongs to --output"),
        (["--samples", "5", "--preview", "--set", "data.synthetic.noise=1e39"], 78, "between 0 and 1e18"),
    ]) func whatMakesNoSenseIsRefused(arguments: [String], exitCode: Int, message: String) throws {
        let outcome = try workplace.run(["generate", "--task", "xor"] + arguments)
        #expect(Int(outcome.exitCode) == exitCode && outcome.errors.contains(message), "\(outcome.errors)")
    }

    @Test func aDescriptionGoesAlone() throws {
        for option in [["--samples", "4"], ["--seed", "4"], ["--set", "data.synthetic.noise=1"], ["--force"]] {
            let outcome = try workplace.run(["generate", "--describe", "x"] + option)
            #expect(outcome.exitCode == 64 && outcome.errors.contains("go alone"), "\(outcome.errors)")
        }
    }

    /// An option of its own counts more than `--set`, with a configuration and without.
    @Test func optionsCountMost() throws {
        try workplace.write("data: {synthetic: {task: xor, samples: 7}}\n" + Self.network, to: "xor.yaml")
        for task in [["xor.yaml"], ["--task", "xor"]] {
            let outcome = try workplace.run(
                ["generate"] + task + ["--samples", "5", "--set", "data.synthetic.samples=3", "--speed", "--json"])
            #expect(try outcome.lastEvent()["rows"] as? Int == 5, "\(outcome.errors)")
        }
    }

    @Test func aTableOnStandardOutputIsNothingElse() throws {
        let task = ["generate", "--task", "intervals", "--samples", "3", "--format", "csv", "--output", "-"]
        for arguments in [task, task + ["--json"]] {
            let lines = try workplace.run(arguments).output.split(separator: "\n")
            #expect(lines.count == 4 && lines[0] == "x0,label", "\(lines)")
        }
    }

    /// No more samples are made than are shown: a thousand of these would be 12 GB.
    @Test func previewsOfWideSamplesNeedLittleMemory() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c",
            "ulimit -v 4000000; ulimit -c 0; exec '\(Workplace.program.path)' generate --task xor --samples 1000 "
                + "--inputs 1000000 --preview >/dev/null",
        ]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    /// Only letters are images, also with other features behind them.
    @Test func lettersAreDrawn() throws {
        let letters = try workplace.run(
            "generate", "--task", "letters", "--samples", "2", "--set", "data.synthetic.irrelevant=3", "--preview")
        #expect(letters.output.contains("class 1\n") && letters.output.contains("@@"), "\(letters.output)")
        let teacher = try workplace.run("generate", "--task", "teacher", "--samples", "2", "--preview")
        #expect(!teacher.output.contains("class 1\n") && !teacher.output.contains("@@"))
    }

    @Test func whatThereIsNoRoomForIsNotBegun() throws {
        for arguments in [["--task", "teacher"], ["--task", "linear", "--format", "npy"]] {
            let outcome = try workplace.run(
                ["generate", "--samples", "100000000000000", "--output", "huge"] + arguments)
            #expect(outcome.exitCode == 74 && outcome.errors.contains("are free there"), "\(outcome.errors)")
            #expect(try !workplace.names().contains("huge"))
        }
        let named = try workplace.run(
            "generate", "--task", "xor", "--samples", "9", "--format", "csv", "--output", "x.csv.gz")
        #expect(named.exitCode == 64 && named.errors.contains("without .gz"))
    }

    @Test func tablesAndPictures() throws {
        let csv = try workplace.run(
            "generate", "--task", "blobs", "--samples", "9000", "--classes", "2", "--format", "csv", "--output", "b.csv"
        )
        #expect(csv.exitCode == 0, "\(csv.errors)")
        let lines = try workplace.read("b.csv").split(separator: "\n")
        #expect(
            lines.count == 9001 && lines[0] == "x0,x1,label" && lines[1].hasSuffix(",0") && lines[2].hasSuffix(",1"))
        #expect(
            try workplace.run("generate", "--task", "blobs", "--samples", "5", "--format", "csv", "--output", "b.csv")
                .exitCode == 73)
        let preview = try workplace.run("generate", "--task", "xor", "--samples", "200", "--preview")
        #expect(preview.output.contains("x0") && preview.output.contains("  class\n"), "\(preview.output)")
        #expect(preview.output.contains("x1 from "))
        let speed = try workplace.run("generate", "--task", "linear", "--samples", "2000", "--speed", "--json")
        #expect(try speed.lastEvent()["rows"] as? Int == 2000)
        for wrong in [
            ["generate", "--task", "xor", "--output", "x"], ["generate", "--output", "x"],
            ["generate", "--task", "xor", "--samples", "3"],
            ["generate", "--task", "xor", "--samples", "3", "--preview", "--output", "x"],
            ["generate", "--task", "xor", "--samples", "3", "--output", "x", "--format", "npy", "--shard-rows", "2"],
        ] {
            #expect(try workplace.run(wrong).exitCode == 64, "\(wrong)")
        }
        try workplace.write("data: {csv: {path: b.csv, label: label}}\n" + Self.network, to: "c.yaml")
        #expect(try workplace.run("generate", "c.yaml", "--output", "x").errors.contains("gradloom convert"))
    }
}
