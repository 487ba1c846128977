import Foundation
import LoomHardware
import LoomKernels
import LoomRuns
import LoomTraining
import Testing

@testable import LoomMeasurement

/// What limits an operation, from roofs that are given, and where the roofs are measured.
@Suite struct RoofsTests {
    /// 100 GFLOP/s; 80, 20 and 10 GB/s; 2 MB and 16 MB of caches.
    private static let roofs = Roofs(
        arithmeticGflops: 100, l2GigabytesPerSecond: 80, l3GigabytesPerSecond: 20, memoryGigabytesPerSecond: 10,
        l2Bytes: 2_000_000, l3Bytes: 16_000_000)

    private static func limit(
        _ speed: Double, resident: Double, gflops: Double? = nil, isShared: Bool = false
    ) -> Roofs.Limit? {
        roofs.limit(gflops: gflops, gigabytesPerSecond: speed, residentBytes: resident, isShared: isShared)
    }

    /// Data come from the slowest level that could have been as fast.
    @Test func whatOnlyMoves() {
        #expect(Self.limit(5, resident: 1e9) == .init(roof: .memory, fraction: 0.5))
        #expect(Self.limit(15, resident: 1e9) == .init(roof: .l3, fraction: 0.75))
        #expect(Self.limit(60, resident: 1e9) == .init(roof: .l2, fraction: 0.75))
        #expect(Self.limit(100, resident: 1e9) == nil)
        // What fits into a cache never comes from below it.
        #expect(Self.limit(5, resident: 10e6) == .init(roof: .l3, fraction: 0.25))
        #expect(Self.limit(5, resident: 1e6) == .init(roof: .l2, fraction: 0.0625))
        // What another worker wrote is not in the second level.
        #expect(Self.limit(5, resident: 1e6, isShared: true) == .init(roof: .l3, fraction: 0.25))
    }

    /// The lower roof limits a product: 100 GFLOP/s, or the bandwidth times its operations for each byte.
    @Test func whatMultiplies() {
        // 6 operations a byte: 60 GFLOP/s from memory.
        #expect(Self.limit(9, resident: 1e9, gflops: 54) == .init(roof: .memory, fraction: 0.9))
        // 20 operations a byte: arithmetic is the lower roof.
        #expect(Self.limit(4, resident: 1e9, gflops: 80) == .init(roof: .arithmetic, fraction: 0.8))
        // From the second level 1 operation a byte is 80 GFLOP/s.
        #expect(Self.limit(60, resident: 1e6, gflops: 60) == .init(roof: .l2, fraction: 0.75))
        // No level is as fast: the data are in the first one.
        #expect(Self.limit(90, resident: 1e6, gflops: 90) == .init(roof: .arithmetic, fraction: 0.9))
        // A peak that was measured in a bad moment is no share above 1.
        #expect(Self.limit(1, resident: 1e6, gflops: 120) == .init(roof: .arithmetic, fraction: 1))
        #expect(
            Self.roofs.limit(gflops: nil, gigabytesPerSecond: nil, residentBytes: 1, isShared: false) == nil)
    }

    @Test func levelsThatAreNotThere() {
        var roofs = Self.roofs
        (roofs.l3GigabytesPerSecond, roofs.l3Bytes) = (nil, nil)
        #expect(
            roofs.limit(gflops: nil, gigabytesPerSecond: 5, residentBytes: 10e6, isShared: false)
                == .init(roof: .memory, fraction: 0.5))
        #expect(
            roofs.limit(gflops: nil, gigabytesPerSecond: 5, residentBytes: 1e6, isShared: true)
                == .init(roof: .memory, fraction: 0.5))
    }

    @Test func sharesOfCaches() throws {
        let topology = try Topology(synthetic: "pack:1 l3:2(size=16MB) l2:2(size=1MB) core:1 pu:2")
        // One worker of the first third level, two of the second; two of them are on one core.
        let shares = CacheShares(topology, cpus: [0, 4, 5])
        #expect(shares == CacheShares(l2Bytes: 500_000, l3Bytes: 8_000_000, lastLevelBytes: 32_000_000))
        #expect(shares.l2ArrayBytes == 250_000 && shares.l3ArrayBytes == 2_000_000)
        #expect(shares.memoryArrayBytes(availableBytes: nil) == 64 << 20)
        #expect(shares.memoryArrayBytes(availableBytes: 80 << 20) == 10 << 20)
        #expect(CacheShares(topology, cpus: [nil, nil]).l3Bytes == 16_000_000)
        // Half of the third level's part is no more than twice the second: no array is in the third alone.
        #expect(CacheShares(l2Bytes: 1 << 20, l3Bytes: 4 << 20, lastLevelBytes: 0).l3ArrayBytes == nil)
        #expect(CacheShares(l2Bytes: 1 << 20, l3Bytes: 6 << 20, lastLevelBytes: 0).l3ArrayBytes == 3 << 20)
        let large = CacheShares(l2Bytes: nil, l3Bytes: nil, lastLevelBytes: 300 << 20)
        #expect(large.l3ArrayBytes == nil && large.memoryArrayBytes(availableBytes: nil) == 512 << 20)
    }

    @Test func bandwidthsAreKept() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("roofs-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let cache = CeilingCache(path: directory.appendingPathComponent("ceilings.json").path)
        let machine = try MachineSetup(workers: 1, policy: .none)
        let key = CeilingCache.Key(machine, instructions: .ofKernels, precision: .float32)
        cache.keep(.init(gflops: 50, otherWorkFraction: 0), for: key)
        #expect(cache.bandwidths(for: key) == nil)
        cache.keep(.init(l2: 80, l3: nil, memory: 9, otherWorkFraction: 0.4), for: key)
        // The higher ones, and the quieter measurement.
        cache.keep(.init(l2: 70, l3: 20, memory: 10, otherWorkFraction: 0.01), for: key)
        let kept = CeilingCache.Bandwidths(l2: 80, l3: 20, memory: 10, otherWorkFraction: 0.01)
        #expect(cache.bandwidths(for: key) == kept && kept.isTrusted)
        // One does not take the other's place.
        cache.keep(.init(gflops: 60, otherWorkFraction: 0), for: key)
        #expect(cache.bandwidths(for: key) == kept && cache.figure(for: key)?.gflops == 60)
        // What is kept is not measured again.
        let roofs = Roofs(arithmeticGflops: 5, machine: machine, cache: cache)
        #expect(
            [roofs.l2GigabytesPerSecond, roofs.l3GigabytesPerSecond, roofs.memoryGigabytesPerSecond] == [80, 20, 10])
    }

    @Test func everyLevelIsMeasured() throws {
        let machine = try MachineSetup(workers: 1, policy: .none)
        let shares = CacheShares(l2Bytes: 256 << 10, l3Bytes: 4 << 20, lastLevelBytes: 4 << 20)
        let measured = CeilingCache.Bandwidths(shares, machine: machine)
        for figure in [measured.l2, measured.l3, measured.memory] { #expect(try #require(figure) > 0.01) }
        let without = CeilingCache.Bandwidths(
            CacheShares(l2Bytes: nil, l3Bytes: nil, lastLevelBytes: 0), machine: machine)
        #expect(without.l2 == nil && without.l3 == nil && without.memory != nil)
    }

    /// Products alone, from speeds that are given.
    @Test func ceilingsOfOperations() throws {
        var profile = StepProfile(
            workers: 2, route: "partition",
            entries: [
                entry("forward", "a", 0, seconds: 1e-3, operations: 4e7),
                entry("gradient", "a", 0, seconds: 1e-3, operations: 9e7),
                entry("gather", nil, 0, seconds: 1e-3, operations: 0),
                entry("forward", "a", 1, seconds: 2e-3, operations: 4e7),
            ], stepSeconds: [], stepNumbers: [], measuredSteps: 1)
        profile.setCeilings { worker in
            worker == 0
                ? [.init(layer: "a", role: .forward): 80, .init(layer: "a", role: .gradient): 60]
                : [.init(layer: "a", role: .forward): 40]
        }
        #expect(profile.entries.map { $0.ceilingGflops.map { ($0 * 10).rounded() / 10 } } == [80, 90, nil, 40])
        #expect(profile.entries.map { $0.ceilingFraction.map { ($0 * 10).rounded() / 10 } } == [0.5, 1, nil, 0.5])
        // 0.5, 1 and 1 ms alone, of 1, 1 and 2 ms.
        #expect(abs(try #require(profile.productCeilingFraction) - 2.5 / 4) < 1e-12)
        profile.setLimits(Self.roofs, dataBytes: 1e9)
        // 3 MB a step in the first worker: above its second level. Samples are in memory.
        #expect(profile.entries.map { $0.limit?.roof } == [.arithmetic, .arithmetic, .memory, .arithmetic])
        #expect(abs(profile.entries[2].limit!.fraction - 0.1) < 1e-12)
    }

    /// 8 and 9 GB/s of memory's 10 in half of the time; a product whose matrices fit, and that is as fast as alone, is not
    /// meant.
    @Test func memoryBoundShares() {
        var entries = [
            entry("update", nil, 0, seconds: 1e-3, operations: 0), entry("sum", nil, 0, seconds: 1e-3, operations: 0),
            entry("forward", "a", 0, seconds: 1e-3, operations: 1),
            entry("gather", nil, 0, seconds: 1e-3, operations: 0),
        ]
        entries[0].limit = .init(roof: .memory, fraction: 0.8)
        entries[1].limit = .init(roof: .memory, fraction: 0.5)
        entries[2].limit = .init(roof: .memory, fraction: 0.9)
        entries[3].limit = .init(roof: .l3, fraction: 0.9)
        entries[2].ceilingGflops = entries[2].gflops
        func bound(l2Bytes: Int) -> [String: (share: Double, fraction: Double)] {
            StepProfile(
                workers: 1, route: "partition", entries: entries, stepSeconds: [], stepNumbers: [], measuredSteps: 1
            ).memoryBound(l2Bytes: l2Bytes)
        }
        let fits = bound(l2Bytes: 2_000_000)
        #expect(fits.keys.sorted() == ["update"] && fits["update"]?.share == 0.25 && fits["update"]?.fraction == 0.8)
        #expect(bound(l2Bytes: 500_000).keys.sorted() == ["forward", "update"])
        entries[2].ceilingGflops = entries[2].gflops! * 2
        #expect(bound(l2Bytes: 2_000_000).keys.sorted() == ["forward", "update"])
    }

    private func entry(
        _ kind: String, _ layer: String?, _ worker: Int, seconds: Double, operations: Double
    ) -> StepProfile.Entry {
        StepProfile.Entry(
            kind: kind, layer: layer, worker: worker, secondsPerStep: seconds, share: 0,
            operationsPerStep: operations, bytesPerStep: 1e6, multiplies: operations > 0)
    }
}
