/// What kept workers from their CPUs in a window of time: others, a hypervisor, a quota. What is nil is not known.
public struct CPUDisturbance: Sendable, Codable, Equatable {
    /// The part of the hardware threads' time that others had, a hypervisor's other machines among them, 0…1.
    public var othersFraction: Double?
    /// The part that a hypervisor gave to other machines ("steal"), 0…1.
    public var stolenFraction: Double?
    /// Periods of a CPU quota in which the process was stopped because the quota was used up.
    public var throttledPeriods: Int?
    /// How long its threads were stopped then, seconds, summed over CPUs.
    public var throttledSeconds: Double?

    /// A disturbance of these amounts.
    public init(
        othersFraction: Double? = nil, stolenFraction: Double? = nil, throttledPeriods: Int? = nil,
        throttledSeconds: Double? = nil
    ) {
        self.othersFraction = othersFraction
        self.stolenFraction = stolenFraction
        self.throttledPeriods = throttledPeriods
        self.throttledSeconds = throttledSeconds
    }

    private enum CodingKeys: String, CodingKey {
        case othersFraction = "others_fraction"
        case stolenFraction = "stolen_fraction"
        case throttledPeriods = "throttled_periods"
        case throttledSeconds = "throttled_seconds"
    }
}

/// A window of time that begins when this is made.
public struct CPUDisturbanceWindow: Sendable {
    private let contention: CPUContention
    private let throttling: CPUThrottling?

    /// What others have is what `contention` says, which has just begun.
    public init(_ contention: CPUContention) {
        self.contention = contention
        throttling = CPUThrottling.current()
    }

    /// What happened since.
    public func soFar() -> CPUDisturbance {
        var disturbance = CPUDisturbance(
            othersFraction: contention.fraction(), stolenFraction: contention.stolenFraction())
        if let throttling, let now = CPUThrottling.current() {
            disturbance.record(now.since(throttling))
        }
        return disturbance
    }
}

extension CPUDisturbance {
    mutating func record(_ throttling: CPUThrottling) {
        throttledPeriods = throttling.throttledPeriods
        throttledSeconds = Double(throttling.throttledNanoseconds) * 1e-9
    }
}
