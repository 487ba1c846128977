import LoomHardware
import LoomRuns

/// What one worker has of the caches while all workers work.
struct CacheShares: Equatable {
    /// Bytes of the second level; nil where nothing is known of one.
    var l2Bytes: Int?
    /// Bytes of the third level; nil where there is none.
    var l3Bytes: Int?
    /// All last-level caches of the machine.
    var lastLevelBytes: Int

    init(l2Bytes: Int?, l3Bytes: Int?, lastLevelBytes: Int) {
        self.l2Bytes = l2Bytes
        self.l3Bytes = l3Bytes
        self.lastLevelBytes = lastLevelBytes
    }

    /// Of workers on the CPUs `cpus` (nil: anywhere): the smallest part that one of them has.
    init(_ topology: Topology, cpus: [Int?]) {
        func share(_ bytes: Int?, _ threads: [Topology.HardwareThread]) -> Int? {
            let inUse = Set(threads.map(\.osIndex))
            let users = cpus.count { $0.map(inUse.contains) ?? false }
            return users > 0 ? bytes.map { $0 / users } : nil
        }
        let groups = topology.l3Groups
        let caches = groups.compactMap(\.cacheBytes)
        lastLevelBytes = caches.reduce(0, +)
        if cpus.contains(nil) {
            l2Bytes = topology.cores.compactMap(\.l2Bytes).min()
            l3Bytes = caches.isEmpty ? nil : lastLevelBytes / max(1, cpus.count)
        } else {
            l2Bytes = topology.cores.compactMap { share($0.l2Bytes, $0.threads) }.min()
            l3Bytes = groups.compactMap { share($0.cacheBytes, $0.cores.flatMap(\.threads)) }.min()
        }
    }

    /// Bytes of all that one worker reads and writes for the bandwidth of the second level: half of it, because the level
    /// keeps code and stacks, too.
    var l2ArrayBytes: Int? { l2Bytes.map { $0 / 2 } }

    /// As much for the third level: four times the second, so that three quarters at least come from the third. Where there
    /// is not so much, half of the part of the third; nil where that is not above twice the second: then no array belongs to
    /// the third level alone.
    var l3ArrayBytes: Int? {
        guard let l3Bytes else { return nil }
        let second = l2Bytes ?? 1 << 20
        let wanted = min(4 * second, l3Bytes / 2)
        return wanted > 2 * second ? wanted : nil
    }

    /// As much of all workers together for memory: twice the last-level caches, but no more than 512 MiB, which are soon
    /// filled, and no more than an eighth of the memory that is free. Two cores of a virtual machine that sees 300 MiB of
    /// third level: 35 GB/s with 512 MiB, 35 to 38 GB/s with 2.3 GiB.
    func memoryArrayBytes(availableBytes: Int?) -> Int {
        min(512 << 20, max(64 << 20, 2 * lastLevelBytes), max(1 << 20, (availableBytes ?? .max) / 8))
    }
}
