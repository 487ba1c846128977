import LoomPlan

/// What workers do in training steps, in a few words.
public enum StepActivity: String, Sendable, CaseIterable, Codable {
    /// Matrix products, with the activations of their layers and the gradients of biases.
    case products
    /// Waiting for other workers.
    case waiting
    /// Copying the samples of a batch together.
    case gathering
    /// Adding up gradients, penalties, and the optimizer's update.
    case update
    /// Losses, and the deltas of the last layer.
    case lossFunction = "loss_function"

    fileprivate var index: Int {
        switch self {
        case .products: 0
        case .waiting: 1
        case .gathering: 2
        case .update: 3
        case .lossFunction: 4
        }
    }
}

extension OperationKind {
    /// What it belongs to.
    package var activity: StepActivity {
        switch self {
        case .forward, .backward, .gradient, .fusedUpdate: .products
        case .wait: .waiting
        case .gather: .gathering
        case .sum, .copy, .penalty, .addPenalty, .squares, .update, .prefetch: .update
        case .loss: .lossFunction
        }
    }
}

/// Seconds of steps by what they were spent on, on average over the workers: the time of whole regions, divided as that of
/// their measured steps was.
public struct ActivitySeconds: Sendable, Equatable {
    private var seconds = Array(repeating: 0.0, count: StepActivity.allCases.count)

    /// Nothing measured.
    public init() {}

    /// The `seconds` of a region in the proportions of `ticks`; nothing where there are none.
    init(seconds: Double, ticks: ActivityTicks) {
        let all = ticks.ticks.reduce(0, +)
        guard all > 0 else { return }
        self.seconds = ticks.ticks.map { seconds * Double($0) / Double(all) }
    }

    /// Seconds that one activity had.
    public subscript(activity: StepActivity) -> Double { seconds[activity.index] }

    /// Seconds of all activities; 0 where nothing was measured.
    public var total: Double { seconds.reduce(0, +) }

    /// The fraction of the time that one activity had, 0…1; nil where nothing was measured.
    public func fraction(of activity: StepActivity) -> Double? { total > 0 ? self[activity] / total : nil }

    /// The activity beside matrix products that took most, and its fraction of the time; nil where nothing was measured.
    public var largestOverhead: (activity: StepActivity, fraction: Double)? {
        guard total > 0 else { return nil }
        let activity = StepActivity.allCases.filter { $0 != .products }.max { self[$0] < self[$1] }!
        return (activity, self[activity] / total)
    }

    /// Adds the time of other regions.
    public static func += (sum: inout ActivitySeconds, other: ActivitySeconds) {
        for index in sum.seconds.indices { sum.seconds[index] += other.seconds[index] }
    }
}

/// Ticks of all workers together, by what they were spent on.
struct ActivityTicks: Equatable {
    fileprivate(set) var ticks = Array(repeating: UInt64(0), count: StepActivity.allCases.count)

    subscript(activity: StepActivity) -> UInt64 {
        get { ticks[activity.index] }
        set { ticks[activity.index] = newValue }
    }

    static func - (later: ActivityTicks, earlier: ActivityTicks) -> ActivityTicks {
        var difference = later
        for index in difference.ticks.indices { difference.ticks[index] &-= earlier.ticks[index] }
        return difference
    }
}
