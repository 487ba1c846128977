import LoomData
import LoomKernels

extension NpyWriter {
    /// Writes a matrix as an array of two dimensions. The file appears whole or not at all.
    ///
    /// - Throws: `AtomicFile.WriteError`.
    public static func write<Element: NpyElement>(_ matrix: MatrixView<Element>, to path: String) throws {
        try AtomicFile.write(to: path) { output in try forEachPiece(of: matrix) { try output.append($0) } }
    }

    /// Writes `elements` as an array of one dimension. The file appears whole or not at all.
    ///
    /// - Throws: `AtomicFile.WriteError`.
    public static func write<Element: NpyElement>(_ elements: [Element], to path: String) throws {
        try write(elements, shape: [elements.count], to: path)
    }

    /// Writes `elements`, in C order, as an array of the dimensions `shape`. The file appears whole or not at all.
    ///
    /// - Throws: `AtomicFile.WriteError`.
    public static func write<Element: NpyElement>(_ elements: [Element], shape: [Int], to path: String) throws {
        try AtomicFile.write(to: path) { output in try output.append([UInt8](bytes(elements, shape: shape))) }
    }
}
