import LoomKernels
import LoomModel

/// A matrix product that a training step calls, and how often.
public struct PlannedProduct: Sendable, Equatable {
    /// The layer that the weights belong to.
    public let layer: String
    /// One call, as a product that is written: what it is added to, and what follows it, makes no other product of it.
    public let shape: GemmShape
    /// Calls in a step on a full batch.
    public internal(set) var callsPerStep: Int
}

extension StepProgram {
    /// The matrix products of a step, in the order of the layers: forward, backward and gradient, each shape once with the
    /// number of its calls.
    /// - Parameter worker: The only worker whose calls count; nil: those of all.
    package func products(_ shapes: StepShapes, of worker: Int? = nil) -> [PlannedProduct] {
        products(
            of: phases.flatMap { phase in worker.map { phase.operations[$0] } ?? Array(phase.operations.joined()) },
            shapes)
    }

    /// The matrix products of one of its operations.
    package func products(of operation: Operation, _ shapes: StepShapes) -> [PlannedProduct] {
        products(of: [operation], shapes)
    }

    private func products(of operations: [Operation], _ shapes: StepShapes) -> [PlannedProduct] {
        var tally = ProductTally(precision: shapes.precision, operands: shapes.operands)
        var connection = 0
        for (index, layer) in shapes.layers.enumerated() {
            for tensor in layer.connections.map({ shapes.tensors[$0.tensor] }) {
                for case .forward(let rows, let layers) in operations where layers?.contains(index) ?? true {
                    tally.addForward(
                        of: layer.name, tensor, rows: rows.count, rowsPerCall: callRows[connection].forward)
                }
                if tensor.source != nil {
                    for case .backward(let rows, let layers) in operations where layers?.contains(index) ?? true {
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
    let precision: Precision
    let operands: OperandFormat
    private(set) var products: [PlannedProduct] = []

    init(precision: Precision, operands: OperandFormat) {
        self.precision = precision
        self.operands = operands
    }

    mutating func addForward(of layer: String, _ tensor: StepShapes.Tensor, rows: Int, rowsPerCall: Int?) {
        let weights = tensor.parameters
        for rows in (0..<rows).chunks(of: min(rowsPerCall ?? rows, rows)).map(\.count) {
            add(
                GemmShape(
                    .forward, rows: rows, columns: weights.shape[0], inner: weights.shape[1],
                    left: .init(stride: stride(tensor.sourceWidth)),
                    right: .init(stride: weights.stride, isTransposed: !weights.isTransposed),
                    resultStride: stride(weights.shape[0]), precision: precision, operands: operands), of: layer)
        }
    }

    mutating func addBackward(of layer: String, _ tensor: StepShapes.Tensor, rows: Int, rowsPerCall: Int?) {
        let weights = tensor.parameters
        for rows in (0..<rows).chunks(of: min(rowsPerCall ?? rows, rows)).map(\.count) {
            add(
                GemmShape(
                    .backward, rows: rows, columns: weights.columns, inner: weights.rows,
                    left: .init(stride: stride(weights.rows)), right: .init(stride: weights.stride),
                    resultStride: stride(tensor.sourceWidth), precision: precision, operands: operands), of: layer)
        }
    }

    mutating func addGradient(
        of layer: String, _ tensor: StepShapes.Tensor, _ grid: SliceGrid, _ range: Range<Int>, samples: Int
    ) {
        let weights = tensor.parameters
        add(
            GemmShape(
                .gradient, rows: grid.axis == .rows ? range.count : weights.rows,
                columns: grid.axis == .rows ? weights.columns : range.count, inner: samples,
                left: .init(
                    stride: stride(weights.isTransposed ? tensor.sourceWidth : weights.rows), isTransposed: true),
                right: .init(stride: stride(weights.isTransposed ? weights.columns : tensor.sourceWidth)),
                resultStride: weights.stride, precision: precision, operands: operands), of: layer)
    }

    private mutating func add(_ shape: GemmShape, of layer: String) {
        if let known = products.firstIndex(where: { $0.layer == layer && $0.shape == shape }) {
            products[known].callsPerStep += 1
        } else {
            products.append(PlannedProduct(layer: layer, shape: shape, callsPerStep: 1))
        }
    }

    /// The stride of a workspace matrix; the samples of a batch are gathered into one like it.
    private func stride(_ columns: Int) -> Int {
        switch precision {
        case .float32: Padding.stride(columns: columns, of: Float.self)
        case .float64: Padding.stride(columns: columns, of: Double.self)
        }
    }
}
