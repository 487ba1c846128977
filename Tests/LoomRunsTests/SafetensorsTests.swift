import Foundation
import Testing

@testable import LoomRuns

@Suite struct SafetensorsTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.path + "/model.safetensors" }

    /// A file with this header and this many bytes of data.
    private func write(header: String, dataBytes: Int) throws {
        var bytes = Data()
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: header.utf8)
        bytes.append(Data(count: dataBytes))
        try bytes.write(to: URL(fileURLWithPath: path))
    }

    private func readingError() -> SafetensorsError? {
        do {
            _ = try Safetensors(contentsOf: path)
            return nil
        } catch {
            return error
        }
    }

    @Test func readsBackWhatWasWritten() throws {
        let tensors = Safetensors(
            tensors: [
                .init(
                    name: "layer.0/weights", shape: [2, 3],
                    values: .float32([1, -0.0, .pi, .leastNonzeroMagnitude, .infinity, 6])),
                .init(name: "layer.0.biases ü\"", shape: [3], values: .float64([0.1, -2, 1e300])),
                .init(name: "step", shape: [], values: .float64([12])),
                .init(name: "empty", shape: [0, 4], values: .float32([])),
            ],
            metadata: ["seed": "7", "note": "line\nbreak"])
        try tensors.write(to: path)
        let read = try Safetensors(contentsOf: path)
        #expect(read.metadata == tensors.metadata)
        #expect(read.tensors.count == 4)
        for tensor in tensors.tensors {
            #expect(try read.tensor(tensor.name) == tensor)
        }
    }

    @Test func bytesAreAsTheFormatSays() throws {
        try Safetensors(
            tensors: [
                .init(name: "a", shape: [1], values: .float32([1])),
                .init(name: "b", shape: [1], values: .float64([-2])),
            ],
            metadata: ["k": "v"]
        ).write(to: path)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let header =
            #"{"__metadata__":{"k":"v"},"a":{"data_offsets":[8,12],"dtype":"F32","shape":[1]},"#
            + #""b":{"data_offsets":[0,8],"dtype":"F64","shape":[1]}}"#
        let dataStart = (8 + header.utf8.count + 63) / 64 * 64
        #expect(bytes.prefix(8).elementsEqual([UInt8(dataStart - 8), 0, 0, 0, 0, 0, 0, 0]))
        #expect(
            String(decoding: bytes[8..<dataStart], as: UTF8.self)
                == header + String(repeating: " ", count: dataStart - 8 - header.utf8.count))
        #expect(bytes[dataStart...].elementsEqual([0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0x80, 0x3F]))
    }

    @Test func equalContentsGiveEqualBytes() throws {
        let metadata = Dictionary(uniqueKeysWithValues: (0..<20).map { ("key\($0)", "\($0)") })
        let tensors = (0..<20).map {
            Safetensors.Tensor(name: "t\($0)", shape: [1], values: .float32([Float($0)]))
        }
        try Safetensors(tensors: tensors, metadata: metadata).write(to: path)
        let first = try Data(contentsOf: URL(fileURLWithPath: path))
        for _ in 0..<5 {
            try Safetensors(tensors: tensors, metadata: metadata).write(to: path)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == first)
        }
    }

    @Test func readsHeadersWithOtherPaddingAndOrder() throws {
        // Unaligned data, header order unlike data order, an empty tensor between two others.
        try write(
            header: #"{"b":{"dtype":"F64","shape":[1],"data_offsets":[4,12]},"#
                + #""e":{"dtype":"F64","shape":[0],"data_offsets":[4,4]},"#
                + #""a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}"#, dataBytes: 12)
        #expect(try Safetensors(contentsOf: path).tensors.map(\.name) == ["a", "e", "b"])
    }

    @Test func anEmptyFileOfTensorsIsValid() throws {
        try Safetensors(tensors: []).write(to: path)
        #expect(try Safetensors(contentsOf: path) == Safetensors(tensors: []))
    }

    private static let notJSON = SafetensorsError.Problem.header(
        "it is not valid JSON, or has an integer of more than 64 bits")

    static let broken: [(header: String, dataBytes: Int, tensor: String?, SafetensorsError.Problem)] = [
        (#"{"w":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#, 4, "w", .elementType("F16")),
        (#"{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "w", .shape([-1])),
        (
            #"{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#, 4, "w",
            .shape([4_294_967_296, 4_294_967_296])
        ),
        (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "w", .offsets([4, 0])),
        (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "w", .offsets([0])),
        (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4, "w", .offsets([-4, 0])),
        (
            #"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, "w",
            .size(shape: [3], expected: 12, found: 8)
        ),
        (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "w", .hole(bytes: 0..<4)),
        (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 8, nil, .hole(bytes: 4..<8)),
        (
            #"{"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
                + #""w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "w", .overlap(byte: 4)
        ),
        (
            #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7, "w",
            .dataTruncated(found: 7, expected: 8)
        ),
        (#"{"w":{"dtype":"F32","shape":[1]}}"#, 4, "w", .header("‘data_offsets’ is missing")),
        (
            #"{"w":{"dtype":"F32","shape":["x"],"data_offsets":[0,4]}}"#, 4, "w",
            .header("‘w.shape.0’ has the wrong type")
        ),
        (
            #"{"w":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, 4, nil,
            notJSON
        ),
        (#"{"__metadata__":{"k":1}}"#, 0, "__metadata__", .header("‘__metadata__.k’ has the wrong type")),
        (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, 4, nil, notJSON),
        (" {}", 0, nil, .header("it does not begin with ‘{’")),
        ("", 0, nil, .header("it does not begin with ‘{’")),
    ]

    @Test(arguments: broken)
    func refusesBrokenHeaders(
        header: String, dataBytes: Int, tensor: String?, expected: SafetensorsError.Problem
    )
        throws
    {
        try write(header: header, dataBytes: dataBytes)
        let error = try #require(readingError())
        #expect(error == SafetensorsError(path: path, tensor: tensor, problem: expected))
        #expect(error.description.hasPrefix("‘\(path)’: "))
        if let tensor { #expect(error.description.contains("‘\(tensor)’")) }
    }

    @Test func refusesEveryTruncation() throws {
        try Safetensors(tensors: [.init(name: "w", shape: [2], values: .float32([1, 2]))]).write(to: path)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for count in 0..<whole.count {
            try whole.prefix(count).write(to: URL(fileURLWithPath: path))
            let found = readingError()?.problem
            let headerNeeds = count < 8 ? 8 : whole.count - 8
            let expected: SafetensorsError.Problem =
                count < whole.count - 8
                ? .truncated(found: count, expected: headerNeeds)
                : .dataTruncated(found: count - (whole.count - 8), expected: 8)
            #expect(found == expected, "cut after \(count) bytes")
        }
    }

    @Test(arguments: [100_000_001, UInt64.max])
    func refusesAnAbsurdHeaderLength(length: UInt64) throws {
        try withUnsafeBytes(of: length.littleEndian) { Data($0) + Data(count: 64) }
            .write(to: URL(fileURLWithPath: path))
        guard case .header(let what)? = readingError()?.problem else {
            Issue.record("expected a header error")
            return
        }
        #expect(what.contains("\(length) bytes"))
    }

    @Test func namesAMissingFile() {
        #expect(
            readingError()
                == SafetensorsError(
                    path: path, tensor: nil, problem: .unreadable("No such file or directory")))
    }

    @Test func looksTensorsUpByNameAndShape() throws {
        let tensors = Safetensors(tensors: [.init(name: "w", shape: [2, 1], values: .float32([1, 0.1]))])
        #expect(
            try tensors.tensor("w", shape: [2, 1]).values.converted(to: Double.self) == [
                1, Double(Float(0.1)),
            ])
        #expect(try tensors.tensor("w").values.converted(to: Float.self) == [1, 0.1])
        #expect(throws: SafetensorsError(path: nil, tensor: "v", problem: .missing(present: ["w"]))) {
            try tensors.tensor("v")
        }
        #expect(
            throws: SafetensorsError(
                path: nil, tensor: "w", problem: .otherShape(found: [2, 1], expected: [1, 2]))
        ) {
            try tensors.tensor("w", shape: [1, 2])
        }
    }
}
