/// `dataset.json`: what is in a data set's directory.
///
/// The directory has npy files besides: `inputs-00000.npy`, rows × features, and `targets-00000.npy`, rows × columns, and so
/// on. All shards but the last have the same number of rows.
public struct DatasetManifest: Codable, Sendable, Equatable {
    /// The manifest's name in the directory.
    public static let fileName = "dataset.json"
    /// The name that it has while shards are still being written.
    public static let incompleteFileName = "dataset.incomplete.json"
    /// What `format` says.
    public static let formatName = "gradloom-dataset"
    /// The newest version that is read, and the one that is written.
    public static let currentVersion = 1

    /// `gradloom-dataset`.
    public var format = formatName
    /// Counts up where older programs could not read the directory.
    public var version = currentVersion
    /// The number of samples.
    public var rows: Int
    /// The number of features.
    public var features: Int
    /// The rows of all shards but the last, which has these or fewer.
    public var shardRows: Int
    /// What the inputs are.
    public var inputs: Inputs
    /// What the targets are; nil: there are none.
    public var targets: Targets?
    /// The features' names where they are known.
    public var featureNames: [String]?
    /// Where the samples come from.
    public var provenance: Provenance
    /// The shards in their order.
    public var shards: [Shard]

    /// What is in a directory whose shards are not listed yet.
    package init(
        rows: Int, features: Int, shardRows: Int, inputs: Inputs, targets: Targets?, featureNames: [String]?,
        provenance: Provenance
    ) {
        (self.rows, self.features, self.shardRows) = (rows, features, shardRows)
        (self.inputs, self.targets, self.featureNames) = (inputs, targets, featureNames)
        (self.provenance, shards) = (provenance, [])
    }

    /// The elements of the inputs.
    public struct Inputs: Codable, Sendable, Equatable {
        /// numpy's name: `<f4`, `<f8` or `|u1`.
        public var element: String
        /// What every number is multiplied with when it is read; 1 for numbers as they are.
        public var scale: Double

        /// Elements that are multiplied with `scale`.
        package init(element: String, scale: Double) { (self.element, self.scale) = (element, scale) }
    }

    /// The target columns.
    public struct Targets: Codable, Sendable, Equatable {
        /// numpy's name: `<i4` for whole numbers, otherwise `<f4` or `<f8`.
        public var element: String
        /// The number of columns.
        public var columns: Int
        /// What the columns hold: `class_indices`, `integers`, `one_hot`, `decisions`, `shares` or `real`.
        public var form: String
        /// The number of classes, where the form is `class_indices`.
        public var classes: Int?
        /// The smallest and the largest number, where the form is `integers`.
        public var range: [Int]?
        /// The columns' names where they are known.
        public var names: [String]?
        /// The classes' names, by their indices, where they are known.
        public var classNames: [String]?

        private enum CodingKeys: String, CodingKey {
            case element, columns, form, classes, range, names
            case classNames = "class_names"
        }
    }

    /// Where samples come from.
    public struct Provenance: Codable, Sendable, Equatable {
        /// What made the samples, such as `synthetic teacher` or a file's path.
        public var source: String
        /// What is needed to make them again, such as the seed and the task's settings, or a file's size and time.
        public var details: [String: String]

        /// Where samples come from.
        public init(source: String, details: [String: String] = [:]) {
            (self.source, self.details) = (source, details)
        }
    }

    /// One part of the samples.
    public struct Shard: Codable, Sendable, Equatable {
        /// The number of its samples.
        public var rows: Int
        /// The file of its inputs.
        public var inputs: File
        /// The file of its targets; nil: there are none.
        public var targets: File?

        /// The rows of these files.
        package init(rows: Int, inputs: File, targets: File? = nil) {
            (self.rows, self.inputs, self.targets) = (rows, inputs, targets)
        }

        /// Its files.
        package var files: [File] { [inputs] + [targets].compactMap { $0 } }
    }

    /// A file, and how it is recognised.
    public struct File: Codable, Sendable, Equatable {
        /// Its name in the directory.
        public var file: String
        /// Its size.
        public var bytes: Int
        /// SHA-256 of its content, in hexadecimal digits.
        public var sha256: String

        /// A file of this name, size and sum.
        package init(file: String, bytes: Int, sha256: String) {
            (self.file, self.bytes, self.sha256) = (file, bytes, sha256)
        }
    }

    private enum CodingKeys: String, CodingKey {
        case format, version, rows, features, inputs, targets, provenance, shards
        case shardRows = "shard_rows"
        case featureNames = "feature_names"
    }

    /// The names of a shard's files.
    package static func fileName(_ kind: String, shard: Int) -> String {
        let digits = String(shard)
        return "\(kind)-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).npy"
    }

    /// Whether `name` is one that a shard's file can have.
    package static func isShardName(_ name: String) -> Bool {
        name.wholeMatch(of: /(inputs|targets)-[0-9]{5,}\.npy/) != nil
    }

    /// The number of shards that the rows make.
    package var shardCount: Int { rows / shardRows + (rows % shardRows > 0 ? 1 : 0) }

    /// The rows of shard `index`.
    package func rows(ofShard index: Int) -> Range<Int> {
        let first = index * shardRows
        return first..<first + min(shardRows, rows - first)
    }
}

// MARK: Targets

extension DatasetManifest.Targets {
    /// The columns as `columns` describes them.
    package init(_ columns: TargetColumns, element: String) {
        self.init(element: element, columns: columns.count, form: "real", names: columns.names)
        classNames = columns.classNames
        switch columns.form {
        case .none, .real: break
        case .classIndices(let count): (form, classes) = ("class_indices", count)
        case .integers(let smallest, let largest): (form, range) = ("integers", [smallest, largest])
        case .oneHot: form = "one_hot"
        case .decisions: form = "decisions"
        case .shares: form = "shares"
        }
    }

    /// The columns for whoever reads them; nil where they contradict themselves.
    package var targetColumns: TargetColumns? {
        guard columns > 0, let form = targetForm else { return nil }
        return TargetColumns(count: columns, names: names, form: form, classNames: classNames)
    }

    private var targetForm: TargetForm? {
        switch (form, columns) {
        case ("class_indices", 1):
            classes.flatMap { $0 > 0 && (classNames?.count ?? $0) == $0 ? .classIndices(classes: $0) : nil }
        case ("integers", 1):
            range.flatMap {
                $0.count == 2 && $0[0] <= $0[1] && $0[0] > -1 << 31 && $0[1] < 1 << 31
                    ? .integers(smallest: $0[0], largest: $0[1]) : nil
            }
        case ("one_hot", 2...): .oneHot(columns: columns)
        case ("decisions", 2...): .decisions(columns: columns)
        case ("shares", 2...): .shares(columns: columns)
        case ("real", 1...): .real(columns: columns)
        default: nil
        }
    }
}
