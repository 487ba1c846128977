import LoomKernels

/// One parameter tensor: a weight matrix (units × inputs, out by in) or a bias (1 × units).
public struct ParameterTensor: Sendable, Equatable {
    /// What the numbers are; the L2 penalty and weight decay apply to weights only.
    public enum Role: BitwiseCopyable, Sendable {
        /// The weights of one connection.
        case weights
        /// The biases of one layer.
        case bias
    }
    /// The tensor's name, `LAYER.weights` (`LAYER.weights.INPUT` with several inputs) or `LAYER.bias`: also its name
    /// in a checkpoint.
    public let name: String
    /// What the numbers are.
    public let role: Role
    /// Rows: the units, or 1 for a bias.
    public let rows: Int
    /// Columns: the inputs, or the units for a bias.
    public let columns: Int
    /// The distance between two rows in elements, a multiple of 64 bytes.
    public let stride: Int
    /// The index of element (0, 0) in the parameter buffer; 64-byte aligned.
    public let offset: Int

    /// The number of parameters, padding excluded.
    public var count: Int { rows * columns }
    /// Its shape as checkpoints write it: a bias is a vector.
    public var shape: [Int] { role == .bias ? [columns] : [rows, columns] }
}

/// Where every parameter of a network lies in one contiguous buffer.
///
/// Tensors follow each other in the order of the layers, weights before bias; every row starts on a 64-byte boundary,
/// so that slices of the parameters can be updated by different workers without sharing a cache line.
/// Gradients and optimizer states have the same layout.
public struct ParameterLayout: Sendable, Equatable {
    /// The tensors in the order of the buffer.
    public private(set) var tensors: [ParameterTensor] = []
    /// Elements of the buffer, padding included.
    public private(set) var elementCount = 0

    init() {}

    /// Appends a tensor and returns its index.
    mutating func append<Scalar: LoomScalar>(
        name: String, role: ParameterTensor.Role, rows: Int, columns: Int, of type: Scalar.Type
    ) -> Int {
        let stride = Padding.stride(columns: columns, of: type)
        tensors.append(
            ParameterTensor(
                name: name, role: role, rows: rows, columns: columns, stride: stride, offset: elementCount))
        elementCount += rows * stride
        return tensors.count - 1
    }

    /// The number of parameters, padding excluded.
    public var parameterCount: Int { tensors.reduce(0) { $0 + $1.count } }
}

/// A buffer in the layout of a network's parameters: the parameters themselves, their gradient or an optimizer's state.
public final class ParameterBuffer<Scalar: LoomScalar>: Sendable {
    /// Where every tensor lies.
    public let layout: ParameterLayout
    let buffer: AlignedBuffer<Scalar>

    /// Zeros in `layout`.
    public init(layout: ParameterLayout) {
        self.layout = layout
        self.buffer = AlignedBuffer(count: layout.elementCount, repeating: 0)
    }

    /// The matrix of tensor `index`, valid while this buffer lives.
    public func view(_ index: Int) -> MatrixView<Scalar> {
        let tensor = layout.tensors[index]
        return MatrixView(
            pointer: buffer.pointer + tensor.offset, rows: tensor.rows, columns: tensor.columns,
            stride: tensor.stride)
    }

    /// Tensor `index` without padding, row by row.
    public func values(_ index: Int) -> [Scalar] {
        let matrix = view(index)
        return (0..<matrix.rows).flatMap { row in (0..<matrix.columns).map { matrix[row, $0] } }
    }

    /// Replaces tensor `index` by `values`, row by row, without padding.
    public func setValues(_ index: Int, to values: some RandomAccessCollection<Scalar>) {
        let matrix = view(index)
        precondition(values.count == matrix.rows * matrix.columns, "as many values as the tensor has elements")
        var next = values.makeIterator()
        for row in 0..<matrix.rows {
            for column in 0..<matrix.columns {
                matrix[row, column] = next.next()!
            }
        }
    }

    /// Copies all of `other`, which has the same layout.
    public func copy(from other: ParameterBuffer) {
        precondition(layout == other.layout, "buffers of one layout")
        buffer.pointer.update(from: other.buffer.pointer, count: buffer.count)
    }

    /// Sets every element to `value`, padding included.
    public func fill(_ value: Scalar) {
        buffer.pointer.update(repeating: value, count: buffer.count)
    }
}
