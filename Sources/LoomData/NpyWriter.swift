import Foundation
import LoomKernels

/// A number type that .npy files of ours hold.
public protocol NpyElement: BitwiseCopyable {
    /// numpy's name of the type, little-endian.
    static var npyDescription: String { get }
}

extension Float: NpyElement {
    /// float32
    public static var npyDescription: String { "<f4" }
}
extension Double: NpyElement {
    /// float64
    public static var npyDescription: String { "<f8" }
}
extension Int32: NpyElement {
    /// int32
    public static var npyDescription: String { "<i4" }
}
extension Int64: NpyElement {
    /// int64
    public static var npyDescription: String { "<i8" }
}

/// Writes .npy files of version 1.0, in C order.
public enum NpyWriter {
    /// Writes a matrix as an array of two dimensions. The file appears whole or not at all.
    ///
    /// Throws when the file can't be written.
    public static func write<Element: NpyElement>(
        _ matrix: MatrixView<Element>, to path: String
    ) throws(DataError) {
        var bytes = header(Element.self, shape: "(\(matrix.rows), \(matrix.columns))")
        bytes.reserveCapacity(bytes.count + matrix.rows * matrix.columns * MemoryLayout<Element>.size)
        for row in 0..<matrix.rows {
            bytes.append(
                UnsafeBufferPointer(start: matrix.pointer + row * matrix.stride, count: matrix.columns))
        }
        try write(bytes, to: path)
    }

    /// Writes `elements` as an array of one dimension. The file appears whole or not at all.
    ///
    /// Throws when the file can't be written.
    public static func write<Element: NpyElement>(_ elements: [Element], to path: String) throws(DataError) {
        try write(elements, shape: [elements.count], to: path)
    }

    /// Writes `elements`, in C order, as an array of the dimensions `shape`. The file appears whole or not at all.
    ///
    /// Throws when the file can't be written.
    public static func write<Element: NpyElement>(
        _ elements: [Element], shape: [Int], to path: String
    ) throws(DataError) {
        try write(bytes(elements, shape: shape), to: path)
    }

    /// The bytes of a file with `elements`, in C order, as an array of the dimensions `shape`.
    public static func bytes<Element: NpyElement>(_ elements: [Element], shape: [Int]) -> Data {
        precondition(elements.count == shape.reduce(1, *), "as many elements as the shape has")
        let dimensions = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var bytes = header(Element.self, shape: "(\(dimensions))")
        elements.withUnsafeBufferPointer { bytes.append($0) }
        return bytes
    }

    /// Magic number, version, length and dictionary, padded with spaces so that the elements start at a multiple
    /// of 64 bytes.
    private static func header<Element: NpyElement>(_: Element.Type, shape: String) -> Data {
        var text = "{'descr': '\(Element.npyDescription)', 'fortran_order': False, 'shape': \(shape), }"
        let unpadded = NpyHeader.magic.count + 4 + text.utf8.count + 1
        text += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
        let length = UInt16(text.utf8.count)
        return Data(NpyHeader.magic + [1, 0, UInt8(length & 0xff), UInt8(length >> 8)] + Array(text.utf8))
    }

    private static func write(_ bytes: Data, to path: String) throws(DataError) {
        do {
            try bytes.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw DataError(
                .inputOutput, source: path, problem: "writing failed: \(error.localizedDescription)",
                remedy: "check that the directory exists, may be written to and has space")
        }
    }
}
