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

extension EarlyStopping {
    /// The epoch with the best of `losses`, when training has to end after the last of them; nil while it
    /// goes on.
    public func bestEpoch(endingAfter losses: [ValidationLoss]) -> Int? {
        guard var best = losses.first else { return nil }
        for next in losses.dropFirst() {
            // Any loss is better than one that is no number, which compares with nothing.
            if next.loss < best.loss - minimumImprovement || (best.loss.isNaN && !next.loss.isNaN) {
                best = next
            } else if next.epoch - best.epoch >= patience {
                return best.epoch
            }
        }
        return nil
    }
}
