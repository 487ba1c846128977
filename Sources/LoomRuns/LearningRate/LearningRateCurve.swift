/// The loss of a training whose learning rate grows from step to step, and the rates that it suggests.
package struct LearningRateCurve: Sendable {
    /// A step.
    package struct Point: Sendable, Equatable {
        /// The learning rate.
        package let rate: Double
        /// The loss of the step's batch.
        package let loss: Double
        /// The mean loss of this step and its neighbours.
        package let smoothedLoss: Double
    }

    /// Why the test ended.
    package enum End: Sendable, Equatable {
        /// the largest rate was reached
        case largestRate
        /// the loss had become a multiple of its best
        case diverged
    }

    /// The multiple of the best loss above which a test has diverged.
    package static let divergence = 4.0
    /// How much of the mean stays, in the one that decides whether a test has diverged.
    private static let memory = 0.9
    /// Steps before which nothing is decided.
    private static let shortest = 10

    /// The steps.
    package let points: [Point]
    /// Why the test ended.
    package let end: End
    private let reach: Int

    /// The curve of the `losses` of the first steps of `range`; losses that are no finite numbers, and what comes behind them,
    /// are left out.
    package init(losses: [Double], range: LearningRateRange) {
        let finite = losses.prefix(while: \.isFinite)
        end = finite.count < losses.count || Self.hasDiverged(losses) ? .diverged : .largestRate
        let reach = max(2, range.steps / 40)
        self.reach = reach
        points = finite.indices.map { step in
            let window = finite[max(0, step - reach)...min(finite.count - 1, step + reach)]
            return Point(
                rate: range.rate(step), loss: finite[step], smoothedLoss: window.reduce(0, +) / Double(window.count))
        }
    }

    /// Whether a test with these losses so far has come to its end: their mean, in which old ones count less and less, is above
    /// a multiple of the best that it was, or is no number.
    package static func hasDiverged(_ losses: [Double]) -> Bool {
        var (sum, weight, best) = (0.0, 0.0, Double.infinity)
        for (step, loss) in losses.enumerated() {
            guard loss.isFinite else { return true }
            sum = memory * sum + (1 - memory) * loss
            weight = memory * weight + (1 - memory)
            let mean = sum / weight
            if step >= shortest, mean > divergence * best { return true }
            best = min(best, mean)
        }
        return false
    }

    /// The step with the smallest smoothed loss.
    package var minimum: Point? { points.min { $0.smoothedLoss < $1.smoothedLoss } }

    /// The step around which the smoothed loss falls fastest, before its minimum; nil: it does not fall by more than chance.
    package var steepest: Point? {
        guard falls, let minimum, let last = points.firstIndex(of: minimum) else { return nil }
        func slope(_ step: Int) -> Double {
            let (before, after) = (max(0, step - reach), min(points.count - 1, step + reach))
            return (points[after].smoothedLoss - points[before].smoothedLoss) / Double(after - before)
        }
        // Only where a whole window lies on either side.
        let candidates = points.indices.filter { $0 >= reach && $0 <= max(reach, last) && $0 + reach < points.count }
        return candidates.min { slope($0) < slope($1) }.map { points[$0] }
    }

    /// A tenth of the rate of the minimum; nil: the loss does not fall by more than chance.
    package var tenthOfMinimum: Double? { falls ? minimum.map { $0.rate / 10 } : nil }

    /// Whether the smoothed loss falls by more than the losses of single batches make it change.
    private var falls: Bool {
        // Where rates are so small that nothing is learnt yet.
        let beginning = points.prefix(max(2 * reach, points.count / 10))
        guard let minimum, beginning.count > 2 else { return false }
        let mean = beginning.map(\.loss).reduce(0, +) / Double(beginning.count)
        let squares = beginning.map { ($0.loss - mean) * ($0.loss - mean) }.reduce(0, +)
        let deviation = (squares / Double(beginning.count - 1)).squareRoot()
        let windowDeviation = deviation / Double(2 * reach + 1).squareRoot()
        return mean - minimum.smoothedLoss > 4 * windowDeviation && minimum.smoothedLoss < mean
    }
}

extension LearningRateCurve {
    /// The rate with two significant digits, as one writes it into a configuration.
    package static func rounded(_ rate: Double) -> Double {
        Double(NumberFormat.number(rate, significantDigits: 2)) ?? rate
    }
}
