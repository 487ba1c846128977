import Foundation
import LoomKernels
import Testing

@testable import LoomData

@Suite struct FileFormatTests {
    private static let samples: [([UInt8], String)] = [
        ([0x1f, 0x8b, 8, 0], "gzip"), (Array("BZh91AY&SY".utf8), "bzip2"), ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "xz"),
        ([0x28, 0xb5, 0x2f, 0xfd], "Zstandard"), ([0x50, 0x4b, 3, 4, 0], "spreadsheet"),
        ([0xff, 0xfe, 0x31, 0], "UTF-16"), ([0xfe, 0xff, 0, 0x31], "UTF-16"), ([0xff, 0xfe, 0, 0, 0x31], "UTF-32"),
        (Array("PAR1\u{15}\u{4}".utf8), "Parquet"), ([0x89] + Array("HDF\r\n\u{1a}\n".utf8), "HDF5"),
        (Array("ARROW1\0\0".utf8), "Arrow"), (Array("SQLite format 3\0".utf8), "SQLite"), ([0x80, 4, 0x95], "pickle"),
        ([0, 0, 8, 3, 0, 0], "IDX"), ([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], "old Excel"),
        (Array("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n".utf8), "Git LFS"),
        (Array("/annex/objects/SHA256E-s3--1.csv\n".utf8), "git-annex"),
        (Array("\n <!DOCTYPE HTML>\n".utf8), "HTML"), (Array("\u{feff}<html>".utf8), "HTML"),
        (Array("<?xml version".utf8), "XML"), (Array("@RELATION iris\n".utf8), "ARFF"),
        (Array(repeating: 0x61, count: 257) + Array("ustar\0".utf8), "tar"),
    ]

    @Test(arguments: samples)
    func knownFormatsAreNamed(bytes: [UInt8], word: String) throws {
        try withFile(Data(bytes)) { path in
            for failure in [
                dataError { _ = try CSVSource(path: path) }, dataError { _ = try NumberArray(npy: path) },
                dataError { _ = try CSVSource.featureCount(path: path, options: .init()) },
            ] {
                #expect(failure?.problem.contains(word) == true)
                #expect(failure?.remedy.isEmpty == false)
                #expect(failure?.exitCode == 65)
            }
        }
    }

    @Test(arguments: ["PAR1,PAR2\n1,2\n", "BZh,b\n1,2\n", "MATLAB score,b\n1,2\n"])
    func namesOfColumnsAreNoFormats(text: String) throws {
        let features = try withFile(text) { try CSVSource(path: $0).featureCount }
        #expect(features == 2)
    }

    // MARK: UTF-8

    @Test(arguments: [
        ([0xe4] as [UInt8], 0), ([0x61, 0xc3], 1), ([0xc3, 0x28], 0), ([0xc0, 0xaf], 0), ([0xe0, 0x80, 0xaf], 0),
        ([0xed, 0xa0, 0x80], 0), ([0xf4, 0x90, 0x80, 0x80], 0), ([0xf5, 0x80, 0x80, 0x80], 0), ([0x80], 0),
        ([0xf0, 0x9f, 0x98], 0), ([0xe2, 0x82, 0x28], 0), ([0x61, 0], 1), ([0xff], 0),
    ])
    func whatIsNoTextIsFound(bytes: [UInt8], fault: Int) {
        // In the middle of words of eight bytes as well as at their borders.
        for before in 0..<17 {
            for after in [0, 20] {
                let text = Array(repeating: 0x62, count: before) + bytes + Array(repeating: 0x63, count: after)
                let found = text.withUnsafeBytes { UTF8Text.firstFault(in: $0) }
                #expect(found == before + fault, "\(before) bytes before, \(after) after")
            }
        }
    }

    @Test(arguments: [
        "", "a,b", "Männer", "日本語のラベル", "😀,🦀", "\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{10ffff}\u{1}",
    ])
    func textIsText(text: String) {
        for before in 0..<9 {
            let bytes = Array(repeating: 0x62, count: before) + Array(text.utf8)
            #expect(bytes.withUnsafeBytes { UTF8Text.firstFault(in: $0) } == nil)
        }
    }

    @Test func labelsThatDifferInAnAccentAreNotOneClass() throws {
        let latin1 = Data("a,b,y\n1,2,M".utf8) + [0xe4] + Data("nner\n3,4,M".utf8) + [0xf6] + Data("nner\n".utf8)
        try withFile(latin1) { path in
            let failure = dataError { _ = try CSVSource(path: path, options: CSVOptions(label: .name("y"))) }
            #expect(failure?.place == "line 2, column 3")
            #expect(failure?.problem == "the byte 0xE4 is not text in UTF-8; it may be in Latin-1 or Windows-1252")
        }
        try withFile("a,b,y\n1,2,Männer\n3,4,Mönner\n") { path in
            let source = try CSVSource(path: path, options: CSVOptions(label: .name("y")))
            #expect(source.targetColumns.classNames == ["Männer", "Mönner"])
        }
    }

    @Test func columnsOfFaultsAreCountedAsCells() throws {
        let bytes = Data("a;b;c\n1;2;3\n\"x;y\";2;".utf8) + [0xff]
        try withFile(bytes) { path in
            #expect(dataError { _ = try CSVSource(path: path) }?.place == "line 3, column 3")
        }
        // Also where nobody reads the cell.
        try withFile(Data("a,b\n1,".utf8) + [0xe9]) { path in
            let failure = dataError { _ = try CSVSource(path: path, options: CSVOptions(ignored: [.name("b")])) }
            #expect(failure?.place == "line 2, column 2")
        }
    }

    @Test func utf16WithoutItsMark() throws {
        let bytes = Data("a,b\n1,2\n".utf8.flatMap { [$0, 0] })
        try withFile(bytes) { path in
            let failure = dataError { _ = try CSVSource(path: path) }
            #expect(failure?.place == "line 1, column 1")
            #expect(failure?.problem.contains("UTF-16") == true)
        }
    }

    @Test func linesOfOldMacintoshes() throws {
        try withFile("a,b\r1,2\r3,4\r") { path in
            #expect(dataError { _ = try CSVSource(path: path) }?.problem.contains("carriage returns alone") == true)
        }
    }
}
