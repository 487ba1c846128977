import Foundation
import LoomHardware
import LoomKernels
import LoomTraining
import Testing

@testable import LoomMeasurement
@testable import LoomRuns

@Suite struct CeilingCacheTests {
    private let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
        "ceilings-\(UUID().uuidString)")

    private func withCache(_ body: (CeilingCache) throws -> Void) throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(CeilingCache(path: directory.appendingPathComponent("a/b/ceilings.json").path))
    }

    private func figure(_ gflops: Double, others: Double? = nil) -> CeilingCache.Figure {
        CeilingCache.Figure(gflops: gflops, otherWorkFraction: others)
    }

    private func key() throws -> CeilingCache.Key {
        try CeilingCache.Key(MachineSetup(workers: 1, policy: .none), instructions: .avx2, precision: .float32)
    }

    @Test func keepsOneFigureForEachKey() throws {
        let key = try key()
        try withCache { cache in
            #expect(cache.figure(for: key) == nil)
            #expect(cache.keep(figure(100.5), for: key) == figure(100.5))
            #expect(cache.figure(for: key) == figure(100.5))
            // Whatever the figure depends on has a figure of its own.
            let others: [(inout CeilingCache.Key) -> Void] = [
                { $0.cpu += " II" }, { $0.cpuModel += "-9" }, { $0.allowedCPUs.append(999) }, { $0.quotaCPUs = 0.123 },
                { $0.placement.append(7) }, { $0.instructions = .baseline }, { $0.precision = .float64 },
            ]
            for (index, change) in others.enumerated() {
                var other = key
                change(&other)
                #expect(cache.figure(for: other) == nil)
                cache.keep(figure(Double(index + 1)), for: other)
                #expect(cache.figure(for: other)?.gflops == Double(index + 1))
            }
            var entries = try String(contentsOfFile: cache.path, encoding: .utf8).matches(of: /"gflops"/).count
            #expect(entries == others.count + 1)
            entries = try FileManager.default.contentsOfDirectory(
                atPath: URL(fileURLWithPath: cache.path).deletingLastPathComponent().path
            ).count
            #expect(entries == 1, "no temporary file stays")
        }
    }

    @Test func theHighestOfAllMeasurementsCounts() throws {
        let key = try key()
        try withCache { cache in
            #expect(cache.keep(figure(50, others: 0.4), for: key)?.isTrusted == false)
            // A quiet measurement that is lower confirms the higher one.
            #expect(cache.keep(figure(40, others: 0.01), for: key) == figure(50, others: 0.01))
            #expect(cache.figure(for: key)?.isTrusted == true)
            // One that was taken while others used the cores, or of which nothing is known, takes nothing away.
            #expect(cache.keep(figure(30, others: 0.9), for: key) == figure(50, others: 0.01))
            #expect(cache.keep(figure(60), for: key) == figure(60, others: 0.01))
            #expect(cache.keep(figure(70, others: 0.5), for: key) == figure(70, others: 0.01))
        }
    }

    @Test func aSpeedOfNothingIsNoCeiling() throws {
        let key = try key()
        try withCache { cache in
            cache.keep(figure(0), for: key)
            #expect(cache.figure(for: key) == nil, "no machine has a ceiling of 0")
        }
    }

    private static let places: [(environment: [String: String], path: String?)] = [
        (["XDG_CACHE_HOME": "/x", "HOME": "/h"], "/x/gradloom/ceilings.json"),
        (["HOME": "/h"], "/h/.cache/gradloom/ceilings.json"),
        (["XDG_CACHE_HOME": "", "HOME": "/h"], "/h/.cache/gradloom/ceilings.json"),
        (["XDG_CACHE_HOME": "relative", "HOME": "/h"], "/h/.cache/gradloom/ceilings.json"), ([:], nil),
    ]

    @Test(arguments: places)
    func theUsersCacheFollowsTheSpecification(environment: [String: String], path: String?) {
        #expect(CeilingCache.user(environment: environment)?.path == path)
    }
}

@Suite struct PeakFigureTests {
    @Test(arguments: [
        ([3.0], 3.0), ([3.0, 1.0, 2.0], 2.0), ([3.0, 1.0], 2.0), ([4.0, 1.0, 3.0, 2.0], 2.5),
        ([1.0, 1.0, 1.0, 100.0], 1.0),
    ])
    func theMedianIsTheMiddle(samples: [Double], median: Double) {
        let figure = PeakFigure(samples: samples)
        #expect(figure.median == median)
        #expect(figure.lowest == samples.min() && figure.highest == samples.max())
    }

    /// Every round measures all, so that a slow moment hits all.
    @Test func roundsTakeTurns() {
        var order: [Int] = []
        let probes = (0..<3).map { index in
            Probe(
                seconds: { count in
                    order.append(index)
                    return 0.001 * Double(count)
                }, figure: { 1 / $0 })
        }
        let figures = Probe.measure(probes, rounds: 4, seconds: 0.016)
        #expect(order.suffix(12) == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])
        for figure in figures { #expect(abs(figure.median - 1000) < 1e-6) }
    }
}

@Suite struct MemoryWarningTests {
    @Test(arguments: [
        (MachineMemory.Limit.machine, "of the machine's memory are free"),
        (.controlGroup(path: "/a"), "are left by the memory limit of the control group /a"),
    ])
    func saysWhatIsMissing(limit: MachineMemory.Limit, phrase: String) {
        var plan = MemoryPlan()
        plan.programBytes = 50 << 20
        plan.dataBytes = 100 << 20
        #expect(memoryWarning(plan, available: MachineMemory(bytes: 100 << 20, limit: limit)) == nil)
        #expect(
            memoryWarning(plan, available: MachineMemory(bytes: 99 << 20, limit: limit)) == """
                the training needs 100 MiB, but only 99 MiB \(phrase): the system may end it; choose fewer \
                samples, a smaller training.batch or a smaller network
                """)
    }
}
