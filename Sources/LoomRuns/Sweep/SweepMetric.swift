/// The measure of an epoch by which trials are compared.
package enum SweepMetric: String, Sendable, CaseIterable, Codable {
    /// the loss on the samples that validate
    case validationLoss = "validation_loss"
    /// the accuracy on the samples that validate
    case validationAccuracy = "validation_accuracy"
    /// the loss of the epoch's steps
    case trainingLoss = "training_loss"
    /// the accuracy of the epoch's steps
    case trainingAccuracy = "training_accuracy"

    /// Whether it is measured on samples that validate.
    package var needsValidation: Bool { self == .validationLoss || self == .validationAccuracy }

    /// Whether the largest value is the best one.
    package var isBestAtMost: Bool { self == .validationAccuracy || self == .trainingAccuracy }

    /// The measure of `epoch`; nil: it has none.
    func value(of epoch: EpochEvent) -> Double? {
        switch self {
        case .validationLoss: epoch.validationLoss
        case .validationAccuracy: epoch.validationAccuracy
        case .trainingLoss: epoch.loss
        case .trainingAccuracy: epoch.accuracy
        }
    }

    /// Whether `first` is better than `second`.
    func isBetter(_ first: Double, than second: Double) -> Bool { isBestAtMost ? first > second : first < second }

    /// The best value among `epochs`, the first of equals, with its epoch counted from 1; nil: none is a finite number.
    package func best(of epochs: [EpochEvent]) -> (epoch: Int, value: Double)? {
        var best: (epoch: Int, value: Double)?
        for epoch in epochs {
            guard let value = value(of: epoch), value.isFinite else { continue }
            if best.map({ isBetter(value, than: $0.value) }) ?? true { best = (epoch.epoch, value) }
        }
        return best
    }
}
