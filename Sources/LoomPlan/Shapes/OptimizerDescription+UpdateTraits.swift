import LoomModel

extension OptimizerDescription {
    /// How steps are planned, when the loss has an L2 penalty of `l2`.
    package func traits(l2: Double) -> UpdateTraits {
        UpdateTraits(
            isUniform: (kind != .adamw || weightDecay == 0) && clipNorm == nil && l2 == 0,
            fitsProduct: (kind == .sgd || kind == .momentum) && clipNorm == nil && l2 == 0, hasPenalty: l2 != 0,
            clips: clipNorm != nil)
    }
}
