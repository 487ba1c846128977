import LoomKernels

extension NumberArray {
    /// Opens a .npy file of version 1, 2 or 3 with float32, float64, integer or bool elements in C order.
    ///
    /// - Throws: `DataError` for a file that is missing, not .npy, truncated, in Fortran order or big-endian, and for other
    ///   element types or numbers of dimensions.
    package init(npy path: String) throws(DataError) {
        try self.init(npy: InputFile(path: path), takesImages: false)
    }

    /// The array of a .npy file, whose CRC-32 is `checksum` where it is known. More than two dimensions are taken as rows of
    /// their numbers where it `takesImages`.
    init(npy file: InputFile, takesImages: Bool, checksum: UInt32? = nil) throws(DataError) {
        let header = try file.withBytes { bytes throws(DataError) in try NpyHeader(bytes, path: file.path) }
        let shape = header.shape
        guard (1...2).contains(shape.count) || takesImages && shape.count > 2 && Self.columnCount(shape) != nil else {
            throw DataError(
                .badData, source: file.path,
                problem: "\(shape.count) dimensions, shape \(shape), expected samples × columns",
                remedy: "save x.reshape(len(x), -1)")
        }
        self.init(file, offset: header.dataOffset, shape: shape, element: header.element, checksum: checksum)
    }
}

/// Samples in .npy files: inputs, samples × features, and targets.
public struct NpySource: MappedSource, ByteStoring {
    /// The path of the inputs.
    public var name: String { arrays.name }
    /// The path of the targets.
    public var targetName: String { arrays.targetName }
    /// The number of samples.
    public var count: Int { arrays.count }
    /// The number of features.
    public var featureCount: Int { arrays.featureCount }
    /// The detected form of the targets.
    public var targetColumns: TargetColumns { arrays.targetColumns }
    /// The samples.
    package let arrays: ArraySource

    /// The files at the paths `inputs` (two dimensions) and `targets` (one or two dimensions; nil to predict).
    ///
    /// - Throws: `DataError` for a file that cannot be read as such an array, for an empty array, and when the files have
    ///   different numbers of rows.
    public init(inputs: String, targets: String?) throws(DataError) {
        try self.init(inputs: [inputs], targets: targets.map { [$0] })
    }

    /// Several files each, one after the other. A path with `*` or `?` stands for all files of such a name, in the natural
    /// order of their names: 2 before 10. Every number of the inputs is multiplied with `scale`.
    ///
    /// - Throws: as `init(inputs:targets:)`, and for parts that differ in their columns or element types.
    public init(inputs: [String], targets: [String]?, scale: Double = 1) throws(DataError) {
        arrays = try ArraySource(
            inputs: Self.array(inputs), targets: targets.map { paths throws(DataError) in try Self.array(paths) },
            scale: scale)
    }

    /// The number of columns of the first of `paths`.
    package static func featureCount(_ paths: [String]) throws(DataError) -> Int {
        try NumberArray(npy: FilePattern.files(paths)[0]).columns
    }

    private static func array(_ paths: [String]) throws(DataError) -> any RowArray {
        let files = try FilePattern.files(paths)
        if files.count == 1 { return try NumberArray(npy: files[0]) }
        var shards: [any RowArray] = []
        for file in files { shards.append(try NumberArray(npy: file)) }
        return try ShardedArray(name: paths.joined(separator: ", "), shards)
    }

    /// The inputs where they lie in files.
    package func mappedInputs() -> MappedRows? { arrays.mappedInputs() }

    /// The samples of bytes.
    package var asBytes: (source: ArraySource, scale: Double)? { arrays.asBytes }

    /// Reads the samples `rows`.
    public func fill(
        rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
    ) throws(DataError) {
        try arrays.fill(rows: rows, inputs: inputs, targets: targets)
    }
}
