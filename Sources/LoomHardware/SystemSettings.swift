import Foundation

/// Settings of the operating system that decide about speed, as they stand in its files.
///
/// Files and their meaning: proc(5), and the Linux kernel's documentation "CPU Performance Scaling", "Transparent Hugepage
/// Support", "Clock sources" and "perf_events".
package struct SystemSettings: Sendable {
    /// What is put before every absolute path; empty for this machine.
    private let root: String

    /// The settings of this machine.
    package init() { self.init(root: "") }

    init(root: String) { self.root = root }

    // MARK: Clocks

    /// How the clock of a CPU is chosen, such as `performance` or `powersave`; nil where the system does not choose it, as
    /// in most virtual machines.
    package func governor(of cpu: Int) -> String? { word("/sys/devices/system/cpu/cpu\(cpu)/cpufreq/scaling_governor") }

    /// The clock of a CPU now, in GHz; nil where the system does not tell.
    package func gigahertz(of cpu: Int) -> Double? { gigahertz("scaling_cur_freq", of: cpu) }

    /// The clock that a CPU keeps up with all others at work, in GHz: its base clock where the system tells it, or else
    /// the highest.
    package func sustainedGigahertz(of cpu: Int) -> Double? {
        gigahertz("base_frequency", of: cpu) ?? gigahertz("cpuinfo_max_freq", of: cpu)
    }

    private func gigahertz(_ name: String, of cpu: Int) -> Double? {
        word("/sys/devices/system/cpu/cpu\(cpu)/cpufreq/\(name)").flatMap { Double($0) }.map { $0 * 1e-6 }
    }

    // MARK: Memory

    /// Who gets huge pages: `always`, `madvise` (who asks) or `never`; nil where the system has none.
    package func hugePageMode() -> String? {
        let words = word("/sys/kernel/mm/transparent_hugepage/enabled")?.split(separator: " ") ?? []
        return words.first { $0.hasPrefix("[") && $0.hasSuffix("]") }.map { String($0.dropFirst().dropLast()) }
    }

    /// Whether this process may have huge pages at all (prctl(2), PR_SET_THP_DISABLE); nil where the system does not tell.
    package func processMayHaveHugePages() -> Bool? {
        let line = read("/proc/self/status")?.split(separator: "\n").first { $0.hasPrefix("THP_enabled:") }
        return line.map { $0.split(whereSeparator: \.isWhitespace).last == "1" }
    }

    /// The part of the memory around `address` that lies in huge pages, 0…1, of what is in memory at all; nil where the
    /// system does not tell.
    package func hugePageFraction(at address: UInt) -> Double? {
        // A mapping begins with its addresses, "7f00-7fff rw-p …"; facts of it follow, a line each.
        var isMeant = false
        var resident: Int?
        for line in read("/proc/self/smaps")?.split(separator: "\n") ?? [] {
            if let range = Self.addresses(of: line) {
                isMeant = range.contains(address)
            } else if isMeant, line.hasPrefix("Rss:") {
                resident = kibibytes("Rss:", of: String(line))
            } else if isMeant, line.hasPrefix("AnonHugePages:"), let resident, resident > 0 {
                return kibibytes("AnonHugePages:", of: String(line)).map { Double($0) / Double(resident) }
            }
        }
        return nil
    }

    private static func addresses(of line: Substring) -> Range<UInt>? {
        let bounds = line.prefix { $0 != " " }.split(separator: "-").map { UInt($0, radix: 16) }
        guard bounds.count == 2, let start = bounds[0], let end = bounds[1], start <= end else { return nil }
        return start..<end
    }

    // MARK: Time and counters

    /// What the system reads the time from, such as `tsc`; nil where it does not tell.
    package func clockSource() -> String? { word("/sys/devices/system/clocksource/clocksource0/current_clocksource") }

    /// The other ones that it could read the time from.
    package func availableClockSources() -> [String] {
        let words = word("/sys/devices/system/clocksource/clocksource0/available_clocksource") ?? ""
        return words.split(separator: " ").map(String.init)
    }

    /// Who may count processor events: up to 2, every program its own; nil where there are none.
    package func perfEventParanoia() -> Int? { word("/proc/sys/kernel/perf_event_paranoid").flatMap { Int($0) } }

    // MARK: Files

    private func word(_ path: String) -> String? {
        read(path)?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func read(_ path: String) -> String? { SystemFile.text(root + path) }
}
