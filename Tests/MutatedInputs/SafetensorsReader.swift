import Foundation
import LoomKernels
import LoomModel
import LoomRuns

/// Safetensors files, whoever wrote them.
struct SafetensorsReader: InputReader {
    static let name = "safetensors"
    private static let file = "m.safetensors"
    private let directory: String

    init(directory: String) throws { self.directory = directory }

    /// A file with the header `json` and `data` behind it; `length` is what it says of the header's length.
    static func bytes(_ json: String, data: [UInt8], length: UInt64? = nil) -> [UInt8] {
        let header = [UInt8](json.utf8)
        let count = length ?? UInt64(header.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: count >> UInt64(8 * $0)) } + header + data
    }

    private static func tensor(_ shape: String, _ offsets: String, type: String = "F32") -> String {
        "{\"w\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}}"
    }

    private static let data = [UInt8](0..<24)
    private static let good: [[UInt8]] = [
        bytes(tensor("[2,3]", "[0,24]"), data: data), bytes(tensor("[3]", "[0,24]", type: "F64"), data: data),
        bytes("{}", data: []),
        bytes(
            #"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"F64","shape":[1,2],"data_offsets":[4,20]},"#
                + #""c":{"dtype":"F32","shape":[0,7],"data_offsets":[20,20]},"__metadata__":{"step":"3","inputs":"2"}}   "#,
            data: [UInt8](0..<20)),
        bytes(
            #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"__metadata__":{"checksums":"{\"w\":"#
                + #"\"df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119\"}"}}"#, data: [0, 0, 0, 0]),
    ]

    var corpus: [CorpusEntry] {
        func entry(_ name: String, _ bytes: [UInt8], error: String?) -> CorpusEntry {
            CorpusEntry(name, [Self.file: bytes], error: error)
        }
        func shape(_ shape: String, _ offsets: String, error: String) -> CorpusEntry {
            entry(shape + " at " + offsets, Self.bytes(Self.tensor(shape, offsets), data: Self.data), error: error)
        }
        let deep = String(repeating: "[", count: 100_000)
        return Self.good.enumerated().map { entry("good \($0)", $1, error: nil) } + [
            shape("[1000000000000000000,3]", "[0,24]", error: "is not valid"),
            shape("[4611686018427387904,0]", "[0,0]", error: "is not valid"),
            shape("[1000000000000]", "[0,4000000000000]", error: "truncated"),
            shape("[-2,-3]", "[0,24]", error: "is not valid"), shape("[2,3]", "[24,0]", error: "not valid"),
            shape("[2,3]", "[-24,0]", error: "not valid"), shape("[2,3]", "[0]", error: "not valid"),
            shape("[2,3]", "[9223372036854775783,9223372036854775807]", error: "belong to no tensor"),
            shape("[9223372036854775808]", "[0,24]", error: "header"),
            shape("[2,2]", "[0,24]", error: "needs 16 bytes"),
            shape("[2.5]", "[0,24]", error: "header"), shape("[1e400]", "[0,24]", error: "header"),
            shape(deep, "[0,24]", error: "header"), shape("[\"2\"]", "[0,24]", error: "wrong type"),
            entry("empty", [], error: "not a complete"),
            entry("seven bytes", [1, 0, 0, 0, 0, 0, 0], error: "not a complete"),
            entry("a header of 2^63 bytes", Self.bytes("{}", data: [], length: 1 << 63), error: "at most"),
            entry("a header of 10^8 bytes", Self.bytes("{}", data: [], length: 100_000_000), error: "its header alone"),
            entry("no header", Self.bytes("", data: Self.data), error: "begin with"),
            entry(
                "two tensors at one place",
                Self.bytes(
                    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[5],"data_offsets":[4,24]}}"#,
                    data: Self.data), error: "inside the tensor before it"),
            entry(
                "a checksum of other numbers",
                Self.good[4].dropLast() + [1], error: "damaged"),
        ]
    }

    /// The words of a header.
    static let tokens =
        [
            "\"", "{", "}", "[", "]", ",", ":", "\\", "\\u0000", "\\ud800", "null", "true", "\"\"", "\"__metadata__\":",
            "\"dtype\":",
            "\"shape\":", "\"data_offsets\":", "\"F32\"", "\"F64\"", "\"F16\"", "\"checksums\":\"{}\"", ",\"w\":{}",
            "[[", " ",
        ] + Mutations.numbers

    func mutant(_ random: inout Random) -> Input {
        var bytes = random.pick(Self.good)
        for _ in 0...random.below(4) { Self.change(&bytes, &random, other: random.pick(Self.good)) }
        return Input([Self.file: bytes])
    }

    /// A change of the header whose length still fits, or of any byte.
    static func change(_ bytes: inout [UInt8], _ random: inout Random, other: [UInt8]) {
        guard !random.once(in: 4), bytes.count > 8, bytes[2..<8].allSatisfy({ $0 == 0 }) else {
            return Mutations.change(&bytes, &random, tokens: tokens, other: other)
        }
        let length = min(bytes.count - 8, Int(bytes[0]) | Int(bytes[1]) << 8)
        var header = Array(bytes[8..<8 + length])
        let data = bytes[(8 + length)...]
        if random.once(in: 3) {
            Mutations.replaceNumber(&header, &random)
        } else {
            Mutations.change(&header, &random, tokens: tokens, other: other)
        }
        if random.once(in: 30) {
            let depth = random.pick([10, 500, 520, 10_000])
            header.insert(contentsOf: String(repeating: "[", count: depth).utf8, at: random.below(header.count + 1))
        }
        bytes = Self.bytes(String(decoding: header, as: UTF8.self), data: Array(data))
    }

    func read(_ input: Input) throws -> Outcome {
        let path = directory + "/" + Self.file
        return try outcome(of: [path], types: [SafetensorsError.self]) {
            let file = try Safetensors(contentsOf: path)
            try Self.use(file, bytes: input[Self.file].count)
        }
    }

    /// Looks at every number, and adds up how many there are.
    static func use(_ file: Safetensors, bytes: Int) throws {
        var total = 0
        for tensor in file.tensors {
            try require(tensor.shape.reduce(1, *) == tensor.values.count, "another shape")
            let sum = SHA256()
            switch tensor.values {
            case .float32(let values):
                values.withUnsafeBytes { sum.add($0) }
                total += 4 * values.count
            case .float64(let values):
                values.withUnsafeBytes { sum.add($0) }
                total += 8 * values.count
            }
            try require(sum.digits().count == 64, "no hash")
            let found = try file.tensor(tensor.name, shape: tensor.shape)
            try require(found.values.count == tensor.values.count, "found by its name, it is another tensor")
        }
        try require(total <= bytes, "\(total) bytes of numbers in a file of \(bytes)")
    }
}
