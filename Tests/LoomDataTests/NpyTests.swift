import Foundation
import LoomKernels
import Testing

@testable import LoomData

@Suite("npy")
struct NpyTests {
    private func read(_ bytes: Data) throws -> [[Double]] {
        try withFile(bytes, extension: "npy") { path in
            let array = try NumberArray(npy: path)
            let buffer = AlignedBuffer<Double>(uninitializedCount: array.rows * array.columns)
            let matrix = MatrixView(
                pointer: buffer.pointer, rows: array.rows, columns: array.columns, stride: array.columns)
            array.read(rows: Array(0..<UInt64(array.rows))[...], into: matrix)
            return withExtendedLifetime(buffer) { matrix.nested }
        }
    }

    private func error(_ bytes: Data) throws -> DataError? {
        try withFile(bytes, extension: "npy") { path in dataError { _ = try NumberArray(npy: path) } }
    }

    private static let x: [[Double]] = [[1.5, -2], [3, 0.25], [0.001, 7]]
    private static let xSingle = x.map { $0.map { Double(Float($0)) } }

    @Test(arguments: [
        (NpyFixtures.float64, x), (NpyFixtures.float32, xSingle), (NpyFixtures.version2, xSingle),
        (NpyFixtures.version3, xSingle), (NpyFixtures.int64, [[3], [-1], [2]]),
        (NpyFixtures.uint8, [[0, 255], [7, 8]]),
        (NpyFixtures.int16, [[-300], [300]]), (NpyFixtures.bool, [[1], [0], [1]]),
        (NpyFixtures.fortranColumn, [[1], [2]]), (NpyFixtures.int32, [[-70000], [70000]]),
        (NpyFixtures.uint16, [[65535]]), (NpyFixtures.uint32, [[4_294_967_295]]),
        (NpyFixtures.uint64, [[9_007_199_254_740_992]]), (NpyFixtures.int8, [[-128], [127]]),
    ])
    func arraysSavedByNumpy(bytes: Data, expected: [[Double]]) throws {
        #expect(try read(bytes) == expected)
    }

    @Test(arguments: [
        (NpyFixtures.fortran, "the array is in Fortran order (column by column)"),
        (NpyFixtures.bigEndian, "the elements are big-endian (>f4)"),
        (NpyFixtures.cube, "3 dimensions, shape [1, 2, 2], expected samples × columns"),
        (NpyFixtures.scalar, "0 dimensions, shape [], expected samples × columns"),
        (NpyFixtures.half, "elements of type <f2, expected float32, float64, an integer type or bool"),
        (NpyFixtures.fields, "the array has named fields, expected plain numbers"),
        (Data("1,2\n".utf8), "this is not a .npy file: it doesn't start with \\x93NUMPY"),
        (Data(), "this is not a .npy file: it doesn't start with \\x93NUMPY"),
    ])
    func refused(bytes: Data, problem: String) throws {
        let failure = try error(bytes)
        #expect(failure?.problem == problem)
        #expect(failure?.category == .badData)
    }

    @Test(arguments: [6, 8, 9, 10, 40, 127, 128, 175])
    func truncated(byteCount: Int) throws {
        let failure = try error(NpyFixtures.float64.prefix(byteCount))
        #expect(failure?.problem.contains("the file is truncated") == true)
        #expect(failure?.exitCode == 65)
    }

    @Test func truncatedTellsHowMuch() throws {
        let problem = try error(NpyFixtures.float64.dropLast(1))?.problem
        #expect(
            problem?.hasSuffix("shape [3, 2] of float64 needs 48 bytes of elements, 47 are there") == true)
    }

    @Test func aHugeHeaderIsRefusedBeforeItIsRead() throws {
        let length = 70_000
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }".padding(
            toLength: length, withPad: " ", startingAt: 0)
        let bytes = Data([0x93] + Array("NUMPY".utf8) + [2, 0, 0x70, 0x11, 1, 0] + Array(text.utf8) + [0, 0, 0, 0])
        #expect(try error(bytes)?.problem == "the header has 70000 bytes, at most 65535 are expected")
    }

    @Test func unknownVersionAndHugeShape() throws {
        var bytes = NpyFixtures.float64
        bytes[6] = 4
        #expect(try error(bytes)?.problem == "format version 4.0, known are 1 to 3")
        let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807, 9), }\n"
        let huge = Data(NpyHeader.magic + [1, 0, UInt8(text.utf8.count), 0]) + Data(text.utf8)
        #expect(try error(huge)?.problem.hasSuffix("is too large") == true)
        #expect(dataError { _ = try NumberArray(npy: "/nowhere.npy") }?.exitCode == 66)
    }

    // MARK: Writing

    @Test func writtenAsNumpyWrites() throws {
        let elements = AlignedBuffer<Double>([1.5, -2, 99, 3, 0.25, 99, 1e-3, 7, 99])
        let matrix = MatrixView(pointer: elements.pointer, rows: 3, columns: 2, stride: 3)
        #expect(withExtendedLifetime(elements) { Self.bytes(matrix) } == NpyFixtures.float64)
        #expect(NpyWriter.bytes([3, -1, 2] as [Int64], shape: [3]) == NpyFixtures.int64)
        #expect(NpyWriter.bytes([-70000, 70000] as [Int32], shape: [2]) == NpyFixtures.int32)
        #expect(try read(NpyWriter.bytes([0.5, 0.25] as [Float], shape: [2])) == [[0.5], [0.25]])
    }

    private static func bytes<Element: NpyElement>(_ matrix: MatrixView<Element>) -> Data {
        var bytes = Data()
        NpyWriter.forEachPiece(of: matrix) { bytes += $0 }
        return bytes
    }

    /// A piece ends behind the row that makes it long enough.
    @Test func largeMatricesComeInPieces() {
        let elements = AlignedBuffer<Float>((0..<600_000).map { Float($0) })
        let matrix = MatrixView(pointer: elements.pointer, rows: 3, columns: 200_000, stride: 200_000)
        var pieces: [[UInt8]] = []
        withExtendedLifetime(elements) { NpyWriter.forEachPiece(of: matrix) { pieces.append($0) } }
        #expect(pieces.map(\.count) == [128 + 1_600_000, 800_000])
        let array = NpyWriter.bytes((0..<600_000).map { Float($0) }, shape: [3, 200_000])
        #expect(Data(pieces.joined()) == array)
    }

    // MARK: Source

    private func source(_ inputs: Data, _ targets: Data?) throws -> (inputs: [[Float]], values: [[Float]]) {
        try withFile(inputs, extension: "npy") { inputPath in
            try withFile(targets ?? Data(), extension: "npy") { targetPath in
                let source = try NpySource(inputs: inputPath, targets: targets == nil ? nil : targetPath)
                let conversion = try targets.map { _ in try TargetConversion(from: source, to: .values(1)) }
                let dataset = try Dataset<Float>(source, rows: [2, 0], conversion: conversion)
                return (dataset.inputRows, dataset.values)
            }
        }
    }

    @Test func chosenRowsOfInputsAndTargets() throws {
        let both = try source(NpyFixtures.float64, NpyFixtures.int64)
        #expect(both.inputs == [[0.001, 7], [1.5, -2]])
        #expect(both.values == [[2], [3]])
        #expect(try source(NpyFixtures.float32, nil).values.isEmpty)
    }

    @Test func filesThatDoNotFit() throws {
        let rows = dataError { _ = try source(NpyFixtures.float64, NpyFixtures.int16) }
        #expect(rows?.problem.hasPrefix("2 rows of targets, but 3 of inputs") == true)
        let vector = dataError { _ = try source(NpyFixtures.int64, nil) }
        #expect(vector?.problem == "1 dimension, shape [3], expected samples × features")
    }

    @Test func notFiniteInputsAndTargets() throws {
        func saved(_ values: [Double], columns: Int) throws -> Data {
            let buffer = AlignedBuffer<Double>(values)
            let matrix = MatrixView(
                pointer: buffer.pointer, rows: values.count / columns, columns: columns, stride: columns)
            return withExtendedLifetime(buffer) { Self.bytes(matrix) }
        }
        let inputs = dataError { _ = try source(try saved([1, 2, 3, 4, 5, .nan], columns: 2), nil) }
        #expect(inputs?.place == "row 2 (counted from 0), column 1 (counted from 0)")
        #expect(inputs?.problem == "the input is NaN")
        let targets = dataError {
            _ = try source(NpyFixtures.float64, try saved([1, -.infinity, 3], columns: 1))
        }
        #expect(targets?.place == "row 1 (counted from 0), target")
        #expect(targets?.problem == "the target is infinite")
    }
}
