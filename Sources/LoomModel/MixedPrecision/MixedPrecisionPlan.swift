import CKernels
import LoomKernels

/// Which matrices of a network are packed, and in which forms: those that a product of a training step reads.
struct MixedPrecisionPlan {
    /// Outputs of a layer (−1: the data) that connections read.
    struct Source {
        let source: Int
        let columns: Range<Int>
        var forms: PackedForms
    }

    /// By the index of the tensor.
    private(set) var weights: [Int: PackedForms] = [:]
    private(set) var sources: [Source] = []
    /// By layer.
    private(set) var deltas: [PackedForms]
    /// For each connection, whether its backward product is the last one that is added to its source's gradient.
    private(set) var completesDeltas: [Bool] = []

    /// Bytes of a worker's scratch memory.
    static var scratchBytes: Int { Int(LOOM_BF16_SCRATCH_BYTES) }

    init(_ network: Network<Float>) {
        deltas = Array(repeating: [], count: network.layers.count)
        for (index, layer) in network.layers.enumerated() {
            for connection in layer.connections {
                let isTransposed = network.layout.tensors[connection.weights].isTransposed
                // The gradient is δᵀ · x, or xᵀ · δ where the weights lie transposed.
                add(connection, isTransposed ? [.left, .leftTransposed] : [.left, .right])
                deltas[index].insert(isTransposed ? .right : .leftTransposed)
                weights[connection.weights] = isTransposed ? .right : .rightTransposed
                if connection.source.index >= 0 {
                    deltas[index].insert(.left)
                    weights[connection.weights]!.insert(isTransposed ? .rightTransposed : .right)
                }
            }
        }
        // Backward visits layers in reverse order, and the connections of one in order.
        var last: [Int: Int] = [:]
        var first = network.layers.reduce(0) { $0 + $1.connections.count }
        for layer in network.layers.reversed() {
            first -= layer.connections.count
            for (offset, connection) in layer.connections.enumerated() {
                last[connection.source.index] = first + offset
            }
        }
        completesDeltas = network.layers.flatMap(\.connections).enumerated().map { last[$1.source.index] == $0 }
    }

    private mutating func add(_ connection: Network<Float>.Connection, _ forms: PackedForms) {
        if let known = sources.firstIndex(where: {
            $0.source == connection.source.index && $0.columns == connection.sourceColumns
        }) {
            sources[known].forms.formUnion(forms)
        } else {
            sources.append(Source(source: connection.source.index, columns: connection.sourceColumns, forms: forms))
        }
    }

    /// Bytes that a `MemoryPlan` counts: packed weights, and for each batch samples, activations and deltas.
    static func bytes(of network: Network<Float>, capacity: Int, workers: Int) -> Int {
        let plan = MixedPrecisionPlan(network)
        let weights = plan.weights.reduce(0) { sum, entry in
            let tensor = network.layout.tensors[entry.key]
            return sum + PackedMatrix.bytes(rows: tensor.rows, columns: tensor.columns, forms: entry.value)
        }
        let sources = plan.sources.reduce(0) {
            $0 + PackedMatrix.bytes(rows: capacity, columns: $1.columns.count, forms: $1.forms)
        }
        let deltas = zip(network.layers, plan.deltas).reduce(0) { sum, layer in
            sum + PackedMatrix.bytes(rows: capacity, columns: layer.0.preActivations, forms: layer.1)
                + PackedMatrix.blocks(capacity) * Padding.stride(columns: layer.0.preActivations, of: Float.self)
                * MemoryLayout<Float>.stride
        }
        return weights + sources + deltas + workers * scratchBytes
    }
}

extension Network {
    /// Why the network cannot be trained in mixed precision; nil: it can.
    package var mixedPrecisionReason: String? {
        guard let layer = layers.first(where: { $0.components > 1 }) else { return nil }
        return
            "the layer '\(layer.name)' has softmax-weighted units, whose pre-activations are multiplied in float32 only"
    }
}

extension MixedPrecisionMemory {
    /// Bytes that are reserved for batches of up to `capacity` samples.
    package static func bytes(of network: Network<Float>, capacity: Int, workers: Int) -> Int {
        MixedPrecisionPlan.bytes(of: network, capacity: capacity, workers: workers)
    }
}
