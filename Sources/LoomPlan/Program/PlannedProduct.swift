import LoomKernels
import LoomModel

/// The sizes of a matrix product, and the distances between the rows of its matrices.
public struct ProductShape: Sendable, Hashable {
    /// What a product is for.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// x · Wᵀ, where W may lie transposed
        case forward
        /// δ · W
        case backward
        /// Σᵢ δᵢ xᵢᵀ over some samples of the batch, for some rows or columns of the weights
        case gradient
    }

    /// What the product is for.
    public let kind: Kind
    /// Rows of the result: samples of one call; for a gradient, rows of the weights as they lie.
    public let rows: Int
    /// Columns of the result.
    public let columns: Int
    /// The dimension that is summed over; for a gradient, samples.
    public let inner: Int
    /// Whether W lies inputs × units.
    public let weightsAreTransposed: Bool
    /// Elements from row to row of the left matrix: x or δ.
    public let leftStride: Int
    /// Elements from row to row of the right matrix: W; in a gradient x or δ.
    public let rightStride: Int
    /// Elements from row to row of the result.
    public let resultStride: Int

    /// A product; strides that are nil are those of matrices without padding.
    public init(
        kind: Kind, rows: Int, columns: Int, inner: Int, weightsAreTransposed: Bool = false, leftStride: Int? = nil,
        rightStride: Int? = nil, resultStride: Int? = nil
    ) {
        self.kind = kind
        self.rows = rows
        self.columns = columns
        self.inner = inner
        self.leftStride = leftStride ?? (kind == .gradient ? rows : inner)
        self.weightsAreTransposed = weightsAreTransposed
        self.rightStride = rightStride ?? (kind == .forward && !weightsAreTransposed ? inner : columns)
        self.resultStride = resultStride ?? columns
    }

    /// The floating-point operations of one call: 2 · rows · columns · inner.
    public var operations: Double { Gemm<Float>.operations(rows: rows, columns: columns, inner: inner) }
}

/// A matrix product that a training step calls, and how often.
public struct PlannedProduct: Sendable, Equatable {
    /// The layer that the weights belong to.
    public let layer: String
    /// The sizes of one call.
    public let shape: ProductShape
    /// Calls of all workers in a step on a full batch.
    public internal(set) var callsPerStep: Int
}

extension StepProgram {
    /// The matrix products of a step, in the order of the layers: forward, backward and gradient, each shape once with the
    /// number of its calls.
    package func products(_ shapes: StepShapes) -> [PlannedProduct] {
        var tally = ProductTally(elementBytes: shapes.elementBytes)
        let operations = phases.flatMap { $0.operations.joined() }
        var connection = 0
        for (index, layer) in shapes.layers.enumerated() {
            for tensor in layer.connections.map({ shapes.tensors[$0.tensor] }) {
                for case .forward(let rows) in operations {
                    tally.addForward(
                        of: layer.name, tensor, rows: rows.count, rowsPerCall: callRows[connection].forward)
                }
                if tensor.source != nil {
                    for case .backward(let rows) in operations {
                        tally.addBackward(
                            of: layer.name, tensor, rows: rows.count, rowsPerCall: callRows[connection].backward)
                    }
                }
                connection += 1
            }
            for operation in operations {
                guard case (let part, let rows)? = operation.gradientProduct, shapes.isWeights(part),
                    case .slices(let tensor, let grid, let range, _) = part, shapes.tensors[tensor].layer == index
                else { continue }
                tally.addGradient(
                    of: layer.name, shapes.tensors[tensor], grid, grid.range(of: range), samples: rows.count)
            }
        }
        return tally.products
    }
}

extension Operation {
    /// The part and the samples of a gradient's product.
    fileprivate var gradientProduct: (ParameterPart, Range<Int>)? {
        switch self {
        case .gradient(let part, let rows, _, _), .fusedUpdate(let part, let rows): (part, rows)
        default: nil
        }
    }
}

/// Counts calls by shape, and keeps the shapes in the order in which they come.
private struct ProductTally {
    let elementBytes: Int
    private(set) var products: [PlannedProduct] = []

    init(elementBytes: Int) { self.elementBytes = elementBytes }

    mutating func addForward(of layer: String, _ tensor: StepShapes.Tensor, rows: Int, rowsPerCall: Int?) {
        let weights = tensor.parameters
        for rows in (0..<rows).chunks(of: min(rowsPerCall ?? rows, rows)).map(\.count) {
            add(
                ProductShape(
                    kind: .forward, rows: rows, columns: weights.shape[0], inner: weights.shape[1],
                    weightsAreTransposed: weights.isTransposed, leftStride: stride(tensor.sourceWidth),
                    rightStride: weights.stride, resultStride: stride(weights.shape[0])), of: layer)
        }
    }

    mutating func addBackward(of layer: String, _ tensor: StepShapes.Tensor, rows: Int, rowsPerCall: Int?) {
        let weights = tensor.parameters
        for rows in (0..<rows).chunks(of: min(rowsPerCall ?? rows, rows)).map(\.count) {
            add(
                ProductShape(
                    kind: .backward, rows: rows, columns: weights.columns, inner: weights.rows,
                    leftStride: stride(weights.rows), rightStride: weights.stride,
                    resultStride: stride(tensor.sourceWidth)), of: layer)
        }
    }

    mutating func addGradient(
        of layer: String, _ tensor: StepShapes.Tensor, _ grid: SliceGrid, _ range: Range<Int>, samples: Int
    ) {
        let weights = tensor.parameters
        add(
            ProductShape(
                kind: .gradient, rows: grid.axis == .rows ? range.count : weights.rows,
                columns: grid.axis == .rows ? weights.columns : range.count, inner: samples,
                leftStride: stride(weights.isTransposed ? tensor.sourceWidth : weights.rows),
                rightStride: stride(weights.isTransposed ? weights.columns : tensor.sourceWidth),
                resultStride: weights.stride), of: layer)
    }

    private mutating func add(_ shape: ProductShape, of layer: String) {
        if let known = products.firstIndex(where: { $0.layer == layer && $0.shape == shape }) {
            products[known].callsPerStep += 1
        } else {
            products.append(PlannedProduct(layer: layer, shape: shape, callsPerStep: 1))
        }
    }

    /// The stride of a workspace matrix; the samples of a batch are gathered into one like it.
    private func stride(_ columns: Int) -> Int {
        elementBytes == MemoryLayout<Double>.stride
            ? Padding.stride(columns: columns, of: Double.self) : Padding.stride(columns: columns, of: Float.self)
    }
}
