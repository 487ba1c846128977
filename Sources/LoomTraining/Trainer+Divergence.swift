import LoomKernels
import LoomModel

extension Trainer {
    /// Where a number was not finite first, after a step whose loss was not: on the way from the parameters through the
    /// layers to the loss. "the activations of layer 'hidden'"
    package var firstArrayNotFinite: String {
        if let index = network.layout.tensors.indices.first(where: { !Self.isFinite(parameters.view($0)) }) {
            return "the parameters '\(network.layout.tensors[index].name)'"
        }
        for layer in network.layers.indices where !activations(of: layer).allSatisfy(Self.isFinite) {
            return "the activations of layer '\(network.layers[layer].name)'"
        }
        return "the loss function"
    }

    /// Whether all parameters are finite numbers. A gradient that overflows makes the update infinite, while the loss of
    /// its step is still finite: that of the next one tells.
    public var hasFiniteParameters: Bool {
        network.layout.tensors.indices.allSatisfy { Self.isFinite(parameters.view($0)) }
    }

    /// Of the last batch: one matrix, or one of each worker.
    private func activations(of layer: Int) -> [MatrixView<Scalar>] {
        (0..<team.workers).map { worker in
            let handle = memory.workspace(of: worker).handle
            return handle.sourceOutputs(layer, data: handle.logits)
        }
    }

    private static func isFinite(_ matrix: MatrixView<Scalar>) -> Bool {
        (0..<matrix.rows).allSatisfy { row in (0..<matrix.columns).allSatisfy { matrix[row, $0].isFinite } }
    }
}
