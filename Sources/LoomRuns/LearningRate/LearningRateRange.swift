import LoomKernels

/// The rates of a learning rate range test: they grow from step to step, each by the same factor (L. N. Smith, "Cyclical
/// learning rates for training neural networks", WACV 2017, arXiv:1506.01186).
package struct LearningRateRange: Sendable, Equatable {
    /// The rates of the first and of the last step.
    package let smallest, largest: Double
    /// The number of steps.
    package let steps: Int

    /// From `smallest` to `largest` in `steps` steps, two at least.
    package init(smallest: Double = 1e-7, largest: Double = 10, steps: Int) {
        (self.smallest, self.largest, self.steps) = (smallest, largest, max(2, steps))
    }

    /// The range of a training of which an epoch has so many steps: one epoch, but 200 steps at least, which eight decades need,
    /// and 500 at most, which are enough.
    package init(stepsPerEpoch: Int) { self.init(steps: min(500, max(200, stepsPerEpoch))) }

    /// The rate of `step`, counted from 0.
    package func rate(_ step: Int) -> Double {
        if step <= 0 { return smallest }
        if step >= steps - 1 { return largest }
        let fraction = Double(step) / Double(steps - 1)
        return smallest * ElementaryFunctions.exp(fraction * ElementaryFunctions.log(largest / smallest))
    }
}
