import LoomData

/// A CSV file and how to read it.
public struct CSVDescription: Sendable, Equatable {
    /// The file's absolute path.
    public var path: String
    /// Columns, header, separator, missing values and categories.
    public var options: CSVOptions

    /// The CSV file at `path`.
    public init(path: String, options: CSVOptions = .init()) {
        self.path = path
        self.options = options
    }
}

/// NumPy files.
public struct NpyDescription: Sendable, Equatable {
    /// The absolute paths of the features, samples × features, one after the other; `*` and `?` stand for letters of a name.
    public var inputs: [String]
    /// The absolute paths of the targets, samples or samples × columns.
    public var targets: [String]
    /// What every number of the features is multiplied with.
    public var scale: Double

    /// The NumPy files `inputs` and `targets`.
    public init(inputs: String, targets: String) {
        self.init(inputs: [inputs], targets: [targets])
    }

    /// Several NumPy files each.
    public init(inputs: [String], targets: [String], scale: Double = 1) {
        (self.inputs, self.targets, self.scale) = (inputs, targets, scale)
    }
}

/// Arrays in one file: an .npz archive, or an HDF5 file.
public struct ArrayFileDescription: Sendable, Equatable {
    /// The file's absolute path.
    public var path: String
    /// The name of the features' array, samples × features.
    public var inputs: String
    /// The name of the targets' array, samples or samples × columns.
    public var targets: String
    /// What every number of the features is multiplied with.
    public var scale: Double

    /// Arrays in the file at `path`.
    public init(path: String, inputs: String, targets: String, scale: Double = 1) {
        (self.path, self.inputs, self.targets, self.scale) = (path, inputs, targets, scale)
    }
}

/// Files in the IDX format of MNIST.
public struct IdxDescription: Sendable, Equatable {
    /// The absolute path of the features, such as images.
    public var inputs: String
    /// The absolute path of the targets.
    public var targets: String
    /// What every number of the features is multiplied with.
    public var scale: Double

    /// The IDX files `inputs` and `targets`.
    public init(inputs: String, targets: String, scale: Double = 1) {
        (self.inputs, self.targets, self.scale) = (inputs, targets, scale)
    }
}

/// A text in the format of LIBSVM.
public struct LibSVMDescription: Sendable, Equatable {
    /// The file's absolute path.
    public var path: String
    /// The number of features; nil: the largest index.
    public var features: Int?

    /// The text at `path`.
    public init(path: String, features: Int? = nil) {
        (self.path, self.features) = (path, features)
    }
}

/// A data set in a directory of Gradloom's own format.
public struct DatasetDescription: Sendable, Equatable {
    /// The directory's absolute path.
    public var path: String

    /// The data set in the directory `path`.
    public init(path: String) { self.path = path }
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

/// Samples that a program hands over while it runs.
public struct CustomDescription: Sendable, Equatable {
    /// What messages call them.
    public var name: String

    /// The samples that the program calls `name`.
    public init(name: String) { self.name = name }
}

/// Where samples come from.
public enum DataSourceDescription: Sendable, Equatable {
    /// a generated task
    case synthetic(SyntheticDescription)
    /// a CSV file
    case csv(CSVDescription)
    /// NumPy files
    case npy(NpyDescription)
    /// a directory in Gradloom's own format
    case dataset(DatasetDescription)
    /// an .npz archive of NumPy
    case npz(ArrayFileDescription)
    /// files in the IDX format of MNIST
    case idx(IdxDescription)
    /// a text in the format of LIBSVM
    case libsvm(LibSVMDescription)
    /// an HDF5 file
    case hdf5(ArrayFileDescription)
    /// the configuration itself
    case inline(InlineDescription)
    /// samples of a program
    case custom(CustomDescription)

    /// What the numbers of inputs are multiplied with, where that can be chosen.
    package var scale: Double? {
        switch self {
        case .npy(let files): files.scale
        case .npz(let file), .hdf5(let file): file.scale
        case .idx(let files): files.scale
        case .synthetic, .csv, .dataset, .libsvm, .inline, .custom: nil
        }
    }
}

/// What class labels look like in the data.
public enum LabelForm: String, Sendable, CaseIterable, Codable {
    /// decided by looking at them, and printed
    case automatic = "auto"
    /// whole numbers from 0
    case fromZero = "0"
    /// whole numbers from 1
    case fromOne = "1"
    /// −1 and 1, of two classes
    case fromMinusOne = "-1"
    /// one column for each class, a single 1 per row
    case oneHot = "one_hot"
}

/// Which samples validate.
public enum ValidationDescription: Sendable, Equatable {
    /// none
    case none
    /// a part of the data
    case split(SplitDescription)
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
    /// in files: those that they come from where these are read batch by batch, otherwise one that is written first
    case disk
}

/// The data of a training.
public struct DataDescription: Sendable, Equatable {
    /// Where the samples come from.
    public var source: DataSourceDescription
    /// What class labels look like.
    public var labels: LabelForm
    /// How much each class counts in the loss; nil: as much as it has samples.
    public var classWeights: ClassWeights?
    /// The absolute path of an .npy file with how much each sample counts in the loss; nil: no such file.
    public var weightsPath: String?
    /// The absolute path of an .npy file with a number for each sample, equal for those that belong together; nil: no such file.
    public var groupsPath: String?
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
