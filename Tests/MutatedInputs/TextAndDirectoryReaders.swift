import Foundation
import LoomData
import LoomKernels

/// Text in the format of LIBSVM.
struct LibSVMReader: InputReader {
    static let name = "libsvm"
    private static let file = "d.svm"
    private let directory: String

    init(directory: String) throws { self.directory = directory }

    private static let seeds = [
        "1 1:0.5 3:-2\n-1 2:1e3\n+1 1:1 2:2 3:3 # all\n", "0 1:1\r\n\r\n1 qid:7 2:.5\r\n", "2.5\t7:1\n3 1:4",
        "# a comment\n1\n0 1:1\n",
    ].map { [UInt8]($0.utf8) }

    var corpus: [CorpusEntry] {
        func entry(_ name: String, _ text: String, error: String?) -> CorpusEntry {
            CorpusEntry(name, [Self.file: [UInt8](text.utf8)], error: error)
        }
        return [
            entry("good", "1 1:0.5 3:-2\n-1 2:1e3\n", error: nil), entry("nothing", "", error: "empty"),
            entry("comments alone", "# 1 1:1\n\n", error: "empty"),
            entry("an index of 0", "1 0:1\n", error: "index is 0"),
            entry("an index of 10^9", "1 1000000000:1\n", error: "the largest index"),
            entry("an index of 10^17", "1 100000000000000000:1\n", error: "the largest index"),
            entry("an index beyond 64 bits", "1 99999999999999999999:1\n", error: "no whole number"),
            entry("NaN", "1 1:nan\n", error: "NaN"), entry("an infinite label", "1e999 1:1\n", error: "d.svm"),
            entry("a descent", "1 2:1 1:1\n", error: "comes after"),
            entry("no colon", "1 2\n", error: "no index:value"),
            entry("queries", "1" + String(repeating: " qid:1", count: 20_000) + " 1:1\n", error: nil),
        ]
    }

    func mutant(_ random: inout Random) -> Input {
        var text = random.pick(Self.seeds)
        for _ in 0...random.below(3) {
            let tokens = [":", " ", "\n", "\r\n", "#", "qid:", "1:1", "\t", "0:", "-"] + Mutations.numbers
            Mutations.change(&text, &random, tokens: tokens, other: random.pick(Self.seeds))
        }
        return Input([Self.file: text])
    }

    func read(_ input: Input) throws -> Outcome {
        let path = directory + "/" + Self.file
        return try outcome(of: [path], types: [DataError.self]) {
            let source = try LibSVMSource(path: path, features: nil)
            let data = try Dataset<Float>(source, conversion: nil)
            try checkFinite(data.inputs)
            let lines = String(decoding: input[Self.file], as: UTF8.self).split(whereSeparator: \.isNewline)
            try require(data.count <= lines.count, "\(data.count) samples of \(lines.count) lines")
        }
    }
}

/// Directories in Gradloom's own format.
struct DatasetReader: InputReader {
    static let name = "dataset"
    private static let folder = "dataset"
    private static let names = ["inputs-00000.npy", "inputs-00001.npy", "targets-00000.npy", "targets-00001.npy"]
    private let directory: String

    init(directory: String) throws { self.directory = directory }

    private static let shards: [[UInt8]] = [
        NpyReader.file(NpyReader.header("|u1", "(2, 2)"), data: [1, 2, 3, 4]),
        NpyReader.file(NpyReader.header("|u1", "(1, 2)"), data: [5, 6]),
        NpyReader.file(NpyReader.header("<i4", "(2, 1)"), data: [0, 0, 0, 0, 1, 0, 0, 0]),
        NpyReader.file(NpyReader.header("<i4", "(1, 1)"), data: [2, 0, 0, 0]),
    ]

    private static func manifest(rows: String = "3", shardRows: String = "2", features: String = "2") -> String {
        func file(_ index: Int) -> String {
            "{\"file\": \"\(names[index])\", \"bytes\": \(shards[index].count), "
                + "\"sha256\": \"\(SHA256.digits(of: shards[index]))\"}"
        }
        return """
            {"format": "gradloom-dataset", "version": 1, "rows": \(rows), "features": \(features),
            "shard_rows": \(shardRows), "inputs": {"element": "|u1", "scale": 0.5},
            "targets": {"element": "<i4", "columns": 1, "form": "class_indices", "classes": 3},
            "feature_names": ["a", "b"], "provenance": {"source": "here", "details": {}},
            "shards": [{"rows": 2, "inputs": \(file(0)), "targets": \(file(2))},
            {"rows": 1, "inputs": \(file(1)), "targets": \(file(3))}]}
            """
    }

    private static func input(_ manifest: String) -> Input {
        var input = Input([folder + "/dataset.json": [UInt8](manifest.utf8)])
        for (name, bytes) in zip(names, shards) { input[folder + "/" + name] = bytes }
        return input
    }

    var corpus: [CorpusEntry] {
        var missing = Self.input(Self.manifest())
        missing.parts[Self.folder + "/" + Self.names[1]] = nil
        var changed = Self.input(Self.manifest())
        changed[Self.folder + "/" + Self.names[0]][Self.shards[0].count - 1] = 9
        var linked = Self.input(Self.manifest())
        linked.parts[Self.folder + "/" + Self.names[0]] = .link("/dev/zero")
        return [
            CorpusEntry("good", Self.input(Self.manifest())),
            CorpusEntry("a missing shard", missing, error: "no such file"),
            CorpusEntry("a changed byte", changed, error: "changed or damaged"),
            CorpusEntry("an endless shard", linked, error: "device"),
            CorpusEntry(
                "10^18 rows", Self.input(Self.manifest(rows: "1000000000000000000")), error: "shards are listed"),
            CorpusEntry(
                "all rows in one shard",
                Self.input(Self.manifest(rows: "9223372036854775807", shardRows: "9223372036854775807")),
                error: "shards are listed"),
            CorpusEntry(
                "10^18 features", Self.input(Self.manifest(features: "1000000000000000000")), error: "names of"),
            CorpusEntry("deep", Self.input(String(repeating: "[", count: 5000)), error: "not JSON"),
            CorpusEntry("no description", Input([:]), error: "no such directory"),
        ]
    }

    func mutant(_ random: inout Random) -> Input {
        var input = Self.input(Self.manifest())
        let names = input.parts.keys.sorted()
        for _ in 0..<random.below(4) {
            let name = random.once(in: 2) ? Self.folder + "/dataset.json" : random.pick(names)
            if random.once(in: 10) {
                input.parts[name] = random.pick([nil, .directory, .link("inputs-00000.npy"), .link("/dev/null")])
                continue
            }
            var bytes = input[name]
            let tokens = ["{", "}", "\"rows\":", "null", ",", "\"", "true", "[]", "../", "\\u0000"] + Mutations.numbers
            Mutations.change(&bytes, &random, tokens: tokens, other: [UInt8](Self.manifest().utf8))
            input[name] = bytes
        }
        return input
    }

    func read(_ input: Input) throws -> Outcome {
        let path = directory + "/" + Self.folder
        return try outcome(of: [path], types: [DataError.self]) {
            let source = try DatasetDirectory(path: path).source()
            try source.verifyContent()
            let data = try Dataset<Double>(source, conversion: nil)
            try require(data.count * data.featureCount <= input.byteCount, "more numbers than bytes")
            try checkFinite(data.inputs)
        }
    }
}
