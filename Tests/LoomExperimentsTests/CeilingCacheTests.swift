import Foundation
import LoomHardware
import LoomKernels
import LoomTraining
import Testing

@testable import LoomExperiments

@Suite struct CeilingCacheTests {
    private let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
        "ceilings-\(UUID().uuidString)")

    private func withCache(_ body: (CeilingCache) throws -> Void) throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(CeilingCache(path: directory.appendingPathComponent("a/b/ceilings.json").path))
    }

    @Test func keepsOneFigureForEachKey() throws {
        let machine = try MachineSetup(workers: 1, policy: .none)
        try withCache { cache in
            let key = CeilingCache.Key(machine, precision: .float32)
            #expect(cache.gflops(for: key) == nil)
            #expect(cache.store(100.5, for: key))
            #expect(cache.gflops(for: key) == 100.5)
            // Whatever the figure depends on has a figure of its own.
            let others: [(inout CeilingCache.Key) -> Void] = [
                { $0.cpu += " II" }, { $0.allowedCPUs.append(999) }, { $0.quotaCPUs = 0.123 },
                { $0.placement.append(7) }, { $0.library += "x" }, { $0.core += "x" }, { $0.precision = .float64 },
            ]
            for (index, change) in others.enumerated() {
                var other = key
                change(&other)
                #expect(cache.gflops(for: other) == nil)
                cache.store(Double(index + 1), for: other)
                #expect(cache.gflops(for: other) == Double(index + 1))
            }
            cache.store(200, for: key)
            #expect(cache.gflops(for: key) == 200)
            var entries = try String(contentsOfFile: cache.path, encoding: .utf8).matches(of: /"gflops"/).count
            #expect(entries == others.count + 1)
            cache.store(0, for: key)
            #expect(cache.gflops(for: key) == nil, "no machine has a ceiling of 0")
            entries = try FileManager.default.contentsOfDirectory(
                atPath: URL(fileURLWithPath: cache.path).deletingLastPathComponent().path
            ).count
            #expect(entries == 1, "no temporary file stays")
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
