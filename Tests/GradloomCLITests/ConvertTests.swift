import Foundation
import Testing

@Suite struct ConvertTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    private static let table = "a,b,class\n1,2,red\n3,4,blue\n5,6,red\n7,8,blue\n9,10,red\n"

    private func convertTable(_ more: String...) throws -> Outcome {
        try workplace.write(Self.table, to: "d.csv")
        return try workplace.run(["convert", "d.csv", "d", "--label", "class", "--shard-rows", "2"] + more)
    }

    @Test func aTableBecomesADirectory() throws {
        let outcome = try convertTable()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let rows = outcome.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(rows.map(\.first) == ["directory", "rows", "features", "shards", "time", "rows/s", "speed"])
        #expect(rows[0...3].map(\.last) == ["d", "5", "2", "3"])
        #expect(
            try workplace.names(in: "d") == [
                "dataset.json", "inputs-00000.npy", "inputs-00001.npy", "inputs-00002.npy", "targets-00000.npy",
                "targets-00001.npy", "targets-00002.npy",
            ])
        let described = try workplace.run("convert", "--describe", "d")
        #expect(described.exitCode == 0)
        for line in ["inputs                                                 <f4", "class indices 0 … 1", "blue, red"] {
            #expect(described.output.contains(line.split(separator: " ").last ?? ""), "\(described.output)")
        }
        let verified = try workplace.run("convert", "--verify", "d")
        #expect(verified.exitCode == 0)
        #expect(verified.output.hasPrefix("d is whole: 5 rows in 3 shards, "))
    }

    @Test func machinesReadOneLine() throws {
        let written = try convertTable("--json")
        let event = try written.lastEvent()
        #expect(event["event"] as? String == "converted")
        #expect(event["rows"] as? Int == 5)
        #expect(event["shards"] as? Int == 3)
        // Headers are not counted: 5 × 2 float32, and 5 int32.
        #expect(event["bytes_written"] as? Int == 60)
        let described = try workplace.run("convert", "--describe", "d", "--json").lastEvent()
        #expect(described["shard_rows"] as? Int == 2)
        let verified = try workplace.run("convert", "--verify", "d", "--json").lastEvent()
        #expect(verified["damaged"] as? [String] == [])
    }

    @Test func trainingOnTheDirectoryIsTrainingOnTheTable() throws {
        #expect(try convertTable().exitCode == 0)
        func hash(_ source: String) throws -> String? {
            try workplace.write(
                """
                data: {\(source)}
                network: {layers: [{units: 2}], output: softmax}
                training: {epochs: 2, batch: 2}
                """, to: "t.yaml")
            let outcome = try workplace.run("train", "t.yaml", "--json")
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            return try outcome.lastEvent()["parameter_hash"] as? String
        }
        let table = try hash("csv: {path: d.csv, label: class}")
        #expect(try hash("dataset: {path: d}") == table)
        #expect(table != nil)
    }

    @Test func whatIsThereIsNotReplacedUnasked() throws {
        #expect(try convertTable().exitCode == 0)
        let again = try convertTable()
        #expect(again.exitCode == 73)
        #expect(again.errors.hasSuffix("error: ‘d’ holds a data set: --force replaces it\n"))
        #expect(try convertTable("--force").exitCode == 0)
        let itself = try workplace.run("convert", "d", "d", "--force")
        #expect(itself.exitCode == 64)
        #expect(itself.errors.contains("is the input; give another one"))
    }

    @Test func damageIsNamedWithItsShard() throws {
        #expect(try convertTable().exitCode == 0)
        var bytes = try Data(contentsOf: workplace.url("d/targets-00001.npy"))
        bytes[130] ^= 1
        try workplace.write(bytes, to: "d/targets-00001.npy")
        let verified = try workplace.run("convert", "--verify", "d", "--json")
        #expect(verified.exitCode == 65)
        #expect(verified.errors.hasPrefix("error: d/targets-00001.npy: the shard was changed or damaged: "))
        #expect(try verified.lastEvent()["damaged"] as? [String] == ["d/targets-00001.npy"])
        try workplace.write(
            "data: {dataset: {path: d}}\nnetwork: {layers: [{units: 2}], output: softmax}\n", to: "t.yaml")
        let trained = try workplace.run("train", "t.yaml")
        #expect(trained.exitCode == 65)
        #expect(trained.errors.contains("d/targets-00001.npy: the shard was changed or damaged"))
    }

    /// A limit on the size of files is refused as a full disk is.
    @Test func aDiskThatRefusesLeavesNothingThatLooksWhole() throws {
        let rows = (0..<2000).map { "\($0),\($0 % 2)\n" }.joined()
        try workplace.write(rows, to: "d.csv")
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/bash")
        shell.arguments = ["-c", "trap '' XFSZ; ulimit -f 4; \"$0\" convert d.csv d --label 1; echo code $?"]
        shell.arguments?.append(Workplace.program.path)
        shell.currentDirectoryURL = URL(fileURLWithPath: workplace.path)
        shell.environment = workplace.environment
        let printed = try workplace.printed(by: shell)
        #expect(printed.contains("cannot write ‘d/inputs-00000.npy’: File too large"), "\(printed)")
        #expect(printed.contains("code 74"))
        #expect(try workplace.names(in: "d") == ["dataset.incomplete.json"])
        #expect(try workplace.run("convert", "--describe", "d").exitCode == 65)
        // The same command goes on when there is room.
        #expect(try workplace.run("convert", "d.csv", "d", "--label", "1").exitCode == 0)
        #expect(try workplace.run("convert", "--verify", "d").exitCode == 0)
    }

    @Test(arguments: [
        (["convert"], "Give an input and a directory to write"),
        (["convert", "d.csv"], "Give an input and a directory"),
        (["convert", "--describe", "d", "--verify", "d"], "go alone"),
        (["convert", "d.csv", "d", "--shard-rows", "0"], "--shard-rows must be at least 1"),
        (["convert", "d.csv", "d", "--scale", "2"], "--scale has no use for d.csv, which is csv."),
        (["convert", "i.idx", "d", "--set", "data.csv.label=1"], "--set belongs to a configuration or a CSV file."),
        (["convert", "c.yaml", "d", "--label", "a"], "--label has no use for c.yaml, which is configuration."),
        (["convert", "i.idx", "d"], "--targets is needed for i.idx, which is idx."),
        (["convert", "i.idx", "d", "--scale", "1/0"], "'1/0' is invalid for '--scale <x>'"),
    ])
    func wrongUsageIsNamed(arguments: [String], message: String) throws {
        try workplace.write(Self.table, to: "d.csv")
        try workplace.write("data: {csv: {path: d.csv, label: class}}\n", to: "c.yaml")
        try workplace.write(Data([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7]), to: "i.idx")
        let outcome = try workplace.run(arguments)
        #expect(outcome.exitCode == 64)
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: workplace.url("d").path))
    }

    @Test func imagesStayBytes() throws {
        try workplace.write(Data([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 255, 51, 102]), to: "i.idx")
        try workplace.write(Data([0, 0, 8, 1, 0, 0, 0, 2, 1, 0]), to: "l.idx")
        let outcome = try workplace.run("convert", "i.idx", "d", "--targets", "l.idx", "--scale", "1/255", "--json")
        #expect(try outcome.lastEvent()["bytes_written"] as? Int == 4 + 8)
        let described = try workplace.run("convert", "--describe", "d", "--json").output
        #expect(described.contains("\"element\":\"|u1\",\"scale\":0.00392156862745098}"))
        // A directory is an input, too: in float64 the scale is still the bytes'.
        #expect(try workplace.run("convert", "d", "e", "--float64", "--shard-rows", "1").exitCode == 0)
        #expect(try workplace.names(in: "e").count == 5)
    }

    /// Checksums are of what was read: damage must not get one of its own.
    @Test func damagedShardsAreNotConverted() throws {
        #expect(try convertTable().exitCode == 0)
        var bytes = try Data(contentsOf: workplace.url("d/inputs-00001.npy"))
        bytes[130] ^= 1
        try workplace.write(bytes, to: "d/inputs-00001.npy")
        let outcome = try workplace.run("convert", "d", "e")
        #expect(outcome.exitCode == 65)
        #expect(outcome.errors.hasPrefix("error: d/inputs-00001.npy: the shard was changed or damaged: "))
    }

    @Test func theDataOfAConfigurationAreNotReplaced() throws {
        #expect(try convertTable().exitCode == 0)
        try workplace.write(
            "data: {dataset: {path: d}}\nnetwork: {layers: [{units: 2}], output: softmax}\n", to: "t.yaml")
        let outcome = try workplace.run("convert", "t.yaml", "d", "--force")
        #expect(outcome.exitCode == 64)
        #expect(outcome.errors.contains("d, is the data of t.yaml; give another one"), "\(outcome.errors)")
    }

    @Test func meansOfTrainingSamplesAreNotConverted() throws {
        try workplace.write("a,y\n1,0\n?,1\n3,0\n", to: "d.csv")
        try workplace.write(
            """
            data: {csv: {path: d.csv, label: y, missing: mean}}
            network: {layers: [{units: 2}], output: softmax}
            """, to: "t.yaml")
        let outcome = try workplace.run("convert", "t.yaml", "d")
        #expect(outcome.exitCode == 78)
        #expect(outcome.errors.contains("set data.csv.missing to drop, or train on the CSV file itself"))
        #expect(try workplace.run("convert", "t.yaml", "d", "--set", "data.csv.missing=drop").exitCode == 0)
    }

    /// After a change of either file, what an interrupted call left is of other samples.
    @Test func bothFilesAreDescribed() throws {
        try workplace.write(Data([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 255, 51, 102]), to: "i.idx")
        try workplace.write(Data([0, 0, 8, 1, 0, 0, 0, 2, 1, 0]), to: "l.idx")
        #expect(try workplace.run("convert", "i.idx", "d", "--targets", "l.idx").exitCode == 0)
        let described = try workplace.run("convert", "--describe", "d").output
        // 16 and 10.
        #expect(described.contains("  bytes: 26\n"), "\(described)")
    }

    /// The targets come through a pipe: they are opened when the inputs are mapped, and come when those have become shorter.
    @Test func aFileThatBecomesShorterIsNamed() throws {
        try workplace.write(
            Data([0, 0, 8, 2, 0, 1, 0, 0, 0, 0, 0, 4]) + Data(repeating: 1, count: 1 << 18), to: "x.idx")
        try workplace.write(Data([0, 0, 8, 1, 0, 1, 0, 0]) + Data(repeating: 1, count: 1 << 16), to: "y.idx")
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/bash")
        shell.arguments = [
            "-c",
            """
            mkfifo y.pipe; "$0" convert x.idx d --targets y.pipe & exec 3>y.pipe
            truncate -s 4096 x.idx; cat y.idx >&3; exec 3>&-; wait $!; echo code $?
            """, Workplace.program.path,
        ]
        shell.currentDirectoryURL = URL(fileURLWithPath: workplace.path)
        shell.environment = workplace.environment
        let printed = try workplace.printed(by: shell)
        #expect(printed.contains("/x.idx: the file became shorter while it was read"), "\(printed)")
        #expect(printed.contains("code 74"))
    }

    @Test func theProgramForParquetIsPython() throws {
        let outcome = try workplace.run("convert", "--parquet-script")
        #expect(outcome.exitCode == 0)
        #expect(outcome.output.hasPrefix("#!/usr/bin/env python3\n"))
        #expect(outcome.output.hasSuffix("\n    main()\n"))
        #expect(outcome.output.contains("\"format\": \"gradloom-dataset\", \"version\": 1"))
    }

    /// A table needs no configuration for its keys, and a configuration for a table no network.
    @Test func keysOfTables() throws {
        let workplace = try Workplace()
        try workplace.write("job,x,y\ncook,1,0\nbaker,?,1\ncook,3,1\n", to: "t.csv")
        let converted = try workplace.run(
            "convert", "t.csv", "a", "--label", "y", "--set", "data.csv.categories=[job]", "--set",
            "data.csv.missing=drop", "--json")
        #expect(converted.exitCode == 0, "\(converted.errors)")
        try workplace.write(
            "data: {csv: {path: t.csv, label: y, categories: [job], missing: drop}}\n", to: "d.yaml")
        #expect(try workplace.run("convert", "d.yaml", "b").exitCode == 0)
        for file in ["inputs-00000.npy", "targets-00000.npy"] {
            #expect(try Data(contentsOf: workplace.url("a/" + file)) == Data(contentsOf: workplace.url("b/" + file)))
        }
        #expect(try workplace.read("a/dataset.json").contains("job=cook"))
        let wrong = try workplace.run("convert", "t.csv", "c", "--label", "y", "--set", "data.csv.categorys=[job]")
        #expect(wrong.exitCode == 78 && wrong.errors.contains("did you mean 'categories'?"), "\(wrong.errors)")
    }
}
