import Foundation
import LoomData
import LoomKernels

/// NumPy files: inputs, and targets of the same samples.
struct NpyReader: InputReader {
    static let name = "npy"
    private static let (inputs, targets) = ("x.npy", "y.npy")
    private let directory: String

    init(directory: String) throws { self.directory = directory }

    private static let types = [
        "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "f2", "c8", "O", "U3", "V4", "m8[ns]",
    ]

    /// A file with the header `text` and `data` behind it; `length` is what it says of the header's length.
    static func file(_ text: String, data: [UInt8], version: UInt8 = 1, length: Int? = nil) -> [UInt8] {
        let header = [UInt8]((text + "\n").utf8)
        let count = UInt32(truncatingIfNeeded: length ?? header.count)
        let size = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: count >> UInt32(8 * $0)) }
        return [0x93] + [UInt8]("NUMPY".utf8) + [version, 0] + size + header + data
    }

    static func header(_ type: String, _ shape: String, order: String = "False") -> String {
        "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }"
    }

    private static let numbers = (0..<12).flatMap { value in withUnsafeBytes(of: Double(value)) { [UInt8]($0) } }
    private static let good = [
        inputs: file(header("<f8", "(4, 3)"), data: numbers),
        targets: file(
            header("<i8", "(4,)"), data: [0, 1, 2, 1].flatMap { [UInt8($0)] + [UInt8](repeating: 0, count: 7) }),
    ]

    private static func entry(_ name: String, _ bytes: [UInt8], error: String?) -> CorpusEntry {
        var input = Input(good)
        input[inputs] = bytes
        return CorpusEntry(name, input, error: error)
    }

    private static func shape(_ shape: String, error: String) -> CorpusEntry {
        entry("shape " + shape, file(header("<f8", shape), data: numbers), error: error)
    }

    var corpus: [CorpusEntry] {
        [
            CorpusEntry("good", Input(Self.good)),
            Self.shape("(1000000000000000000, 3)", error: "too large"),
            Self.shape("(9223372036854775807, 9223372036854775807)", error: "too large"),
            Self.shape("(9223372036854775808, 3)", error: "can't be read"),
            Self.shape("(1000000000000, 3)", error: "truncated"), Self.shape("(-4, 3)", error: "can't be read"),
            Self.shape("(-4, -3)", error: "can't be read"), Self.shape("(4, 0)", error: "no feature columns"),
            Self.shape("(1000000000000000000, 0)", error: "no feature columns"), Self.shape("(0, 3)", error: "empty"),
            Self.shape("()", error: "0 dimensions"), Self.shape("(2, 2, 3)", error: "3 dimensions"),
            Self.shape("(0, 9223372036854775807, 9223372036854775807)", error: "dimensions"),
            Self.shape("(3, 3)", error: "rows of targets"), Self.shape("(5, 3)", error: "truncated"),
            Self.entry("magic alone", [0x93] + [UInt8]("NUMPY".utf8), error: "truncated"),
            Self.entry("no length", [0x93] + [UInt8]("NUMPY".utf8) + [2, 0, 1, 0], error: "truncated"),
            Self.entry(
                "a header of 4 GiB",
                Self.file(Self.header("<f8", "(4, 3)"), data: Self.numbers, version: 2, length: -1),
                error: "at most 65535"),
            Self.entry(
                "big-endian", Self.file(Self.header(">f8", "(4, 3)"), data: Self.numbers), error: "big-endian"),
            Self.entry(
                "Fortran", Self.file(Self.header("<f8", "(4, 3)", order: "True"), data: Self.numbers),
                error: "Fortran order"),
            Self.entry(
                "an object", Self.file(Self.header("|O", "(4, 3)"), data: Self.numbers), error: "elements of type"),
        ]
    }

    func mutant(_ random: inout Random) -> Input {
        var input = Input(Self.good)
        for name in [Self.inputs, Self.targets] where name == Self.inputs || random.once(in: 2) {
            var bytes = random.once(in: 3) ? input[name] : Self.random(&random)
            while random.once(in: 2) {
                let tokens =
                    ["(", ")", ",", "'", "'shape': ", "'descr': ", "{", "True", "[", "\n", "<f8"] + Mutations.numbers
                Mutations.change(&bytes, &random, tokens: tokens, other: input[Self.inputs])
            }
            input[name] = bytes
        }
        if random.once(in: 8) { input.parts[Self.targets] = nil }
        return input
    }

    /// A header of all kinds, whose data most often fit it.
    private static func random(_ random: inout Random) -> [UInt8] {
        let type = random.pick(types)
        let dimensions = random.pick([1, 2, 2, 2, 2, 3])
        var (extents, count): ([String], Int) = ([], 1)
        for _ in 0..<dimensions {
            let small = random.below(6)
            count *= small
            extents.append(random.once(in: 4) ? random.pick(Mutations.numbers) : "\(small)")
        }
        let shape = "(\(extents.joined(separator: ", "))\(dimensions == 1 ? "," : ""))"
        let width = Int(String(type.last ?? "1")) ?? 1
        let size = random.once(in: 4) ? random.below(300) : count * width
        let data = (0..<size).map { _ in random.once(in: 2) ? 0 : UInt8(truncatingIfNeeded: random.next()) }
        return file(
            header(
                random.pick(["<", "<", "<", "|", ">", "=", ""]) + type, shape,
                order: random.pick(["False", "False", "True"])),
            data: data, version: random.pick([1, 1, 1, 2, 3, 4, 0, 255]),
            length: random.once(in: 8) ? random.pick([0, 1, 65535, -1, 1 << 31, random.below(200)]) : nil)
    }

    func read(_ input: Input) throws -> Outcome {
        let paths = [Self.inputs, Self.targets].map { directory + "/" + $0 }
        return try outcome(of: paths, types: [DataError.self]) {
            let source = try NpySource(inputs: paths[0], targets: input.parts[Self.targets] == nil ? nil : paths[1])
            let data = try Dataset<Double>(source, conversion: nil)
            try require(data.count == source.count && data.featureCount == source.featureCount, "another size")
            try require(data.count * data.featureCount <= input[Self.inputs].count, "more numbers than bytes")
            try checkFinite(data.inputs)
            try compare(data, with: input[Self.inputs])
        }
    }

    /// float64 and int8 elements are those at the file's end, or before what follows them.
    private func compare(_ data: Dataset<Double>, with bytes: [UInt8]) throws {
        let start = bytes[6] == 1 ? 10 : 12
        let length = (8..<start).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
        let header = String(decoding: bytes[start..<start + length], as: UTF8.self)
        guard header.contains("'<f8'") != header.contains("'|i1'") else { return }
        let isDouble = header.contains("'<f8'")
        let content = bytes[(start + length)...]
        for row in 0..<data.count {
            for column in 0..<data.featureCount {
                let element = row * data.featureCount + column
                let value: Double
                if isDouble {
                    let bits = (0..<8).reduce(UInt64(0)) {
                        $0 | UInt64(content[content.startIndex + 8 * element + $1]) << UInt64(8 * $1)
                    }
                    value = Double(bitPattern: bits)
                } else {
                    value = Double(Int8(bitPattern: content[content.startIndex + element]))
                }
                try require(data.inputs[row, column] == value, "\(data.inputs[row, column]) instead of \(value)")
            }
        }
    }
}
