import LoomKernels

/// One connection as forward and backward see it: plain pointers, no references.
struct ConnectionHandle<Scalar: LoomScalar>: BitwiseCopyable {
    /// The index of the source layer, −1 for the data.
    let source: Int
    /// The columns of the source that are read.
    let sourceColumns: IndexRange
    /// pre-activations × columns of the source
    let weights: GemmOperand<Scalar>
    /// Whether the forward product is added to that of an earlier connection of the same layer.
    let accumulatesForward: Bool
    /// Whether the backward product is added to that of a later layer with the same source.
    let accumulatesBackward: Bool
}

/// One layer as forward and backward see it. All matrices are batch rows × units with one stride, but in a softmax-weighted layer
/// the pre-activations and deltas, which have units · components columns and a stride of their own.
struct LayerHandle<Scalar: LoomScalar>: BitwiseCopyable {
    let activation: ActivationKernel
    /// The pre-activations of one unit: more than 1 in a softmax-weighted layer and before such an output.
    let components: Int
    let firstConnection: Int
    let connectionCount: Int
    let bias: UnsafeMutablePointer<Scalar>?
    /// z; the same matrix as `outputs` unless the derivative needs z or a trace was asked for.
    let preActivations: MatrixView<Scalar>
    /// u; for the last layer z, its logits.
    let outputs: MatrixView<Scalar>
    /// ∂L/∂z, scaled for the whole batch.
    let deltas: MatrixView<Scalar>
    /// ∂L/∂u, which becomes δ in place: the same matrix as `deltas`, but in a softmax-weighted layer.
    let outputGradients: MatrixView<Scalar>
    /// Whether the derivative is computed from z, not from u.
    let derivativeFromPreActivations: Bool
}

/// The network laid out in memory: what forward and backward run over.
///
/// Plain pointers and numbers, so that passing it between the functions of a step costs no reference counting (an
/// atomic increment of a count that two workers share takes as long as a 16-row product of the smallest networks).
/// Valid while the `Workspace` that made it lives.
public struct NetworkHandle<Scalar: LoomScalar>: BitwiseCopyable, @unchecked Sendable {
    // Sendable: workers read weights and write their own rows only; the phases of a step order everything else.
    let layers: UnsafePointer<LayerHandle<Scalar>>
    let connections: UnsafePointer<ConnectionHandle<Scalar>>
    /// What multiplies matrices, and the scratch memory of one worker.
    public var gemm: Gemm<Scalar>
    /// The number of layers.
    public let layerCount: Int
    let outputMap: OutputMap

    /// z of the last layer (before its bias is added by the loss or the prediction).
    @inlinable
    public var logits: MatrixView<Scalar> { outputs(of: layerCount - 1) }

    /// The bias of the last layer.
    public var outputBias: UnsafeMutablePointer<Scalar>? { layers[layerCount - 1].bias }

    /// The outputs of `layer`: batch rows × units.
    @usableFromInline
    func outputs(of layer: Int) -> MatrixView<Scalar> { layers[layer].outputs }

    /// The prediction, after `predict`: batch rows × outputs of the network.
    public var prediction: MatrixView<Scalar> {
        let z = logits
        return outputMap == .softmaxWeighted ? z.columns(0..<z.columns / layers[layerCount - 1].components) : z
    }

    /// What a connection multiplies: the data for source −1, otherwise a layer's outputs.
    public func sourceOutputs(_ source: Int, data: MatrixView<Scalar>) -> MatrixView<Scalar> {
        source < 0 ? data : layers[source].outputs
    }

    /// ∂L/∂z of `layer`: batch rows × pre-activations.
    public func deltas(of layer: Int) -> MatrixView<Scalar> { layers[layer].deltas }

    /// z of `layer`, bias included; only with a workspace that keeps pre-activations.
    public func preActivations(of layer: Int) -> MatrixView<Scalar> { layers[layer].preActivations }
}
