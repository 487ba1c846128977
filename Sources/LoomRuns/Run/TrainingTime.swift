import LoomTraining

/// Something that takes time, and its fraction of the time.
public struct TimeShare: Sendable, Equatable, Codable {
    /// "loading", "training", "validation", "checkpoints", "other", or a `StepActivity`.
    public let name: String
    /// Of the time, 0…1.
    public let fraction: Double

    /// Something of this name.
    public init(name: String, fraction: Double) {
        self.name = name
        self.fraction = fraction
    }

    /// The largest activity beside matrix products, of the time of steps; nil where nothing was measured.
    package init?(largestOf activities: ActivitySeconds) {
        guard let (activity, fraction) = activities.largestOverhead else { return nil }
        self.init(name: activity.rawValue, fraction: fraction)
    }

    /// All activities; none where nothing was measured.
    package static func all(of activities: ActivitySeconds) -> [TimeShare] {
        StepActivity.allCases.compactMap { activity in
            activities.fraction(of: activity).map { TimeShare(name: activity.rawValue, fraction: $0) }
        }
    }

    /// The name as people read it.
    package var title: String { name.replacing("_", with: " ") }
}

/// Where the time of a whole training went.
package struct TrainingTime: Sendable, Equatable, Codable {
    /// From the beginning to the end, in seconds.
    package let seconds: Double
    /// Until the first step: reading or making the data, planning, the arithmetic peak where it had to be measured.
    package let loadingSeconds: Double
    /// Of training steps.
    package let trainingSeconds: Double
    /// Of validations.
    package let validationSeconds: Double
    /// Of checkpoints.
    package let checkpointSeconds: Double

    /// A split of `seconds`.
    package init(
        seconds: Double, loadingSeconds: Double, trainingSeconds: Double, validationSeconds: Double,
        checkpointSeconds: Double
    ) {
        self.seconds = seconds
        self.loadingSeconds = loadingSeconds
        self.trainingSeconds = trainingSeconds
        self.validationSeconds = validationSeconds
        self.checkpointSeconds = checkpointSeconds
    }

    /// The time of a training that came to `result`.
    package init(_ result: TrainingResult, seconds: Double, loadingSeconds: Double) {
        self.init(
            seconds: seconds, loadingSeconds: loadingSeconds, trainingSeconds: result.trainingSeconds,
            validationSeconds: result.validationSeconds, checkpointSeconds: result.checkpointSeconds)
    }

    /// The parts with their fractions of the time, which add up to 1. What is other is output and what lies between regions of
    /// steps.
    package var parts: [TimeShare] {
        let known = loadingSeconds + trainingSeconds + validationSeconds + checkpointSeconds
        return [
            ("loading", loadingSeconds), ("training", trainingSeconds), ("validation", validationSeconds),
            ("checkpoints", checkpointSeconds), ("other", max(0, seconds - known)),
        ].map { TimeShare(name: $0, fraction: $1 / max(seconds, 1e-9)) }
    }

    /// What took most of the whole time beside the matrix products of training steps, `activities` being what these steps'
    /// time was spent on.
    package func largestOverhead(_ activities: ActivitySeconds) -> TimeShare? {
        let training = trainingSeconds / max(seconds, 1e-9)
        let ofSteps = TimeShare(largestOf: activities).map {
            TimeShare(name: $0.name, fraction: $0.fraction * training)
        }
        return (parts.filter { $0.name != "training" } + [ofSteps].compactMap { $0 }).max { $0.fraction < $1.fraction }
    }

    enum CodingKeys: String, CodingKey {
        case seconds
        case loadingSeconds = "loading_seconds"
        case trainingSeconds = "training_seconds"
        case validationSeconds = "validation_seconds"
        case checkpointSeconds = "checkpoint_seconds"
    }
}
