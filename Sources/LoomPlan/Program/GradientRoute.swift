/// How the gradient of a batch comes together and reaches the parameters: never part of a result's bits.
public enum GradientRoute: String, Sendable, CaseIterable, Codable {
    /// Each worker owns slices of the parameters, forms their gradient over all samples, and updates them.
    case partition
    /// Each worker forms the gradient of its samples for all parameters. The owner of a slice adds up what all have formed
    /// for it and updates the parameters, which are shared.
    case reduceScatter = "reduce_scatter"
    /// The same with a copy of the parameters for each worker: the owner writes the new ones to all copies.
    case reduceScatterAllGather = "reduce_scatter_all_gather"
    /// Each worker forms the gradient of its samples and sends it to all others. Each adds up all and updates its own copy of
    /// all parameters.
    case allReduce = "all_reduce"

    /// Whether each worker has its own parameters and activations.
    package var copiesParameters: Bool { self == .reduceScatterAllGather || self == .allReduce }
}

/// What becomes of a gradient.
package enum GradientUse: String, Sendable, Codable, CaseIterable {
    /// The update follows as soon as a slice of the gradient is complete.
    case update
    /// The update waits for the norm of the whole gradient.
    case clipThenUpdate = "clip_then_update"
    /// The gradient stays in its buffer, penalty included.
    case keep
}
