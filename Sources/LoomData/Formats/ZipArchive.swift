import LoomKernels

/// The files in a zip archive (PKWARE's APPNOTE.TXT), with the extensions for more than 4 GiB: what .npz archives are.
struct ZipArchive {
    /// A file in the archive, as the central directory describes it.
    struct Member: Equatable {
        let name: String
        /// 0: stored; 8: deflated.
        let method: Int
        let flags: Int
        let storedBytes: Int
        let byteCount: Int
        let checksum: UInt32
        let headerOffset: Int
    }

    let file: InputFile
    /// In the order of the central directory.
    let members: [Member]

    /// The archive in `file`.
    /// - Throws: `DataError` for a file that is none, or truncated.
    init(_ file: InputFile) throws(DataError) {
        self.file = file
        members = try file.withBytes { bytes throws(DataError) in
            var directory = try Directory(bytes, path: file.path)
            return try directory.members()
        }
    }

    /// The content of `member`, which messages call `name`: where it lies in the archive, or inflated into memory.
    /// - Throws: `DataError` for damaged content, and methods other than stored and deflated.
    func content(of member: Member, name: String) throws(DataError) -> InputFile {
        let range = try file.withBytes { bytes throws(DataError) in try storedRange(of: member, in: bytes) }
        guard member.flags & 1 == 0 else {
            throw DataError(
                .badData, source: name, problem: "it is encrypted", remedy: "save it without a password")
        }
        switch member.method {
        case 0:
            guard member.storedBytes == member.byteCount else { throw damaged("two sizes of \(member.name)") }
            return file.part(range, name: name)
        case 8:
            let data = try file.withBytes { bytes throws(DataError) in
                try Inflater.raw(
                    UnsafeRawBufferPointer(rebasing: bytes[range]), count: member.byteCount,
                    checksum: member.checksum, path: name)
            }
            file.release(range)
            return InputFile(path: name, data: data, range: 0..<data.bytes.count)
        default:
            throw DataError(
                .badData, source: name, problem: "it is compressed by method \(member.method), known are 0 and 8",
                remedy: "save it with numpy.savez or numpy.savez_compressed")
        }
    }

    /// Where the bytes of a member lie: behind its own header, whose name and extra field may have other lengths than in the
    /// central directory.
    private func storedRange(of member: Member, in bytes: UnsafeRawBufferPointer) throws(DataError) -> Range<Int> {
        let header = member.headerOffset
        guard header >= 0, header <= bytes.count - 30,
            bytes.loadUnaligned(fromByteOffset: header, as: UInt32.self).littleEndian == 0x0403_4b50
        else { throw damaged("no header of \(member.name)") }
        let length = { (offset: Int) in
            Int(bytes.loadUnaligned(fromByteOffset: header + offset, as: UInt16.self).littleEndian)
        }
        let start = header + 30 + length(26) + length(28)
        guard start <= bytes.count, member.storedBytes <= bytes.count - start else {
            throw damaged("\(member.name) ends behind the archive's end")
        }
        return start..<start + member.storedBytes
    }

    private func damaged(_ how: String) -> DataError { Self.damaged(file.path, how) }

    fileprivate static func damaged(_ path: String, _ how: String) -> DataError {
        DataError(
            .badData, source: path, problem: "the archive is damaged or truncated: \(how)",
            remedy: "copy or save the file again")
    }

    /// The central directory, at the end of an archive.
    private struct Directory {
        let bytes: UnsafeRawBufferPointer
        let path: String
        var position: Int
        var count: Int
        let end: Int

        init(_ bytes: UnsafeRawBufferPointer, path: String) throws(DataError) {
            (self.bytes, self.path) = (bytes, path)
            // Behind the record is a comment of up to 65,535 bytes.
            let earliest = max(0, bytes.count - 22 - 65_535)
            let record = stride(from: bytes.count - 22, through: earliest, by: -1).first {
                bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self).littleEndian == 0x0605_4b50
            }
            guard let record else { throw damaged(path, "it has no directory at its end") }
            (position, count, end) = (0, 0, record)
            count = number(record + 10, UInt16.self)
            position = number(record + 16, UInt32.self)
            guard position == 0xffff_ffff || count == 0xffff else { return }
            // Where the record for large archives is stands right before.
            guard record >= 20, number(record - 20, UInt32.self) == 0x0706_4b50 else { return }
            let large = number(record - 12, Int64.self)
            guard large >= 0, large <= record - 56, number(large, UInt32.self) == 0x0606_4b50 else {
                throw damaged(path, "its directory for large archives is not where it should be")
            }
            count = number(large + 32, Int64.self)
            position = number(large + 48, Int64.self)
        }

        private func number<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Value.Type) -> Int {
            Int(truncatingIfNeeded: Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self)))
        }

        mutating func members() throws(DataError) -> [Member] {
            var members: [Member] = []
            // The directory is as long as it is, whatever number of files it claims.
            while members.count < count {
                guard position >= 0, position <= end - 46, number(position, UInt32.self) == 0x0201_4b50 else {
                    throw damaged(path, "its directory ends after \(members.count) of \(count) files")
                }
                members.append(try member())
            }
            return members
        }

        private mutating func member() throws(DataError) -> Member {
            let (nameLength, extraLength) = (number(position + 28, UInt16.self), number(position + 30, UInt16.self))
            let nameStart = position + 46
            let extra = nameStart + nameLength..<nameStart + nameLength + extraLength
            guard extra.upperBound <= end else { throw damaged(path, "its directory breaks off") }
            var sizes = [24, 20, 42].map { number(position + $0, UInt32.self) }
            try replaceLarge(&sizes, extra)
            defer { position = extra.upperBound + number(position + 32, UInt16.self) }
            return Member(
                name: String(decoding: bytes[nameStart..<nameStart + nameLength], as: UTF8.self),
                method: number(position + 10, UInt16.self), flags: number(position + 8, UInt16.self),
                storedBytes: sizes[1], byteCount: sizes[0],
                checksum: UInt32(truncatingIfNeeded: number(position + 16, UInt32.self)), headerOffset: sizes[2])
        }

        /// Replaces sizes that do not fit into 32 bits by those of the extra field 1.
        private func replaceLarge(_ sizes: inout [Int], _ extra: Range<Int>) throws(DataError) {
            guard sizes.contains(0xffff_ffff) else { return }
            var field = extra.lowerBound
            while field + 4 <= extra.upperBound {
                let (kind, length) = (number(field, UInt16.self), number(field + 2, UInt16.self))
                var value = field + 4
                field = value + length
                guard kind == 1, field <= extra.upperBound else { continue }
                for index in sizes.indices where sizes[index] == 0xffff_ffff {
                    guard value + 8 <= field else { break }
                    sizes[index] = number(value, Int64.self)
                    value += 8
                }
            }
            guard sizes.allSatisfy({ $0 >= 0 }) else { throw damaged(path, "a size below 0") }
        }
    }
}
