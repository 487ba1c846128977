import LoomKernels

/// The products of forward and backward over some number of batch rows, planned once: plain pointers, valid while the
/// `NetworkProductsMemory` lives.
public struct NetworkProducts<Scalar: LoomScalar>: BitwiseCopyable, @unchecked Sendable {
    // Sendable: nothing changes them.

    /// The number of batch rows.
    let rows: Int
    /// One for each connection, in the order of the layers and their connections.
    let callShapes: UnsafePointer<CallShape>
    /// Four for each connection: a call of forward and its last, smaller call, and those of backward.
    let prepared: UnsafePointer<PreparedGemm<Scalar>>

    /// Runs the forward product of `connection` in its calls: `body` gets the rows and the plan of each.
    @inline(__always)
    func inForwardCalls(of connection: Int, _ body: (Range<Int>, UnsafePointer<PreparedGemm<Scalar>>) -> Void) {
        inCalls(of: callShapes[connection].rowsPerForwardCall, prepared + 4 * connection, body)
    }

    /// Runs the backward product of `connection` in its calls.
    @inline(__always)
    func inBackwardCalls(of connection: Int, _ body: (Range<Int>, UnsafePointer<PreparedGemm<Scalar>>) -> Void) {
        inCalls(of: callShapes[connection].rowsPerBackwardCall, prepared + 4 * connection + 2, body)
    }

    @inline(__always)
    private func inCalls(
        of rowsPerCall: Int, _ prepared: UnsafePointer<PreparedGemm<Scalar>>,
        _ body: (Range<Int>, UnsafePointer<PreparedGemm<Scalar>>) -> Void
    ) {
        var start = 0
        while rowsPerCall < rows - start {
            body(start..<start + rowsPerCall, prepared)
            start += rowsPerCall
        }
        body(start..<rows, start + rowsPerCall == rows ? prepared : prepared + 1)
    }
}

/// The memory behind `NetworkProducts`.
package final class NetworkProductsMemory<Scalar: LoomScalar>: Sendable {
    private let rows: Int
    private let callShapes: AlignedBuffer<CallShape>
    private let prepared: AlignedBuffer<PreparedGemm<Scalar>>

    /// Plans the products of `network` over `rows` batch rows by its backend.
    /// - Parameters:
    ///   - training: Whether backward will run, for which the network's workspace must have been made, too.
    ///   - callShapes: One for each connection, in the order of the layers and their connections; nil: all rows in one call.
    ///   - data: The samples, which have their stride and alignment in every batch: any number of rows × features.
    package init(
        _ network: NetworkHandle<Scalar>, rows: Int, training: Bool = true, callShapes: [CallShape]? = nil,
        data: MatrixView<Scalar>
    ) {
        let shapes = callShapes ?? Array(repeating: CallShape(), count: network.connectionCount)
        precondition(shapes.count == network.connectionCount && rows > 0, "a shape for each connection")
        self.rows = rows
        self.callShapes = AlignedBuffer(shapes)
        prepared = AlignedBuffer(
            network.connectionShapes(data: data, training: training).enumerated().flatMap { index, shape in
                Self.calls(
                    shape.forward, rows: rows, rowsPerCall: shapes[index].rowsPerForwardCall, network.gemm.backend)
                    // What stands in the place of products that there are not is never run.
                    + Self.calls(
                        shape.backward ?? shape.forward, rows: rows, rowsPerCall: shapes[index].rowsPerBackwardCall,
                        network.gemm.backend)
            })
    }

    /// Valid while this object lives.
    package var products: NetworkProducts<Scalar> {
        NetworkProducts(
            rows: rows, callShapes: UnsafePointer(callShapes.pointer), prepared: UnsafePointer(prepared.pointer))
    }

    /// A whole call and the last one of `rows` rows.
    private static func calls(
        _ shape: GemmShape, rows: Int, rowsPerCall: Int, _ backend: GemmBackend
    ) -> [PreparedGemm<Scalar>] {
        let whole = min(rows, rowsPerCall)
        return [whole, (rows - 1) % whole + 1].map { count in
            var shape = shape
            shape.rows = count
            return backend.prepare(shape)
        }
    }
}

extension NetworkHandle {
    /// The number of connections of all layers.
    var connectionCount: Int { (0..<layerCount).reduce(0) { $0 + layers[$1].connectionCount } }

    /// The products of every connection over some rows; no backward one where the source is the data, or without
    /// training.
    fileprivate func connectionShapes(
        data: MatrixView<Scalar>, training: Bool
    ) -> [(forward: GemmShape, backward: GemmShape?)] {
        (0..<layerCount).flatMap { index in
            let layer = layers[index]
            return (0..<layer.connectionCount).map { offset -> (forward: GemmShape, backward: GemmShape?) in
                let connection = connections[layer.firstConnection + offset]
                let x = sourceOutputs(connection.source, data: data).columns(connection.sourceColumns.range).rows(0..<1)
                let forward = GemmShape(
                    .forward, GemmOperand(x), connection.weights.transpose, into: layer.preActivations.rows(0..<1),
                    accumulates: connection.accumulatesForward)
                guard training, connection.source >= 0 else { return (forward, nil) }
                let backward = GemmShape(
                    .backward, GemmOperand(layer.deltas.rows(0..<1)), connection.weights,
                    into: layers[connection.source].outputGradients.rows(0..<1),
                    accumulates: connection.accumulatesBackward)
                return (forward, backward)
            }
        }
    }
}
