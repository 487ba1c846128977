import LoomPlan

extension WorkerClockMemory {
    /// What measuring costs, and may cost.
    private enum Cost {
        /// Of a lap in a step, its lines of memory included: 32-64-10 in batches of 64, 14 laps in 11 µs, on two cores of
        /// Emerald Rapids.
        static let lapSeconds = 85e-9
        /// Of asking the system before and behind a measured step. The calls themselves take two times 0.57 µs on the same
        /// machine, but the workers wait for each other's, too: with every step of 64-256-10 in batches of 256 measured, 14
        /// laps, two workers lost 1.6 to 6.4 µs a step, 4.05 in the middle of five profiles.
        static let eventSeconds = 2.9e-6
        /// The part of the speed.
        static let limit = 0.008
    }

    /// Measures so few of the steps, one of a power of two, that it costs no more than 0.8 % of the speed.
    /// - Parameter stepSeconds: The time of a step.
    package func limitCost(stepSeconds: Double) {
        measuredEvery = Self.measuredEvery(stepSeconds: stepSeconds, laps: lapsPerStep)
    }

    /// The smallest power of two so that measuring one of so many steps costs no more than the limit.
    package static func measuredEvery(stepSeconds: Double, laps: Int) -> Int {
        let cost = (Double(laps) * Cost.lapSeconds + Cost.eventSeconds) / max(stepSeconds, 1e-9)
        return (0..<16).map { 1 << $0 }.first { cost / Double($0) <= Cost.limit } ?? 1 << 15
    }
}

extension StepProgram {
    /// The laps of a step of the worker that has most.
    var lapsPerStep: Int {
        let operations = (0..<workers).map { worker in phases.reduce(0) { $0 + $1.operations[worker].count } }
        return (operations.max() ?? 0) + 2 * phases.count
    }

    /// What each slot of a clock is spent on, and whose it is; nil: every worker's.
    var slotActivities: [(activity: StepActivity, worker: Int?)] {
        operationsInOrder.map { ($1.kind.activity, $0) }
            // Copies of parameters.
            + recovery.enumerated().flatMap { worker, operations in operations.map { _ in (.update, worker) } }
            + phases.map { _ in (.waiting, nil) }
    }
}
