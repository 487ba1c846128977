/// When checkpoints are due that choose their interval themselves: as often as a small part of the time allows.
struct CheckpointPacing {
    /// The most that checkpoints may cost, as a fraction of the time.
    static let largestFraction = 0.01
    /// Nobody minds steps of so few seconds to be done again.
    static let shortestSeconds = 10.0

    /// Seconds from one checkpoint to the next. What they cost is known after the first one.
    private(set) var intervalSeconds = Self.shortestSeconds
    /// Whether a checkpoint was due for its time.
    private(set) var isInUse = false
    /// When the last one was begun, or training.
    private var latest: ContinuousClock.Instant

    init(start: ContinuousClock.Instant = .now) { latest = start }

    /// Whether the next one is to be begun.
    mutating func isDue(at now: ContinuousClock.Instant = .now) -> Bool {
        let isDue = (now - latest) / .seconds(1) >= intervalSeconds
        isInUse = isInUse || isDue
        return isDue
    }

    /// One is begun.
    mutating func begin(at now: ContinuousClock.Instant = .now) { latest = now }

    /// One was written, for so many seconds of processor time.
    mutating func add(costSeconds: Double) {
        intervalSeconds = max(Self.shortestSeconds, costSeconds / Self.largestFraction)
    }
}
