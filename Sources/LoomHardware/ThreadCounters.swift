import CHardware

/// The counters of one thread: of the processor, where the kernel allows it, and of the system.
///
/// A worker opens them on its own thread, which takes a dozen system calls, and reads them there before and after what it
/// measures. A reading allocates nothing and takes four or five system calls: about 2 µs (Intel Emerald Rapids, Linux 6.18),
/// and 5 µs more where the kernel does not let migrations be counted and they are looked up in a file.
///
/// ```swift
/// let counters = ThreadCounters()
/// let before = counters.read()
/// work()
/// let reading = counters.read().since(before)
/// ```
public struct ThreadCounters: ~Copyable {
    /// Whether the processor's counters can be read here.
    public let availability: CounterAvailability
    private var hardware = loom_counter_group()
    private var software = loom_counter_group()
    /// `/proc/thread-self/schedstat`: the second number is the time on a run queue (the kernel's sched-stats.rst).
    private let scheduleStatistics: Int32
    /// `/proc/thread-self/sched`, where migrations have no counter; -1 otherwise.
    private let scheduleDescription: Int32
    private let thread: Int

    /// Opens counters for the calling thread. What the system refuses is left out; `availability` says why.
    public init() {
        thread = loom_thread_identifier()
        let counted = [
            LOOM_COUNTER_CYCLES, LOOM_COUNTER_INSTRUCTIONS, LOOM_COUNTER_LAST_LEVEL_CACHE_MISSES,
            LOOM_COUNTER_BRANCH_MISSES,
        ]
        let code = loom_counters_open(&hardware, counted, Int32(counted.count), 1)
        if code != 0 {
            availability = .unavailable(
                CounterAvailability.refusal(errno: code, paranoidLevel: SystemSettings().perfEventParanoia()))
        } else {
            availability = hardware.user_space_only != 0 ? .userOnly : .userAndKernel
        }
        // The kernel migrates: without it there would be none to count. A group of its own: it never has to take turns.
        let hasMigrations = loom_counters_open(&software, [LOOM_COUNTER_MIGRATIONS], 1, 0) == 0
        scheduleDescription = hasMigrations ? -1 : loom_thread_file_open("/proc/thread-self/sched")
        scheduleStatistics = loom_thread_file_open("/proc/thread-self/schedstat")
    }

    deinit {
        for var group in [hardware, software] { loom_counters_close(&group) }
        loom_thread_file_close(scheduleDescription)
        loom_thread_file_close(scheduleStatistics)
    }

    /// What has been counted so far; called by the thread that opened the counters.
    public func read() -> CounterSample {
        assert(loom_thread_identifier() == thread, "counters are read by the thread that opened them")
        var sample = CounterSample()
        if hardware.leader >= 0 { read(hardware, into: &sample.hardware) }
        sample.migrations = migrations()
        var waited: UInt64 = 0
        if loom_thread_file_number(scheduleStatistics, nil, 1, &waited) != 0 { sample.runQueueNanoseconds = waited }
        loom_thread_usage_read(&sample.usage)
        return sample
    }

    private func read(_ group: loom_counter_group, into values: inout loom_counter_values) {
        var group = group
        loom_counters_read(&group, &values)
    }

    private func migrations() -> UInt64? {
        var number: UInt64 = 0
        guard software.leader >= 0 else {
            return loom_thread_file_number(scheduleDescription, "nr_migrations", 0, &number) != 0 ? number : nil
        }
        var values = loom_counter_values()
        read(software, into: &values)
        return loom_counter_is_present(&values, LOOM_COUNTER_MIGRATIONS) != 0
            ? loom_counter_value(&values, LOOM_COUNTER_MIGRATIONS) : nil
    }
}
