import LoomData
import LoomKernels
import LoomModel

/// A zeroed matrix with rows padded to 64 bytes, and the memory behind it.
public final class PaddedMatrix<Scalar: LoomScalar>: Sendable {
    private let buffer: AlignedBuffer<Scalar>
    /// The matrix, valid while this object lives.
    public let view: MatrixView<Scalar>

    /// Zeros.
    public init(rows: Int, columns: Int) {
        let stride = Padding.stride(columns: columns, of: Scalar.self)
        buffer = AlignedBuffer(count: rows * stride, repeating: 0)
        view = MatrixView(pointer: buffer.pointer, rows: rows, columns: columns, stride: stride)
    }
}

/// The first rows of a data set's targets, laid out as a loss wants them.
public final class TargetMemory<Scalar: LoomScalar>: Sendable {
    private let values: PaddedMatrix<Scalar>
    /// The targets, valid while this object and its data set live.
    public let targets: BatchTargets<Scalar>

    /// The targets of the first `rows` samples of `data`.
    public init(_ data: Dataset<Scalar>, rows: Int) throws {
        switch data.targets {
        case .labels(let labels, _):
            values = PaddedMatrix(rows: 0, columns: 1)
            targets = BatchTargets(
                labels: labels.pointer, values: values.view, weights: data.weights?.pointer)
        case .values(let matrix):
            values = PaddedMatrix(rows: rows, columns: matrix.columns)
            for row in 0..<rows {
                for column in 0..<matrix.columns {
                    values.view[row, column] = matrix[row, column]
                }
            }
            targets = BatchTargets(labels: nil, values: values.view, weights: data.weights?.pointer)
        case nil:
            preconditionFailure("the data set has no targets")
        }
    }
}
