/// Writes messages in the protocol buffers' wire format: a tag for each field, then its value.
///
/// Only what files of ours need: varints, words, strings, bytes and nested messages. Fields are written in the order of the
/// calls, a field that is repeated once for each call. Format: "Encoding", protobuf.dev/programming-guides/encoding.
package struct ProtobufEncoder {
    /// What has been written.
    package private(set) var bytes: [UInt8] = []

    /// How a field's value is written; the low three bits of its tag.
    private enum WireType: UInt64 {
        case varint = 0
        case fixed64 = 1
        case lengthDelimited = 2
        case fixed32 = 5
    }

    /// Nothing.
    package init() {}

    /// Forgets what has been written, and keeps the memory.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
    }

    /// A field of type uint32, uint64 or enum.
    package mutating func varint(_ field: Int, _ value: UInt64) {
        tag(field, .varint)
        appendVarint(value)
    }

    /// A field of type int32 or int64. A negative number takes ten bytes: its 64 bits are written as they are.
    package mutating func signedVarint(_ field: Int, _ value: Int64) {
        varint(field, UInt64(bitPattern: value))
    }

    /// A field of type fixed64.
    package mutating func fixed64(_ field: Int, _ value: UInt64) {
        tag(field, .fixed64)
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// A field of type double.
    package mutating func double(_ field: Int, _ value: Double) {
        fixed64(field, value.bitPattern)
    }

    /// A field of type float.
    package mutating func float(_ field: Int, _ value: Float) {
        tag(field, .fixed32)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// A repeated field of type double, packed.
    package mutating func doubles(_ field: Int, _ values: [Double]) {
        tag(field, .lengthDelimited)
        appendVarint(UInt64(values.count * 8))
        for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
    }

    /// A field of type string.
    package mutating func string(_ field: Int, _ value: String) {
        tag(field, .lengthDelimited)
        appendVarint(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    /// A field of type bytes.
    package mutating func bytes(_ field: Int, _ value: UnsafeRawBufferPointer) {
        tag(field, .lengthDelimited)
        appendVarint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// A field whose value is a message, of the fields that `body` writes.
    package mutating func message<Failure>(
        _ field: Int, _ body: (inout ProtobufEncoder) throws(Failure) -> Void
    ) throws(Failure) {
        tag(field, .lengthDelimited)
        let start = bytes.count
        try body(&self)
        insertVarint(UInt64(bytes.count - start), at: start)
    }

    private mutating func tag(_ field: Int, _ type: WireType) {
        appendVarint(UInt64(field) << 3 | type.rawValue)
    }

    /// Seven bits a byte, the lowest first; the highest bit says that another byte follows.
    private mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// A message's length stands before it, and is known after it: the message moves by the length's few bytes.
    private mutating func insertVarint(_ value: UInt64, at position: Int) {
        let end = bytes.count
        appendVarint(value)
        let length = Array(bytes[end...])
        bytes.removeLast(length.count)
        bytes.insert(contentsOf: length, at: position)
    }
}
