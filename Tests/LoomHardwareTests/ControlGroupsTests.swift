import Foundation
import Testing

@testable import LoomHardware

/// A directory tree that stands for `/`, removed with the last reference.
private final class FixtureRoot {
    let path: String

    /// Writes `files`, by absolute path inside the tree.
    init(_ files: [String: String]) throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent("cgroups-\(UUID().uuidString)").path
        for (name, content) in files {
            let file = URL(fileURLWithPath: path + name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(content.utf8).write(to: file)
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    var groups: ControlGroups { ControlGroups(root: path) }
}

@Suite struct ControlGroupsTests {
    private static let version2Mount =
        "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
    private static let version1Mount = """
        30 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        31 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:11 - cgroup cgroup rw,cpu,cpuacct

        """

    @Test func takesSmallestVersion2LimitOnTheWayUp() throws {
        let root = try FixtureRoot([
            "/proc/self/cgroup": "0::/a/b\n", "/proc/self/mountinfo": Self.version2Mount,
            "/sys/fs/cgroup/a/b/cpu.max": "400000 100000\n", "/sys/fs/cgroup/a/cpu.max": "150000 100000\n",
            "/sys/fs/cgroup/other/cpu.max": "10000 100000\n",
        ])
        #expect(root.groups.quota() == CPUQuota(cpus: 1.5, version: 2, path: "/a"))
    }

    @Test(arguments: [
        ("max 100000\n", nil), ("50000 100000\n", 0.5), ("300000\n", 3), ("", nil), ("0 100000\n", nil),
        ("100000 0\n", nil), ("rubbish\n", nil),
    ]) func readsCPUMax(content: String, cpus: Double?) throws {
        let root = try FixtureRoot([
            "/proc/self/cgroup": "0::/a\n", "/proc/self/mountinfo": Self.version2Mount,
            "/sys/fs/cgroup/a/cpu.max": content,
        ])
        #expect(root.groups.quota()?.cpus == cpus)
    }

    @Test func readsVersion1() throws {
        let root = try FixtureRoot([
            "/proc/self/cgroup": "5:memory:/x\n4:cpu,cpuacct:/docker/c\n1:name=systemd:/y\n",
            "/proc/self/mountinfo": Self.version1Mount,
            "/sys/fs/cgroup/cpu,cpuacct/docker/c/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/cpu,cpuacct/docker/c/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us": "250000\n",
            "/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us": "100000\n",
        ])
        #expect(root.groups.quota() == CPUQuota(cpus: 2.5, version: 1, path: "/docker"))
    }

    @Test func readsControllerOfHybridSystem() throws {
        // Both hierarchies are mounted and the CPU controller belongs to version 1.
        let root = try FixtureRoot([
            "/proc/self/cgroup": "4:cpu,cpuacct:/a\n0::/u\n",
            "/proc/self/mountinfo": Self.version1Mount
                + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "200000\n",
            "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/unified/u/cgroup.controllers": "",
        ])
        #expect(root.groups.quota() == CPUQuota(cpus: 2, version: 1, path: "/a"))
    }

    @Test func findsGroupAtMountPointOfContainer() throws {
        // Docker without a namespace: the mount shows the container's group, the path counts from the host's
        // root.
        let mount = "31 25 0:28 /docker/c /mnt/c\\040groups/cpu rw - cgroup cgroup rw,cpu\n"
        let files = [
            "/proc/self/mountinfo": mount, "/mnt/c groups/cpu/cpu.cfs_quota_us": "50000\n",
            "/mnt/c groups/cpu/cpu.cfs_period_us": "100000\n",
            "/mnt/c groups/cpu/job/cpu.cfs_quota_us": "20000\n",
            "/mnt/c groups/cpu/job/cpu.cfs_period_us": "100000\n",
            "/mnt/c groups/cpu/c/job/cpu.cfs_quota_us": "10000\n",
            "/mnt/c groups/cpu/c/job/cpu.cfs_period_us": "100000\n",
        ]
        for (path, quota) in [
            ("/docker/c", CPUQuota(cpus: 0.5, version: 1, path: "/")),
            ("/docker/c/job", CPUQuota(cpus: 0.2, version: 1, path: "/job")),
            ("/docker/cc/job", CPUQuota(cpus: 0.5, version: 1, path: "/")),
            ("/../elsewhere", CPUQuota(cpus: 0.5, version: 1, path: "/")),
        ] {
            let root = try FixtureRoot(files.merging(["/proc/self/cgroup": "3:cpu:\(path)\n"]) { $1 })
            #expect(root.groups.quota() == quota, "\(path)")
        }
    }

    @Test func staysBelowMountPoint() throws {
        // A path that leaves the namespace's root must not be followed out of the hierarchy.
        let root = try FixtureRoot([
            "/proc/self/cgroup": "0::/../x\n", "/proc/self/mountinfo": Self.version2Mount,
            "/sys/fs/x/cpu.max": "10000 100000\n", "/sys/fs/cgroup/cgroup.procs": "",
        ])
        #expect(root.groups.quota() == nil)
    }

    @Test func findsNoLimitWithoutControlGroups() throws {
        #expect(try FixtureRoot([:]).groups.quota() == nil)
        #expect(try FixtureRoot(["/proc/self/cgroup": "0::/\n"]).groups.quota() == nil)
        #expect(
            try FixtureRoot(["/proc/self/cgroup": "0::/\nx\n", "/proc/self/mountinfo": "x - y\n"]).groups
                .quota() == nil)
    }

    @Test(arguments: [(0.1, 1), (1, 1), (1.5, 2), (64, 64)]) func roundsUp(cpus: Double, workers: Int) {
        #expect(CPUQuota(cpus: cpus, version: 2, path: "/").workers == workers)
    }

    @Test func countsThrottledPeriodsOfBothVersions() throws {
        let version2 = try FixtureRoot([
            "/proc/self/cgroup": "0::/a/b\n", "/proc/self/mountinfo": Self.version2Mount,
            "/sys/fs/cgroup/a/b/cpu.max": "150000 100000\n", "/sys/fs/cgroup/a/cpu.max": "max 100000\n",
            "/sys/fs/cgroup/a/b/cpu.stat": "usage_usec 9\nnr_periods 10\nnr_throttled 3\nthrottled_usec 7\n",
            "/sys/fs/cgroup/a/cpu.stat": "usage_usec 9\nnr_periods 100\nnr_throttled 90\nthrottled_usec 70\n",
        ])
        let counters = try #require(version2.groups.throttling())
        #expect(counters == CPUThrottling(periods: 10, throttledPeriods: 3, throttledNanoseconds: 7000))
        let earlier = CPUThrottling(periods: 4, throttledPeriods: 1, throttledNanoseconds: 500)
        #expect(
            counters.since(earlier)
                == CPUThrottling(periods: 6, throttledPeriods: 2, throttledNanoseconds: 6500))

        let version1 = try FixtureRoot([
            "/proc/self/cgroup": "4:cpu,cpuacct:/c\n", "/proc/self/mountinfo": Self.version1Mount,
            "/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us": "100000\n",
            "/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu,cpuacct/c/cpu.stat": "nr_periods 5\nnr_throttled 2\nthrottled_time 1234\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.stat": "nr_periods 50\nnr_throttled 1\nthrottled_time 1\n",
        ])
        #expect(
            version1.groups.throttling()
                == CPUThrottling(periods: 55, throttledPeriods: 3, throttledNanoseconds: 1235))
    }

    @Test func allowanceNamesItsReasons() throws {
        let allowance = CPUAllowance(
            machineCPUs: Array(0..<8), affinityCPUs: [0, 1, 2, 3, 99], cpusetCPUs: [2, 3, 4, 5],
            quota: CPUQuota(cpus: 1.5, version: 2, path: "/a/b"))
        #expect(allowance.allowedCPUs == [2, 3])
        #expect(allowance.maximumWorkers == 2)
        #expect(
            allowance.reasons == [
                "affinity mask: 4 of 8 CPUs (0-3)", "cpuset: 4 of 8 CPUs (2-5)",
                "cgroup v2 cpu.max at /a/b: 1.5 CPUs",
            ])
    }

    @Test func allowanceIsItsSmallestPart() {
        func maximum(affinity: Int, cpuset: Int, quota: Double?) -> Int {
            CPUAllowance(
                machineCPUs: Array(0..<512), affinityCPUs: Array(0..<affinity), cpusetCPUs: Array(0..<cpuset),
                quota: quota.map { CPUQuota(cpus: $0, version: 1, path: "/") }
            ).maximumWorkers
        }
        #expect(maximum(affinity: 4, cpuset: 8, quota: nil) == 4)
        #expect(maximum(affinity: 8, cpuset: 4, quota: nil) == 4)
        #expect(maximum(affinity: 8, cpuset: 8, quota: 2.1) == 3)
        #expect(maximum(affinity: 512, cpuset: 512, quota: nil) == 254)
        #expect(maximum(affinity: 512, cpuset: 512, quota: 0.2) == 1)
    }

    @Test func readsThisProcess() throws {
        let topology = try Topology.machine()
        let root = try FixtureRoot([
            "/proc/self/cgroup": "0::/a\n", "/proc/self/mountinfo": Self.version2Mount,
            "/sys/fs/cgroup/a/cpu.max": "70000 100000\n",
        ])
        let allowance = try CPUAllowance.current(topology: topology, controlGroups: root.groups)
        #expect(allowance.maximumWorkers == 1)
        #expect(!allowance.allowedCPUs.isEmpty)
        let isSubset = Set(allowance.allowedCPUs).isSubset(of: topology.hardwareThreads.map(\.osIndex))
        #expect(isSubset)
        // The real control groups: readable without an error, whatever they say.
        let real = try CPUAllowance.current(topology: topology)
        #expect(real.maximumWorkers >= 1 && real.maximumWorkers <= real.allowedCPUs.count)
        #expect((CPUThrottling.current() == nil) == (real.quota == nil))
    }
}

@Suite struct MachineMemoryTests {
    private static let version2Mount = "29 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    private static let memoryInformation = "MemTotal:  9000 kB\nMemAvailable:    2000 kB\n"

    private func available(_ files: [String: String]) throws -> MachineMemory? {
        let root = try FixtureRoot(files)
        return withExtendedLifetime(root) { MachineMemory.available(controlGroups: root.groups) }
    }

    @Test func theTightestLimitDecides() throws {
        var files = [
            "/proc/meminfo": Self.memoryInformation, "/proc/self/cgroup": "0::/a/b\n",
            "/proc/self/mountinfo": Self.version2Mount, "/sys/fs/cgroup/a/b/memory.max": "max\n",
            "/sys/fs/cgroup/a/b/memory.current": "1000\n",
        ]
        #expect(try available(files) == MachineMemory(bytes: 2000 << 10, limit: .machine))
        files["/sys/fs/cgroup/a/memory.max"] = "1000000\n"
        files["/sys/fs/cgroup/a/memory.current"] = "600000\n"
        #expect(try available(files) == MachineMemory(bytes: 400_000, limit: .controlGroup(path: "/a")))
        // Pages of files are given up where memory is short.
        files["/sys/fs/cgroup/a/memory.stat"] = "anon 5\nfile 99\nactive_file 20000\ninactive_file 80000\n"
        #expect(try available(files)?.bytes == 500_000)
        files["/sys/fs/cgroup/a/memory.current"] = "2000000\n"
        #expect(try available(files)?.bytes == 0)
    }

    @Test func readsVersion1() throws {
        var files = [
            "/proc/meminfo": Self.memoryInformation, "/proc/self/cgroup": "5:memory:/x\n4:cpu:/y\n",
            "/proc/self/mountinfo": "30 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
            "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712\n",
            "/sys/fs/cgroup/memory/x/memory.usage_in_bytes": "500\n",
        ]
        #expect(try available(files)?.limit == .machine)
        files["/sys/fs/cgroup/memory/x/memory.limit_in_bytes"] = "1000\n"
        files["/sys/fs/cgroup/memory/x/memory.stat"] = "inactive_file 1\ntotal_inactive_file 20\ntotal_active_file 30\n"
        #expect(try available(files) == MachineMemory(bytes: 550, limit: .controlGroup(path: "/x")))
    }

    @Test func nothingIsKnownWithoutProc() throws {
        #expect(try available([:]) == nil)
    }

    /// In a process of its own: a block that other tests have freed may be large enough, and in memory already.
    @Test func residentMemoryFollowsWhatIsTouched() async {
        await #expect(processExitsWith: .success) {
            ResidentMemory.returnFreedBlocks(ofAtLeast: 1 << 20)
            // Without that call, this block would make the C library keep the next one.
            UnsafeMutableRawPointer.allocate(byteCount: 30 << 20, alignment: 16).deallocate()
            let bytes = 28 << 20
            let before = try #require(ResidentMemory.bytes())
            let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
            memset(block, 1, bytes)
            let during = try #require(ResidentMemory.bytes())
            block.deallocate()
            let after = try #require(ResidentMemory.bytes())
            #expect(during - before > bytes * 9 / 10)
            #expect(during - after > bytes * 9 / 10)
            #expect(try #require(ResidentMemory.peakBytes()) >= during - (1 << 20))
        }
    }
}
