import Foundation

/// The bytes of a zip archive (PKWARE's APPNOTE.TXT) whose files are stored as they are: what NumPy's `savez` writes.
package struct ZipWriter {
    /// What went before: the archive's directory follows the files.
    private var members: [(name: String, checksum: UInt32, count: Int, offset: Int)] = []
    private var offset = 0

    /// The sizes that fit into the fields of an archive without extensions.
    package static let mostBytes = Int(UInt32.max)

    package init() {}

    /// The header in front of a file's content, which has to follow it.
    package mutating func header(of name: String, content: UnsafeRawBufferPointer) -> [UInt8] {
        precondition(offset + content.count <= Self.mostBytes, "archives are checked for their size")
        let checksum = Checksum.crc32(of: content)
        members.append((name, checksum, content.count, offset))
        let bytes =
            Self.words(0x0403_4b50) + Self.fields(name, checksum: checksum, count: content.count) + Array(name.utf8)
        offset += bytes.count + content.count
        return bytes
    }

    /// The end of the archive: its directory.
    package func directory() -> [UInt8] {
        var bytes: [UInt8] = []
        for member in members {
            // Made by a version-2.0 writer; no comment, the first disk, no attributes.
            bytes += Self.words(0x0201_4b50) + [20, 0]
            bytes += Self.fields(member.name, checksum: member.checksum, count: member.count)
            bytes += [UInt8](repeating: 0, count: 10) + Self.words(UInt32(member.offset)) + Array(member.name.utf8)
        }
        let count = UInt16(members.count)
        return bytes + Self.words(0x0605_4b50) + [0, 0, 0, 0] + Self.halves(count) + Self.halves(count)
            + Self.words(UInt32(bytes.count)) + Self.words(UInt32(offset)) + [0, 0]
    }

    /// From "version needed" to "length of the extra field": stored, with a name in UTF-8, on 1 January 1980, so that equal
    /// contents give equal archives.
    private static func fields(_ name: String, checksum: UInt32, count: Int) -> [UInt8] {
        [20, 0] + halves(1 << 11) + halves(0) + halves(0) + halves(0x21) + words(checksum) + words(UInt32(count))
            + words(UInt32(count)) + halves(UInt16(name.utf8.count)) + halves(0)
    }

    private static func halves(_ value: UInt16) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    private static func words(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
}
