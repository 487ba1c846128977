/// When training ends before its last epoch.
public struct EarlyStopping: Sendable, Equatable, Codable {
    /// Epochs without a better validation loss after which training ends.
    public var patience: Int
    /// By how much a validation loss must be smaller than the best one before, to be better.
    public var minimumImprovement: Double

    /// Ends training after `patience` epochs without an improvement.
    public init(patience: Int, minimumImprovement: Double = 0) {
        self.patience = patience
        self.minimumImprovement = minimumImprovement
    }
}

/// The validation loss after an epoch.
public struct ValidationLoss: Sendable, Equatable {
    /// The epoch, counted from 0.
    public let epoch: Int
    /// The loss.
    public let loss: Double

    /// The validation loss `loss` after `epoch`.
    public init(epoch: Int, loss: Double) {
        self.epoch = epoch
        self.loss = loss
    }
}

/// How the validation of a training went so far: what a decision to end it needs.
public struct ValidationHistory: Sendable, Equatable {
    /// The best loss, with the epoch after which it was reached; nil before the first validation.
    public var best: ValidationLoss?
    /// The latest loss.
    public var latest: ValidationLoss?
    /// Whether the steps of an epoch are done, but the training was interrupted before it was validated and reported.
    public var isPending = false

    /// Nothing was validated yet.
    public init(best: ValidationLoss? = nil, latest: ValidationLoss? = nil) {
        self.best = best
        self.latest = latest
    }

    /// Adds the loss of the latest epoch, and says whether it is the best one.
    public mutating func add(_ loss: ValidationLoss, by rule: EarlyStopping) -> Bool {
        latest = loss
        guard rule.isBetter(loss, than: best) else { return false }
        best = loss
        return true
    }
}

extension EarlyStopping {
    /// Whether `next` is better than `best`. Any loss is better than one that is no number, which compares with nothing.
    func isBetter(_ next: ValidationLoss, than best: ValidationLoss?) -> Bool {
        guard let best else { return true }
        return next.loss < best.loss - minimumImprovement || (best.loss.isNaN && !next.loss.isNaN)
    }

    /// The epoch with the best loss, when training has to end after the latest one; nil while it goes on.
    public func bestEpoch(ending history: ValidationHistory) -> Int? {
        guard let best = history.best, let latest = history.latest, latest.epoch - best.epoch >= patience else {
            return nil
        }
        return best.epoch
    }
}
