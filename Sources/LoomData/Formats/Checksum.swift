import CISAL

/// Checksums of files.
package enum Checksum {
    /// CRC-32, of gzip and zip, of bytes of which those before `bytes` have the checksum `sum`.
    package static func crc32(_ sum: UInt32 = 0, of bytes: UnsafeRawBufferPointer) -> UInt32 {
        crc32_gzip_refl(sum, bytes.bindMemory(to: UInt8.self).baseAddress, UInt64(bytes.count))
    }

    /// CRC-32C, of iSCSI (RFC 3720) and TensorFlow's records.
    package static func crc32C(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        // The library takes as many bytes as an int counts, and neither inverts nor promises not to write.
        var sum: UInt32 = .max
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            sum = crc32_iscsi(
                UnsafeMutablePointer(mutating: piece.bindMemory(to: UInt8.self).baseAddress), Int32(piece.count), sum)
            rest = rest.dropFirst(piece.count)
        }
        return ~sum
    }
}
