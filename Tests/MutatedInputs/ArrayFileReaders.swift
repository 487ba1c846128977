import Foundation
import LoomData
import LoomKernels

/// Reads all samples of `source`, which must not have more numbers than `most`.
private func readAll(_ source: some DataSource, most: Int) throws -> Dataset<Double> {
    try require(source.count * source.featureCount <= most, "\(source.count) × \(source.featureCount) numbers")
    let data = try Dataset<Double>(source, conversion: nil)
    try checkFinite(data.inputs)
    return data
}

/// CRC-32, bit by bit.
private func checksum(_ bytes: [UInt8]) -> UInt32 {
    var sum: UInt32 = 0xffff_ffff
    for byte in bytes {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
    }
    return ~sum
}

private func littleEndian(_ value: Int, bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// A stream of deflate without compression.
private func stored(_ bytes: [UInt8]) -> [UInt8] {
    [1] + littleEndian(bytes.count, bytes: 2) + littleEndian(~bytes.count, bytes: 2) + bytes
}

// MARK: gzip

/// CSV files that are compressed with gzip.
struct GzipReader: InputReader {
    static let name = "gzip"
    private static let file = "d.csv.gz"
    private let directory: String

    init(directory: String) throws { self.directory = directory }

    /// Python's gzip.compress(b"1,2\n3,4\n" * 20, mtime=0).
    private static let compressed: [UInt8] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 51, 212, 49, 226, 50, 214, 49, 225, 50, 28, 164, 52, 0, 108, 229, 204, 70,
        160, 0, 0, 0,
    ]

    private static func member(_ text: String) -> [UInt8] {
        let bytes = [UInt8](text.utf8)
        return [31, 139, 8, 0, 0, 0, 0, 0, 0, 3] + stored(bytes) + littleEndian(Int(checksum(bytes)), bytes: 4)
            + littleEndian(bytes.count, bytes: 4)
    }

    private static let good = member("1,2\n3,4\n") + member("5,6\n")

    var corpus: [CorpusEntry] {
        func entry(_ name: String, _ bytes: [UInt8], error: String?) -> CorpusEntry {
            CorpusEntry(name, [Self.file: bytes], error: error)
        }
        return [
            entry("good", Self.good, error: nil), entry("compressed", Self.compressed, error: nil),
            entry("two bytes", [31, 139], error: "break off"),
            entry("no end", Self.compressed.dropLast(9), error: "break off"),
            entry("no checksum", Self.compressed.dropLast(8), error: "break off"),
            entry("a size of 4 GiB", Self.compressed.dropLast(4) + [255, 255, 255, 255], error: "damaged"),
            entry("text behind it", Self.good + [49], error: "not compressed"),
            entry("zeros behind it", Self.good + [0, 0, 0], error: nil),
            entry("a reserved block", [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 7], error: "damaged"),
            entry("an unknown method", [31, 139, 9, 0, 0, 0, 0, 0, 0, 3, 1], error: "damaged"),
        ]
    }

    func mutant(_ random: inout Random) -> Input {
        var bytes = random.pick([Self.good, Self.compressed, Self.member("1,2\n"), Self.member("")])
        for _ in 0..<random.below(4) {
            Mutations.change(&bytes, &random, tokens: ["\u{1f}", "\u{8}", "\u{0}"], other: Self.compressed)
        }
        return Input([Self.file: bytes])
    }

    func read(_ input: Input) throws -> Outcome {
        let path = directory + "/" + Self.file
        return try outcome(of: [path], types: [DataError.self]) {
            _ = try readAll(CSVSource(path: path), most: 1032 * input.byteCount + 1)
        }
    }
}

// MARK: npz

/// Archives of NumPy.
struct NpzReader: InputReader {
    static let name = "npz"
    private static let file = "d.npz"
    private let directory: String

    init(directory: String) throws { self.directory = directory }

    /// An archive of `members`, deflated where `isDeflated`.
    private static func archive(_ members: [(name: String, bytes: [UInt8])], isDeflated: Bool) -> [UInt8] {
        var (content, central): ([UInt8], [UInt8]) = ([], [])
        for member in members {
            let name = [UInt8](member.name.utf8)
            let data = isDeflated ? stored(member.bytes) : member.bytes
            let common =
                [20, 0, 0, 0, isDeflated ? 8 : 0, 0, 0, 0, 0, 0]
                + littleEndian(Int(checksum(member.bytes)), bytes: 4) + littleEndian(data.count, bytes: 4)
                + littleEndian(member.bytes.count, bytes: 4) + littleEndian(name.count, bytes: 2) + [0, 0]
            central +=
                [0x50, 0x4b, 1, 2, 20, 0] + common + [UInt8](repeating: 0, count: 10)
                + littleEndian(content.count, bytes: 4) + name
            content += [0x50, 0x4b, 3, 4] + common + name + data
        }
        return content + central + [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + littleEndian(members.count, bytes: 2)
            + littleEndian(members.count, bytes: 2) + littleEndian(central.count, bytes: 4)
            + littleEndian(content.count, bytes: 4) + [0, 0]
    }

    private static let arrays: [(name: String, bytes: [UInt8])] = [
        ("x.npy", NpyReader.file(NpyReader.header("|i1", "(3, 2)"), data: [1, 2, 3, 4, 5, 6])),
        ("y.npy", NpyReader.file(NpyReader.header("|u1", "(3,)"), data: [0, 1, 1])),
    ]
    private static let good = archive(arrays, isDeflated: false)
    private static let deflated = archive(arrays, isDeflated: true)

    var corpus: [CorpusEntry] {
        func entry(_ name: String, _ bytes: [UInt8], error: String?) -> CorpusEntry {
            CorpusEntry(name, [Self.file: bytes], error: error)
        }
        func with(_ shape: String) -> [UInt8] {
            Self.archive(
                [("x.npy", NpyReader.file(NpyReader.header("|i1", shape), data: [1])), Self.arrays[1]],
                isDeflated: true)
        }
        return [
            entry("good", Self.good, error: nil), entry("deflated", Self.deflated, error: nil),
            entry("nothing", [], error: "not an .npz"), entry("PK alone", [0x50, 0x4b], error: "damaged"),
            entry("no directory", Self.good.dropLast(1), error: "damaged"),
            entry("no x", Self.archive([Self.arrays[1]], isDeflated: false), error: "there is no array 'x'"),
            entry("10^18 rows", with("(1000000000000000000, 2)"), error: "truncated"),
            entry("too large a shape", with("(0, 9223372036854775807, 9223372036854775807)"), error: "dimensions"),
            entry("images", with("(1, 1, 1)"), error: "rows of targets"),
        ]
    }

    func mutant(_ random: inout Random) -> Input {
        var bytes = random.once(in: 2) ? Self.good : Self.deflated
        for _ in 0..<random.below(4) {
            Mutations.change(
                &bytes, &random, tokens: ["PK\u{1}\u{2}", "PK\u{3}\u{4}", "PK\u{5}\u{6}", "PK\u{6}\u{6}", "x.npy"],
                other: Self.deflated)
        }
        return Input([Self.file: bytes])
    }

    func read(_ input: Input) throws -> Outcome {
        let path = directory + "/" + Self.file
        return try outcome(of: [path], types: [DataError.self]) {
            _ = try readAll(ArraySource(npz: path, inputs: "x", targets: "y"), most: 1032 * input.byteCount)
        }
    }
}

// MARK: IDX

/// Files of MNIST.
struct IdxReader: InputReader {
    static let name = "idx"
    private static let (inputs, targets) = ("images.idx", "labels.idx")
    private let directory: String

    init(directory: String) throws { self.directory = directory }

    private static func file(_ type: UInt8, _ shape: [UInt32], _ data: [UInt8]) -> [UInt8] {
        [0, 0, type, UInt8(truncatingIfNeeded: shape.count)]
            + shape.flatMap { extent in (0..<4).map { UInt8(truncatingIfNeeded: extent >> (24 - 8 * $0)) } } + data
    }

    private static let good = [
        inputs: file(8, [3, 2, 2], (0..<12).map { 20 * $0 }), targets: file(8, [3], [0, 1, 2]),
    ]

    private static func entry(_ name: String, _ bytes: [UInt8], error: String?) -> CorpusEntry {
        var input = Input(good)
        input[inputs] = bytes
        return CorpusEntry(name, input, error: error)
    }

    var corpus: [CorpusEntry] {
        let most: UInt32 = .max
        return [
            CorpusEntry("good", Input(Self.good)), Self.entry("nothing", [], error: "truncated"),
            Self.entry("no dimensions", Self.file(8, [], [1]), error: "magic number"),
            Self.entry("an unknown type", Self.file(10, [1], [1]), error: "magic number"),
            Self.entry("10^18 bytes", Self.file(8, [1_000_000_000, 1_000_000_000], [1]), error: "truncated"),
            Self.entry("too large", Self.file(8, [most, most, most], [1]), error: "too large"),
            Self.entry("too large behind 0", Self.file(8, [0, most, most, most], []), error: "too large"),
            Self.entry("a byte too many", Self.file(8, [1, 1], [1, 2]), error: "too long"),
            Self.entry("no pixels", Self.file(8, [3, 0], []), error: "no feature columns"),
            Self.entry("NaN", Self.file(13, [3, 1], [0x7f, 0xc0] + [UInt8](repeating: 0, count: 10)), error: "NaN"),
            Self.entry(
                "255 dimensions", Self.file(8, [UInt32](repeating: 1, count: 255), [1]), error: "rows of targets"),
        ]
    }

    func mutant(_ random: inout Random) -> Input {
        var input = Input(Self.good)
        for name in [Self.inputs, Self.targets] where name == Self.inputs || random.once(in: 2) {
            var bytes = input[name]
            if random.once(in: 2) {
                let shape = (0..<1 + random.below(4)).map { _ in UInt32(random.below(5)) }
                let type = random.pick([8, 8, 8, 9, 11, 12, 13, 14] as [UInt8])
                let width = [8: 1, 9: 1, 11: 2, 14: 8][Int(type)] ?? 4
                let count = shape.reduce(width) { $0 * Int($1) }
                bytes = Self.file(type, shape, (0..<count).map { _ in UInt8(truncatingIfNeeded: random.below(64)) })
            }
            for _ in 0..<random.below(3) {
                Mutations.change(&bytes, &random, tokens: ["\u{0}\u{0}\u{8}\u{1}", "\u{1}"], other: input[Self.inputs])
            }
            input[name] = bytes
        }
        return input
    }

    func read(_ input: Input) throws -> Outcome {
        let paths = [Self.inputs, Self.targets].map { directory + "/" + $0 }
        return try outcome(of: paths, types: [DataError.self]) {
            let source = try ArraySource(idxInputs: paths[0], targets: paths[1])
            _ = try readAll(source, most: 1032 * input[Self.inputs].count)
        }
    }
}
