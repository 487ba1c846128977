/// How a feature column of a CSV file becomes inputs of a network. A model keeps it, so that other files are read alike.
public struct CSVColumn: Sendable, Equatable, Codable {
    /// The column's name in the header, where there is one.
    public var name: String?
    /// The categories in the order of their inputs; nil: the column holds numbers.
    public var categories: [String]?
    /// Whether the column's last input is 1 where its value is missing, and otherwise 0.
    public var marksMissing: Bool
    /// What stands for a missing number, the mean of the training samples; nil: no number is missing, or the samples have not
    /// been chosen yet.
    public var mean: Double?

    /// A column of numbers, unless it has categories.
    public init(
        name: String? = nil, categories: [String]? = nil, marksMissing: Bool = false, mean: Double? = nil
    ) {
        self.name = name
        self.categories = categories
        self.marksMissing = marksMissing
        self.mean = mean
    }

    /// The names in files, in a checkpoint's metadata.
    private enum CodingKeys: String, CodingKey {
        case name, categories, mean
        case marksMissing = "marks_missing"
    }

    /// The number of inputs that the column becomes.
    public var inputCount: Int { (categories?.count ?? 1) + (marksMissing ? 1 : 0) }

    /// Whether the column is one input, the number in its cell.
    public var isPlain: Bool { categories == nil && !marksMissing }

    /// The categories that a column may have: with more, it rather holds identifiers.
    static let categoryLimit = 1000

    /// Whether these can be the columns of a model with `inputs` inputs: what a file says may be damaged.
    package static func areSound(_ columns: [CSVColumn], inputs: Int) -> Bool {
        columns.allSatisfy { column in
            let isFilled = column.mean?.isFinite ?? (column.categories != nil || !column.marksMissing)
            guard let categories = column.categories else { return isFilled }
            return isFilled && !categories.isEmpty && Set(categories).count == categories.count
        } && columns.reduce(0) { $0 + $1.inputCount } == inputs
    }

    /// The inputs' names, after the column's.
    func inputNames(column name: String) -> [String] {
        (categories?.map { "\(name)=\($0)" } ?? [name]) + (marksMissing ? ["\(name) is missing"] : [])
    }
}

/// The feature columns of a file with where their inputs are.
struct CSVInputs: Sendable {
    /// A column of numbers that marks missing ones, or of categories.
    struct Special: Sendable {
        /// The index among the features.
        let feature: Int
        /// The first input.
        let slot: Int
        /// The categories; empty: numbers.
        let categories: TextIndex
    }
    /// The columns as they are known outside.
    let columns: [CSVColumn]
    /// The number of inputs.
    let count: Int
    /// The feature that each input belongs to.
    let features: [Int]
    /// The columns of numbers: their numbers in the file, their inputs, their indices among the features.
    let numberColumns: [UInt32]
    let numberSlots: [UInt32]
    let numberFeatures: [Int]
    /// The columns of categories.
    let categories: [Special]
    /// Whether every column is one number.
    var isPlain: Bool { count == numberColumns.count }

    /// The inputs of `columns`, which are those numbered `fileColumns`.
    init(_ columns: [CSVColumn], fileColumns: [Int]) {
        self.columns = columns
        var (slot, features): (Int, [Int]) = (0, [])
        var (numberColumns, numberSlots, numberFeatures): ([UInt32], [UInt32], [Int]) = ([], [], [])
        var categories: [Special] = []
        for (feature, column) in columns.enumerated() {
            if let texts = column.categories {
                categories.append(Special(feature: feature, slot: slot, categories: TextIndex(texts)))
            } else {
                numberColumns.append(UInt32(fileColumns[feature]))
                numberSlots.append(UInt32(slot))
                numberFeatures.append(feature)
            }
            features += Array(repeating: feature, count: column.inputCount)
            slot += column.inputCount
        }
        (count, self.features, self.categories) = (slot, features, categories)
        (self.numberColumns, self.numberSlots, self.numberFeatures) = (numberColumns, numberSlots, numberFeatures)
    }
}
