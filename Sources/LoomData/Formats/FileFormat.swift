/// Formats of files that are recognised by their first bytes, so that a message can name what was given instead of text.
package enum FileFormat {
    /// A format: what the file is, as the end of "the file is …", and what to do.
    package struct Known: Sendable {
        /// Such as "compressed with gzip".
        package let what: String
        /// What to do.
        package let remedy: String
    }

    /// The format that `bytes`, the beginning of a file or all of it, are in; nil: none of the known ones.
    package static func known(_ bytes: UnsafeRawBufferPointer) -> Known? {
        if let format = magic.first(where: { bytes.starts(with: $0.start) }) { return format.known }
        if bytes.count >= 262, bytes[257..<262].elementsEqual("ustar".utf8) {
            return Known(what: "a tar archive", remedy: "unpack it first: tar -xf FILE")
        }
        // The words that documents begin with, after a byte order mark and blanks.
        let text = bytes.prefix(512).drop { $0 <= 0x20 || [0xef, 0xbb, 0xbf].contains($0) }
            .map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        return words.first { text.starts(with: $0.start) }?.known
    }

    private static func bytes(_ bytes: [UInt8], _ what: String, _ remedy: String) -> (start: [UInt8], known: Known) {
        (bytes, Known(what: what, remedy: remedy))
    }

    private static func text(_ text: String, _ what: String, _ remedy: String) -> (start: [UInt8], known: Known) {
        (Array(text.utf8), Known(what: what, remedy: remedy))
    }

    private static let asCSV = "export it as CSV"
    private static let asDataset =
        "convert it: gradloom convert --parquet-script >parquet.py; python3 parquet.py FILE DIRECTORY"
    private static let asUTF8 = "save it as UTF-8"
    private static let unpack = "unpack it first"

    private static let magic: [(start: [UInt8], known: Known)] = [
        // Longer marks before those that they begin with.
        bytes([0xff, 0xfe, 0, 0], "a text in UTF-32", asUTF8), bytes([0, 0, 0xfe, 0xff], "a text in UTF-32", asUTF8),
        bytes([0xff, 0xfe], "a text in UTF-16", asUTF8), bytes([0xfe, 0xff], "a text in UTF-16", asUTF8),
        bytes([0x1f, 0x8b], "compressed with gzip", "uncompress it first: gunzip FILE"),
        text("BZh91AY&SY", "compressed with bzip2", "uncompress it first: bunzip2 FILE"),
        bytes([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "compressed with xz", "uncompress it first: unxz FILE"),
        bytes([0x28, 0xb5, 0x2f, 0xfd], "compressed with Zstandard", "uncompress it first: unzstd FILE"),
        bytes([0x04, 0x22, 0x4d, 0x18], "compressed with LZ4", "uncompress it first: unlz4 FILE"),
        bytes([0x1f, 0x9d], "compressed with compress", "uncompress it first: uncompress FILE"),
        text(
            "PK\u{3}\u{4}", "a zip archive, an .npz archive or a spreadsheet",
            "give arrays of numpy as npz; unpack others"),
        text("PK\u{5}\u{6}", "an empty zip archive", "give a file with samples"),
        bytes([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "a 7-Zip archive", unpack),
        text("Rar!\u{1a}\u{7}", "a RAR archive", unpack),
        text("PAR1\u{15}", "in the Parquet format", asDataset),
        bytes(
            [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a], "in the HDF5 format",
            "give it as hdf5, with the names of its data sets"),
        text("ARROW1\0", "in the Arrow format", asDataset),
        text(
            "FEA1\0", "in the old Feather format",
            "save it as Arrow: pyarrow.feather.write_feather(pyarrow.feather.read_table(FILE), NEW)"),
        text("Obj\u{1}", "in the Avro format", asCSV),
        text("CDF\u{1}", "in the NetCDF format", asCSV), text("CDF\u{2}", "in the NetCDF format", asCSV),
        text(
            "MATLAB 5.0 MAT-file", "in MATLAB's format",
            "save its arrays: numpy.save(NEW, scipy.io.loadmat(FILE)[NAME])"),
        text(
            "MATLAB 7.3 MAT-file", "in MATLAB's format", "save its arrays: numpy.save(NEW, h5py.File(FILE)[NAME][:].T)"),
        text("SQLite format 3\0", "an SQLite database", asCSV),
        text("$FL2@(#)", "in the format of SPSS", asCSV),
        bytes([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], "a spreadsheet of old Excel", asCSV),
        bytes([0x93] + Array("NUMPY".utf8), "in numpy's format", "give it as npy"),
        bytes([0, 0, 8, 1], "in the IDX format of MNIST", "give it as idx"),
        bytes([0, 0, 8, 3], "in the IDX format of MNIST", "give it as idx"),
        bytes([0x80, 0x02], "a pickle of Python", "save its arrays with numpy.save"),
        bytes([0x80, 0x03], "a pickle of Python", "save its arrays with numpy.save"),
        bytes([0x80, 0x04], "a pickle of Python", "save its arrays with numpy.save"),
        bytes([0x80, 0x05], "a pickle of Python", "save its arrays with numpy.save"),
        bytes([0x7f, 0x45, 0x4c, 0x46], "a program", "name another file"),
        bytes([0x89, 0x50, 0x4e, 0x47], "a PNG image", "save its pixels with numpy.save"),
        bytes([0xff, 0xd8, 0xff], "a JPEG image", "save its pixels with numpy.save"),
        text("%PDF-", "a PDF document", asCSV),
        text(
            "version https://git-lfs.github.com/spec/", "a pointer of Git LFS, not the file itself",
            "fetch the file: git lfs pull"),
        text("/annex/objects/", "a pointer of git-annex, not the file itself", "fetch the file: git annex get FILE"),
    ]

    /// In lower case.
    private static let words: [(start: [UInt8], known: Known)] = [
        text("<!doctype html", "an HTML page", "download the file itself, not the page about it"),
        text("<html", "an HTML page", "download the file itself, not the page about it"),
        text("<?xml", "an XML document", asCSV),
        text("{\\rtf", "a Rich Text document", "save it as plain text"),
        text("<stata_dta>", "in the format of Stata", asCSV),
        text("@relation", "in the ARFF format of Weka", asCSV),
    ]
}

/// Where text stops being UTF-8.
package enum UTF8Text {
    /// The position of the first byte in `bytes` that is 0 or no part of a character in UTF-8 (RFC 3629); nil: none is.
    ///
    /// `visited` is told how far the text was read, from time to time.
    package static func firstFault(
        in bytes: UnsafeRawBufferPointer, visited: (Int) -> Void = { _ in }
    ) -> Int? {
        var position = 0
        var told = 0
        while position < bytes.count {
            if position + 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                // Every byte is below 0x80, and none is 0.
                let high: UInt64 = 0x8080_8080_8080_8080
                if word & high == 0, (word &- 0x0101_0101_0101_0101) & high == 0 {
                    position += 8
                    if position - told >= 4 << 20 {
                        visited(position)
                        told = position
                    }
                    continue
                }
            }
            guard let length = characterLength(bytes, at: position) else { return position }
            position += length
        }
        return nil
    }

    /// The bytes of the character at `position`; nil for 0 and for what is no character: too long a form, half of a
    /// surrogate pair, beyond U+10FFFF, or cut off.
    private static func characterLength(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int? {
        let first = bytes[position]
        let (length, second): (Int, ClosedRange<UInt8>)
        switch first {
        case 0x01...0x7f: return 1
        case 0xc2...0xdf: (length, second) = (2, 0x80...0xbf)
        case 0xe0: (length, second) = (3, 0xa0...0xbf)
        case 0xe1...0xec, 0xee, 0xef: (length, second) = (3, 0x80...0xbf)
        case 0xed: (length, second) = (3, 0x80...0x9f)
        case 0xf0: (length, second) = (4, 0x90...0xbf)
        case 0xf1...0xf3: (length, second) = (4, 0x80...0xbf)
        case 0xf4: (length, second) = (4, 0x80...0x8f)
        default: return nil
        }
        guard position + length <= bytes.count, second.contains(bytes[position + 1]) else { return nil }
        for next in bytes[position + 2..<position + length] where !(0x80...0xbf).contains(next) { return nil }
        return length
    }

    /// What is wrong with the byte at `position`, and what to do.
    package static func describe(_ bytes: UnsafeRawBufferPointer, faultAt position: Int) -> (
        problem: String, remedy: String
    ) {
        guard bytes[position] == 0 else {
            let digits = String(bytes[position], radix: 16, uppercase: true)
            return (
                "the byte 0x\(digits) is not text in UTF-8; it may be in Latin-1 or Windows-1252",
                "convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW"
            )
        }
        return (
            "there is a zero byte: this is a text in UTF-16 without a mark, or no text at all",
            "convert a text in UTF-16 with iconv -f UTF-16LE -t UTF-8 FILE > NEW"
        )
    }

    /// The line of `position`, counted from 1, and where that line begins.
    package static func line(of position: Int, in bytes: UnsafeRawBufferPointer) -> (number: Int, start: Int) {
        var (number, start) = (1, 0)
        for (index, byte) in bytes[..<position].enumerated() where byte == 0x0a {
            number += 1
            start = index + 1
        }
        return (number, start)
    }
}
