/// A column of a CSV file.
public enum ColumnReference: Sendable, Equatable, Codable, CustomStringConvertible {
    /// by its name in the header
    case name(String)
    /// by its number, counted from 0; negative numbers count from the end, −1 is the last column
    case index(Int)

    /// Reads a whole number as an index and text as a name.
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let index = try? value.decode(Int.self) {
            self = .index(index)
        } else {
            self = .name(try value.decode(String.self))
        }
    }

    /// Writes the number or the name.
    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .name(let name): try value.encode(name)
        case .index(let index): try value.encode(index)
        }
    }

    /// The name or the number.
    public var description: String {
        switch self {
        case .name(let name): name
        case .index(let index): "\(index)"
        }
    }
}

/// What becomes of samples in which a value is missing: nothing, `?`, `NA`, `null` and the like stand in its place.
public enum MissingValues: String, Sendable, CaseIterable, Codable {
    /// they are a mistake, named with line and column
    case refuse
    /// they are left out, when predicting refused
    case drop
    /// the mean of the training samples takes the place of a number, and an input of its own for each column with missing
    /// values says where they are; targets are refused
    case mean
}

/// Which feature columns hold categories: texts, each of which becomes an input that is 1 where it stands and otherwise 0.
public enum CategoryColumns: Sendable, Equatable, Codable {
    /// none: a text in a feature column is a mistake
    case none
    /// those with more words than numbers
    case automatic
    /// these
    case columns([ColumnReference])
}

/// The mark before a number's fraction.
public enum DecimalMark: String, Sendable, CaseIterable, Codable {
    /// 1234.5
    case point = "."
    /// 1234,5
    case comma = ","

    var byte: UInt8 { self == .point ? UInt8(ascii: ".") : UInt8(ascii: ",") }
}

/// How to read a CSV file.
public struct CSVOptions: Sendable, Equatable, Codable {
    /// Whether the first line names the columns.
    public enum Header: String, Sendable, CaseIterable, Codable {
        /// it does if none of its cells is a number
        case automatic = "auto"
        /// it does
        case present = "yes"
        /// it doesn't
        case absent = "no"
    }
    /// Whether the first line names the columns.
    public var header: Header
    /// The character between cells, ASCII; nil: the most frequent of comma, semicolon, tab and vertical bar in the
    /// first line, the comma left out where it is the decimal mark.
    public var separator: String?
    /// The column of class labels, whole numbers or text, or of the only target; nil: none.
    public var label: ColumnReference?
    /// The target columns of several decisions, values or classes one-hot. Not together with `label`.
    public var targets: [ColumnReference]
    /// The feature columns in the order wanted; nil: all others in the file's order.
    public var features: [ColumnReference]?
    /// Columns to leave out where `features` is nil.
    public var ignored: [ColumnReference]
    /// The class names in the order of their indices, as a model was trained on; nil: the texts found, sorted.
    public var classNames: [String]?
    /// What becomes of samples with missing values.
    public var missing: MissingValues
    /// Which feature columns hold categories.
    public var categories: CategoryColumns
    /// The mark before a number's fraction.
    public var decimal: DecimalMark
    /// The column that says how much each sample counts in the loss, no feature; nil: none.
    public var weights: ColumnReference?
    /// The column that is equal for samples that belong together, a feature only where `features` has it; nil: none.
    public var groups: ColumnReference?

    /// Options; the defaults read all columns as features.
    public init(
        header: Header = .automatic, separator: String? = nil, label: ColumnReference? = nil,
        targets: [ColumnReference] = [], features: [ColumnReference]? = nil, ignored: [ColumnReference] = [],
        classNames: [String]? = nil, missing: MissingValues = .refuse, categories: CategoryColumns = .none,
        decimal: DecimalMark = .point
    ) {
        self.header = header
        self.separator = separator
        self.label = label
        self.targets = targets
        self.features = features
        self.ignored = ignored
        self.classNames = classNames
        self.missing = missing
        self.categories = categories
        self.decimal = decimal
    }

    /// Whether all samples have to be looked at to know the inputs.
    package var needsSurvey: Bool { missing != .refuse || categories != .none }
}
