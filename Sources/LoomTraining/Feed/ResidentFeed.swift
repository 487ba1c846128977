import LoomData
import LoomKernels
import LoomModel

/// The samples of a data set in the order of training, and the memory that the rows of the current batch are
/// gathered into.
///
/// A worker gathers the rows of its own shards, right before it uses them. When the order of the data set is kept,
/// batches are read where they lie.
struct FeedHandle<Scalar: LoomScalar>: BitwiseCopyable, @unchecked Sendable {
    // Sendable: workers write disjoint rows of the gathered batch; the data set is only read.

    let order: SampleOrder
    let inputs: MatrixView<Scalar>
    let labels: UnsafeMutablePointer<Int32>?
    let values: MatrixView<Scalar>
    /// Whether inputs are copied into `batchInputs`.
    var gathers: Bool { order.shuffle }
    let batchInputs: MatrixView<Scalar>
    let batchTargets: BatchTargets<Scalar>
    let indices: UnsafeMutablePointer<UInt64>

    /// Gathers the batch rows `rows` of the batch that starts at position `start` of `epoch`.
    func load(rows: Range<Int>, epoch: Int, start: Int) {
        let rowIndices = indices + rows.lowerBound
        order.indices(epoch: epoch, start: start + rows.lowerBound, count: rows.count, into: rowIndices)
        if gathers {
            Scalar.gatherRows(rowIndices, of: inputs, into: batchInputs.rows(rows))
        }
        if let labels, let batchLabels = batchTargets.labels {
            for row in rows {
                batchLabels[row] = labels[Int(truncatingIfNeeded: indices[row])]
            }
        } else {
            Scalar.gatherRows(rowIndices, of: values, into: batchTargets.values.rows(rows))
        }
    }

    /// The same samples with `rows` rows of the memory from `start` on: memory for one of several readers.
    func window(start: Int, rows: Int) -> FeedHandle {
        FeedHandle(
            order: order, inputs: inputs, labels: labels, values: values,
            batchInputs: gathers ? batchInputs.rows(start..<start + rows) : batchInputs,
            batchTargets: BatchTargets(
                labels: batchTargets.labels.map { $0 + start },
                values: batchTargets.labels == nil ? batchTargets.values.rows(start..<start + rows) : values),
            indices: indices + start)
    }

    /// Inputs as those of every batch lie: rows × features, at least one row.
    var anyData: MatrixView<Scalar> { gathers ? batchInputs : inputs }

    /// The inputs of the batch that starts at position `start`: batch rows × features.
    func data(start: Int, rows: Int) -> MatrixView<Scalar> {
        gathers ? batchInputs : inputs.rows(start..<start + rows)
    }
}

/// A data set in memory with the memory of a batch.
final class ResidentFeed<Scalar: LoomScalar>: Sendable {
    private let inputs: AlignedBuffer<Scalar>
    private let labels: AlignedBuffer<Int32>
    private let values: AlignedBuffer<Scalar>
    private let indices: AlignedBuffer<UInt64>
    private let dataset: Dataset<Scalar>
    private let order: SampleOrder
    private let capacity: Int
    let bytes: Int

    init(dataset: Dataset<Scalar>, order: SampleOrder, capacity: Int) {
        self.dataset = dataset
        self.order = order
        self.capacity = capacity
        let inputStride = Padding.stride(columns: dataset.inputs.columns, of: Scalar.self)
        inputs = AlignedBuffer(uninitializedCount: order.shuffle ? capacity * inputStride : 0)
        switch dataset.targets {
        case nil:
            labels = AlignedBuffer(uninitializedCount: 0)
            values = AlignedBuffer(uninitializedCount: 0)
        case .labels:
            labels = AlignedBuffer(uninitializedCount: capacity)
            values = AlignedBuffer(uninitializedCount: 0)
        case .values(let matrix):
            labels = AlignedBuffer(uninitializedCount: 0)
            values = AlignedBuffer(
                uninitializedCount: capacity * Padding.stride(columns: matrix.columns, of: Scalar.self))
        }
        indices = AlignedBuffer(uninitializedCount: capacity)
        bytes =
            (inputs.count + values.count) * MemoryLayout<Scalar>.stride
            + labels.count * MemoryLayout<Int32>.stride + indices.count * MemoryLayout<UInt64>.stride
    }

    /// What a step reads, valid while this object lives.
    var handle: FeedHandle<Scalar> {
        let features = dataset.inputs.columns
        var targetLabels: UnsafeMutablePointer<Int32>?
        var targetValues = MatrixView<Scalar>(pointer: values.pointer, rows: 0, columns: 0, stride: 0)
        switch dataset.targets {
        case nil: break
        case .labels(let all, _): targetLabels = all.pointer
        case .values(let matrix): targetValues = matrix
        }
        return FeedHandle(
            order: order, inputs: dataset.inputs, labels: targetLabels, values: targetValues,
            batchInputs: MatrixView(
                pointer: inputs.pointer, rows: order.shuffle ? capacity : 0, columns: features,
                stride: Padding.stride(columns: features, of: Scalar.self)),
            batchTargets: BatchTargets(
                labels: targetLabels == nil ? nil : labels.pointer,
                values: MatrixView(
                    pointer: values.pointer, rows: targetLabels == nil ? capacity : 0,
                    columns: targetValues.columns,
                    stride: Padding.stride(columns: targetValues.columns, of: Scalar.self))),
            indices: indices.pointer)
    }
}
