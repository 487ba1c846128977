import LoomKernels

/// A task of which some labels are wrong, or whose samples have features that say nothing new.
struct AlteredTask: GeneratedTask {
    private let task: any GeneratedTask
    private let inputs: Int
    private let classes: Int
    private let labelNoise: Float
    private let labels: RandomRows
    /// The combinations of the task's own features; nil: none.
    private let redundant: DenseWeights?
    private let irrelevant: RandomRows

    init(_ description: SyntheticDescription) {
        task = description.makeUnalteredTask()
        inputs = description.inputs
        classes = description.classes ?? 1
        labelNoise = Float(description.labelNoise)
        labels = RandomRows(
            seed: description.seed, purpose: .syntheticChoice, subStream: SyntheticDescription.SubStream.labelNoise)
        irrelevant = RandomRows(
            seed: description.seed, purpose: .syntheticNoise, subStream: SyntheticDescription.SubStream.irrelevant)
        let count = description.redundant
        guard count > 0 else {
            redundant = nil
            return
        }
        let rows = RandomDirections.rows(
            count, of: inputs, seed: description.seed, stream: SyntheticDescription.SubStream.redundant, length: 1)
        redundant = DenseWeights(RandomDirections.transposed(rows, columns: inputs), inputs: inputs, units: count)
    }

    /// The distance of two rows of the numbers that decide about labels: whether one is replaced, and by which.
    private var labelStride: Int { Padding.stride(columns: 2, of: Float.self) }

    var scratchColumns: Int { max(task.scratchColumns, redundant?.stride ?? 0, labelNoise > 0 ? labelStride : 0) }

    func make(_ rows: TaskRows) {
        let own = rows.inputs.columns(0..<inputs)
        task.make(TaskRows(indices: rows.indices, inputs: own, targets: rows.targets, scratch: rows.scratch))
        var next = inputs
        if let redundant {
            let values = MatrixView(
                pointer: rows.scratch, rows: rows.count, columns: redundant.units, stride: redundant.stride)
            redundant.multiply(own, into: values)
            for row in 0..<rows.count {
                (rows.input(row) + next).update(from: values.pointer + row * values.stride, count: values.columns)
            }
            next += redundant.units
        }
        if next < rows.inputs.columns {
            irrelevant.makeNormals(rows.indices, into: rows.inputs.columns(next..<rows.inputs.columns))
        }
        if labelNoise > 0 { replaceLabels(rows) }
    }

    private func replaceLabels(_ rows: TaskRows) {
        let random = MatrixView(pointer: rows.scratch, rows: rows.count, columns: 2, stride: labelStride)
        labels.makeUniforms(rows.indices, into: random)
        for row in 0..<rows.count where random[row, 0] < labelNoise {
            // One of the others: from 1 to `classes` − 1 places further.
            let step = 1 + min(classes - 2, Int(Double(random[row, 1]) * Double(classes - 1)))
            rows.target(row)[0] = Float((Int(rows.target(row)[0]) + step) % classes)
        }
    }
}
