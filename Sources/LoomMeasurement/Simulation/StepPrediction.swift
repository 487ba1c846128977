import LoomHardware
import LoomPlan

/// Where the workers of a step would be, as far as it decides about their speed.
package struct SimulatedPlace: Sendable, Equatable {
    /// The NUMA node of each worker.
    package let nodes: [Int]
    /// How many workers are on the core of each worker, itself included.
    package let workersOnCore: [Int]
    /// Cores of each NUMA node, by its index.
    package let coresOfNode: [Int: Int]
    /// Bytes of all last-level caches that workers are next to; infinite where nothing is known of caches.
    package let cacheBytes: Double

    /// Of workers at `placement` on a machine with `topology`.
    package init(_ placement: Placement, on topology: Topology) {
        let assignments = placement.assignments
        nodes = assignments.map(\.numaNode)
        workersOnCore = assignments.map { own in assignments.count { $0.core == own.core } }
        var coresOfNode: [Int: Int] = [:]
        for node in topology.packages.flatMap(\.numaNodes) {
            coresOfNode[node.index, default: 0] += node.l3Groups.reduce(0) { $0 + $1.cores.count }
        }
        self.coresOfNode = coresOfNode
        let groups = Set(assignments.map(\.l3Group))
        let lastLevel = topology.l3Groups.filter { groups.contains($0.index) }.compactMap(\.cacheBytes)
        let cores = Set(assignments.map(\.core))
        let second = topology.cores.filter { cores.contains($0.index) }.compactMap(\.l2Bytes)
        let known = lastLevel.isEmpty ? second : lastLevel
        cacheBytes = known.isEmpty ? .infinity : Double(known.reduce(0, +))
    }

    /// The places that the properties say.
    init(nodes: [Int], workersOnCore: [Int], coresOfNode: [Int: Int], cacheBytes: Double) {
        self.nodes = nodes
        self.workersOnCore = workersOnCore
        self.coresOfNode = coresOfNode
        self.cacheBytes = cacheBytes
    }
}

/// How long a step would take, phase by phase.
///
/// A phase ends when its slowest worker does, or when the memory of a NUMA node has given what its workers ask for,
/// whichever is later, and then comes the barrier.
package struct StepPrediction: Sendable, Equatable {
    /// A phase.
    package struct Phase: Sendable, Equatable {
        /// What it is called.
        package let name: PhaseName
        /// Seconds of each worker's operations.
        package let secondsByWorker: [Double]
        /// Seconds in which the memory of the busiest NUMA node gives all bytes that are asked of it.
        package let memorySeconds: Double
        /// Seconds of the barrier at its end; 0 where there is none.
        package let barrierSeconds: Double

        /// The worker that the others wait for, the first one of several.
        package var slowestWorker: Int { secondsByWorker.firstIndex(of: longestSeconds) ?? 0 }
        /// The seconds of its slowest worker.
        package var longestSeconds: Double { secondsByWorker.max() ?? 0 }
        /// The mean of the workers.
        package var meanSeconds: Double { secondsByWorker.reduce(0, +) / Double(max(1, secondsByWorker.count)) }
        /// From its beginning to that of the next one.
        package var seconds: Double { max(longestSeconds, memorySeconds) + barrierSeconds }
    }

    /// The workers.
    package let workers: Int
    /// Samples of a batch.
    package let batchRows: Int
    /// The phases in order.
    package let phases: [Phase]
    /// Seconds of all workers together by kind of operation.
    package let secondsByKind: [OperationKind: Double]

    /// Seconds of a step.
    package var stepSeconds: Double { phases.reduce(0) { $0 + $1.seconds } }
    /// Samples a second.
    package var samplesPerSecond: Double { Double(batchRows) / stepSeconds }

    /// Predicts a step of `step`, whose workers are at `place`, at `rates`.
    /// - Parameter dataBytes: Bytes of all samples, which are gathered from memory where caches do not hold them.
    package init(_ step: PlannedProgram, at place: SimulatedPlace, rates: StepRates, dataBytes: Double) {
        let program = step.program
        let holdsStep = Self.holdsStep(step, at: place)
        let holdsData = Self.holdsData(step, at: place, dataBytes: dataBytes)
        var secondsByKind: [OperationKind: Double] = [:]
        phases = program.phases.map { phase in
            var bytesOfNode: [Int: Double] = [:]
            let seconds = phase.operations.enumerated().map { worker, operations in
                operations.reduce(0.0) { sum, operation in
                    let seconds = rates.seconds(operation, in: step) * Double(place.workersOnCore[worker])
                    secondsByKind[operation.kind, default: 0] += seconds
                    let bytes = step.work(of: operation).bytes
                    if !holdsStep {
                        bytesOfNode[place.nodes[worker], default: 0] += bytes
                    } else if case .gather = operation, !holdsData {
                        // Half of what it moves is written to the batch.
                        bytesOfNode[place.nodes[worker], default: 0] += bytes / 2
                    }
                    return sum + seconds
                }
            }
            let memory = bytesOfNode.map { node, bytes in
                bytes / (rates.memoryGigabytesPerSecond(place.coresOfNode[node] ?? 1) * 1e9)
            }
            return Phase(
                name: phase.name, secondsByWorker: seconds, memorySeconds: memory.max() ?? 0,
                barrierSeconds: phase.endsWithBarrier ? rates.barrierSeconds(workers: program.workers) : 0)
        }
        workers = program.workers
        batchRows = program.batchRows
        self.secondsByKind = secondsByKind
    }

    /// What would have been predicted.
    init(workers: Int, batchRows: Int, phases: [Phase], secondsByKind: [OperationKind: Double]) {
        self.workers = workers
        self.batchRows = batchRows
        self.phases = phases
        self.secondsByKind = secondsByKind
    }

    /// Whether caches at `place` hold what a step reads and writes.
    package static func holdsStep(_ step: PlannedProgram, at place: SimulatedPlace) -> Bool {
        step.workingSetBytes <= place.cacheBytes
    }

    /// Whether they hold all samples besides.
    package static func holdsData(_ step: PlannedProgram, at place: SimulatedPlace, dataBytes: Double) -> Bool {
        step.workingSetBytes + dataBytes <= place.cacheBytes
    }

    // MARK: Against one worker

    /// The part of a step from which on something is what limits it.
    private static let relevantPart = 0.05

    /// The speed-up over `one` worker's step over the workers: 1 is perfect.
    package func efficiency(over one: StepPrediction) -> Double {
        samplesPerSecond / one.samplesPerSecond / Double(workers)
    }

    /// What costs most of what the step takes beyond its part of `one` worker's: "barriers", "imbalance" (workers wait for
    /// the slowest), "memory", or the kind of operation whose time shrank the least; where nothing costs 5 % of the step, the
    /// kind of operation that takes most of the time.
    package func limit(over one: StepPrediction) -> String {
        var losses: [(name: String, seconds: Double)] = [
            ("barriers", phases.reduce(0) { $0 + $1.barrierSeconds }),
            ("imbalance", phases.reduce(0) { $0 + $1.longestSeconds - $1.meanSeconds }),
            ("memory", phases.reduce(0) { $0 + max(0, $1.memorySeconds - $1.longestSeconds) }),
        ]
        let kinds = secondsByKind.sorted { $0.key.rawValue < $1.key.rawValue }
        let work = Double(batchRows) / Double(one.batchRows)
        losses += kinds.map { kind, seconds in
            (kind.rawValue, (seconds - (one.secondsByKind[kind] ?? 0) * work) / Double(workers))
        }
        if let largest = losses.max(by: { $0.seconds < $1.seconds }),
            largest.seconds >= Self.relevantPart * stepSeconds
        {
            return largest.name
        }
        return kinds.max { $0.value < $1.value }?.key.rawValue ?? "nothing"
    }
}
