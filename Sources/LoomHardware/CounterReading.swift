import CHardware

/// What has been counted for one thread since its counters were opened: two of these make a `CounterReading`.
public struct CounterSample: Sendable, BitwiseCopyable {
    var hardware = loom_counter_values()
    var usage = loom_thread_usage()
    var migrations: UInt64?
    var runQueueNanoseconds: UInt64?

    /// What was counted after `earlier`, of the same thread.
    public func since(_ earlier: CounterSample) -> CounterReading {
        CounterReading(
            cycles: hardwareCount(LOOM_COUNTER_CYCLES, since: earlier),
            instructions: hardwareCount(LOOM_COUNTER_INSTRUCTIONS, since: earlier),
            lastLevelCacheMisses: hardwareCount(LOOM_COUNTER_LAST_LEVEL_CACHE_MISSES, since: earlier),
            branchMisses: hardwareCount(LOOM_COUNTER_BRANCH_MISSES, since: earlier),
            contextSwitchesVoluntary: usage.voluntary_switches &- earlier.usage.voluntary_switches,
            contextSwitchesInvoluntary: usage.involuntary_switches &- earlier.usage.involuntary_switches,
            migrations: Self.difference(migrations, earlier.migrations),
            minorFaults: usage.minor_faults &- earlier.usage.minor_faults,
            majorFaults: usage.major_faults &- earlier.usage.major_faults,
            processorNanoseconds: usage.processor_nanoseconds &- earlier.usage.processor_nanoseconds,
            runQueueNanoseconds: Self.difference(runQueueNanoseconds, earlier.runQueueNanoseconds))
    }

    private static func difference(_ now: UInt64?, _ then: UInt64?) -> UInt64? {
        guard let now, let then else { return nil }
        return now &- then
    }

    /// What a counter would have come to if it had counted all the time; nil where it was not there, or never had its turn.
    ///
    /// The kernel lets groups of counters take turns when a processor has too few registers. The count is then scaled by
    /// the time for which the group was to count over the time for which it did (perf_event_open(2), "time_enabled").
    private func hardwareCount(_ counter: loom_counter, since earlier: CounterSample) -> UInt64? {
        guard let now = hardware.count(of: counter), let then = earlier.hardware.count(of: counter) else { return nil }
        let enabled = hardware.time_enabled &- earlier.hardware.time_enabled
        let running = hardware.time_running &- earlier.hardware.time_running
        if enabled == running { return now &- then }
        guard running > 0 else { return nil }
        return UInt64((Double(now &- then) * Double(enabled) / Double(running)).rounded())
    }
}

extension loom_counter_values {
    /// The count as the kernel gave it; nil where the counter is not in the group.
    fileprivate func count(of counter: loom_counter) -> UInt64? {
        withUnsafePointer(to: self) {
            loom_counter_is_present($0, counter) != 0 ? loom_counter_value($0, counter) : nil
        }
    }
}

/// What a thread did in a window of time, by the processor's and the kernel's counters.
///
/// Readings of several threads or windows add up. What is nil cannot be had here; `CounterAvailability` says why.
public struct CounterReading: Sendable, Equatable, Codable, BitwiseCopyable {
    /// Cycles of the processor, at the clock of the moment.
    public var cycles: UInt64?
    /// Instructions that were finished.
    public var instructions: UInt64?
    /// Accesses to memory that no cache had; by the kernel's generic event, whose level differs between processors.
    public var lastLevelCacheMisses: UInt64?
    /// Branches that went another way than predicted.
    public var branchMisses: UInt64?
    /// How often the thread gave its processor up to wait for something.
    public var contextSwitchesVoluntary: UInt64
    /// How often its processor was taken from it.
    public var contextSwitchesInvoluntary: UInt64
    /// How often the scheduler moved it to another processor.
    public var migrations: UInt64?
    /// Pages that only had to be mapped.
    public var minorFaults: UInt64
    /// Pages that came from a disk.
    public var majorFaults: UInt64
    /// How long the thread ran.
    public var processorNanoseconds: UInt64
    /// How long it was ready and waited for a processor.
    public var runQueueNanoseconds: UInt64?

    /// A reading of these counts.
    public init(
        cycles: UInt64? = nil, instructions: UInt64? = nil, lastLevelCacheMisses: UInt64? = nil,
        branchMisses: UInt64? = nil, contextSwitchesVoluntary: UInt64 = 0, contextSwitchesInvoluntary: UInt64 = 0,
        migrations: UInt64? = nil, minorFaults: UInt64 = 0, majorFaults: UInt64 = 0, processorNanoseconds: UInt64 = 0,
        runQueueNanoseconds: UInt64? = nil
    ) {
        self.cycles = cycles
        self.instructions = instructions
        self.lastLevelCacheMisses = lastLevelCacheMisses
        self.branchMisses = branchMisses
        self.contextSwitchesVoluntary = contextSwitchesVoluntary
        self.contextSwitchesInvoluntary = contextSwitchesInvoluntary
        self.migrations = migrations
        self.minorFaults = minorFaults
        self.majorFaults = majorFaults
        self.processorNanoseconds = processorNanoseconds
        self.runQueueNanoseconds = runQueueNanoseconds
    }

    private enum CodingKeys: String, CodingKey {
        case cycles
        case instructions
        case lastLevelCacheMisses = "last_level_cache_misses"
        case branchMisses = "branch_misses"
        case contextSwitchesVoluntary = "context_switches_voluntary"
        case contextSwitchesInvoluntary = "context_switches_involuntary"
        case migrations
        case minorFaults = "minor_faults"
        case majorFaults = "major_faults"
        case processorNanoseconds = "processor_nanoseconds"
        case runQueueNanoseconds = "run_queue_nanoseconds"
    }

    /// Both together; nil where one of them is.
    public static func + (first: CounterReading, second: CounterReading) -> CounterReading {
        CounterReading(
            cycles: sum(first.cycles, second.cycles), instructions: sum(first.instructions, second.instructions),
            lastLevelCacheMisses: sum(first.lastLevelCacheMisses, second.lastLevelCacheMisses),
            branchMisses: sum(first.branchMisses, second.branchMisses),
            contextSwitchesVoluntary: first.contextSwitchesVoluntary + second.contextSwitchesVoluntary,
            contextSwitchesInvoluntary: first.contextSwitchesInvoluntary + second.contextSwitchesInvoluntary,
            migrations: sum(first.migrations, second.migrations),
            minorFaults: first.minorFaults + second.minorFaults, majorFaults: first.majorFaults + second.majorFaults,
            processorNanoseconds: first.processorNanoseconds + second.processorNanoseconds,
            runQueueNanoseconds: sum(first.runQueueNanoseconds, second.runQueueNanoseconds))
    }

    private static func sum(_ first: UInt64?, _ second: UInt64?) -> UInt64? {
        guard let first, let second else { return nil }
        return first + second
    }

    /// Instructions of a cycle; nil without counters, or without a cycle.
    public var instructionsPerCycle: Double? {
        guard let cycles, let instructions, cycles > 0 else { return nil }
        return Double(instructions) / Double(cycles)
    }

    /// The clock while the thread ran, GHz; nil without counters. Where user space alone is counted, the time that the
    /// kernel worked for the thread makes it a little too low.
    public var clockGigahertz: Double? {
        guard let cycles, processorNanoseconds > 0 else { return nil }
        return Double(cycles) / Double(processorNanoseconds)
    }
}
