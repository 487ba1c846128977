import LoomData
import LoomKernels
import LoomModel

/// The samples of a training in its order, and the memory that the rows of the current batch are written to.
///
/// A worker writes the rows of its own shards, right before it uses them. When the order of a data set in memory is kept,
/// batches are read where they lie.
struct FeedHandle<Scalar: LoomScalar>: BitwiseCopyable, @unchecked Sendable {
    // Sendable: workers write disjoint rows of the batch; where samples come from is only read.

    /// Where samples come from.
    enum Source: BitwiseCopyable {
        case resident(ResidentRows<Scalar>)
        case generated(GeneratedRows)
        case mapped(MappedHandle<Scalar>)
    }

    let source: Source
    let order: SampleOrder
    let batchInputs: MatrixView<Scalar>
    let batchTargets: BatchTargets<Scalar>
    let indices: UnsafeMutablePointer<UInt64>

    /// Writes the batch rows `rows` of the batch that starts at position `start` of `epoch`.
    func load(rows: Range<Int>, epoch: Int, start: Int) {
        let rowIndices = indices + rows.lowerBound
        order.indices(epoch: epoch, start: start + rows.lowerBound, count: rows.count, into: rowIndices)
        switch source {
        case .resident(let resident):
            resident.gather(rowIndices, into: batchInputs, batchTargets, rows: rows)
        case .generated(let generated):
            generated.make(rowIndices, into: batchInputs, batchTargets, rows: rows)
        case .mapped(let mapped):
            mapped.load(
                rowIndices, into: batchInputs, batchTargets, rows: rows, order: order, epoch: epoch, start: start)
        }
    }

    /// The same samples with `rows` rows of the memory from `start` on: memory for one of several readers.
    func window(start: Int, rows: Int) -> FeedHandle {
        let source: Source =
            switch self.source {
            case .resident, .mapped: self.source
            case .generated(let generated): .generated(generated.window(start: start))
            }
        return FeedHandle(
            source: source, order: order,
            batchInputs: readsInPlace ? batchInputs : batchInputs.rows(start..<start + rows),
            batchTargets: BatchTargets(
                labels: batchTargets.labels.map { $0 + start },
                values: batchTargets.labels == nil
                    ? batchTargets.values.rows(start..<start + rows) : batchTargets.values,
                weights: batchTargets.weights.map { $0 + start }),
            indices: indices + start)
    }

    /// Whether inputs are read where the data set has them.
    var readsInPlace: Bool { batchInputs.rows == 0 }

    /// Inputs as those of every batch lie: rows × features, at least one row.
    var anyData: MatrixView<Scalar> {
        if readsInPlace, case .resident(let resident) = source { resident.inputs } else { batchInputs }
    }

    /// The inputs of the batch that starts at position `start`: batch rows × features.
    func data(start: Int, rows: Int) -> MatrixView<Scalar> {
        readsInPlace ? anyData.rows(start..<start + rows) : batchInputs
    }
}

/// A data set in memory.
struct ResidentRows<Scalar: LoomScalar>: BitwiseCopyable {
    let inputs: MatrixView<Scalar>
    let labels: UnsafeMutablePointer<Int32>?
    let values: MatrixView<Scalar>
    let weights: UnsafeMutablePointer<Scalar>?

    /// Copies the samples `indices` to the rows `rows` of a batch; inputs only where the batch has memory for them.
    func gather(
        _ indices: UnsafePointer<UInt64>, into batchInputs: MatrixView<Scalar>, _ targets: BatchTargets<Scalar>,
        rows: Range<Int>
    ) {
        if batchInputs.rows > 0 { Scalar.gatherRows(indices, of: inputs, into: batchInputs.rows(rows)) }
        gatherTargets(indices, into: targets, rows: rows)
    }

    /// Copies the targets and weights of the samples `indices` to the rows `rows` of a batch.
    func gatherTargets(_ indices: UnsafePointer<UInt64>, into targets: BatchTargets<Scalar>, rows: Range<Int>) {
        if let labels, let batchLabels = targets.labels {
            for (position, row) in rows.enumerated() {
                batchLabels[row] = labels[Int(truncatingIfNeeded: indices[position])]
            }
        } else {
            Scalar.gatherRows(indices, of: values, into: targets.values.rows(rows))
        }
        if let weights, let batchWeights = targets.weights {
            for (position, row) in rows.enumerated() {
                batchWeights[row] = weights[Int(truncatingIfNeeded: indices[position])]
            }
        }
    }
}
