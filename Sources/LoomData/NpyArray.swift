import LoomKernels

/// An array of one or two dimensions in a .npy file, mapped into memory and read row by row.
package struct NpyArray: Sendable {
    /// The file's path.
    package var path: String { file.path }
    /// The extents of its dimensions.
    package var shape: [Int] { header.shape }
    /// The number of rows: the first dimension.
    package let rows: Int
    /// The number of columns: the second dimension, or 1.
    package let columns: Int
    private let file: InputFile
    private let header: NpyHeader

    /// Opens a .npy file of version 1, 2 or 3 with float32, float64, integer or bool elements in C order.
    ///
    /// Throws for a file that is missing, not .npy, truncated, in Fortran order or big-endian, and for other element
    /// types or numbers of dimensions.
    package init(path: String) throws(DataError) {
        file = try InputFile(path: path)
        header = try file.withBytes { bytes throws(DataError) in try NpyHeader(bytes, path: path) }
        guard (1...2).contains(header.shape.count) else {
            throw DataError(
                .badData, source: path,
                problem:
                    "\(header.shape.count) dimensions, shape \(header.shape), expected samples × columns",
                remedy: "save x.reshape(len(x), -1)")
        }
        rows = header.shape[0]
        columns = header.shape.count == 2 ? header.shape[1] : 1
    }

    /// Writes row `rows[rows.startIndex + i]` of the file to row i of `destination`.
    func read(rows: ArraySlice<UInt64>, into destination: MatrixView<Double>) {
        switch header.element {
        case .float32: copy(rows, to: destination, as: Float.self) { Double($0) }
        case .float64: copy(rows, to: destination, as: Double.self) { $0 }
        case .int8: copy(rows, to: destination, as: Int8.self) { Double($0) }
        case .int16: copy(rows, to: destination, as: Int16.self) { Double($0) }
        case .int32: copy(rows, to: destination, as: Int32.self) { Double($0) }
        case .int64: copy(rows, to: destination, as: Int64.self) { Double($0) }
        case .uint8: copy(rows, to: destination, as: UInt8.self) { Double($0) }
        case .uint16: copy(rows, to: destination, as: UInt16.self) { Double($0) }
        case .uint32: copy(rows, to: destination, as: UInt32.self) { Double($0) }
        case .uint64: copy(rows, to: destination, as: UInt64.self) { Double($0) }
        case .bool: copy(rows, to: destination, as: UInt8.self) { $0 == 0 ? 0 : 1 }
        }
    }

    @inline(__always)
    private func copy<Element: BitwiseCopyable>(
        _ rows: ArraySlice<UInt64>, to destination: MatrixView<Double>, as _: Element.Type,
        converted: (Element) -> Double
    ) {
        file.withBytes { bytes in
            for (position, row) in rows.enumerated() {
                let start = header.dataOffset + Int(row) * columns * MemoryLayout<Element>.size
                let to = destination.pointer + position * destination.stride
                for column in 0..<columns {
                    // Only files of version 1 and later numpys align their elements.
                    to[column] = converted(
                        bytes.loadUnaligned(
                            fromByteOffset: start + column * MemoryLayout<Element>.size, as: Element.self))
                }
            }
        }
        guard let first = rows.min(), let last = rows.max() else { return }
        let rowBytes = columns * MemoryLayout<Element>.size
        file.release(header.dataOffset + Int(first) * rowBytes..<header.dataOffset + (Int(last) + 1) * rowBytes)
    }
}

/// Samples in .npy files: one of inputs, samples × features, and one of targets.
public struct NpySource: DataSource {
    /// The path of the inputs.
    public var name: String { inputs.path }
    /// The path of the targets.
    public var targetName: String { targets?.path ?? inputs.path }
    /// The number of samples.
    public var count: Int { inputs.rows }
    /// The number of features.
    public var featureCount: Int { inputs.columns }
    /// None.
    public var featureNames: [String]? { nil }
    /// The detected form of the targets.
    public private(set) var targetColumns: TargetColumns
    private let inputs: NpyArray
    private let targets: NpyArray?

    /// The files at the paths `inputs` (two dimensions) and `targets` (one or two dimensions; nil to predict).
    ///
    /// Throws what `NpyArray` throws, for an empty array, and when the files have different numbers of rows.
    public init(inputs inputPath: String, targets targetPath: String?) throws(DataError) {
        inputs = try NpyArray(path: inputPath)
        guard inputs.shape.count == 2 else {
            throw DataError(
                .badData, source: inputPath,
                problem: "1 dimension, shape \(inputs.shape), expected samples × features",
                remedy: "save x.reshape(-1, 1) for one feature or x.reshape(1, -1) for one sample")
        }
        targets = try targetPath.map { path throws(DataError) in try NpyArray(path: path) }
        targetColumns = TargetColumns(count: targets?.columns ?? 0, form: .none)
        try checkExtent()
        guard let targets else { return }
        guard targets.rows == inputs.rows else {
            throw DataError(
                .badData, source: targets.path,
                problem: "\(targets.rows) rows of targets, but \(inputs.rows) of inputs in \(inputPath)",
                remedy: "give one target per sample")
        }
        guard targets.columns > 0 else {
            throw DataError(
                .badData, source: targets.path, problem: "the targets have no columns",
                remedy: "save at least one target per sample")
        }
        targetColumns.form = try TargetSummary.form(of: self)
    }

    /// Reads the samples `rows`.
    public func fill(
        rows: ArraySlice<UInt64>, inputs inputBlock: MatrixView<Double>?,
        targets targetBlock: MatrixView<Double>?
    ) throws(DataError) {
        if let inputBlock { inputs.read(rows: rows, into: inputBlock) }
        if let targetBlock, let targets { targets.read(rows: rows, into: targetBlock) }
    }
}
