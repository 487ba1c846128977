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

/// What .npy files of version 1.0 are made of, in C order.
public enum NpyWriter {
    /// As many bytes, about, are written at once.
    private static let pieceBytes = 1 << 20

    /// Hands over the bytes of a file with a matrix as an array of two dimensions, piece by piece.
    public static func forEachPiece<Element: NpyElement>(
        of matrix: MatrixView<Element>, _ body: ([UInt8]) throws -> Void
    ) rethrows {
        var piece = [UInt8](header(Element.self, shape: "(\(matrix.rows), \(matrix.columns))"))
        for row in 0..<matrix.rows {
            piece += UnsafeRawBufferPointer(
                UnsafeBufferPointer(start: matrix.pointer + row * matrix.stride, count: matrix.columns))
            guard piece.count >= pieceBytes else { continue }
            try body(piece)
            piece.removeAll(keepingCapacity: true)
        }
        if !piece.isEmpty { try body(piece) }
    }

    /// The bytes of a file with `elements`, in C order, as an array of the dimensions `shape`.
    public static func bytes<Element: NpyElement>(_ elements: [Element], shape: [Int]) -> Data {
        precondition(elements.count == shape.reduce(1, *), "as many elements as the shape has")
        let dimensions = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var bytes = header(Element.self, shape: "(\(dimensions))")
        elements.withUnsafeBufferPointer { bytes.append($0) }
        return bytes
    }

    private static func header<Element: NpyElement>(_: Element.Type, shape: String) -> Data {
        header(Element.npyDescription, shape: shape)
    }

    /// Magic number, version, length and dictionary, padded with spaces so that the elements start at a multiple
    /// of 64 bytes: the beginning of a file whose elements are of the type that numpy calls `description`.
    package static func header(_ description: String, shape: String) -> Data {
        var text = "{'descr': '\(description)', 'fortran_order': False, 'shape': \(shape), }"
        let unpadded = NpyHeader.magic.count + 4 + text.utf8.count + 1
        text += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
        let length = UInt16(text.utf8.count)
        return Data(NpyHeader.magic + [1, 0, UInt8(length & 0xff), UInt8(length >> 8)] + Array(text.utf8))
    }
}
