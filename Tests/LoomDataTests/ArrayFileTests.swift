import Foundation
import LoomKernels
import Testing

@testable import LoomData

/// npz, IDX and npy in several files.
@Suite struct ArrayFileTests {
    private static let x: [[Double]] = [[1.5, -2], [3, 0.25], [0, 7]]
    private static let images: [[Double]] = (0..<3).map { i in (0..<4).map { Double((4 * i + $0) * 23) } }

    /// Inputs and targets of all samples.
    private func rows(_ source: some DataSource) throws -> (inputs: [[Double]], targets: [[Double]]) {
        try source.withSamples(0..<source.count) { ($0.nested, $1.nested) }
    }

    // MARK: npz

    @Test(arguments: [FormatFixtures.npz, FormatFixtures.npzDeflated])
    func archivesOfNumpy(bytes: Data) throws {
        try withFile(bytes, extension: "npz") { path in
            let source = try ArraySource(npz: path, inputs: "x", targets: "y")
            #expect(try rows(source).inputs == Self.x)
            #expect(try rows(source).targets == [[0], [1], [1]])
            #expect(source.targetColumns.form == .integers(smallest: 0, largest: 1))
            // Both arrays with their headers, or nothing but a map of the file.
            #expect(source.indexBytes == (bytes == FormatFixtures.npz ? 0 : 128 + 24 + 128 + 24))
            let images = try ArraySource(npz: path, inputs: "images", targets: nil, scale: 0.5)
            #expect(try rows(images).inputs == Self.images.map { $0.map { $0 / 2 } })
            #expect(images.notes == ["the inputs have 3 dimensions, [3, 2, 2]: taken as 4 features"])
        }
    }

    @Test func anArrayThatIsNotThereIsNamedWithThoseThatAre() throws {
        try withFile(FormatFixtures.npz, extension: "npz") { path in
            let failure = dataError { _ = try ArraySource(npz: path, inputs: "z", targets: "y") }
            #expect(failure?.problem == "there is no array 'z'")
            #expect(failure?.remedy == "the arrays are: x, y, images")
            #expect(failure?.exitCode == 65)
        }
    }

    @Test(arguments: [FormatFixtures.npz, FormatFixtures.npzDeflated])
    func archivesThatBreakOffAreNamed(bytes: Data) throws {
        for length in stride(from: 4, to: bytes.count, by: 7) {
            try withFile(bytes.prefix(length), extension: "npz") { path in
                let failure = dataError { _ = try ArraySource(npz: path, inputs: "x", targets: "y") }
                #expect(failure?.problem.contains("damaged or truncated") == true, "\(length)")
            }
        }
    }

    @Test func damagedContentOfAnArchiveIsNamed() throws {
        let bytes = FormatFixtures.npzDeflated
        // In the middle of the first array's deflated bytes.
        var changed = bytes
        changed[90] ^= 16
        try withFile(changed, extension: "npz") { path in
            let failure = dataError { _ = try ArraySource(npz: path, inputs: "x", targets: "y") }
            #expect(failure?.source == "\(path) (x)")
            #expect(failure?.problem.contains("damaged") == true)
        }
        try withFile(Data("a,b\n1,2\n".utf8)) { path in
            let failure = dataError { _ = try NpzArchive(path: path) }
            #expect(failure?.problem == "this is not an .npz archive: it doesn't start with PK")
        }
    }

    /// What is not compressed stays where it is, and is compared when all of it is read.
    @Test func aChangedNumberOfAnArchiveIsNamed() throws {
        let bytes = FormatFixtures.npz
        let start = try #require(bytes.range(of: Data([0x93] + Array("NUMPY".utf8)))).lowerBound
        try withFile(bytes, extension: "npz") { path in
            try ArraySource(npz: path, inputs: "x", targets: "y").verifyContent()
        }
        var changed = bytes
        changed[start + 130] ^= 1
        try withFile(changed, extension: "npz") { path in
            let source = try ArraySource(npz: path, inputs: "x", targets: "y")
            let failure = dataError { try source.verifyContent() }
            #expect(failure?.source == "\(path) (x)")
            #expect(failure?.problem == "the array was changed or damaged: its CRC-32 is not the archive's")
        }
    }

    @Test func sizesThatCannotBeAreRefusedBeforeMemoryIsTaken() throws {
        var bytes = FormatFixtures.npzDeflated
        // The size in the central directory, 24 bytes behind its mark.
        let mark = try #require(bytes.range(of: Data([0x50, 0x4b, 1, 2])))
        bytes.replaceSubrange(mark.lowerBound + 24..<mark.lowerBound + 28, with: [0xff, 0xff, 0xff, 0x7f])
        try withFile(bytes, extension: "npz") { path in
            let failure = dataError { _ = try ArraySource(npz: path, inputs: "x", targets: "y") }
            #expect(failure?.problem.contains("cannot make 2147483647") == true)
        }
    }

    // MARK: IDX

    @Test func imagesAndLabels() throws {
        try withFile(FormatFixtures.idxImages) { images in
            try withFile(Data(GzipWriter.stored(Array(FormatFixtures.idxLabels)))) { labels in
                let source = try ArraySource(idxInputs: images, targets: labels, scale: 1.0 / 255)
                #expect(try rows(source).inputs == Self.images.map { $0.map { $0 * (1.0 / 255) } })
                #expect(try rows(source).targets == [[0], [1], [1]])
                let bytes = try #require(source.asBytes)
                #expect(bytes.scale == 1.0 / 255)
                #expect(try rows(bytes.source).inputs == Self.images)
            }
        }
    }

    /// Multiplying in float64 and rounding comes to what dividing in float32 comes to.
    @Test func everyGreyValueIsAsInTorchvision() {
        for value in 0...255 {
            #expect(Float(Double(value) * (1.0 / 255)) == Float(value) / 255)
        }
    }

    @Test func allElementTypesAreBigEndian() throws {
        let cases: [([UInt8], [Double])] = [
            ([0, 0, 9, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 2], [-1, 2]),
            ([0, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe, 1, 0], [-2, 256]),
            ([0, 0, 0x0c, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0], [65536]),
            ([0, 0, 0x0d, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0], [1.5]),
            ([0, 0, 0x0e, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0xc0, 0, 0, 0, 0, 0, 0, 0], [-2]),
        ]
        for (bytes, expected) in cases {
            let inputs = try withFile(Data(bytes)) { try rows(ArraySource(idxInputs: $0, targets: nil)).inputs }
            #expect(inputs == [expected])
        }
    }

    @Test(arguments: [
        ([0, 0, 8], "the file is truncated: 3 bytes, an IDX file begins with 4"),
        ([0, 0, 7, 1, 0, 0, 0, 0], "the magic number is 00 00 07 01, expected 00 00, the element type"),
        ([1, 0, 8, 1, 0, 0, 0, 0], "the magic number is 01 00 08 01"),
        ([0, 0, 8, 3, 0, 0, 0, 1], "the file is truncated: it ends inside its header of 16 bytes"),
        ([0, 0, 8, 1, 0, 0, 0, 3, 1, 2], "the file is truncated: shape [3] of uint8 needs 3 bytes of elements, 2"),
        ([0, 0, 8, 1, 0, 0, 0, 1, 1, 2], "the file is too long"),
        (
            [0, 0, 8, 2, 0, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 1],
            "the file is truncated: shape [16777215, 16777215]"
        ),
        (
            [0, 0, 0x0e, 3] + [UInt8](repeating: 0xff, count: 12) + [1],
            "the shape [4294967295, 4294967295, 4294967295] is too large"
        ),
        ([0x93] + Array("NUMPY".utf8), "the file is in numpy's format, expected an IDX file"),
    ])
    func wrongHeadersAreNamed(bytes: [UInt8], problem: String) throws {
        try withFile(Data(bytes)) { path in
            let failure = dataError { _ = try NumberArray(idx: path) }
            #expect(failure?.problem.hasPrefix(problem) == true, "\(failure?.problem ?? "")")
            #expect(failure?.exitCode == 65)
        }
    }

    // MARK: Several npy files

    private func withParts(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        func write(_ name: String, _ numbers: [Float], _ columns: Int) throws {
            try NpyWriter.bytes(numbers, shape: [numbers.count / columns, columns]).write(
                to: directory.appendingPathComponent(name))
        }
        try write("part-10.npy", [9, 10], 2)
        try write("part-2.npy", [5, 6, 7, 8], 2)
        try write("part-1.npy", [1, 2, 3, 4], 2)
        try write("wide.npy", [1, 2, 3], 3)
        try body(directory.path)
    }

    @Test func partsFollowOneAnotherInNaturalOrder() throws {
        try withParts { directory in
            let source = try NpySource(inputs: ["\(directory)/part-*.npy"], targets: nil)
            #expect(try rows(source).inputs == [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]])
            let listed = try NpySource(inputs: ["\(directory)/part-10.npy", "\(directory)/part-?.npy"], targets: nil)
            #expect(try rows(listed).inputs == [[9, 10], [1, 2], [3, 4], [5, 6], [7, 8]])
            #expect(try NpySource.featureCount(["\(directory)/part-*.npy"]) == 2)
            // In any order, and one more than once.
            let numbers = AlignedBuffer<Double>(uninitializedCount: 10)
            let matrix = MatrixView(pointer: numbers.pointer, rows: 5, columns: 2, stride: 2)
            try source.fill(rows: [4, 0, 3, 2, 0], inputs: matrix, targets: nil)
            #expect(withExtendedLifetime(numbers) { matrix.nested } == [[9, 10], [1, 2], [7, 8], [5, 6], [1, 2]])
        }
    }

    @Test func partsThatDoNotFitAreNamed() throws {
        try withParts { directory in
            let other = dataError {
                _ = try NpySource(inputs: ["\(directory)/part-1.npy", "\(directory)/wide.npy"], targets: nil)
            }
            #expect(other?.source == "\(directory)/wide.npy")
            #expect(other?.problem.hasPrefix("shape [1, 3] of float32, but the first part") == true)
            let none = dataError { _ = try NpySource(inputs: ["\(directory)/p*.npz"], targets: nil) }
            #expect(none?.exitCode == 66)
            #expect(none?.problem == "no file has such a name")
            let few = dataError {
                _ = try NpySource(inputs: ["\(directory)/part-*.npy"], targets: ["\(directory)/part-1.npy"])
            }
            #expect(few?.problem.hasPrefix("2 rows of targets, but 5 of inputs") == true)
        }
    }

    @Test(arguments: [
        ("part-*.npy", "part-1.npy", true), ("part-*.npy", "part-.npy", true), ("part-*.npy", "part-1.npz", false),
        ("*", "a", true), ("*", ".a", false), (".*", ".a", true), ("a?c", "abc", true), ("a?c", "ac", false),
        ("*a*b", "xaxxb", true), ("*a*b", "xaxxbc", false), ("a**b", "ab", true), ("abc", "abc", true),
        ("abc", "abcd", false), ("", "", true), ("a*a", "a", false),
    ])
    func patterns(pattern: String, name: String, isMeant: Bool) {
        #expect(FilePattern.matches(name, pattern) == isMeant)
    }

    @Test func namesAreOrderedAsPeopleCount() {
        let ordered = ["a", "a1", "a01", "a2", "a10", "a10b", "a100", "b"]
        let sorted = ordered.reversed().sorted(by: FilePattern.isBefore)
        #expect(sorted == ["a", "a01", "a1", "a2", "a10", "a10b", "a100", "b"])
    }

    // MARK: Recognising

    @Test func kindsAreRecognisedByTheirContent() throws {
        let cases: [(Data, String, DataFileKind)] = [
            (FormatFixtures.npz, "dat", .npz), (FormatFixtures.idxImages, "dat", .idx),
            (FormatFixtures.twoMembers, "csv.gz", .csv), (FormatFixtures.svmlight, "svm", .libsvm),
            (FormatFixtures.hdf5Gzipped, "dat", .hdf5), (Data("1 1:2 3:4\n".utf8), "txt", .libsvm),
            (Data("a,b\n".utf8), "txt", .csv), (Data("data:\n".utf8), "yaml", .configuration),
            (Data("1 2:3\n".utf8), "csv", .csv), (Data(), "txt", .csv),
            (NpyWriter.bytes([1 as Float], shape: [1, 1]), "csv", .npy),
            (Data(GzipWriter.stored(Array(FormatFixtures.idxLabels))), "gz", .idx),
        ]
        for (bytes, suffix, kind) in cases {
            let found = try withFile(bytes, extension: suffix) { try DataFileKind.of($0) }
            #expect(found == kind, "\(suffix), \(kind)")
        }
        #expect(dataError { _ = try DataFileKind.of("/nowhere") }?.exitCode == 66)
        #expect(try DataFileKind.of("/tmp") == .dataset)
    }
}
