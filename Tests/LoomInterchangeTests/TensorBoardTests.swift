import Foundation
import LoomData
import Testing

@testable import LoomInterchange

@Suite struct TensorBoardTests {
    private func inDirectory(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    private func contents(_ directory: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: directory + "/" + TensorBoardFile.name))
    }

    /// The record of the three bytes "abc", with the checksums that tensorboard 2.21.0 computes (`masked_crc32c`).
    @Test func recordsHaveTheirChecksums() {
        let expected: [UInt8] = [
            3, 0, 0, 0, 0, 0, 0, 0, 0xB0, 0x99, 0x49, 0x0E, 0x61, 0x62, 0x63, 0x6E, 0x57, 0xF1, 0x21,
        ]
        #expect(TensorBoardRecords.record(Array("abc".utf8)) == expected)
        #expect(TensorBoardRecords.prefix(of: Data(expected), upTo: 0) == 0)
    }

    /// Going on after an interruption removes what came after the checkpoint, and half a record.
    @Test func laterPointsAreRemoved() throws {
        try inDirectory { directory in
            func append(_ steps: [Int], after step: Int) throws {
                let file = try TensorBoardFile(in: directory, keepingUpTo: step)
                for step in steps {
                    try file.append(.init(step: step, time: 1, numbers: [("loss/training", 1 / Double(step))]))
                }
            }
            try append([10, 20], after: 0)
            let upTo20 = try contents(directory)
            try append([30], after: 20)
            #expect(try contents(directory).starts(with: upTo20) && contents(directory).count > upTo20.count)
            // A record that was cut off.
            try (contents(directory) + upTo20.prefix(9)).write(
                to: URL(fileURLWithPath: directory + "/" + TensorBoardFile.name))
            try append([], after: 20)
            #expect(try contents(directory) == upTo20)
            // A damaged one, and what follows it.
            var damaged = upTo20
            damaged[damaged.count - 20] ^= 1
            try damaged.write(to: URL(fileURLWithPath: directory + "/" + TensorBoardFile.name))
            try append([], after: 20)
            let upTo10 = try contents(directory)
            #expect(upTo20.starts(with: upTo10) && upTo10.count < upTo20.count)
        }
    }

    @Test func histogramsCountEveryNumber() {
        let histogram = Histogram([0, 0, 1, -1, 0.5, 1e-13, 1e300, .nan, .infinity])
        #expect(histogram.count == 7)
        #expect(histogram.smallest == -1 && histogram.largest == 1e300)
        var encoder = ProtobufEncoder()
        Histogram([0, 0, 1, -1, 3]).encode(into: &encoder)
        var decoder = ProtobufDecoder(encoder.bytes[...])
        var lists: [Int: [Double]] = [:]
        while let field = try? decoder.next() {
            if case .bytes(let bytes) = field.value {
                lists[field.number] = Array(bytes).withUnsafeBytes { raw in
                    (0..<raw.count / 8).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
                }
            }
        }
        let (limits, counts) = (lists[6] ?? [], lists[7] ?? [])
        #expect(limits.count == counts.count && limits == limits.sorted())
        #expect(counts.reduce(0, +) == 5)
        // Each bucket reaches from the limit before it to its own.
        for (value, count) in [(0.0, 2.0), (1, 1), (-1, 1), (3, 1)] {
            let bucket = limits.firstIndex { $0 >= value } ?? 0
            #expect(counts[bucket] == count, "\(value)")
        }
    }
}
