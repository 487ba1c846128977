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
        /// Σᵢ δᵢ xᵢᵀ over the whole batch, for some rows or columns of the weights
        case gradient
    }

    /// What the product is for.
    public let kind: Kind
    /// Rows of the result: samples of one call; for a gradient, rows of the weights as they lie.
    public let rows: Int
    /// Columns of the result.
    public let columns: Int
    /// The dimension that is summed over; for a gradient, the batch.
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

extension Trainer {
    /// The matrix products of a step on a full batch, in the order of the layers: forward, backward and gradient, each
    /// shape once with the number of its calls. They are read off the plan that the step runs.
    public var plannedProducts: [PlannedProduct] {
        fullBatch.products(of: network)
    }
}

extension Network {
    /// The features of the data, or the outputs of a layer.
    fileprivate func width(of source: Source) -> Int {
        switch source {
        case .data: inputs
        case .layer(let index): layers[index].units
        }
    }
}

extension StepPlan {
    /// The products of a step by this plan, as `NetworkPass` and `TrainingStep` call them.
    func products(of network: Network<Scalar>) -> [PlannedProduct] {
        var tally = ProductTally<Scalar>()
        let blockRows = blocks.elements.map { grid.rows(of: $0.firstShard..<$0.endShard).count }
        let columnTensors = UnsafeBufferPointer(
            start: columns.tensors, count: columns.count > 0 ? columns.tensorCount : 0)
        var calls = callShapes.elements.makeIterator()
        for (index, layer) in network.layers.enumerated() {
            for connection in layer.connections {
                let weights = network.layout.tensors[connection.weights]
                let shape = calls.next()!
                let width = network.width(of: connection.source)
                for rows in blockRows {
                    tally.addForward(
                        of: layer.name, weights, sourceWidth: width, rows: rows, rowsPerCall: shape.rowsPerForwardCall)
                }
                guard connection.source != .data else { continue }
                for rows in blockRows {
                    tally.addBackward(
                        of: layer.name, weights, sourceWidth: width, rows: rows, rowsPerCall: shape.rowsPerBackwardCall)
                }
            }
            for tensor in columnTensors where tensor.layer == index && tensor.role == .weights {
                let block = columns.view(tensor)
                for piece in pieces.elements {
                    tally.addGradient(
                        of: layer.name, block, block: block, isTransposed: tensor.isTransposed,
                        sourceWidth: tensor.isTransposed ? block.rows : block.columns, samples: piece.rows.count)
                }
            }
            guard columns.count == 0 else { continue }
            for operation in slices.elements where operation.layer == index && operation.role == .weights {
                let range = operation.grid.range(of: operation.firstSlice..<operation.endSlice)
                for piece in pieces.elements {
                    tally.addGradient(
                        of: layer.name, operation.parameters,
                        block: operation.grid.block(range, of: operation.parameters),
                        isTransposed: operation.isTransposed,
                        sourceWidth: operation.source < 0 ? network.inputs : network.layers[operation.source].units,
                        samples: piece.rows.count)
                }
            }
        }
        return tally.products
    }
}

/// Counts calls by shape, and keeps the shapes in the order in which they come.
private struct ProductTally<Scalar: LoomScalar> {
    private(set) var products: [PlannedProduct] = []

    mutating func addForward(
        of layer: String, _ weights: ParameterTensor, sourceWidth: Int, rows: Int, rowsPerCall: Int
    ) {
        for count in Self.calls(of: rowsPerCall, rows: rows) {
            add(
                ProductShape(
                    kind: .forward, rows: count, columns: weights.shape[0], inner: weights.shape[1],
                    weightsAreTransposed: weights.isTransposed, leftStride: Self.stride(sourceWidth),
                    rightStride: weights.stride, resultStride: Self.stride(weights.shape[0])), of: layer)
        }
    }

    mutating func addBackward(
        of layer: String, _ weights: ParameterTensor, sourceWidth: Int, rows: Int, rowsPerCall: Int
    ) {
        for count in Self.calls(of: rowsPerCall, rows: rows) {
            add(
                ProductShape(
                    kind: .backward, rows: count, columns: weights.columns, inner: weights.rows,
                    leftStride: Self.stride(weights.rows), rightStride: weights.stride,
                    resultStride: Self.stride(sourceWidth)), of: layer)
        }
    }

    mutating func addGradient(
        of layer: String, _ weights: MatrixView<Scalar>, block: MatrixView<Scalar>, isTransposed: Bool,
        sourceWidth: Int, samples: Int
    ) {
        add(
            ProductShape(
                kind: .gradient, rows: block.rows, columns: block.columns, inner: samples,
                leftStride: Self.stride(isTransposed ? sourceWidth : weights.rows),
                rightStride: Self.stride(isTransposed ? weights.columns : sourceWidth),
                resultStride: weights.stride), of: layer)
    }

    private mutating func add(_ shape: ProductShape, of layer: String) {
        if let known = products.firstIndex(where: { $0.layer == layer && $0.shape == shape }) {
            products[known].callsPerStep += 1
        } else {
            products.append(PlannedProduct(layer: layer, shape: shape, callsPerStep: 1))
        }
    }

    /// The rows of each call when `rows` are covered by calls of at most `rowsPerCall`.
    private static func calls(of rowsPerCall: Int, rows: Int) -> [Int] {
        let whole = max(1, min(rowsPerCall, rows))
        return Swift.stride(from: 0, to: rows, by: whole).map { min(whole, rows - $0) }
    }

    /// The stride of a workspace matrix; the samples of a batch are gathered into one like it.
    private static func stride(_ columns: Int) -> Int { Padding.stride(columns: columns, of: Scalar.self) }
}
