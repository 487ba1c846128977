import LoomKernels

/// A source whose inputs may be bytes.
package protocol ByteStoring {
    /// The same samples with inputs that are bytes as they are stored, and what they are multiplied with; nil where inputs are
    /// no bytes.
    var asBytes: (source: ArraySource, scale: Double)? { get }
}

/// Samples in arrays of numbers: one of inputs, and one of targets.
package struct ArraySource: MappedSource, ByteStoring {
    /// What the inputs are called.
    package var name: String { inputs.name }
    /// What the targets are called.
    package var targetName: String { targets?.name ?? inputs.name }
    /// The number of samples.
    package var count: Int { inputs.rows }
    /// The number of features.
    package var featureCount: Int { inputs.columns }
    /// The features' names where they are known.
    package let featureNames: [String]?
    /// The declared or detected form of the targets.
    package private(set) var targetColumns: TargetColumns
    /// That images are taken for rows of pixels.
    package let notes: [String]
    /// Bytes that the arrays keep.
    package var indexBytes: Int { inputs.indexBytes + (targets?.indexBytes ?? 0) }
    /// What every number of the inputs is multiplied with.
    package let scale: Double
    private let inputs: any RowArray
    private let targets: (any RowArray)?

    /// The samples of `inputs` (two dimensions or more) and `targets` (one or two dimensions; nil to predict).
    ///
    /// - Parameters:
    ///   - inputs: The features.
    ///   - targets: As many rows.
    ///   - scale: What every number of the inputs is multiplied with.
    ///   - featureNames: The features' names where they are known.
    ///   - declared: The target columns where their form is known; otherwise all targets are looked at.
    /// - Throws: `DataError` for an empty array, and for different numbers of rows.
    init(
        inputs: any RowArray, targets: (any RowArray)?, scale: Double = 1, featureNames: [String]? = nil,
        declared: TargetColumns? = nil
    ) throws(DataError) {
        guard inputs.shape.count >= 2 else {
            throw DataError(
                .badData, source: inputs.name,
                problem: "1 dimension, shape \(inputs.shape), expected samples × features",
                remedy: "save x.reshape(-1, 1) for one feature or x.reshape(1, -1) for one sample")
        }
        self.inputs = inputs
        self.targets = targets
        self.scale = scale
        self.featureNames = featureNames
        let isImages = inputs.shape.count > 2
        notes =
            isImages
            ? [
                "the inputs have \(inputs.shape.count) dimensions, \(inputs.shape): "
                    + "taken as \(inputs.columns) features"
            ] : []
        targetColumns = declared ?? TargetColumns(count: targets?.columns ?? 0, form: .none)
        try checkExtent()
        guard let targets else { return }
        guard targets.rows == inputs.rows else {
            throw DataError(
                .badData, source: targets.name,
                problem: "\(targets.rows) rows of targets, but \(inputs.rows) of inputs in \(inputs.name)",
                remedy: "give one target per sample")
        }
        guard targets.columns > 0 else {
            throw DataError(
                .badData, source: targets.name, problem: "there are no target columns, shape \(targets.shape)",
                remedy: "save at least one target per sample")
        }
        if declared == nil { targetColumns.form = try TargetSummary.form(of: self) }
    }

    /// Copies the samples `rows`.
    package func fill(
        rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
    ) throws(DataError) {
        if let inputs {
            try self.inputs.read(rows: rows, into: inputs)
            if scale != 1 {
                for row in 0..<rows.count {
                    let start = inputs.pointer + row * inputs.stride
                    for column in 0..<inputs.columns { start[column] *= scale }
                }
            }
        }
        if let targets { try self.targets?.read(rows: rows, into: targets) }
    }

    /// The inputs where they lie in files.
    package func mappedInputs() -> MappedRows? {
        inputs.mappedParts.map { MappedRows($0, columns: inputs.columns, element: inputs.element, scale: scale) }
    }

    /// Compares the files with their checksums, where there are any.
    package func verifyContent() throws(DataError) {
        try inputs.verify()
        try targets?.verify()
    }

    /// The same samples with inputs that are bytes as they are stored, and what they are multiplied with; nil where inputs are
    /// no bytes.
    package var asBytes: (source: ArraySource, scale: Double)? {
        guard inputs.element == .uint8 else { return nil }
        return (ArraySource(self, scale: 1), scale)
    }

    private init(_ other: ArraySource, scale: Double) {
        (inputs, targets, featureNames) = (other.inputs, other.targets, other.featureNames)
        (targetColumns, notes, self.scale) = (other.targetColumns, other.notes, scale)
    }
}
