import CKernels

/// The element-wise activations that have a kernel. The raw values are those of C.
public enum ActivationKernel: UInt32, BitwiseCopyable, Sendable, CaseIterable {
    /// z
    case identity
    /// 1 / (1 + exp(−z))
    case sigmoid
    /// max(z, 0), with the derivative 0 at 0
    case relu
    /// max(z, 0), with the derivative 1 at 0
    case reluOne
    /// arctan z
    case arctan
    /// tanh z
    case tanh
    /// exp z
    case exp
    /// log(1 + exp z)
    case softplus
    /// 1 at z ≥ 0, otherwise 0
    case threshold

    /// Whether its derivative is computed from z, not from its value.
    package var derivativeNeedsPreActivations: Bool {
        loom_activation_derivative_source(cActivation) == LOOM_FROM_PRE_ACTIVATIONS
    }

    @usableFromInline package var cActivation: loom_activation { loom_activation(rawValue: rawValue) }
}
