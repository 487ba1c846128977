import LoomTraining

/// Samples a second over regions, and how many steps fit into a time.
struct SpeedMeter {
    /// Caches, branch predictors and clocks settle in the first tenth of a second.
    private static let warmupSeconds = 0.1
    private var warmup = StepReport()
    private var measured = StepReport()
    private(set) var latest = 0.0
    private var secondsPerStep: Double?
    private var regions = 0
    private var fastestSecondsPerStep = Double.infinity

    mutating func add(_ region: StepReport) {
        guard region.steps > 0, region.seconds > 0 else { return }
        if warmup.seconds < Self.warmupSeconds {
            warmup.add(region)
        } else {
            measured.add(region)
        }
        latest = Double(region.samples) / region.seconds
        let secondsPerStep = region.seconds / Double(region.steps)
        self.secondsPerStep = secondsPerStep
        regions += 1
        fastestSecondsPerStep = min(fastestSecondsPerStep, secondsPerStep)
    }

    /// The time of a step in the fastest region; nil as long as there was only the first one, which is short and cold.
    var fastestStepSeconds: Double? { regions > 1 ? fastestSecondsPerStep : nil }

    /// A first region of one step tells how long a step takes. It includes a fork and cold caches, so the next region is too
    /// short rather than too long.
    func steps(inSeconds seconds: Double) -> Int {
        guard let secondsPerStep else { return 1 }
        return max(1, Int(min(seconds / secondsPerStep, 1e9)))
    }

    /// After warm-up, unless the training was over before.
    var samplesPerSecond: Double {
        let report = measured.seconds > 0 ? measured : warmup
        return report.seconds > 0 ? Double(report.samples) / report.seconds : 0
    }
}
