import Foundation
import LoomKernels
import Testing

@testable import LoomData

@Suite struct HDF5Tests {
    /// The fixture as a file, which libhdf5 opens itself.
    private func withHDF5<Result>(_ body: (String) throws -> Result) throws -> Result {
        let content = try withFile(FormatFixtures.hdf5Gzipped) { path in
            try InputFile(path: path).withBytes { Data($0) }
        }
        return try withFile(content, extension: "h5", body)
    }

    private static var hasLibrary: Bool { HDF5Library.shared != nil }

    @Test(.enabled(if: hasLibrary, "libhdf5 is not on this machine"), arguments: ["train/x", "train/packed"])
    func contiguousAndCompressedDataSets(name: String) throws {
        try withHDF5 { path in
            let source = try ArraySource(hdf5: path, inputs: name, targets: "train/y")
            let data = try Dataset<Double>(source, conversion: nil)
            #expect(data.inputRows == [[1.5, -2], [3, 0.25], [0, 7]])
            #expect(source.targetColumns.form == .integers(smallest: 0, largest: 1))
            // Runs of neighbours, and others, into rows with room behind them.
            let numbers = AlignedBuffer<Double>(count: 16, repeating: -1)
            let matrix = MatrixView(pointer: numbers.pointer, rows: 4, columns: 2, stride: 4)
            try source.fill(rows: [1, 2, 0, 2], inputs: matrix, targets: nil)
            #expect(withExtendedLifetime(numbers) { matrix.nested } == [[3, 0.25], [0, 7], [1.5, -2], [0, 7]])
            #expect(numbers.pointer[2] == -1 && numbers.pointer[15] == -1)
        }
    }

    @Test(.enabled(if: hasLibrary, "libhdf5 is not on this machine"))
    func imagesAndWhatIsNoNumber() throws {
        try withHDF5 { path in
            let images = try ArraySource(hdf5: path, inputs: "images", targets: nil)
            #expect(images.featureCount == 4)
            #expect(images.asBytes != nil)
            let text = dataError { _ = try ArraySource(hdf5: path, inputs: "text", targets: nil) }
            #expect(text?.problem == "its elements are no numbers, or of a size that is not read")
            let missing = dataError { _ = try ArraySource(hdf5: path, inputs: "x", targets: nil) }
            #expect(missing?.problem == "there is no data set 'x'")
            #expect(missing?.remedy == "the data sets are: images, text, train/packed, train/x, train/y")
            #expect(missing?.exitCode == 65)
        }
    }

    @Test(.enabled(if: hasLibrary, "libhdf5 is not on this machine"))
    func aFileThatBreaksOffIsNamed() throws {
        try withHDF5 { path in
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            try withFile(bytes.prefix(bytes.count / 2), extension: "h5") { half in
                let failure = dataError { _ = try HDF5File(path: half) }
                #expect(failure?.problem.hasPrefix("the HDF5 file is damaged or truncated") == true)
            }
        }
    }

    @Test func filesOfOtherFormatsAreNamed() throws {
        try withFile(FormatFixtures.npz) { path in
            let failure = dataError { _ = try HDF5File(path: path) }
            #expect(
                failure?.problem == "the file is a zip archive, an .npz archive or a spreadsheet, expected an HDF5 file"
            )
        }
        try withFile("a,b\n") { path in
            #expect(dataError { _ = try HDF5File(path: path) }?.problem == "this is not an HDF5 file")
        }
        #expect(dataError { _ = try HDF5File(path: "/nowhere.h5") }?.exitCode == 66)
    }
}
