import CHardware
import Foundation

/// What others do on some hardware threads from now on: other programs, the system itself, and other machines to which a
/// hypervisor gives them ("steal").
///
/// Made before something is measured, and asked afterwards: a speed says little where others had much of the time.
public struct OtherWork: Sendable {
    private let cpus: [Int]
    private let start: ProcessorTime?

    /// Others on the hardware threads with the operating system's numbers `cpus`, from now on.
    public init(on cpus: [Int]) {
        self.cpus = cpus
        start = ProcessorTime.current(of: cpus)
    }

    /// The part of the hardware threads' time so far that others had, 0…1; nil where the system does not tell, and for less
    /// than a second in all: it counts hundredths of one.
    public func fraction() -> Double? {
        guard let start, let now = ProcessorTime.current(of: cpus) else { return nil }
        return now.otherWorkFraction(since: start)
    }

    /// Whether so much work of others, 0…1, belongs beside a speed: above 5 %. What a system does by itself is 1 to 2 % of
    /// two cores.
    public static func isDisturbing(_ fraction: Double) -> Bool { fraction > 0.05 }
}

/// How long some hardware threads have worked, for whomever, and how long this process has.
struct ProcessorTime: Equatable {
    /// Time since some moment, times the number of hardware threads.
    var passedSeconds: Double
    /// Time in which the hardware threads worked.
    var busySeconds: Double
    /// Processor time of this process, wherever it ran.
    var ownSeconds: Double

    /// The counters now; nil where the system does not tell of all `cpus`.
    static func current(of cpus: [Int]) -> ProcessorTime? {
        guard let statistics = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
            let ticks = busyTicks(of: cpus, in: statistics)
        else { return nil }
        return ProcessorTime(
            passedSeconds: Double(loom_monotonic_nanoseconds()) * 1e-9 * Double(cpus.count),
            busySeconds: Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK))),
            ownSeconds: Double(loom_process_nanoseconds()) * 1e-9)
    }

    /// All columns of `/proc/stat` (proc(5)) but idle and iowait, the fourth and fifth, and guests, which user time includes.
    static func busyTicks(of cpus: [Int], in statistics: String) -> Int? {
        let names = Set(cpus.map { "cpu\($0)" })
        var ticks = 0
        var found = 0
        for line in statistics.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let name = fields.first, names.contains(String(name)) else { continue }
            let columns = fields.dropFirst().compactMap { Int($0) }
            guard columns.count >= 8 else { return nil }
            ticks += columns[0...2].reduce(0, +) + columns[5...7].reduce(0, +)
            found += 1
        }
        return found == names.count && found > 0 ? ticks : nil
    }

    func otherWorkFraction(since earlier: ProcessorTime) -> Double? {
        let passed = passedSeconds - earlier.passedSeconds
        guard passed >= 1 else { return nil }
        let others = (busySeconds - earlier.busySeconds) - (ownSeconds - earlier.ownSeconds)
        return min(1, max(0, others / passed))
    }
}
