import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomModel
import LoomPlan
import LoomRuns
import LoomTraining

/// The candidates that a training can be tuned among, each once: two that give the same program on the same places are one.
struct TuneGrid: Sendable {
    /// A candidate and what it comes to on this machine.
    struct Entry: Sendable {
        let candidate: TuneCandidate
        let placement: Placement
        let program: StepProgram
        /// Whether the trained parameters have the bits of the configuration as it is.
        let keepsBits: Bool
    }

    /// How much of all combinations is in it.
    enum Extent: Int, Sendable, CaseIterable {
        /// Workers × placement × rows of a shard × route.
        case all
        /// Workers × placement × (rows of a shard + route).
        case oneKeyAtATime
        /// Workers × placement.
        case workersAndPlacement
        /// The numbers of workers.
        case workers

        /// What is not in it, for the user; nil where all is.
        var leftOut: String? {
            switch self {
            case .all: nil
            case .oneKeyAtATime: "combinations of route and shard_rows"
            case .workersAndPlacement: "route and shard_rows"
            case .workers: "placement, route and shard_rows"
            }
        }
    }

    /// The first one is the configuration as it is.
    let entries: [Entry]
    /// Combinations that were not taken, because they change the result's bits.
    let otherBits: Int
    /// How much of all combinations is in it.
    let extent: Extent

    /// - Parameter allowsOtherBits: Whether candidates may change the result's bits.
    /// - Throws: `PlacementError`, `BLASError` where the configuration's own team has no place.
    init<Scalar: LoomScalar>(
        _ configuration: Configuration, machine: MachineSetup, network: Network<Scalar>, samples: Int,
        allowsOtherBits: Bool, extent: Extent
    ) throws {
        func plan(_ candidate: TuneCandidate, on placed: MachineSetup) -> PlannedSteps {
            let applied = configuration.applying(candidate)
            return PlannedSteps(
                for: network, loss: applied.loss, optimizer: applied.optimizer, schedule: applied.trainingSchedule,
                team: applied.teamPlan(on: placed), samples: samples)
        }
        let policy = configuration.parallel.placement
        let ownMachine = try machine.placed(as: configuration)
        let count = ownMachine.workers
        let own = configuration.candidate(workers: count)
        let first = plan(own, on: ownMachine)
        var entries = [Entry(candidate: own, placement: ownMachine.placement, program: first.program, keepsBits: true)]
        var otherBits = 0
        for workers in Self.workerCounts(largest: machine.workers, own: count) {
            var signatures: [PlacementSignature] = []
            for policy in extent == .workers ? [policy] : Self.placements(own: policy) {
                guard let placed = try? machine.placing(workers: workers, policy: policy) else { continue }
                let signature = PlacementSignature(placed.placement, on: machine.topology)
                guard !signatures.contains(signature) else { continue }
                signatures.append(signature)
                var programs = workers == count && policy == own.placement ? [first.program] : []
                for candidate in Self.combinations(
                    of: own, workers: workers, placement: policy, batchRows: configuration.training.batch,
                    allowsOtherBits: allowsOtherBits, extent: extent, isMixed: configuration.bfloat16Products != nil)
                {
                    let planned = plan(candidate, on: placed)
                    guard !programs.contains(planned.program) else { continue }
                    programs.append(planned.program)
                    let keepsBits = planned.bits == first.bits
                    guard keepsBits || allowsOtherBits else {
                        otherBits += 1
                        continue
                    }
                    entries.append(
                        Entry(
                            candidate: candidate, placement: placed.placement, program: planned.program,
                            keepsBits: keepsBits))
                }
            }
        }
        self.entries = entries
        self.otherBits = otherBits
        self.extent = extent
    }

    /// The configuration's own policy, and all others; a list of CPUs is obeyed.
    private static func placements(own: PlacementPolicy) -> [PlacementPolicy] {
        if case .cpus = own { return [own] }
        return unique([own, .auto, .compact, .spread, .perL3, .none])
    }

    /// 1 … 8 workers; beyond, powers of two and one and a half times these, so that neighbours differ by a third or a half.
    static func workerCounts(largest: Int, own: Int) -> [Int] {
        let small = Array(1...min(8, largest))
        let large = (3..<16).flatMap { [1 << $0, 3 << ($0 - 1)] }.filter { $0 < largest }
        return Set(small + large + [largest, min(own, largest)]).sorted()
    }

    /// Everything that can be asked for with `workers` in their places, the configuration's own wishes first.
    static func combinations(
        of own: TuneCandidate, workers: Int, placement: PlacementPolicy, batchRows: Int, allowsOtherBits: Bool,
        extent: Extent, isMixed: Bool = false
    ) -> [TuneCandidate] {
        let hasKeys = extent == .all || extent == .oneKeyAtATime
        let routes = hasKeys ? unique([own.route, nil] + GradientRoute.allCases) : [own.route]
        let shards =
            hasKeys
            ? unique([own.shardRows, nil] + shardRows(batchRows: batchRows, isMixed: isMixed)) : [own.shardRows]
        let groups = hasKeys && allowsOtherBits ? unique([own.groups, nil, 1, 2, 4, 8, 16]) : [own.groups]
        return groups.flatMap { groups in
            routes.flatMap { route in
                shards.compactMap { shardRows in
                    let changed = [route != own.route, shardRows != own.shardRows, groups != own.groups].count { $0 }
                    guard extent == .all || changed <= 1 else { return nil }
                    return TuneCandidate(
                        workers: workers, placement: placement, shardRows: shardRows, route: route, groups: groups)
                }
            }
        }
    }

    /// From a kernel's tile to as many samples as a product adds up in registers, and equal parts for small teams.
    /// In mixed precision whole blocks of packed samples.
    private static func shardRows(batchRows: Int, isMixed: Bool) -> [Int] {
        (4...10).map { 1 << $0 }.filter { $0 <= batchRows && $0.isMultiple(of: isMixed ? PackedMatrix.side : 1) }
    }

    private static func unique<Value: Equatable>(_ values: [Value]) -> [Value] {
        values.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}

/// What of a placement can make a difference: which workers share a core, an L3 group, a node and a package, and the kinds of
/// their cores, whatever these are numbered.
struct PlacementSignature: Equatable {
    private let workers: Int
    private let places: [[Int]]

    init(_ placement: Placement, on topology: Topology) {
        let classes = Dictionary(topology.cores.map { ($0.index, $0.performanceClass) }) { first, _ in first }
        var names: [[Int]: Int] = [:]
        func name(_ level: Int, _ index: Int) -> Int {
            let key = [level, index]
            if let known = names[key] { return known }
            let count = names.keys.count { $0[0] == level }
            names[key] = count
            return count
        }
        workers = placement.workers
        places = placement.assignments.map {
            [
                name(0, $0.package), name(1, $0.numaNode), name(2, $0.l3Group), name(3, $0.core), classes[$0.core] ?? 0,
            ]
        }
    }
}
