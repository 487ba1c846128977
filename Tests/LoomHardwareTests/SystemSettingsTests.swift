import Foundation
import Testing

@testable import LoomHardware

@Suite struct SystemSettingsTests {
    /// Settings as they stand in `files`, by absolute path, until the last reference goes.
    private final class Fixture {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("settings-\(UUID().uuidString)")
        var settings: SystemSettings { SystemSettings(root: directory.path) }

        init(_ files: [String: String]) throws {
            for (name, content) in files {
                let file = URL(fileURLWithPath: directory.path + name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(content.utf8).write(to: file)
            }
        }

        deinit { try? FileManager.default.removeItem(at: directory) }
    }

    @Test func clocksAreThoseOfTheCPU() throws {
        let fixture = try Fixture([
            "/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor": "powersave\n",
            "/sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq": "1200000\n",
            "/sys/devices/system/cpu/cpu3/cpufreq/cpuinfo_max_freq": "3900000\n",
            "/sys/devices/system/cpu/cpu3/cpufreq/base_frequency": "2400000\n",
            "/sys/devices/system/cpu/cpu4/cpufreq/cpuinfo_max_freq": "3900000\n",
        ])
        let settings = fixture.settings
        #expect(settings.governor(of: 3) == "powersave" && settings.governor(of: 0) == nil)
        #expect(settings.gigahertz(of: 3) == 1.2 && settings.gigahertz(of: 4) == nil)
        #expect(settings.sustainedGigahertz(of: 3) == 2.4 && settings.sustainedGigahertz(of: 4) == 3.9)
    }

    private static let maps = """
        7f0000000000-7f0000200000 rw-p 00000000 00:00 0
        Size:               2048 kB
        Rss:                2048 kB
        AnonHugePages:      2048 kB
        7f0000200000-7f0000600000 rw-p 00000000 00:00 0    [heap]
        Rss:                4096 kB
        AnonHugePages:      1024 kB
        7f0000600000-7f0000700000 rw-p 00000000 00:00 0
        Rss:                   0 kB
        AnonHugePages:         0 kB

        """

    @Test(
        arguments: [
            (0x7f00_0000_0000, 1.0), (0x7f00_0010_0000, 1), (0x7f00_0020_0000, 0.25), (0x7f00_0060_0000, nil),
            (0x1000, nil),
        ] as [(UInt, Double?)])
    func hugePagesAreThoseOfTheMapping(address: UInt, fraction: Double?) throws {
        let fixture = try Fixture(["/proc/self/smaps": Self.maps])
        #expect(fixture.settings.hugePageFraction(at: address) == fraction)
    }

    @Test func modesAreTheChosenWord() throws {
        let fixture = try Fixture([
            "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
            "/proc/self/status": "Name:\tgradloom\nTHP_enabled:\t0\n",
            "/sys/devices/system/clocksource/clocksource0/current_clocksource": "kvm-clock\n",
            "/sys/devices/system/clocksource/clocksource0/available_clocksource": "kvm-clock tsc \n",
            "/proc/sys/kernel/perf_event_paranoid": "-1\n",
        ])
        let settings = fixture.settings
        #expect(settings.hugePageMode() == "madvise" && settings.processMayHaveHugePages() == false)
        #expect(settings.clockSource() == "kvm-clock" && settings.availableClockSources() == ["kvm-clock", "tsc"])
        #expect(settings.perfEventParanoia() == -1)
        let may = try Fixture(["/proc/self/status": "THP_enabled:\t1\n"])
        #expect(may.settings.processMayHaveHugePages() == true)
        let none = try Fixture([:]).settings
        #expect(none.hugePageMode() == nil && none.processMayHaveHugePages() == nil && none.clockSource() == nil)
        #expect(none.availableClockSources() == [] && none.perfEventParanoia() == nil)
    }
}
