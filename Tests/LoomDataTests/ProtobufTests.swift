import Testing

@testable import LoomData

@Suite struct ProtobufEncoderTests {
    private func encoded(_ body: (inout ProtobufEncoder) -> Void) -> [UInt8] {
        var encoder = ProtobufEncoder()
        body(&encoder)
        return encoder.bytes
    }

    @Test func integersHaveSevenBitsAByte() {
        #expect(encoded { $0.varint(1, 0) } == [0x08, 0])
        #expect(encoded { $0.varint(1, 127) } == [0x08, 0x7F])
        // The example of the format's description.
        #expect(encoded { $0.varint(1, 150) } == [0x08, 0x96, 0x01])
        #expect(encoded { $0.varint(16, .max) } == [0x80, 0x01] + Array(repeating: 0xFF, count: 9) + [0x01])
        #expect(encoded { $0.signedVarint(2, -2) } == [0x10, 0xFE] + Array(repeating: 0xFF, count: 8) + [0x01])
    }

    @Test func wordsAndTextsAndMessages() {
        #expect(encoded { $0.fixed64(3, 0x0102) } == [0x19, 2, 1, 0, 0, 0, 0, 0, 0])
        #expect(encoded { $0.double(3, -2) } == [0x19, 0, 0, 0, 0, 0, 0, 0, 0xC0])
        #expect(encoded { $0.string(2, "é") } == [0x12, 2, 0xC3, 0xA9])
        #expect(encoded { $0.message(3) { $0.varint(1, 150) } } == [0x1A, 3, 0x08, 0x96, 0x01])
        #expect(encoded { $0.message(3) { _ in } } == [0x1A, 0])
        // 127 bytes of text have a length of one byte, and the messages around them, of 129 and 132 bytes, of two.
        let text = String(repeating: "x", count: 127)
        let long = encoded { $0.message(1) { $0.message(2) { $0.string(3, text) } } }
        #expect(Array(long.prefix(7)) == [0x0A, 0x84, 0x01, 0x12, 0x81, 0x01, 0x1A] && long.count == 3 + 132)
    }

    @Test func wordsAndBytes() {
        #expect(encoded { $0.float(2, 1.5) } == [0x15, 0, 0, 0xC0, 0x3F])
        #expect(encoded { $0.doubles(6, [1]) } == [0x32, 8, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
        [UInt8]([7, 8]).withUnsafeBytes { content in
            #expect(encoded { $0.bytes(9, content) } == [0x4A, 2, 7, 8])
        }
    }

    /// What is written is read.
    @Test func theDecoderReadsIt() throws {
        let message = encoded {
            $0.varint(1, 300)
            $0.signedVarint(2, -1)
            $0.fixed64(3, 5)
            $0.float(4, 1.5)
            $0.message(5) { $0.string(1, "text") }
        }
        var decoder = ProtobufDecoder(message[...])
        var fields: [Int: String] = [:]
        while let field = try decoder.next() {
            switch field.value {
            case .varint(let value): fields[field.number] = "\(Int64(bitPattern: value))"
            case .fixed64(let value): fields[field.number] = "\(value)"
            case .fixed32(let value): fields[field.number] = "\(Float(bitPattern: value))"
            case .bytes(let bytes): fields[field.number] = String(decoding: bytes.dropFirst(2), as: UTF8.self)
            }
        }
        #expect(fields == [1: "300", 2: "-1", 3: "5", 4: "1.5", 5: "text"])
        #expect(decoder.isAtEnd)
    }

    /// Every beginning of a message ends in a field, or between two.
    @Test func truncatedMessagesAreRefused() {
        let message = encoded {
            $0.varint(1, 300)
            $0.fixed64(3, 5)
            $0.message(5) { $0.string(1, "text") }
        }
        let whole: Set = [0, 3, 12, message.count]
        for count in 0...message.count {
            var decoder = ProtobufDecoder(message.prefix(count))
            var isMalformed = false
            do { while try decoder.next() != nil {} } catch { isMalformed = true }
            #expect(isMalformed == !whole.contains(count), "\(count)")
        }
    }

    @Test(arguments: [[0x0B], [0x0C], [0x00, 1], [0x0A, 0x80], Array(repeating: 0xFF, count: 11)] as [[UInt8]])
    func malformedFieldsAreRefused(_ message: [UInt8]) {
        var decoder = ProtobufDecoder(message[...])
        #expect(throws: ProtobufDecoder.Malformed.self) { try decoder.next() }
    }
}

@Suite struct ChecksumTests {
    /// The check values of both checksums, and of RFC 3720, appendix B.4.
    @Test func knownValues() {
        Array("123456789".utf8).withUnsafeBytes {
            #expect(Checksum.crc32(of: $0) == 0xCBF4_3926)
            #expect(Checksum.crc32C(of: $0) == 0xE306_9283)
        }
        [UInt8](repeating: 0, count: 32).withUnsafeBytes { #expect(Checksum.crc32C(of: $0) == 0x8A91_36AA) }
        [UInt8](repeating: 0xFF, count: 32).withUnsafeBytes { #expect(Checksum.crc32C(of: $0) == 0x62A8_AB43) }
        [UInt8]().withUnsafeBytes { #expect(Checksum.crc32C(of: $0) == 0) }
    }
}
