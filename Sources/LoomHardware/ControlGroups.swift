import Foundation

/// A limit on CPU time that a control group sets: `cpus` CPUs' worth of time in each period.
public struct CPUQuota: Sendable, Codable, Equatable {
    /// Quota divided by period: 1.5 is the time of one and a half CPUs.
    public let cpus: Double
    /// 1 or 2: the version of the control group hierarchy.
    public let version: Int
    /// The control group's path below the mount point; `/` is the group at the mount point.
    public let path: String

    /// A limit of `cpus` CPUs in the group `path`.
    public init(cpus: Double, version: Int, path: String) {
        self.cpus = cpus
        self.version = version
        self.path = path
    }

    /// The number of workers that the quota feeds: `cpus` rounded up, 1 at least.
    public var workers: Int { max(1, Int(min(cpus, 1e6).rounded(.up))) }
}

/// The control groups of this process that limit CPU time or memory, read from procfs and the mounted hierarchies.
///
/// Files and their meaning: "CFS Bandwidth Control" and "Memory Resource Controller" (version 1) and "Control Group v2",
/// sections "CPU", "Memory" and "Organizing Processes and Threads", in the Linux kernel's documentation;
/// `/proc/PID/mountinfo` in proc(5).
struct ControlGroups {
    /// What is put before every absolute path; empty for this machine.
    let root: String

    /// A control group's directory, `path` relative to the mount point.
    private struct Group {
        var version: Int
        var directory: String
        var path: String
    }

    private struct Mount {
        /// The group that is visible at the mount point.
        var root: String
        var point: String
        var fileSystem: String
        var options: Set<Substring>
    }

    init(root: String = "") {
        self.root = root
    }

    /// The smallest limit on the way from this process's groups up to the root of each hierarchy: a parent's
    /// limit holds for all its children together.
    func quota() -> CPUQuota? {
        groups(of: "cpu").compactMap(quota(of:)).min { $0.cpus < $1.cpus }
    }

    /// The counters of every group with a limit, added up; nil where no group has both.
    func throttling() -> CPUThrottling? {
        let counters = groups(of: "cpu").filter { quota(of: $0) != nil }.compactMap(throttling(of:))
        guard var sum = counters.first else { return nil }
        for counter in counters.dropFirst() {
            sum.periods += counter.periods
            sum.throttledPeriods += counter.throttledPeriods
            sum.throttledNanoseconds += counter.throttledNanoseconds
        }
        return sum
    }

    private func quota(of group: Group) -> CPUQuota? {
        let quota: Double?
        let period: Double?
        if group.version == 2 {
            // "max 100000" or "150000 100000"; the group at the top of the hierarchy has no such file.
            let fields = read(group.directory + "/cpu.max")?.split(whereSeparator: \.isWhitespace) ?? []
            quota = fields.first.flatMap { Double($0) }
            period = fields.count > 1 ? Double(fields[1]) : 100_000
        } else {
            quota = number(group.directory + "/cpu.cfs_quota_us")  // −1: no limit
            period = number(group.directory + "/cpu.cfs_period_us")
        }
        guard let quota, let period, quota > 0, period > 0 else { return nil }
        return CPUQuota(cpus: quota / period, version: group.version, path: group.path)
    }

    private func throttling(of group: Group) -> CPUThrottling? {
        var counters: [Substring: UInt64] = [:]
        for line in read(group.directory + "/cpu.stat")?.split(separator: "\n") ?? [] {
            let fields = line.split(separator: " ")
            if fields.count == 2 { counters[fields[0]] = UInt64(fields[1]) }
        }
        guard let periods = counters["nr_periods"], let throttled = counters["nr_throttled"] else {
            return nil
        }
        let nanoseconds = counters["throttled_time"] ?? (counters["throttled_usec"] ?? 0) * 1000
        return CPUThrottling(
            periods: Int(periods), throttledPeriods: Int(throttled), throttledNanoseconds: Int(nanoseconds))
    }

    /// This process's groups that `controller` may limit, the innermost of each hierarchy first.
    private func groups(of controller: String) -> [Group] {
        let mounts = self.mounts()
        var groups: [Group] = []
        for line in read("/proc/self/cgroup")?.split(separator: "\n") ?? [] {
            // hierarchy:controllers:path, for version 2 "0::path"
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isVersion2 = fields[0] == "0" && fields[1].isEmpty
            guard isVersion2 || fields[1].split(separator: ",").contains(Substring(controller)) else { continue }
            // On a hybrid system both hierarchies are mounted, and the controller is in one of them.
            let mount = mounts.first {
                isVersion2
                    ? $0.fileSystem == "cgroup2"
                    : $0.fileSystem == "cgroup" && $0.options.contains(Substring(controller))
            }
            guard let mount else { continue }
            let path = Self.path(String(fields[2]), below: mount.root)
            for level in Self.levels(of: path) {
                groups.append(
                    Group(
                        version: isVersion2 ? 2 : 1, directory: mount.point + (level == "/" ? "" : level),
                        path: level))
            }
        }
        return groups
    }

    /// The path below the mount point. In a container the mount may show a part of the hierarchy only, while
    /// the path counts from the hierarchy's root; what lies outside (`/../other`) cannot be seen.
    private static func path(_ path: String, below mountRoot: String) -> String {
        var relative = path
        if mountRoot != "/" {
            guard path == mountRoot || path.hasPrefix(mountRoot + "/") else { return "/" }
            relative = String(path.dropFirst(mountRoot.count))
        }
        return relative.split(separator: "/").contains("..") ? "/" : relative
    }

    /// `/a/b`, `/a`, `/`.
    private static func levels(of path: String) -> [String] {
        let components = path.split(separator: "/")
        return (0...components.count).reversed().map { "/" + components.prefix($0).joined(separator: "/") }
    }

    private func mounts() -> [Mount] {
        let lines = read("/proc/self/mountinfo")?.split(separator: "\n") ?? []
        return lines.compactMap { line in
            // id parent device root point options [optional …] - file-system source super-options
            let fields = line.split(separator: " ")
            guard let separator = fields.firstIndex(of: "-"), separator >= 6, fields.count > separator + 3
            else {
                return nil
            }
            return Mount(
                root: Self.unescape(fields[3]), point: Self.unescape(fields[4]),
                fileSystem: String(fields[separator + 1]),
                options: Set(fields[separator + 3].split(separator: ",")))
        }
    }

    /// mountinfo writes space, tab, newline and backslash as three octal digits after a backslash.
    private static func unescape(_ text: Substring) -> String {
        var result = String(text)
        for (escape, character) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
            result = result.replacingOccurrences(of: escape, with: character)
        }
        return result
    }

    // MARK: Memory

    /// The smallest of what the memory limits on the way up leave, and the group that it belongs to; nil without a limit.
    func memoryAvailable() -> (bytes: Int, path: String)? {
        groups(of: "memory").compactMap { group in
            memoryAvailable(in: group).map { (bytes: $0, path: group.path) }
        }.min { $0.bytes < $1.bytes }
    }

    /// The machine's `MemAvailable` (proc(5)).
    func machineMemoryAvailable() -> Int? {
        read("/proc/meminfo").flatMap { kibibytes("MemAvailable:", of: $0) }
    }

    private func memoryAvailable(in group: Group) -> Int? {
        let (limit, usage) =
            group.version == 2
            ? (number(group.directory + "/memory.max"), number(group.directory + "/memory.current"))
            : (
                number(group.directory + "/memory.limit_in_bytes"),
                number(group.directory + "/memory.usage_in_bytes")
            )
        // Without a limit the file says "max" (version 2) or about 2⁶³ (version 1).
        guard let limit, let usage, limit < 0x1p62 else { return nil }
        // Pages of files count as used, but are given up where memory is short.
        let prefix = group.version == 2 ? "" : "total_"
        let files = ["inactive_file", "active_file"].reduce(0) {
            $0 + (statistic(prefix + $1, of: group.directory + "/memory.stat") ?? 0)
        }
        return max(0, Int(limit - usage + files))
    }

    private func statistic(_ name: String, of path: String) -> Double? {
        let line = read(path)?.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line?.split(separator: " ").last.flatMap { Double($0) }
    }

    // MARK: Files

    private func read(_ path: String) -> String? {
        SystemFile.text(root + path)
    }

    private func number(_ path: String) -> Double? {
        read(path).flatMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
}

/// How often the scheduler stopped this process's control groups because their CPU quota was used up.
///
/// Read before and after a run; the difference tells whether the quota slowed the run down.
package struct CPUThrottling: Sendable, Codable, Equatable {
    /// Enforcement periods that have passed.
    package var periods: Int
    /// Periods in which the group was stopped.
    package var throttledPeriods: Int
    /// How long its threads were stopped, summed over CPUs.
    package var throttledNanoseconds: Int

    /// The counters since the groups' creation, or a difference of two readings.
    package init(periods: Int, throttledPeriods: Int, throttledNanoseconds: Int) {
        self.periods = periods
        self.throttledPeriods = throttledPeriods
        self.throttledNanoseconds = throttledNanoseconds
    }

    private enum CodingKeys: String, CodingKey {
        case periods
        case throttledPeriods = "throttled_periods"
        case throttledNanoseconds = "throttled_nanoseconds"
    }

    /// The counters now, over all groups with a quota that this process is in; nil without a quota.
    package static func current() -> CPUThrottling? {
        ControlGroups().throttling()
    }

    /// What was counted after `earlier`.
    package func since(_ earlier: CPUThrottling) -> CPUThrottling {
        CPUThrottling(
            periods: periods - earlier.periods, throttledPeriods: throttledPeriods - earlier.throttledPeriods,
            throttledNanoseconds: throttledNanoseconds - earlier.throttledNanoseconds)
    }
}
