/// Reads the fields of a message in the protocol buffers' wire format, one after the other.
package struct ProtobufDecoder {
    /// A field as it is written; what it means, its message's description says.
    package struct Field {
        package let number: Int
        package let value: Value
    }

    package enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        /// A string, bytes, a message, or numbers one after the other.
        case bytes(ArraySlice<UInt8>)
    }

    /// The message ends in the middle of a field, or has a kind of field that nobody writes any more.
    package struct Malformed: Error {}

    private var rest: ArraySlice<UInt8>

    package init(_ message: ArraySlice<UInt8>) { rest = message }

    /// The next field; nil: there are no more.
    package mutating func next() throws(Malformed) -> Field? {
        guard !rest.isEmpty else { return nil }
        let tag = try varint()
        guard let number = Int(exactly: tag >> 3), number > 0 else { throw Malformed() }
        switch tag & 7 {
        case 0: return Field(number: number, value: .varint(try varint()))
        case 1: return Field(number: number, value: .fixed64(try word(8)))
        case 2:
            guard let count = Int(exactly: try varint()) else { throw Malformed() }
            return Field(number: number, value: .bytes(try take(count)))
        case 5: return Field(number: number, value: .fixed32(UInt32(try word(4))))
        default: throw Malformed()
        }
    }

    /// A number of seven bits a byte.
    package mutating func varint() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { throw Malformed() }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw Malformed()
    }

    /// Whether nothing is left.
    package var isAtEnd: Bool { rest.isEmpty }

    private mutating func word(_ count: Int) throws(Malformed) -> UInt64 {
        try take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func take(_ count: Int) throws(Malformed) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw Malformed() }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}
