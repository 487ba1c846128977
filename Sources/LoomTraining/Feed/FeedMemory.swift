import LoomData
import LoomKernels
import LoomModel

/// The memory of a batch, and what its samples come from.
final class FeedMemory<Scalar: LoomScalar>: Sendable {
    private let feed: SampleFeed<Scalar>
    private let order: SampleOrder
    private let capacity: Int
    private let inputs: AlignedBuffer<Scalar>
    private let labels: AlignedBuffer<Int32>
    private let values: AlignedBuffer<Scalar>
    private let weights: AlignedBuffer<Scalar>?
    private let indices: AlignedBuffer<UInt64>
    private let scratch: AlignedBuffer<Float>
    let bytes: Int

    init(_ feed: SampleFeed<Scalar>, order: SampleOrder, capacity: Int) {
        self.feed = feed
        self.order = order
        self.capacity = capacity
        let inputStride = Padding.stride(columns: feed.featureCount, of: Scalar.self)
        let inputRows = feed.isReadInPlace(order) ? 0 : capacity
        inputs = AlignedBuffer(uninitializedCount: inputRows * inputStride)
        switch feed.targets {
        case nil:
            labels = AlignedBuffer(uninitializedCount: 0)
            values = AlignedBuffer(uninitializedCount: 0)
        case .labels:
            labels = AlignedBuffer(uninitializedCount: capacity)
            values = AlignedBuffer(uninitializedCount: 0)
        case .values(let columns):
            labels = AlignedBuffer(uninitializedCount: 0)
            values = AlignedBuffer(uninitializedCount: capacity * Padding.stride(columns: columns, of: Scalar.self))
        }
        weights = feed.hasWeights ? AlignedBuffer(uninitializedCount: capacity) : nil
        indices = AlignedBuffer(uninitializedCount: capacity)
        scratch = AlignedBuffer(uninitializedCount: capacity * feed.scratchColumns)
        bytes =
            (inputs.count + values.count + (weights?.count ?? 0)) * MemoryLayout<Scalar>.stride
            + labels.count * MemoryLayout<Int32>.stride + indices.count * MemoryLayout<UInt64>.stride
            + scratch.count * MemoryLayout<Float>.stride
    }

    /// What a step reads, valid while this object lives.
    var handle: FeedHandle<Scalar> {
        var columns = 0
        if case .values(let count)? = feed.targets { columns = count }
        var hasLabels = false
        if case .labels? = feed.targets { hasLabels = true }
        return FeedHandle(
            source: source, order: order,
            batchInputs: MatrixView(
                pointer: inputs.pointer, rows: feed.isReadInPlace(order) ? 0 : capacity, columns: feed.featureCount,
                stride: Padding.stride(columns: feed.featureCount, of: Scalar.self)),
            batchTargets: BatchTargets(
                labels: hasLabels ? labels.pointer : nil,
                values: MatrixView(
                    pointer: values.pointer, rows: hasLabels ? 0 : capacity, columns: columns,
                    stride: Padding.stride(columns: columns, of: Scalar.self)),
                weights: weights?.pointer),
            indices: indices.pointer)
    }

    private var source: FeedHandle<Scalar>.Source {
        switch feed {
        case .resident(let data): return .resident(rows(data))
        case .mapped(let samples):
            return .mapped(MappedHandle(samples: .passUnretained(samples), targets: rows(samples.targets)))
        case .generated(let samples):
            return .generated(
                GeneratedRows(
                    samples: .passUnretained(samples), scratch: scratch.pointer, scratchColumns: feed.scratchColumns))
        }
    }

    private func rows(_ data: Dataset<Scalar>) -> ResidentRows<Scalar> {
        var labels: UnsafeMutablePointer<Int32>?
        var values = MatrixView<Scalar>(pointer: self.values.pointer, rows: 0, columns: 0, stride: 0)
        switch data.targets {
        case nil: break
        case .labels(let all, _): labels = all.pointer
        case .values(let matrix): values = matrix
        }
        return ResidentRows(inputs: data.inputs, labels: labels, values: values, weights: data.weights?.pointer)
    }
}
