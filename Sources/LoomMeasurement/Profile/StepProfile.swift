import LoomKernels
import LoomPlan
import LoomTraining

/// Where the time of measured steps went, by operation, layer and worker.
public struct StepProfile: Sendable, Equatable {
    /// Some operations of one kind on one worker, or its waits.
    public struct Entry: Sendable, Equatable {
        /// The kind of operation, such as "forward", or "wait".
        public let kind: String
        /// The layer; for waits the phase that the barrier ends; nil where an operation belongs to all layers.
        public let layer: String?
        /// The worker.
        public let worker: Int
        /// Seconds of one step, on average over the measured steps.
        public let secondsPerStep: Double
        /// Of the worker's time.
        public let share: Double
        /// Floating-point operations of one step; 0 where none are counted.
        public let operationsPerStep: Double
        /// Bytes of the matrices that are read and written in one step, each once.
        public let bytesPerStep: Double
        /// Whether it multiplies matrices.
        public let multiplies: Bool
        /// Seconds of one step in each region with clocks, oldest first: their mean over its measured steps.
        public internal(set) var secondsByRegion: [Double] = []
        /// What the same products reach alone, one after the other on matrices in the caches, while all workers do the same:
        /// 10⁹ floating-point operations a second of one worker; nil where it was not measured.
        public internal(set) var ceilingGflops: Double?
        /// What limits the operation; nil where nothing is known of it, and for waits.
        public internal(set) var limit: Roofs.Limit?

        /// 10⁹ floating-point operations a second; nil where it does not multiply matrices.
        public var gflops: Double? {
            multiplies && secondsPerStep > 0 ? operationsPerStep / secondsPerStep / 1e9 : nil
        }
        /// The speed over that of the same products alone, 0…1.
        public var ceilingFraction: Double? {
            guard let gflops, let ceilingGflops, ceilingGflops > 0 else { return nil }
            return gflops / ceilingGflops
        }
        /// Floating-point operations for each byte; nil where nothing is counted.
        public var intensity: Double? {
            bytesPerStep > 0 && operationsPerStep > 0 ? operationsPerStep / bytesPerStep : nil
        }
        /// 10⁹ bytes a second; nil for waits.
        public var gigabytesPerSecond: Double? {
            bytesPerStep > 0 && secondsPerStep > 0 ? bytesPerStep / secondsPerStep / 1e9 : nil
        }
    }

    /// The workers.
    public let workers: Int
    /// How the gradient travels.
    public let route: String
    /// All entries, by worker, and in the order of the program.
    public internal(set) var entries: [Entry]
    /// Seconds from the beginning of a step to the end of its last barrier, of each measured step on the first worker, oldest
    /// first. Only the last ones are kept.
    public let stepSeconds: [Double]
    /// The numbers of these steps.
    public let stepNumbers: [Int]
    /// Steps that were measured.
    public let measuredSteps: Int

    /// What waits are called.
    public static let wait = OperationKind.wait.rawValue

    /// What `clock` has measured of a training's program.
    /// - Parameter regions: What each region added to the clock, oldest first.
    package init(
        _ clock: WorkerClockMemory, regions: [ClockTotals], program: StepProgram, shapes: StepShapes, stateBuffers: Int
    ) {
        let secondsPerTick = clock.nanosecondsPerTick() * 1e-9
        let totals = clock.totals()
        // The steps that are measured may be so far apart that a short region has none of them.
        let regions = regions.filter { !$0.steps.contains(0) }
        var entries: [Entry] = []
        for worker in 0..<program.workers {
            var found = Tally()
            for (slot, (owner, operation)) in program.operationsInOrder.enumerated() where owner == worker {
                found.add(
                    operation.kind.rawValue, shapes.layer(of: operation).map { shapes.layers[$0].name },
                    slot: slot,
                    shapes.work(of: operation, in: program, stateBuffers: stateBuffers))
            }
            for (phase, slot) in zip(program.phases, clock.waitSlots) {
                found.add(Self.wait, phase.name.rawValue, slot: slot, OperationWork())
            }
            func ticksPerStep(_ row: Tally.Row, _ totals: ClockTotals) -> Double {
                let ticks = row.slots.reduce(0) { $0 + totals.ticks[worker][$1] }
                return Double(ticks) / Double(max(1, totals.steps[worker]))
            }
            let all = max(1e-12, found.rows.reduce(0) { $0 + ticksPerStep($1, totals) })
            entries += found.rows.map { row in
                let ticks = ticksPerStep(row, totals)
                return Entry(
                    kind: row.kind, layer: row.layer, worker: worker, secondsPerStep: ticks * secondsPerTick,
                    share: ticks / all, operationsPerStep: row.work.floatingPointOperations,
                    bytesPerStep: row.work.bytes, multiplies: row.work.multiplies,
                    secondsByRegion: regions.map { ticksPerStep(row, $0) * secondsPerTick })
            }
        }
        let marks = clock.marks(worker: 0)
        workers = program.workers
        route = program.route.rawValue
        self.entries = entries
        stepSeconds = marks.map { Double($0.end &- $0.begin) * secondsPerTick }
        stepNumbers = marks.map(\.step)
        measuredSteps = clock.measuredSteps(worker: 0)
    }

    /// What would have been measured.
    init(
        workers: Int, route: String, entries: [Entry], stepSeconds: [Double], stepNumbers: [Int], measuredSteps: Int
    ) {
        self.workers = workers
        self.route = route
        self.entries = entries
        self.stepSeconds = stepSeconds
        self.stepNumbers = stepNumbers
        self.measuredSteps = measuredSteps
    }

    /// Rows of one kind and layer, in the order in which they come.
    private struct Tally {
        struct Row {
            let kind: String
            let layer: String?
            var slots: [Int]
            var work: OperationWork
        }
        private(set) var rows: [Row] = []

        mutating func add(_ kind: String, _ layer: String?, slot: Int, _ work: OperationWork) {
            guard let index = rows.firstIndex(where: { $0.kind == kind && $0.layer == layer }) else {
                rows.append(Row(kind: kind, layer: layer, slots: [slot], work: work))
                return
            }
            rows[index].slots.append(slot)
            rows[index].work.floatingPointOperations += work.floatingPointOperations
            rows[index].work.bytes += work.bytes
            rows[index].work.multiplies = rows[index].work.multiplies || work.multiplies
        }
    }
}

extension StepProfile {
    /// Seconds of a step on each worker, waits included.
    public var secondsByWorker: [Double] {
        (0..<workers).map { worker in entries.filter { $0.worker == worker }.reduce(0) { $0 + $1.secondsPerStep } }
    }

    /// Seconds of a step that each worker spends on operations, not on waiting.
    public var usefulSecondsByWorker: [Double] {
        (0..<workers).map { worker in
            entries.filter { $0.worker == worker && $0.kind != Self.wait }.reduce(0) { $0 + $1.secondsPerStep }
        }
    }

    /// Of the time of `regions` with batches of `batchRows` samples, what a step of this profile accounts for.
    func accountedFraction(of regions: StepReport, batchRows: Int) -> Double {
        guard regions.seconds > 0 else { return 0 }
        let secondsPerStep = secondsByWorker.reduce(0, +) / Double(workers)
        return secondsPerStep * Double(regions.samples) / Double(batchRows) / regions.seconds
    }

    /// The share of all workers' time that `kind` has.
    public func share(of kind: String) -> Double {
        let all = secondsByWorker.reduce(0, +)
        return all > 0 ? entries.filter { $0.kind == kind }.reduce(0) { $0 + $1.secondsPerStep } / all : 0
    }
}
