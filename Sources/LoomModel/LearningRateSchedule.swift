import LoomKernels

/// The factor that multiplies the learning rate at every step.
///
/// With a warm-up of n steps, step t < n first multiplies by (t + 1) / n; the schedule itself counts from the end
/// of the warm-up.
public struct LearningRateSchedule: BitwiseCopyable, Sendable, Equatable, Codable {
    /// The curve.
    public enum Kind: String, BitwiseCopyable, Sendable, CaseIterable, Codable {
        /// 1
        case constant
        /// factor^⌊epoch / everyEpochs⌋
        case step
        /// factor^epoch, continuous in the steps
        case exponential
        /// from 1 to `floor` along half a cosine over all steps (Loshchilov and Hutter 2016, arXiv:1608.03983)
        case cosine
        /// from `initialFactor` up to 1 at `peakFraction` of all steps and down to `floor`, along half cosines
        /// (Smith and Topin 2017, arXiv:1708.07120)
        case oneCycle = "one_cycle"
    }
    /// The curve.
    public var kind: Kind
    /// The number of steps of linear warm-up.
    public var warmupSteps: Int
    /// The factor of `step` and `exponential`.
    public var factor: Double
    /// The epochs between two changes of `step`.
    public var everyEpochs: Int
    /// The last factor of `cosine` and `one_cycle`.
    public var floor: Double
    /// The first factor of `one_cycle`.
    public var initialFactor: Double
    /// Where `one_cycle` peaks, as a fraction of all steps after the warm-up.
    public var peakFraction: Double

    /// A schedule.
    public init(
        kind: Kind = .constant, warmupSteps: Int = 0, factor: Double = 0.1, everyEpochs: Int = 1,
        floor: Double = 0, initialFactor: Double = 0.04, peakFraction: Double = 0.3
    ) {
        self.kind = kind
        self.warmupSteps = warmupSteps
        self.factor = factor
        self.everyEpochs = everyEpochs
        self.floor = floor
        self.initialFactor = initialFactor
        self.peakFraction = peakFraction
    }

    /// The factor at `step` (counted from 0 over the whole training) of `totalSteps`, `stepsPerEpoch` to an epoch.
    public func multiplier(step: Int, totalSteps: Int, stepsPerEpoch: Int) -> Double {
        if step < warmupSteps {
            // The curve starts where the warm-up ends, so the ramp leads to its first value.
            return Double(step + 1) / Double(warmupSteps)
                * curve(step: 0, totalSteps: max(1, totalSteps - warmupSteps), stepsPerEpoch: stepsPerEpoch)
        }
        return curve(
            step: step - warmupSteps, totalSteps: max(1, totalSteps - warmupSteps), stepsPerEpoch: stepsPerEpoch)
    }

    private func curve(step: Int, totalSteps: Int, stepsPerEpoch: Int) -> Double {
        let progress = totalSteps > 1 ? min(1, Double(step) / Double(totalSteps - 1)) : 0
        switch kind {
        case .constant:
            return 1
        case .step:
            return ElementaryFunctions.power(factor, step / max(1, stepsPerEpoch) / max(1, everyEpochs))
        case .exponential:
            return ElementaryFunctions.power(factor, Double(step) / Double(max(1, stepsPerEpoch)))
        case .cosine:
            return Self.halfCosine(from: 1, to: floor, at: progress)
        case .oneCycle:
            if progress < peakFraction || peakFraction >= 1 {
                return Self.halfCosine(
                    from: initialFactor, to: 1, at: progress / max(peakFraction, .leastNormalMagnitude))
            }
            return Self.halfCosine(from: 1, to: floor, at: (progress - peakFraction) / (1 - peakFraction))
        }
    }

    private static func halfCosine(from start: Double, to end: Double, at fraction: Double) -> Double {
        end + (start - end) * (1 + ElementaryFunctions.sineAndCosine(turns: fraction / 2).cosine) / 2
    }
}
