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
    let task: any GeneratedTask

    /// The number of samples.
    public var count: Int { description.samples }
    /// The number of features.
    public var featureCount: Int { description.featureCount }

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
        let memory = AlignedBuffer<Float>(uninitializedCount: rows.count * memoryColumns(includesInputs: true))
        defer { withExtendedLifetime(memory) {} }
        rows.withUnsafeBufferPointer { indices in
            guard let start = indices.baseAddress else { return }
            let made = make(start, count: rows.count, memory: memory.pointer)
            if let inputs { ScalarStorage.widen(made.inputs, to: inputs) }
            if let targets { ScalarStorage.widen(made.targets, to: targets) }
        }
    }

    // MARK: In float32

    /// Elements of float32 memory for each sample while it is made, a multiple of 16: what the task needs, then targets, then
    /// inputs unless they have a place of their own.
    package func memoryColumns(includesInputs: Bool) -> Int {
        task.scratchColumns + targetStride + (includesInputs ? inputStride : 0)
    }

    private var targetStride: Int { Padding.stride(columns: targetColumns.count, of: Float.self) }
    private var inputStride: Int { Padding.stride(columns: featureCount, of: Float.self) }

    /// Makes the samples `indices`, `count` of them, and says where they are: inputs at `inputs`, or without it in `memory` as
    /// well, which has `memoryColumns` elements for each sample and is aligned to 64 bytes. Nothing is allocated.
    package func make(
        _ indices: UnsafePointer<UInt64>, count: Int, inputs: MatrixView<Float>? = nil,
        memory: UnsafeMutablePointer<Float>
    ) -> (inputs: MatrixView<Float>, targets: MatrixView<Float>) {
        let made = memory + count * task.scratchColumns
        let targets = MatrixView(pointer: made, rows: count, columns: targetColumns.count, stride: targetStride)
        let inputs =
            inputs
            ?? MatrixView(
                pointer: made + count * targetStride, rows: count, columns: featureCount, stride: inputStride)
        task.make(TaskRows(indices: indices, inputs: inputs, targets: targets, scratch: memory))
        return (inputs, targets)
    }
}
