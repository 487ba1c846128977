/// How long and on what a network is trained.
public struct TrainingSchedule: Sendable, Equatable, Codable {
    /// Samples of a minibatch.
    public var batchRows: Int
    /// Passes over the training data.
    public var epochs: Int
    /// The largest number of steps, if training may end within an epoch.
    public var maximumSteps: Int?
    /// The seed of the order of the samples.
    public var seed: UInt64
    /// Whether the order is permuted anew in every epoch.
    public var shuffles: Bool
    /// Whether samples that do not fill a last batch are left out.
    public var dropsLast: Bool

    /// A schedule.
    public init(
        batchRows: Int, epochs: Int, maximumSteps: Int? = nil, seed: UInt64 = 1, shuffles: Bool = true,
        dropsLast: Bool = false
    ) {
        self.batchRows = batchRows
        self.epochs = epochs
        self.maximumSteps = maximumSteps
        self.seed = seed
        self.shuffles = shuffles
        self.dropsLast = dropsLast
    }
}
