import LoomData

/// A CSV file and how to read it.
public struct CSVDescription: Sendable, Equatable {
    /// The file's absolute path.
    public var path: String
    /// Columns, header and separator.
    public var options: CSVOptions

    /// The CSV file at `path`.
    public init(path: String, options: CSVOptions = .init()) {
        self.path = path
        self.options = options
    }
}

/// Two NumPy files.
public struct NpyDescription: Sendable, Equatable {
    /// The absolute path of the features, samples × features.
    public var inputs: String
    /// The absolute path of the targets, samples or samples × columns.
    public var targets: String

    /// The NumPy files `inputs` and `targets`.
    public init(inputs: String, targets: String) {
        self.inputs = inputs
        self.targets = targets
    }
}

/// Samples written out in the configuration.
public struct InlineDescription: Sendable, Equatable {
    /// Samples × features.
    public var inputs: [[Double]]
    /// Samples × columns.
    public var targets: [[Double]]

    /// The samples `inputs` with their `targets`.
    public init(inputs: [[Double]], targets: [[Double]]) {
        self.inputs = inputs
        self.targets = targets
    }
}

/// Where samples come from.
public enum DataSourceDescription: Sendable, Equatable {
    /// a generated task
    case synthetic(SyntheticDescription)
    /// a CSV file
    case csv(CSVDescription)
    /// NumPy files
    case npy(NpyDescription)
    /// the configuration itself
    case inline(InlineDescription)
}

/// What class labels look like in the data.
public enum LabelForm: String, Sendable, CaseIterable, Codable {
    /// decided by looking at them, and printed
    case automatic = "auto"
    /// whole numbers from 0
    case fromZero = "0"
    /// whole numbers from 1
    case fromOne = "1"
    /// one column for each class, a single 1 per row
    case oneHot = "one_hot"
}

/// Which samples validate.
public enum ValidationDescription: Sendable, Equatable {
    /// none
    case none
    /// a part of the data, chosen by the seed alone; `stratified` gives both parts every class in the same proportion
    case split(fraction: Double, stratified: Bool, seed: UInt64)
    /// data of their own
    case source(DataSourceDescription)
}

/// Where the samples of a training are while it runs. The choice changes no bit.
public enum Materialization: String, Sendable, CaseIterable, Codable {
    /// in memory where they fit into the budget; otherwise they are made or read when they are needed
    case automatic = "auto"
    /// nowhere: they are made or read when they are needed
    case never
    /// in memory
    case memory
}

/// The data of a training.
public struct DataDescription: Sendable, Equatable {
    /// Where the samples come from.
    public var source: DataSourceDescription
    /// What class labels look like.
    public var labels: LabelForm
    /// Which samples validate.
    public var validation: ValidationDescription
    /// How the order of the samples changes from epoch to epoch.
    public var shuffle: SampleShuffle
    /// Whether features are brought to mean 0 and deviation 1, by the training part.
    public var standardize: Bool
    /// Where the samples are while training runs.
    public var materialization = Materialization.automatic
    /// Bytes that the samples may take in memory; nil: half of what is free.
    public var memoryBudgetBytes: Int?

    /// Data from `source`.
    public init(
        source: DataSourceDescription, labels: LabelForm = .automatic,
        validation: ValidationDescription = .none,
        shuffle: SampleShuffle = .full, standardize: Bool = false
    ) {
        self.source = source
        self.labels = labels
        self.validation = validation
        self.shuffle = shuffle
        self.standardize = standardize
    }
}
