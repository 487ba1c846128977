import LoomKernels

/// Samples made by a `SyntheticDescription`, one by one: any row can be made anywhere, at any time, with the same bits.
public struct SyntheticSource: DataSource {
    /// What is generated.
    public let description: SyntheticDescription
    /// `synthetic` and the task's name.
    public let name: String
    /// Class indices, or real values.
    public let targetColumns: TargetColumns
    /// What makes the samples.
    package let task: any GeneratedTask

    /// The number of samples.
    public var count: Int { description.samples }
    /// The number of features.
    public var featureCount: Int { description.featureCount }
    /// None.
    public var featureNames: [String]? { nil }

    /// A generator; throws for values that make no sense, naming the key.
    public init(_ description: SyntheticDescription) throws(DataError) {
        try description.validate()
        self.description = description
        self.name = "synthetic \(description.task.rawValue)"
        if let classes = description.classes {
            self.targetColumns = TargetColumns(count: 1, form: .classIndices(classes: classes))
        } else {
            self.targetColumns = TargetColumns(
                count: description.targets, form: .real(columns: description.targets))
        }
        self.task = description.makeTask()
    }

    /// The sample's number, counted from 0.
    public func place(row: Int) -> String {
        "sample \(row) (counted from 0)"
    }

    /// Makes the samples `rows`: in float32, and widened.
    public func fill(
        rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
    ) throws(DataError) {
        let count = rows.count
        let (features, columns) = (featureCount, targetColumns.count)
        let memory = AlignedBuffer<Float>(uninitializedCount: count * (task.scratchColumns + features + columns))
        defer { withExtendedLifetime(memory) {} }
        let values = memory.pointer + count * task.scratchColumns
        let made = MatrixView(pointer: values, rows: count, columns: features, stride: features)
        let madeTargets = MatrixView(
            pointer: values + count * features, rows: count, columns: columns, stride: columns)
        rows.withUnsafeBufferPointer { indices in
            guard let start = indices.baseAddress else { return }
            task.make(
                TaskRows(indices: start, inputs: made, targets: madeTargets, scratch: memory.pointer))
        }
        if let inputs { ScalarStorage.widen(made, to: inputs) }
        if let targets { ScalarStorage.widen(madeTargets, to: targets) }
    }
}
