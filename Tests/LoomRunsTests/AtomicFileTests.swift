import Foundation
import Testing

@testable import LoomRuns

@Suite struct AtomicFileTests {
    private let directory = TemporaryDirectory()

    private struct Interruption: Error {}

    @Test func replacesAFile() throws {
        let path = directory.path + "/file"
        try AtomicFile.write("first", to: path)
        try AtomicFile.write("second", to: path)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "second")
        #expect(try directory.contents() == ["file"])
    }

    /// Whatever the link leads to, and whether it is there: nothing is written through it.
    @Test(arguments: ["other", "missing", "."]) func replacesALinkItself(destination: String) throws {
        let path = directory.path + "/link"
        try AtomicFile.write("untouched", to: directory.path + "/other")
        try FileManager.default.createSymbolicLink(
            atPath: path, withDestinationPath: directory.path + "/" + destination)
        try AtomicFile.write("new", to: path)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "new")
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType == .typeRegular)
        #expect(try String(contentsOfFile: directory.path + "/other", encoding: .utf8) == "untouched")
        #expect(try directory.contents() == ["link", "other"])
    }

    @Test func whatIsNoFileStaysWhatItIs() throws {
        let path = directory.path + "/pipe"
        #expect(mkfifo(path, 0o600) == 0)
        #expect(
            throws: AtomicFile.WriteError(path: path, reason: "this is a device or a pipe, expected a file")
        ) {
            try AtomicFile.write("x", to: path)
        }
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType != .typeRegular)
        #expect(try directory.contents() == ["pipe"])
    }

    private func permissions(_ name: String) throws -> Int {
        try #require(
            try FileManager.default.attributesOfItem(atPath: directory.path + "/" + name)[.posixPermissions] as? Int)
    }

    @Test func honoursTheProcessesFileModeMask() throws {
        try AtomicFile.write("", to: directory.path + "/file")
        #expect(FileManager.default.createFile(atPath: directory.path + "/plain", contents: nil))
        #expect(try permissions("file") == permissions("plain"))
    }

    @Test func aReplacedFileKeepsItsPermissions() throws {
        let path = directory.path + "/file"
        try AtomicFile.write("old", to: path)
        #expect(chmod(path, 0o640) == 0)
        try AtomicFile.write("new", to: path)
        #expect(try permissions("file") == 0o640)
    }

    @Test func nobodyElseReadsHalfAFile() throws {
        try AtomicFile.write(to: directory.path + "/file") { output in
            try output.append("half")
            let names = try directory.contents()
            #expect(names.count == 1 && names[0].hasPrefix(".file."))
            #expect(try permissions(names[0]) == 0o600)
        }
    }

    @Test func whatMustNotBeReplacedIsNot() throws {
        let path = directory.path + "/file"
        let exists = AtomicFile.WriteError(path: path, code: EEXIST)
        // It appears when nobody looks any more.
        #expect(throws: exists) {
            try AtomicFile.write(to: path, replaces: false) { output in
                try output.append("ours")
                try "theirs".write(toFile: path, atomically: false, encoding: .utf8)
            }
        }
        #expect(throws: exists) { try AtomicFile.write(to: path, replaces: false) { try $0.append("ours") } }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "theirs")
        #expect(try directory.contents() == ["file"])
    }

    @Test func aNameMayBeAsLongAsNamesCanBe() throws {
        let name = String(repeating: "n", count: 255)
        try AtomicFile.write("x", to: directory.path + "/" + name)
        #expect(try directory.contents() == [name])
    }

    @Test func keepsTheOldFileWhenTheBodyThrows() throws {
        let path = directory.path + "/file"
        try AtomicFile.write("old", to: path)
        #expect(throws: Interruption.self) {
            try AtomicFile.write(to: path) { output in
                try output.append("half of the n")
                throw Interruption()
            }
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
        #expect(try directory.contents() == ["file"])
    }

    @Test func theTargetIsUntouchedUntilTheEnd() throws {
        let path = directory.path + "/file"
        try AtomicFile.write("old", to: path)
        try AtomicFile.write(to: path) { output in
            try output.append("new")
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
        }
    }

    @Test func leavesNothingWhenTheRenameIsRefused() throws {
        let path = directory.path + "/taken"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(throws: AtomicFile.WriteError(path: path, code: EISDIR)) {
            try AtomicFile.write("x", to: path)
        }
        #expect(try directory.contents() == ["taken"])
    }

    @Test func namesADirectoryThatCannotBeWritten() throws {
        let path = directory.path + "/missing/file"
        #expect(
            throws: AtomicFile.WriteError(
                path: path,
                reason: "cannot create a file in ‘\(directory.path)/missing’: No such file or directory")
        ) {
            try AtomicFile.write("x", to: path)
        }
    }

    @Test func reportsAFullDisk() throws {
        let descriptor = open("/dev/full", O_WRONLY)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        #expect(throws: AtomicFile.WriteError(path: "model", code: ENOSPC)) {
            try AtomicFile.Output(descriptor: descriptor, path: "model").append([1.5])
        }
    }
}

/// A directory of its own, removed with the last reference.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        var template = Array((NSTemporaryDirectory() + "/loom-XXXXXX").utf8CString)
        precondition(mkdtemp(&template) != nil, "no temporary directory")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func contents() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
