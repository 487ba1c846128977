import LoomKernels
import Synchronization

/// One parameter tensor: a weight matrix or a bias (1 × units).
///
/// Weights lie units × inputs (out by in), but those of the data inputs × units where that hardly needs more padding:
/// their only products are x · Wᵀ and Σᵢ δᵢ xᵢᵀ, and neither has to transpose W then. In what is read, written and shown,
/// all weights are units × inputs.
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
    /// Rows in memory: the units, the inputs of transposed weights, or 1 for a bias.
    public let rows: Int
    /// Columns in memory: the inputs, or the units of transposed weights and of a bias.
    public let columns: Int
    /// Whether weights lie inputs × units.
    public let isTransposed: Bool
    /// The distance between two rows in elements, a multiple of 64 bytes.
    public let stride: Int
    /// The index of element (0, 0) in the parameter buffer; 64-byte aligned.
    public let offset: Int

    /// The number of parameters, padding excluded.
    public var count: Int { rows * columns }
    /// Its shape as checkpoints write it: units × inputs; a bias is a vector.
    public var shape: [Int] { role == .bias ? [columns] : isTransposed ? [columns, rows] : [rows, columns] }
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

    /// Appends a bias and returns its index.
    mutating func appendBias<Scalar: LoomScalar>(name: String, units: Int, of type: Scalar.Type) -> Int {
        append(name: name, role: .bias, rows: 1, columns: units, isTransposed: false, of: type)
    }

    /// Appends a weight matrix and returns its index.
    mutating func appendWeights<Scalar: LoomScalar>(
        name: String, units: Int, inputs: Int, source: Network<Scalar>.Source
    ) -> Int {
        // The same for both precisions.
        let isTransposed = source == .data && 4 * Padding.stride(columns: units, of: Float.self) <= 5 * units
        return append(
            name: name, role: .weights, rows: isTransposed ? inputs : units, columns: isTransposed ? units : inputs,
            isTransposed: isTransposed, of: Scalar.self)
    }

    private mutating func append<Scalar: LoomScalar>(
        name: String, role: ParameterTensor.Role, rows: Int, columns: Int, isTransposed: Bool, of type: Scalar.Type
    ) -> Int {
        let stride = Padding.stride(columns: columns, of: type)
        tensors.append(
            ParameterTensor(
                name: name, role: role, rows: rows, columns: columns, isTransposed: isTransposed, stride: stride,
                offset: elementCount))
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

    private let handedOut = Atomic(0)
    /// How often somebody was given addresses, or has replaced elements: as long as it stays the same, nobody has written, but
    /// who kept an address.
    package var accesses: Int { handedOut.load(ordering: .relaxed) }

    /// Zeros in `layout`.
    public init(layout: ParameterLayout) {
        self.layout = layout
        self.buffer = AlignedBuffer(count: layout.elementCount, repeating: 0)
    }

    /// Bytes reserved.
    public var bytes: Int { buffer.count * MemoryLayout<Scalar>.stride }

    /// Tensor `index` as it lies in memory, valid while this buffer lives.
    public func view(_ index: Int) -> MatrixView<Scalar> {
        let tensor = layout.tensors[index]
        handedOut.add(1, ordering: .relaxed)
        return MatrixView(
            pointer: buffer.pointer + tensor.offset, rows: tensor.rows, columns: tensor.columns,
            stride: tensor.stride)
    }

    /// All tensors in one row, padding included, valid while this buffer lives.
    public var elements: MatrixView<Scalar> {
        handedOut.add(1, ordering: .relaxed)
        return MatrixView(pointer: buffer.pointer, rows: 1, columns: buffer.count, stride: buffer.count)
    }

    /// The weight matrix `index` as a factor of products: units × inputs, however it lies.
    public func weights(_ index: Int) -> GemmOperand<Scalar> {
        GemmOperand(view(index), transposed: layout.tensors[index].isTransposed)
    }

    /// The rows of tensor `index` without padding, one after the other; weights are units × inputs.
    public func rows(_ index: Int) -> some Sequence<[Scalar]> {
        let tensor = layout.tensors[index]
        return (0..<(tensor.isTransposed ? tensor.columns : tensor.rows)).lazy.map { [self] in row($0, of: index) }
    }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    private func row(_ row: Int, of index: Int) -> [Scalar] {
        let matrix = view(index)
        guard layout.tensors[index].isTransposed else {
            return Array(UnsafeBufferPointer(start: matrix.rows(row..<row + 1).pointer, count: matrix.columns))
        }
        return (0..<matrix.rows).map { matrix[$0, row] }
    }

    /// Tensor `index` without padding, row by row; weights are units × inputs.
    public func values(_ index: Int) -> [Scalar] { rows(index).flatMap { $0 } }

    /// Replaces tensor `index` by `values`, row by row, without padding; weights are units × inputs.
    public func setValues(_ index: Int, to values: [Scalar]) {
        precondition(values.count == layout.tensors[index].count, "as many values as the tensor has elements")
        setValues(index) { values[$0] }
    }

    /// Replaces element e of tensor `index`, counted row by row without padding, by `value(e)`; weights are units × inputs.
    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    func setValues(_ index: Int, to value: (_ element: Int) -> Scalar) {
        let matrix = view(index)
        let isTransposed = layout.tensors[index].isTransposed
        let (rows, columns) =
            isTransposed ? (matrix.columns, matrix.rows) : (matrix.rows, matrix.columns)
        for row in 0..<rows {
            for column in 0..<columns {
                let value = value(row * columns + column)
                if isTransposed { matrix[column, row] = value } else { matrix[row, column] = value }
            }
        }
    }

    /// Copies all of `other`, which has the same layout.
    public func copy(from other: ParameterBuffer) {
        precondition(layout == other.layout, "buffers of one layout")
        handedOut.add(1, ordering: .relaxed)
        buffer.pointer.update(from: other.buffer.pointer, count: buffer.count)
    }

    /// Sets every element to `value`, padding included.
    public func fill(_ value: Scalar) {
        handedOut.add(1, ordering: .relaxed)
        buffer.pointer.update(repeating: value, count: buffer.count)
    }
}
