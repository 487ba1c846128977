import CHardware
import Foundation
import Testing

@testable import LoomHardware

/// Counts of this very thread on this very machine. Each test is one function without suspension: it stays on its thread.
@Suite(.serialized) struct ThreadCountersTests {
    private static let allowedCPUs: [Int] = {
        guard let topology = try? Topology.machine() else { return [] }
        return (try? CPUAllowance.current(topology: topology).allowedCPUs) ?? []
    }()

    /// Writes to each of `pages` fresh pages, between two calls of `read`.
    private func touch<Sample>(pages: Int, _ read: () -> Sample) throws -> (before: Sample, after: Sample) {
        let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))
        let memory = mmap(nil, pages * pageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        let address = try #require(memory != MAP_FAILED ? memory : nil)
        defer { munmap(address, pages * pageBytes) }
        // One fault a page.
        let isPaged = madvise(address, pages * pageBytes, MADV_NOHUGEPAGE) == 0
        try #require(isPaged || errno == EINVAL)
        let before = read()
        for page in 0..<pages { address.storeBytes(of: 1, toByteOffset: page * pageBytes, as: UInt8.self) }
        return (before, read())
    }

    @Test func everyFreshPageIsOneFault() throws {
        let counters = ThreadCounters()
        // Pages of this code, and of its stack.
        _ = try touch(pages: 2) { counters.read() }
        let (before, after) = try touch(pages: 333) { counters.read() }
        let reading = after.since(before)
        #expect(reading.minorFaults == 333)
        #expect(reading.majorFaults == 0)
        #expect(reading.processorNanoseconds > 0)
    }

    /// A group of the kernel's own counts, with one of the processor's in between, which may not be there: every value is
    /// found in its place, and counts from the first moment on.
    @Test func aGroupIsReadAtOnce() throws {
        var group = loom_counter_group()
        let counters = [
            LOOM_COUNTER_TASK_NANOSECONDS, LOOM_COUNTER_INSTRUCTIONS, LOOM_COUNTER_PAGE_FAULTS, LOOM_COUNTER_MIGRATIONS,
        ]
        guard loom_counters_open(&group, counters, Int32(counters.count), 1) == 0 else { return }
        defer { loom_counters_close(&group) }
        func read() -> loom_counter_values {
            var values = loom_counter_values()
            #expect(loom_counters_read(&group, &values) == 0)
            return values
        }
        var (before, after) = try touch(pages: 150, read)
        let present = counters.filter { loom_counter_is_present(&after, $0) != 0 }
        #expect(present == counters.filter { $0 != LOOM_COUNTER_INSTRUCTIONS || present.contains($0) })
        func difference(_ counter: loom_counter) -> UInt64 {
            loom_counter_value(&after, counter) - loom_counter_value(&before, counter)
        }
        // The first call of this code may have to map a few pages, too.
        #expect((150..<170).contains(difference(LOOM_COUNTER_PAGE_FAULTS)))
        #expect((10_000..<1_000_000_000).contains(difference(LOOM_COUNTER_TASK_NANOSECONDS)))
        #expect(difference(LOOM_COUNTER_MIGRATIONS) <= 2)
        #expect(after.time_running == after.time_enabled && after.time_enabled > before.time_enabled)
        #expect(loom_counter_is_present(&after, LOOM_COUNTER_CYCLES) == 0)
    }

    @Test func sleepingGivesTheProcessorUp() {
        let counters = ThreadCounters()
        let before = counters.read()
        for _ in 0..<5 { usleep(10_000) }
        let reading = counters.read().since(before)
        #expect((5...8).contains(reading.contextSwitchesVoluntary))
        // It slept for 50 ms, and did next to nothing.
        #expect(reading.processorNanoseconds < 25_000_000)
    }

    @Test func otherThreadsAreNotCounted() {
        let counters = ThreadCounters()
        let before = counters.read()
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            for _ in 0..<200 { usleep(100) }
            done.signal()
        }
        done.wait()
        // The one for the semaphore, and some for the memory of the new thread.
        #expect(counters.read().since(before).contextSwitchesVoluntary < 50)
    }

    @Test(.enabled(if: allowedCPUs.count > 1, "a thread cannot move on one CPU"))
    func aMoveToAnotherCPUIsAMigration() throws {
        let binder = try ThreadBinder(cpus: Self.allowedCPUs)
        let counters = ThreadCounters()
        do { try binder.bind(worker: 0) } catch { return }  // This system refuses to bind threads.
        defer { binder.restore(worker: 0) }
        let before = counters.read()
        try #require(before.migrations != nil)
        // It leaves its CPU, and comes back to it.
        for _ in 0..<3 { usleep(1000) }
        let still = counters.read().since(before)
        try binder.bind(worker: 1)
        let moved = counters.read().since(before)
        // Back to the CPU of worker 0, the mask that the thread had.
        binder.restore(worker: 1)
        let back = counters.read().since(before)
        #expect(still.migrations == 0 && moved.migrations == 1 && back.migrations == 2)
    }

    /// Both sources of migrations count the same moves.
    @Test(.enabled(if: allowedCPUs.count > 1, "a thread cannot move on one CPU"))
    func theSchedulersFileCountsMigrationsToo() throws {
        let file = loom_thread_file_open("/proc/thread-self/sched")
        defer { loom_thread_file_close(file) }
        var before: UInt64 = 0
        guard loom_thread_file_number(file, "nr_migrations", 0, &before) != 0 else { return }
        let binder = try ThreadBinder(cpus: Self.allowedCPUs)
        do { try binder.bind(worker: 0) } catch { return }
        defer { binder.restore(worker: 0) }
        var start: UInt64 = 0
        var end: UInt64 = 0
        #expect(loom_thread_file_number(file, "nr_migrations", 0, &start) == 1)
        try binder.bind(worker: 1)
        defer { binder.restore(worker: 1) }
        #expect(loom_thread_file_number(file, "nr_migrations", 0, &end) == 1)
        #expect(end == start + 1)
    }

    @Test func hardwareCountersAreThereOrSayWhyNot() {
        let counters = ThreadCounters()
        let before = counters.read()
        var sum = 0.0
        for index in 0..<100_000 { sum += 1 / Double(index + 1) }
        let reading = counters.read().since(before)
        #expect(sum > 12)
        switch counters.availability {
        case .unavailable(let sentence):
            #expect(!sentence.isEmpty)
            #expect(reading.cycles == nil && reading.instructions == nil && reading.lastLevelCacheMisses == nil)
            #expect(reading.instructionsPerCycle == nil && reading.clockGigahertz == nil)
        case .userOnly, .userAndKernel:
            #expect((100_000...1_000_000_000).contains(reading.instructions ?? 0))
            #expect((0.05...20).contains(reading.instructionsPerCycle ?? 0))
            #expect((0.1...10).contains(reading.clockGigahertz ?? 0))
        }
        #expect(CounterAvailability.current() == counters.availability)
    }

    @Test func closesItsFiles() throws {
        let directory = "/proc/self/fd"
        guard FileManager.default.fileExists(atPath: directory) else { return }
        // Other tests open and close files at the same time: a leak of a hundred times two shows all the same.
        let before = try FileManager.default.contentsOfDirectory(atPath: directory).count
        for _ in 0..<100 { _ = ThreadCounters().read() }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count < before + 100)
    }
}

@Suite struct CounterReadingTests {
    /// Counters of the group: cycles, instructions and misses; enabled and running in nanoseconds.
    private func sample(_ counts: (UInt64, UInt64, UInt64), enabled: UInt64, running: UInt64) -> CounterSample {
        var sample = CounterSample()
        sample.hardware.count.0 = counts.0
        sample.hardware.count.1 = counts.1
        sample.hardware.count.2 = counts.2
        sample.hardware.present = 0b111
        sample.hardware.time_enabled = enabled
        sample.hardware.time_running = running
        return sample
    }

    @Test func countersThatTookTurnsAreScaled() {
        let before = sample((100, 1000, 7), enabled: 5000, running: 4000)
        // A window of 1000 ns of which they counted 250: four times what was seen.
        let quarter = sample((400, 1001, 7), enabled: 6000, running: 4250).since(before)
        #expect(quarter.cycles == 1200 && quarter.instructions == 4 && quarter.lastLevelCacheMisses == 0)
        #expect(quarter.branchMisses == nil)
        // 3 · 1000 / 700 = 4.29.
        #expect(sample((103, 1000, 7), enabled: 6000, running: 4700).since(before).cycles == 4)
        // All the time: as counted, above 2⁵³ too.
        let large = sample((100 + (1 << 60) + 1, 1000, 7), enabled: 6000, running: 5000).since(before)
        #expect(large.cycles == (1 << 60) + 1)
        // Never: unknown.
        #expect(sample((100, 1000, 7), enabled: 6000, running: 4000).since(before).cycles == nil)
        // A window of no length.
        #expect(sample((100, 1000, 7), enabled: 5000, running: 4000).since(before).cycles == 0)
    }

    @Test func countersThatAreNotThereStayUnknown() {
        var before = sample((1, 2, 3), enabled: 10, running: 10)
        var after = sample((2, 4, 6), enabled: 20, running: 20)
        after.hardware.present = 0b001
        #expect(after.since(before).cycles == 1 && after.since(before).instructions == nil)
        after.migrations = 5
        #expect(after.since(before).migrations == nil)
        before.migrations = 2
        #expect(after.since(before).migrations == 3)
    }

    @Test func differencesAreOfEachCount() {
        var before = CounterSample()
        before.usage = loom_thread_usage(
            voluntary_switches: 1, involuntary_switches: 2, minor_faults: 3, major_faults: 4, processor_nanoseconds: 5)
        before.runQueueNanoseconds = 6
        var after = CounterSample()
        after.usage = loom_thread_usage(
            voluntary_switches: 11, involuntary_switches: 22, minor_faults: 33, major_faults: 44,
            processor_nanoseconds: 55)
        after.runQueueNanoseconds = 66
        #expect(
            after.since(before)
                == CounterReading(
                    contextSwitchesVoluntary: 10, contextSwitchesInvoluntary: 20, minorFaults: 30, majorFaults: 40,
                    processorNanoseconds: 50, runQueueNanoseconds: 60))
    }

    @Test func readingsAddUp() {
        let first = CounterReading(
            cycles: 100, instructions: 250, lastLevelCacheMisses: 1, branchMisses: nil, contextSwitchesVoluntary: 2,
            contextSwitchesInvoluntary: 3, migrations: 0, minorFaults: 4, majorFaults: 5, processorNanoseconds: 50,
            runQueueNanoseconds: 7)
        let second = CounterReading(
            cycles: 10, instructions: 20, lastLevelCacheMisses: nil, branchMisses: 4, contextSwitchesVoluntary: 20,
            contextSwitchesInvoluntary: 30, migrations: 1, minorFaults: 40, majorFaults: 50, processorNanoseconds: 60,
            runQueueNanoseconds: 70)
        #expect(
            first + second
                == CounterReading(
                    cycles: 110, instructions: 270, contextSwitchesVoluntary: 22, contextSwitchesInvoluntary: 33,
                    migrations: 1, minorFaults: 44, majorFaults: 55, processorNanoseconds: 110, runQueueNanoseconds: 77)
        )
        #expect(first.instructionsPerCycle == 2.5 && first.clockGigahertz == 2)
        #expect(CounterReading(cycles: 0, instructions: 0).instructionsPerCycle == nil)
        #expect(CounterReading(cycles: 1, instructions: 0).clockGigahertz == nil)
    }

    /// `errno`, the machine's level, and words of the sentence.
    private static let refusals: [(Int32, Int?, String)] = [
        (EACCES, 4, "kernel.perf_event_paranoid is 4): 'sudo sysctl kernel.perf_event_paranoid=2'"),
        (EPERM, 3, "kernel.perf_event_paranoid is 3)"),
        (EPERM, 2, "a sandbox keeps hardware counters from this process (perf_event_open: Operation not permitted)"),
        (EACCES, nil, "'--cap-add PERFMON'"),
        (ENOENT, 2, "the system shows no hardware counters (perf_event_open: No such file or directory)"),
        (ENODEV, 2, "'-cpu host,pmu=on'"),
        (ENXIO, 2, "'-cpu host,pmu=on'"),
        (EOPNOTSUPP, 2, "'-cpu host,pmu=on'"),
        (ENOSYS, nil, "CONFIG_PERF_EVENTS"),
        (EBUSY, 2, "kernel.nmi_watchdog=0"),
        (EMFILE, 2, "'ulimit -n 4096'"),
        (ENFILE, 2, "'ulimit -n 4096'"),
        (EINVAL, 2, "errno 22): 'perf stat true'"),
    ]

    @Test(arguments: refusals) func everyRefusalSaysWhyAndWhatToDo(code: Int32, level: Int?, words: String) {
        let sentence = CounterAvailability.refusal(errno: code, paranoidLevel: level)
        #expect(sentence.contains(words), "\(sentence)")
        // One sentence, to be put behind a colon or a dash: no full stop, no line break.
        #expect(!sentence.hasSuffix(".") && !sentence.contains(". ") && !sentence.contains("\n"))
        #expect(CounterAvailability.unavailable(sentence).refusal == sentence)
    }

    @Test func whatIsThereNeedsNoRefusal() {
        #expect(CounterAvailability.userOnly.refusal == nil && CounterAvailability.userAndKernel.refusal == nil)
    }

    /// Texts, the name, numbers skipped; the number.
    private static let numbers: [(String, String?, Int32, UInt64?)] = [
        ("123 2500000000 7\n", nil, 0, 123), ("123 2500000000 7\n", nil, 1, 2_500_000_000),
        ("123\n", nil, 1, nil), ("", nil, 0, nil), ("a b", nil, 0, nil),
        ("x : 1\nse.nr_migrations      :     42\nnr_switches : 3\n", "nr_migrations", 0, 42),
        ("se.nr_migrations", "nr_migrations", 0, nil), ("nr_switches : 3", "nr_migrations", 0, nil),
        ("99999999999999999999999 1", nil, 0, nil),
    ]

    @Test(arguments: numbers) func findsANumberInAText(text: String, name: String?, skipped: Int32, number: UInt64?) {
        var found: UInt64 = 0
        let isFound = loom_number_in_text(text, name, skipped, &found) != 0
        #expect((isFound ? found : nil) == number)
    }
}

@Suite struct CPUDisturbanceTests {
    @Test func throttlingIsInSeconds() {
        var disturbance = CPUDisturbance(othersFraction: 0.25, stolenFraction: 0.125)
        disturbance.record(CPUThrottling(periods: 10, throttledPeriods: 3, throttledNanoseconds: 1_500_000_000))
        #expect(
            disturbance
                == CPUDisturbance(
                    othersFraction: 0.25, stolenFraction: 0.125, throttledPeriods: 3, throttledSeconds: 1.5))
    }

    @Test func aWindowIsOfThisProcess() {
        let window = CPUDisturbanceWindow(CPUContention(on: [], waitingThreads: 1))
        let disturbance = window.soFar()
        #expect(disturbance.stolenFraction == nil)
        #expect((disturbance.throttledPeriods == nil) == (CPUThrottling.current() == nil))
        if let others = disturbance.othersFraction { #expect((0...1).contains(others)) }
    }
}
