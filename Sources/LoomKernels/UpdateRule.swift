/// The optimizers' update rules that have a kernel of their own (`adamw` is `adam` with a weight decay).
public enum UpdateRule: BitwiseCopyable, Sendable {
    /// w ← w − ηg
    case sgd
    /// v ← μv + g, w ← w − ηv
    case momentum
    /// v ← μv + g, w ← w − η(g + μv)
    case nesterov
    /// Adam with decoupled weight decay
    case adam
}
