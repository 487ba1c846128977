import CHardware
import Foundation

/// What others have of the workers' hardware threads from now on: other programs, the system itself, and other machines to
/// which a hypervisor gives them ("steal").
///
/// Made before something is measured, and asked afterwards: a speed says little where others had much of the time. Two
/// sources are asked, and the one that saw more counts:
///
/// - The scheduler's own count of how long each thread of this process was ready and waited for a CPU, in nanoseconds
///   (`/proc/self/task/*/schedstat`). It holds for the shortest runs, but knows nothing of a hypervisor, and nothing of
///   others that share a core's units from another hardware thread.
/// - What `/proc/stat` counts for the hardware threads, less what this process had. It knows of both, but counts hundredths
///   of a second: it is asked from a second of all hardware threads together on.
public struct CPUContention: Sendable {
    private let cpus: [Int]
    private let waitingThreads: Int
    private let start: Reading

    /// Others on the hardware threads with the operating system's numbers `cpus`, from now on; none: these are not known.
    ///
    /// `waitingThreads` threads of this process work at a time, each of them with a hardware thread to itself if there were
    /// no others; 0: what threads wait for is not asked, because they wait for each other, or for a quota.
    public init(on cpus: [Int], waitingThreads: Int) {
        self.cpus = cpus
        self.waitingThreads = waitingThreads
        start = Reading.current(of: cpus, includesThreads: waitingThreads > 0)
    }

    /// The part of the time so far that others had, 0…1; nil where the system does not tell.
    public func fraction() -> Double? {
        let now = Reading.current(of: cpus, includesThreads: waitingThreads > 0)
        return now.othersFraction(since: start, waitingThreads: waitingThreads)
    }

    /// The part of the time of the hardware threads so far that programs of low priority had (nice above 0), this one left
    /// out, 0…1; nil where the system does not tell, and for less than a second in all.
    public func nicedFraction() -> Double? {
        let now = Reading.current(of: cpus, includesThreads: false)
        return now.nicedFraction(since: start, isNiced: Self.niceness > 0)
    }

    /// The part of the time of the hardware threads so far that a hypervisor gave to other machines, 0…1; nil where the
    /// system does not tell, and for less than a second in all.
    public func stolenFraction() -> Double? {
        Reading.current(of: cpus, includesThreads: false).stolenFraction(since: start)
    }

    /// Seconds that a hypervisor has given of the hardware threads `cpus` to other machines since the system's start, all
    /// together, in hundredths; nil where the system does not tell.
    public static func stolenSeconds(of cpus: [Int]) -> Double? { ProcessorTime.current(of: cpus)?.stolenSeconds }

    /// Whether so much work of others, 0…1, belongs beside a speed: above 5 %. What a system does by itself is 1 to 2 % of
    /// two cores.
    public static func isDisturbing(_ fraction: Double) -> Bool { fraction > 0.05 }

    /// This process's nice value: above 0, the scheduler serves others before it.
    public static var niceness: Int { Int(loom_niceness()) }

    /// One sentence where this process has a low priority; nil otherwise.
    public static func nicenessNote(_ niceness: Int = niceness) -> String? {
        niceness > 0
            ? "this process has a low priority (nice \(niceness)): other programs on its CPUs come before it" : nil
    }
}

/// How long some hardware threads have worked, for whomever, and how long this process has worked and waited.
struct Reading: Equatable {
    /// Since some moment.
    var seconds: Double
    /// What the hardware threads did; nil where the system does not tell of all of them.
    var processors: ProcessorTime?
    /// How long each thread of this process, by its number, was ready and waited for a CPU; nil where the system does not
    /// tell.
    var waitedSeconds: [Int: Double]?

    static func current(of cpus: [Int], includesThreads: Bool) -> Reading {
        Reading(
            seconds: Double(loom_monotonic_nanoseconds()) * 1e-9, processors: ProcessorTime.current(of: cpus),
            waitedSeconds: includesThreads ? waitedSeconds() : nil)
    }

    private static func waitedSeconds() -> [Int: Double]? {
        let directory = "/proc/self/task"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else { return nil }
        var seconds: [Int: Double] = [:]
        for name in names {
            // A thread may end in between.
            guard let number = Int(name),
                let text = SystemFile.text("\(directory)/\(name)/schedstat"),
                let waited = waitedSeconds(in: text)
            else { continue }
            seconds[number] = waited
        }
        return seconds.isEmpty ? nil : seconds
    }

    /// The second of the three numbers of a `schedstat` file: nanoseconds on a run queue (the kernel's
    /// Documentation/scheduler/sched-stats.rst).
    static func waitedSeconds(in text: String) -> Double? {
        let fields = text.split(whereSeparator: \.isWhitespace)
        guard fields.count == 3, let nanoseconds = UInt64(fields[1]) else { return nil }
        return Double(nanoseconds) * 1e-9
    }

    func othersFraction(since earlier: Reading, waitingThreads: Int) -> Double? {
        let seen = [
            waitedFraction(since: earlier, waitingThreads: waitingThreads),
            passed(since: earlier).flatMap { now, then, passed in
                ((now.busySeconds - then.busySeconds) - (now.ownSeconds - then.ownSeconds)) / passed
            },
        ]
        return seen.compactMap { $0 }.max().map { min(1, max(0, $0)) }
    }

    private func waitedFraction(since earlier: Reading, waitingThreads: Int) -> Double? {
        guard let waitedSeconds, let before = earlier.waitedSeconds, seconds > earlier.seconds else { return nil }
        // Threads that began meanwhile have waited from 0 on; of those that ended nobody knows.
        let waited = waitedSeconds.reduce(0) { $0 + max(0, $1.value - (before[$1.key] ?? 0)) }
        return waited / (seconds - earlier.seconds) / Double(waitingThreads)
    }

    func nicedFraction(since earlier: Reading, isNiced: Bool) -> Double? {
        passed(since: earlier).map { now, then, passed in
            let own = isNiced ? now.ownSeconds - then.ownSeconds : 0
            return min(1, max(0, (now.nicedSeconds - then.nicedSeconds - own) / passed))
        }
    }

    func stolenFraction(since earlier: Reading) -> Double? {
        passed(since: earlier).map { now, then, passed in
            min(1, max(0, (now.stolenSeconds - then.stolenSeconds) / passed))
        }
    }

    /// Both counters, and the time of all hardware threads together; nil for less than a second, which their ticks of 10 ms
    /// do not measure.
    private func passed(since earlier: Reading) -> (ProcessorTime, ProcessorTime, Double)? {
        guard let processors, let before = earlier.processors else { return nil }
        let passed = (seconds - earlier.seconds) * Double(processors.count)
        return passed >= 1 ? (processors, before, passed) : nil
    }
}

/// How long some hardware threads have worked, for whomever, and how long this process has.
struct ProcessorTime: Equatable {
    /// The number of hardware threads.
    var count: Int
    /// Time in which they worked.
    var busySeconds: Double
    /// Of it, for programs of low priority.
    var nicedSeconds: Double
    /// Processor time of this process, wherever it ran.
    var ownSeconds: Double
    /// Of `busySeconds`, what a hypervisor gave to other machines.
    var stolenSeconds = 0.0

    /// The counters now; nil where the system does not tell of all `cpus`.
    static func current(of cpus: [Int]) -> ProcessorTime? {
        guard !cpus.isEmpty, let statistics = SystemFile.text("/proc/stat"), let ticks = ticks(of: cpus, in: statistics)
        else { return nil }
        let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        return ProcessorTime(
            count: cpus.count, busySeconds: Double(ticks.busy) / ticksPerSecond,
            nicedSeconds: Double(ticks.niced) / ticksPerSecond,
            ownSeconds: Double(loom_process_nanoseconds()) * 1e-9,
            stolenSeconds: Double(ticks.stolen) / ticksPerSecond)
    }

    /// `busy`: all columns of `/proc/stat` (proc(5)) but idle and iowait, the fourth and fifth, and guests, which user time
    /// includes. `niced`: the second. `stolen`: the eighth.
    static func ticks(of cpus: [Int], in statistics: String) -> (busy: Int, niced: Int, stolen: Int)? {
        let names = Set(cpus.map { "cpu\($0)" })
        var (busy, niced, stolen, found) = (0, 0, 0, 0)
        for line in statistics.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let name = fields.first, names.contains(String(name)) else { continue }
            let columns = fields.dropFirst().compactMap { Int($0) }
            guard columns.count >= 8 else { return nil }
            busy += columns[0...2].reduce(0, +) + columns[5...7].reduce(0, +)
            niced += columns[1]
            stolen += columns[7]
            found += 1
        }
        return found == names.count && found > 0 ? (busy, niced, stolen) : nil
    }
}
