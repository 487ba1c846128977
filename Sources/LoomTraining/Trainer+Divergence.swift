import LoomKernels
import LoomModel

extension Trainer {
    /// Where a number was not finite first, after a step whose loss was not: on the way from the parameters through the
    /// layers to the loss. "the activations of layer 'hidden'"
    package var firstArrayNotFinite: String {
        if let tensor = parameters.firstNotFinite { return "the parameters '\(tensor)'" }
        for layer in network.layers.indices where !hasFiniteActivations(layer) {
            return "the activations of layer '\(network.layers[layer].name)'"
        }
        return "the loss function"
    }

    /// Whether all parameters are finite numbers. A gradient that overflows makes the update infinite, while the loss of
    /// its step is still finite: that of the next one tells.
    public var hasFiniteParameters: Bool { parameters.firstNotFinite == nil }

    /// Of the batch of the step in progress, whose rows each worker has where it has taken them through the network; what
    /// else is there is of other steps, or was never written.
    private func hasFiniteActivations(_ layer: Int) -> Bool {
        let rows = (epochs.isLastOfEpoch(step) ? lastProgram : program).gatheredRows
        if let mixedPrecision = memory.mixedPrecision, layer < network.layers.count - 1 {
            return rows.joined().allSatisfy { mixedPrecision.hasFiniteOutputs(of: layer, rows: $0) }
        }
        return rows.indices.allSatisfy { worker in
            let handle = memory.workspace(of: worker).handle
            return rows[worker].allSatisfy { handle.sourceOutputs(layer, data: handle.logits).rows($0).isFinite }
        }
    }
}
