/// When checkpoints are written, and how many stay.
public struct CheckpointSettings: Sendable, Equatable {
    /// When checkpoints are written. One is always written at the end, but by `never`.
    public enum Interval: Sendable, Equatable {
        /// as often as it costs at most 1 % of the time, but not more often than every 10 seconds
        case automatic
        /// after every epoch
        case epoch
        /// at the end of training
        case end
        /// not at all
        case never
        /// after so many steps
        case steps(Int)

        /// Whether checkpoints are written while training goes on, from a copy of its state.
        package var isBesideTraining: Bool { self != .end && self != .never }
    }
    /// When checkpoints are written.
    public var every = Interval.automatic
    /// How many of the newest checkpoints stay.
    public var keep = 2

    /// The defaults.
    public init() {}

    static var section: SettingsSection<CheckpointSettings> {
        var section = SettingsSection(initial: CheckpointSettings())
        section.key(
            "every", \.every, Interval.type,
            "when checkpoints are written, one at the end, too, but with never or where training diverged; auto: as often as it costs at most 1 % of the time, every 10 seconds at most"
        )
        section.key("keep", \.keep, .whole(1), "how many of the newest checkpoints stay")
        return section
    }
}

/// What a run leaves behind.
public struct RunSettings: Sendable, Equatable {
    /// The directory in which every run makes its own, relative to the current directory.
    public var directory = "runs"
    /// The checkpoints.
    public var checkpoint = CheckpointSettings()
    /// Whether a file of events for TensorBoard is written.
    public var tensorBoard = false
    /// Whether it has the distributions of all parameters after each epoch, too.
    public var histograms = false
    /// Whether the epochs are written as a CSV file.
    public var csv = false

    /// The defaults.
    public init() {}

    static var section: SettingsSection<RunSettings> {
        var section = SettingsSection(initial: RunSettings())
        section.key(
            "directory", \.directory, .text("the path of a directory"),
            "the directory in which every run makes its own, relative to the current directory")
        section.key("checkpoint", \.checkpoint, CheckpointSettings.section.type(), "the checkpoints of a run")
        let hasBoard = SettingsCondition<RunSettings>(
            holds: \.tensorBoard, problem: { _ in "not used without run.tensorboard: true" }, keys: ["tensorboard"]
        ).unlessDefault
        section.key(
            "tensorboard", \.tensorBoard, .flag,
            "whether losses, accuracies, rates and speed are written for TensorBoard")
        section.key(
            "histograms", \.histograms, .flag, when: hasBoard,
            "whether TensorBoard gets the distribution of every layer's weights and biases after each epoch, too")
        section.key("csv", \.csv, .flag, "whether the epochs are written to epochs.csv, a line for each")
        return section
    }
}

extension CheckpointSettings.Interval {
    fileprivate static var type: SettingsType<Self> {
        let words = SettingsType<Self>.choice(of: [
            ("auto", .automatic), ("epoch", .epoch), ("end", .end), ("never", .never),
        ])
        let expectation = "auto, epoch, end, never or {steps: N}"
        var steps = SettingsSection(initial: 1)
        steps.requiredKey("steps", \.self, .whole(1), "the steps between two checkpoints")
        let section = steps
        return SettingsType(
            expectation: expectation,
            read: { value in
                if case .mapping = value.node.content { return section.read(value).map { .steps($0) } }
                guard case .scalar = value.node.content else {
                    value.mismatch(expectation)
                    return nil
                }
                return words.read(value)
            },
            write: { interval in
                if case .steps(let count) = interval { section.write(count) } else { words.write(interval) }
            },
            keys: section.references)
    }
}
