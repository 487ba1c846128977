import Foundation
import LoomKernels
import Testing

@testable import LoomData

@Suite struct GzipTests {
    private static let text = "a,b,y\n1.5,-2,0\n3,0.25,1\n0,7,1\n"

    private func content(_ bytes: Data) throws -> String {
        try withFile(bytes) { path in
            try InputFile(path: path).withBytes { String(decoding: $0, as: UTF8.self) }
        }
    }

    private func failure(_ bytes: Data) throws -> DataError? {
        try withFile(bytes) { path in dataError { _ = try InputFile(path: path) } }
    }

    @Test func everyMemberIsRead() throws {
        #expect(try content(FormatFixtures.twoMembers) == Self.text)
        // Tapes are filled up with zeros.
        #expect(try content(FormatFixtures.twoMembers + Data(count: 1000)) == Self.text)
        #expect(try content(FormatFixtures.twoMembers + FormatFixtures.twoMembers) == Self.text + Self.text)
    }

    @Test func samplesOfACompressedFile() throws {
        try withFile(FormatFixtures.twoMembers) { path in
            let source = try CSVSource(path: path, options: CSVOptions(label: .name("y")))
            let data = try Dataset<Double>(source, conversion: nil)
            #expect(data.inputRows == [[1.5, -2], [3, 0.25], [0, 7]])
        }
    }

    @Test func everyLengthThatBreaksOffIsNamed() throws {
        let all = FormatFixtures.twoMembers
        // The first member is whole on its own: where it ends, the file may end.
        var wholes = 0
        for length in 2..<all.count {
            guard let failure = try failure(all.prefix(length)) else {
                wholes += 1
                continue
            }
            #expect(failure.exitCode == 65)
            #expect(failure.problem.contains("break off") || failure.problem.contains("not compressed"), "\(length)")
        }
        #expect(wholes == 1)
    }

    @Test func everyByteOfTheContentIsProtected() throws {
        let all = FormatFixtures.twoMembers
        // Header: 10 bytes and the name. What follows is the content, which may end with bits that mean nothing, its checksum
        // and its size.
        let start = 10 + "part.csv".utf8.count + 1
        let end = try #require(all.range(of: Data([0x1f, 0x8b, 8]), in: start..<all.count)).lowerBound
        for position in start..<end where position != end - 9 {
            var changed = all
            changed[position] ^= 4
            #expect(try failure(changed)?.exitCode == 65, "byte \(position)")
        }
    }

    @Test func somethingElseBehindTheDataIsRefused() throws {
        let failure = try failure(FormatFixtures.twoMembers + Data("1,2\n".utf8))
        #expect(failure?.place == "byte \(FormatFixtures.twoMembers.count)")
        #expect(failure?.problem.contains("not compressed") == true)
    }

    @Test func contentBeyondTheMemoryIsRefusedWithNumbers() throws {
        // The last four bytes say 3 GiB: as much as a real file of this size could have.
        let large = FormatFixtures.twoMembers.dropLast(4) + Data(count: 4 << 20) + Data([0, 0, 0, 0xc0])
        let free = MemorySize.free
        defer { MemorySize.free = free }
        MemorySize.free = { 1_000_000_000 }
        let failure = try failure(large)
        #expect(failure?.exitCode == 78)
        #expect(failure?.problem == "inflated it has 3.2 GB or more, and 1.0 GB of memory are free")
    }

    @Test func aSizeThatCannotBeIsNotBelieved() throws {
        // 4 GiB of 100 bytes: the file is damaged, not large.
        let damaged = FormatFixtures.twoMembers.dropLast(4) + Data([0xff, 0xff, 0xff, 0xff])
        #expect(try failure(damaged)?.problem.contains("damaged") == true)
    }

    @Test func largeContentComesWhole() throws {
        // Zeros: 1032 for a byte, over many pieces and growths of the memory.
        let bytes = [UInt8](repeating: 0, count: 5_000_000) + Array("end".utf8)
        let inflated = try withFile(Data(GzipWriter.stored(bytes))) { path in
            try InputFile(path: path).withBytes { Array($0) }
        }
        #expect(inflated == bytes)
    }
}

/// Gzip without compression: blocks as they are.
enum GzipWriter {
    static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]
        for start in stride(from: 0, to: max(1, bytes.count), by: 65535) {
            let end = min(start + 65535, bytes.count)
            let length = UInt16(end - start)
            result += [end == bytes.count ? 1 : 0]
            for value in [length, ~length] { result += [UInt8(value & 0xff), UInt8(value >> 8)] }
            result += bytes[start..<end]
        }
        for value in [checksum(bytes), UInt32(truncatingIfNeeded: bytes.count)] {
            result += withUnsafeBytes(of: value.littleEndian) { Array($0) }
        }
        return result
    }

    /// CRC-32, bit by bit.
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum: UInt32 = 0xffff_ffff
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
        }
        return ~sum
    }
}
