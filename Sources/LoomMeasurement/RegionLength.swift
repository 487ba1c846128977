import LoomTraining

/// How many steps a region has that is to take some time.
struct RegionLength {
    /// The steps, at least one.
    let steps: Int
    /// The shortest mean of a step's seconds in any trial.
    let shortestStepSeconds: Double

    /// Runs ever more steps, until they take half of `seconds`, or diverge.
    init(seconds: Double, run: (_ steps: Int) throws -> StepReport) rethrows {
        var count = 1
        var steps = 1
        var shortest = Double.infinity
        while true {
            let report = try run(count)
            let done = max(1, report.steps)
            shortest = min(shortest, report.seconds / Double(done))
            steps = max(1, Int(Double(done) * seconds / max(report.seconds, 1e-9)))
            guard report.seconds < seconds / 2, report.divergedStep == nil, count < steps else { break }
            count = min(steps, count * 8)
        }
        self.steps = steps
        shortestStepSeconds = shortest
    }
}
