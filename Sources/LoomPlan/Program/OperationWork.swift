import LoomModel

/// What an operation computes and moves, counted from shapes.
package struct OperationWork: Sendable, Equatable {
    /// Floating-point operations of its matrix products and of the additions and updates of parameters.
    package var floatingPointOperations = 0.0
    /// Bytes of the matrices that it reads and writes, each once: what would pass between memory and an infinite cache.
    package var bytes = 0.0
    /// Whether it multiplies matrices.
    package var multiplies = false

    package init() {}
}

extension StepShapes {
    /// The work of an operation of a program on these shapes.
    /// - Parameter stateBuffers: Buffers of the optimizer's state: 0 for SGD, 1 for momentum, 2 for Adam.
    package func work(of operation: Operation, in program: StepProgram, stateBuffers: Int) -> OperationWork {
        var work = OperationWork()
        switch operation {
        case .gather(let rows):
            // Read where they lie, and written to the batch.
            work.bytes = 2 * Double(rows.count * inputs * elementBytes)
        case .forward(let rows, let layers):
            for layer in layers ?? self.layers.indices { addLayer(layer, rows: rows.count, backward: false, to: &work) }
        case .backward(let rows, let layers):
            for layer in layers ?? self.layers.indices { addLayer(layer, rows: rows.count, backward: true, to: &work) }
        case .loss(let shards):
            let rows = program.sum.shards.rows(of: shards).count
            let outputs = self.layers.last.map { width(ofLayer: self.layers.count - 1, $0) } ?? 0
            work.bytes = 2 * Double(rows * outputs * elementBytes)
        case .gradient(let part, let rows, _, let accumulates):
            addGradient(part, rows: rows.count, writes: accumulates ? 2 : 1, to: &work)
        case .fusedUpdate(let part, let rows):
            addGradient(part, rows: rows.count, writes: 2 * (1 + stateBuffers), to: &work)
        case .sum(let part, let addends, let buffers):
            let elements = elements(of: part)
            work.floatingPointOperations = elements * Double(addends.count - 1)
            work.bytes = elements * Double((addends.count + buffers.count) * elementBytes)
        case .penalty(let part), .squares(let part):
            work.floatingPointOperations = 2 * elements(of: part)
            work.bytes = elements(of: part) * Double(elementBytes)
        case .addPenalty(let part):
            work.floatingPointOperations = 2 * elements(of: part)
            work.bytes = 3 * elements(of: part) * Double(elementBytes)
        case .update(let part, let addends, let mirrors):
            let elements = elements(of: part)
            work.floatingPointOperations = elements * Double(addends.count + 1 + 2 * stateBuffers)
            work.bytes = elements * Double((addends.count + 2 + 2 * stateBuffers + mirrors.count) * elementBytes)
        case .copy(let part, let workers):
            work.bytes = elements(of: part) * Double((1 + workers.count) * elementBytes)
        case .prefetch: break
        }
        return work
    }

    /// The pre-activations of a sample.
    private func width(ofLayer index: Int, _ layer: Layer) -> Int {
        layer.connections.first.map { tensors[$0.tensor].parameters.shape[0] } ?? 0
    }

    private func addLayer(_ index: Int, rows: Int, backward: Bool, to work: inout OperationWork) {
        let layer = layers[index]
        for connection in layer.connections {
            let tensor = tensors[connection.tensor]
            guard !backward || tensor.source != nil else { continue }
            let (units, inputs) = (tensor.parameters.shape[0], tensor.parameters.shape[1])
            work.floatingPointOperations += 2 * Double(rows) * Double(units) * Double(inputs)
            work.bytes += Double((rows * (units + inputs) + units * inputs) * elementBytes)
            work.multiplies = true
        }
        // Activations, or their derivatives: read and written.
        work.bytes += 2 * Double(rows * width(ofLayer: index, layer) * elementBytes)
    }

    private func addGradient(_ part: ParameterPart, rows: Int, writes: Int, to work: inout OperationWork) {
        guard case .slices(let index, let grid, let range, _) = part else { return }
        let tensor = tensors[index].parameters
        let chosen = grid.range(of: range).count
        guard tensor.role == .weights else {
            work.floatingPointOperations = Double(rows * chosen)
            work.bytes = Double((rows * chosen + writes * chosen) * elementBytes)
            return
        }
        let (height, width) = grid.axis == .rows ? (chosen, tensor.columns) : (tensor.rows, chosen)
        work.floatingPointOperations = 2 * Double(rows) * Double(height) * Double(width)
        work.bytes = Double((rows * (height + width) + writes * height * width) * elementBytes)
        work.multiplies = true
    }

    private func elements(of part: ParameterPart) -> Double {
        switch part {
        case .elements(let range): return Double(range.count)
        case .slices(let index, let grid, let range, _):
            let tensor = tensors[index].parameters
            let chosen = grid.range(of: range).count
            return Double(grid.axis == .rows ? chosen * tensor.columns : tensor.rows * chosen)
        }
    }
}
