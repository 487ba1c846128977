import LoomKernels

/// Samples written out in a configuration or in code.
public struct InlineSource: DataSource {
    /// `inline data`, or what the initialiser was given.
    public let name: String
    /// The number of samples.
    public let count: Int
    /// The number of features.
    public let featureCount: Int
    /// The detected form of the targets.
    public private(set) var targetColumns: TargetColumns
    private let inputs: [[Double]]
    private let targets: [[Double]]

    /// `inputs`: samples × features; `targets`: samples × columns, one row per sample, or nil to predict.
    ///
    /// Throws for no samples, rows of different lengths, a different number of inputs and targets, and targets
    /// that aren't finite.
    public init(
        inputs: [[Double]], targets: [[Double]]? = nil, name: String = "inline data"
    ) throws(DataError) {
        self.name = name
        self.inputs = inputs
        self.targets = targets ?? []
        self.count = inputs.count
        self.featureCount = inputs.first?.count ?? 0
        self.targetColumns = TargetColumns(count: targets?.first?.count ?? 0, form: .none)
        try checkExtent()
        try Self.checkRows(inputs, "inputs", name: name)
        guard let targets else { return }
        guard targets.count == inputs.count else {
            throw DataError(
                .badData, source: name,
                problem: "\(inputs.count) rows of inputs, but \(targets.count) targets",
                remedy: "give one target per sample")
        }
        guard targetColumns.count > 0 else {
            throw DataError(
                .badData, source: name, place: "targets[0]", problem: "the row is empty",
                remedy: "give at least one target per sample, or leave the targets out")
        }
        try Self.checkRows(targets, "targets", name: name)
        targetColumns.form = try TargetSummary.form(of: self)
    }

    private static func checkRows(_ rows: [[Double]], _ key: String, name: String) throws(DataError) {
        for (index, row) in rows.enumerated() where row.count != rows[0].count {
            throw DataError(
                .badData, source: name, place: "\(key)[\(index)]",
                problem: "\(row.count) numbers, but \(key)[0] has \(rows[0].count)",
                remedy: "give every sample the same number of columns")
        }
    }

    /// Copies the samples `rows`.
    public func fill(
        rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
    ) throws(DataError) {
        for (position, sample) in rows.enumerated() {
            if let inputs { Self.copy(self.inputs[Int(sample)], to: inputs, row: position) }
            if let targets, targets.columns > 0 {
                Self.copy(self.targets[Int(sample)], to: targets, row: position)
            }
        }
    }

    private static func copy(_ values: [Double], to matrix: MatrixView<Double>, row: Int) {
        for (column, value) in values.enumerated() {
            matrix[row, column] = value
        }
    }
}
