/// Which samples a step trains on: epochs of equal batches, the last of which may be smaller.
public struct EpochLayout: BitwiseCopyable, Sendable, Equatable {
    /// Samples of the training data.
    public let samples: Int
    /// Samples of a full batch.
    public let batchRows: Int
    /// Steps of an epoch.
    public let stepsPerEpoch: Int

    /// Batches of `batchRows` of `samples`; a rest of `samples` forms a smaller last batch unless `dropsLast`.
    public init(samples: Int, batchRows: Int, dropsLast: Bool = false) {
        precondition(samples > 0 && batchRows > 0 && batchRows <= samples, "a batch is not larger than the data")
        self.samples = samples
        self.batchRows = batchRows
        stepsPerEpoch = dropsLast ? samples / batchRows : (samples + batchRows - 1) / batchRows
    }

    /// The epoch of `step`, counted from 0.
    @inlinable public func epoch(of step: Int) -> Int { step / stepsPerEpoch }

    /// The position in the epoch's order of the first sample of `step`.
    @inlinable public func start(of step: Int) -> Int { step % stepsPerEpoch * batchRows }

    /// Whether `step` is the first one of its epoch.
    @inlinable public func isFirstOfEpoch(_ step: Int) -> Bool { step % stepsPerEpoch == 0 }

    /// Whether `step` is the last one of its epoch, with possibly fewer samples.
    @inlinable public func isLastOfEpoch(_ step: Int) -> Bool { step % stepsPerEpoch == stepsPerEpoch - 1 }

    /// Samples of the last batch of an epoch.
    public var lastBatchRows: Int { min(batchRows, samples - (stepsPerEpoch - 1) * batchRows) }
}
