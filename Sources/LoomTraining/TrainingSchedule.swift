import LoomModel

/// How long and on what a network is trained.
public struct TrainingSchedule: Sendable, Equatable, Codable {
    /// Samples of a minibatch.
    public var batchRows: Int
    /// Whether a minibatch has all samples where there are fewer than `batchRows`; otherwise that is a mistake.
    public var fitsBatch = false
    /// Passes over the training data.
    public var epochs: Int
    /// The largest number of steps, if training may end within an epoch.
    public var maximumSteps: Int?
    /// The seed of the order of the samples.
    public var seed: UInt64
    /// Whether the order is permuted anew in every epoch.
    public var shuffles: Bool
    /// Whether samples that follow each other stay close in such an order: see `SampleShuffle.blocks`.
    public var shufflesBlocks = false
    /// Whether samples that do not fill a last batch are left out.
    public var dropsLast: Bool

    /// A schedule.
    public init(
        batchRows: Int, fitsBatch: Bool = false, epochs: Int, maximumSteps: Int? = nil, seed: UInt64 = 1,
        shuffles: Bool = true,
        dropsLast: Bool = false
    ) {
        self.batchRows = batchRows
        self.fitsBatch = fitsBatch
        self.epochs = epochs
        self.maximumSteps = maximumSteps
        self.seed = seed
        self.shuffles = shuffles
        self.dropsLast = dropsLast
    }
}

extension TrainingSchedule {
    /// The batch that `samples` samples are trained with.
    package func batchRows(samples: Int) -> Int { fitsBatch ? min(batchRows, max(1, samples)) : batchRows }

    /// Refuses a batch of more samples than there are.
    package func check(samples: Int) throws(ModelError) {
        guard batchRows(samples: samples) <= samples else {
            throw ModelError(
                "training.batch is \(batchRows), but there \(samples == 1 ? "is" : "are") only \(samples) training "
                    + "sample\(samples == 1 ? "" : "s"); choose a batch of at most \(samples)")
        }
    }

    /// Steps of the whole training; the largest number there is where they are more.
    package func totalSteps(stepsPerEpoch: Int) -> Int {
        let (steps, isTooLarge) = epochs.multipliedReportingOverflow(by: stepsPerEpoch)
        return min(isTooLarge ? .max : steps, maximumSteps ?? .max)
    }
}
