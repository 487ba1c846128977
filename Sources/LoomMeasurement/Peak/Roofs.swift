import LoomHardware
import LoomKernels
import LoomRuns
import LoomTraining

/// What limits the speed of an operation.
public enum Roof: String, Sendable, CaseIterable, Codable {
    /// Multiplications and additions.
    case arithmetic
    /// Reading and writing in the second-level cache.
    case l2
    /// Reading and writing in the third-level cache.
    case l3
    /// Reading and writing in memory.
    case memory
}

/// The roofs of the roofline model: what one worker can reach while all workers are at work (Williams, Waterman and
/// Patterson, "Roofline: an insightful visual performance model", Communications of the ACM 52, 2009; with one roof for each
/// level of memory: Ilic, Pratas and Sousa, "Cache-aware Roofline model", IEEE Computer Architecture Letters 13, 2014).
///
/// Bandwidths count what the loop reads and writes (`MemoryTraffic`), the faster of copy and update. Each is the highest of
/// several rounds: what disturbs a round can only make it lower.
public struct Roofs: Sendable, Equatable {
    /// The arithmetic peak, in GFLOP/s.
    public var arithmeticGflops: Double
    /// Of the second-level cache, in 10⁹ bytes a second; nil where nothing is known of one.
    public var l2GigabytesPerSecond: Double?
    /// Of the third-level cache; nil where there is none, or too little of it for each worker.
    public var l3GigabytesPerSecond: Double?
    /// Of memory.
    public var memoryGigabytesPerSecond: Double?
    /// Bytes of the second level that a worker has.
    var l2Bytes: Int?
    /// Bytes of the third level that a worker has.
    var l3Bytes: Int?

    init(
        arithmeticGflops: Double, l2GigabytesPerSecond: Double?, l3GigabytesPerSecond: Double?,
        memoryGigabytesPerSecond: Double?, l2Bytes: Int?, l3Bytes: Int?
    ) {
        self.arithmeticGflops = arithmeticGflops
        self.l2GigabytesPerSecond = l2GigabytesPerSecond
        self.l3GigabytesPerSecond = l3GigabytesPerSecond
        self.memoryGigabytesPerSecond = memoryGigabytesPerSecond
        self.l2Bytes = l2Bytes
        self.l3Bytes = l3Bytes
    }

    /// What limits an operation, and how much of that it has.
    public struct Limit: Sendable, Equatable {
        /// What limits it.
        public let roof: Roof
        /// The operation's speed over the roof's at its intensity, 0…1.
        public let fraction: Double
    }

    private struct Level {
        let roof: Roof
        let gigabytesPerSecond: Double
        /// What fits into it and the levels above it; nil: everything.
        let bytes: Int?
    }

    /// Slowest first.
    private var levels: [Level] {
        let all: [(Roof, Double?, Int?)] = [
            (.memory, memoryGigabytesPerSecond, nil), (.l3, l3GigabytesPerSecond, l3Bytes),
            (.l2, l2GigabytesPerSecond, l2Bytes),
        ]
        return all.compactMap { roof, speed, bytes in
            speed.map { Level(roof: roof, gigabytesPerSecond: $0, bytes: bytes) }
        }
    }

    /// What limits an operation that moves `gigabytesPerSecond`, and multiplies at `gflops` (nil: it does not).
    ///
    /// Its data come from the slowest level that is as fast as that, among those that do not hold all of `residentBytes`,
    /// what its worker touches between two of its turns, and the first that does. Nil: they come from above the second level,
    /// or nothing is known.
    /// - Parameter isShared: Whether another worker has written what it reads: the second level does not have it.
    public func limit(
        gflops: Double?, gigabytesPerSecond: Double?, residentBytes: Double, isShared: Bool
    ) -> Limit? {
        guard let moved = gigabytesPerSecond else { return nil }
        var possible = levels
        if let home = possible.lastIndex(where: { level in
            level.bytes.map { residentBytes <= Double($0) && !(isShared && level.roof == .l2) } ?? true
        }) {
            possible.removeFirst(home)
        }
        let source = possible.first { $0.gigabytesPerSecond >= moved }
        let ofMemory = source.map { Limit(roof: $0.roof, fraction: moved / $0.gigabytesPerSecond) }
        guard let gflops, arithmeticGflops > 0 else { return ofMemory }
        let ofArithmetic = Limit(roof: .arithmetic, fraction: min(1, gflops / arithmeticGflops))
        // The lower roof is the one of which more is reached.
        return ofMemory.map { $0.fraction > ofArithmetic.fraction ? $0 : ofArithmetic } ?? ofArithmetic
    }
}

extension Roofs {
    /// Measures the bandwidths on all workers of `machine` at the same time, or takes them from `cache`.
    /// - Parameter arithmeticGflops: The arithmetic peak of one worker while all work.
    public init(arithmeticGflops: Double, machine: MachineSetup, cache: CeilingCache?) {
        let shares = CacheShares(machine.topology, cpus: machine.workerCPUs)
        let key = CeilingCache.Key(machine, instructions: .ofKernels, precision: .float32)
        var figure = cache?.bandwidths(for: key)
        if !(figure?.isTrusted ?? false) {
            let measured = CeilingCache.Bandwidths(shares, machine: machine)
            figure = cache?.keep(measured, for: key) ?? measured
        }
        self.init(
            arithmeticGflops: arithmeticGflops, l2GigabytesPerSecond: figure?.l2, l3GigabytesPerSecond: figure?.l3,
            memoryGigabytesPerSecond: figure?.memory, l2Bytes: shares.l2Bytes, l3Bytes: shares.l3Bytes)
    }
}

extension CeilingCache.Bandwidths {
    /// Of one worker while all work, in rounds that take turns between the levels.
    init(_ shares: CacheShares, machine: MachineSetup) {
        let team = WorkerTeam(workers: machine.workers, binding: machine.binding)
        let memory = shares.memoryArrayBytes(availableBytes: MachineMemory.available()?.bytes)
        let contention = machine.contention()
        // Half of the bytes for each of the two arrays.
        let arrays = [shares.l2ArrayBytes, shares.l3ArrayBytes, memory / team.workers].map { bytes in
            bytes.map { BandwidthArrays(bytes: $0 / 2 * team.workers, team: team) }
        }
        let probes = arrays.map { arrays in
            arrays.map { arrays in MemoryTraffic.allCases.map { arrays.probe($0, team: team) } } ?? []
        }
        // 5 ms a round: memory takes one pass of some 20 ms.
        var figures = Probe.measure(probes.flatMap { $0 }, rounds: 5, seconds: 0.005)[...]
        let highest = probes.map { probes in
            defer { figures = figures.dropFirst(probes.count) }
            return figures.prefix(probes.count).map(\.highest).max().map { $0 / Double(team.workers) }
        }
        self.init(l2: highest[0], l3: highest[1], memory: highest[2], otherWorkFraction: contention.fraction())
    }
}
