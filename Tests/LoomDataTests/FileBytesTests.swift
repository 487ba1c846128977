import Foundation
import LoomKernels
import Testing

@testable import LoomData

@Suite struct FileBytesTests {
    /// Bytes of files that this process has in memory: the third field of /proc/self/statm (proc(5)).
    private func residentFileBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return try #require(Int(fields[2])) * sysconf(Int32(_SC_PAGESIZE))
    }

    @Test func releasedBytesCanBeReadAgain() throws {
        let content = Data((0..<1 << 16).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let whole = (0..<512).reduce(into: Data()) { whole, _ in whole.append(content) }
        try withFile(whole, extension: "bin") { path in
            let file = try FileBytes.open(path)
            let before = try residentFileBytes()
            #expect(memcmp(file.bytes.baseAddress!, Array(whole), whole.count) == 0)
            let read = try residentFileBytes()
            // Other tests read files meanwhile, but none as long as this one.
            #expect(read - before > whole.count / 2)
            file.release(100..<whole.count - 100)
            #expect(try read - residentFileBytes() > whole.count / 2)
            #expect(file.bytes.suffix(content.count).elementsEqual(content))
            file.release(5..<6)
            file.release(0..<0)
            #expect(file.bytes.prefix(content.count).elementsEqual(content))
        }
    }

    @Test func whatIsNoRegularFileIsRead() throws {
        // Its size is given as 0, and it cannot be mapped.
        let file = try FileBytes.open("/proc/self/status")
        #expect(String(decoding: file.bytes, as: UTF8.self).contains("VmRSS"))
        file.release(0..<file.bytes.count)
        #expect(String(decoding: file.bytes, as: UTF8.self).contains("VmRSS"))
        #expect(throws: (any Error).self) { try FileBytes.open("/nowhere") }
    }

    /// Calls `body` with a named pipe that `bytes` are written into, once.
    private func withPipe(_ bytes: Data, _ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try #require(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        let written = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let descriptor = open(path, O_WRONLY)
            bytes.withUnsafeBytes { bytes in
                var count = 0
                while count < bytes.count {
                    let result = write(descriptor, bytes.baseAddress! + count, bytes.count - count)
                    guard result > 0 else { break }
                    count += result
                }
            }
            close(descriptor)
            written.signal()
        }
        try body(path)
        #expect(written.wait(timeout: .now() + 30) == .success)
    }

    @Test(arguments: [8, 20_000])
    func aPipeIsReadOnceAndServesEverybody(rows: Int) throws {
        let text = "a,b,y\n" + (0..<rows).map { "\($0),2,\($0 % 2)\n" }.joined()
        try withPipe(Data(text.utf8)) { path in
            #expect(try CSVSource.featureCount(path: path, options: CSVOptions(label: .name("y"))) == 2)
            let source = try CSVSource(path: path, options: CSVOptions(label: .name("y")))
            #expect(source.count == rows)
            let data = try Dataset<Double>(source, conversion: nil)
            #expect(data.inputRows.last == [Double(rows - 1), 2])
        }
    }

    @Test func devices() throws {
        #expect(try FileBytes.open("/dev/null").bytes.isEmpty)
        #expect(dataError { _ = try CSVSource(path: "/dev/null") }?.problem == "the file is empty")
        #expect(dataError { _ = try NumberArray(npy: "/dev/null") }?.exitCode == 65)
        let endless = dataError { _ = try CSVSource(path: "/dev/zero") }
        #expect(endless?.problem == "this is a device, expected a file")
        #expect(endless?.exitCode == 66)
    }

    @Test func labelsAreReadWithoutInputs() throws {
        let rows = 3000
        let expected = (0..<rows).map { row in Int32(row * 7 % 5) }
        let source = try InlineSource(
            inputs: (0..<rows).map { [Double($0)] }, targets: expected.map { [Double($0 + 1)] })
        let conversion = try TargetConversion(from: source, to: .classes(5))
        let labels = try conversion.labels(of: source, concurrently: backwards)
        #expect(labels == expected)
        guard case .labels(let stored, _) = try Dataset<Float>(source, conversion: conversion).targets else {
            Issue.record("classes are labels")
            return
        }
        withExtendedLifetime(stored) { #expect(Array(stored.elements) == labels) }
    }

    private static let targetsOfClasses: [(TargetNeeds, [[Double]], [Int32]?)] = [
        (.decisions(1), [[1], [2], [1]], [0, 1, 0]), (.decisions(3), [[0], [2], [1]], [0, 2, 1]),
        (.values(3), [[0], [2], [1]], [0, 2, 1]), (.decisions(2), [[1, 0], [0, 1], [0, 1]], [0, 1, 1]),
        (.values(2), [[1, 0], [0, 1], [0, 1]], [0, 1, 1]), (.classes(2), [[1, 0], [0, 1], [0, 1]], [0, 1, 1]),
        (.values(1), [[3], [2], [1]], nil), (.decisions(2), [[1, 0], [1, 1], [0, 1]], nil),
        (.classes(2), [[0.5, 0.5], [1, 0], [0, 1]], nil),
    ]

    @Test(arguments: targetsOfClasses)
    func classesInWhateverFormTheLossWantsThem(needs: TargetNeeds, targets: [[Double]], expected: [Int32]?) throws {
        let source = try InlineSource(inputs: [[0], [0], [0]], targets: targets)
        let conversion = try TargetConversion(from: source, to: needs)
        #expect((conversion.classCount != nil) == (expected != nil))
        if let expected {
            #expect(try conversion.labels(of: source) == expected)
        } else {
            #expect(dataError { _ = try conversion.labels(of: source) }?.problem == "the targets are not classes")
        }
    }
}
