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
    /// first line.
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

    /// Options; the defaults read all columns as features.
    public init(
        header: Header = .automatic, separator: String? = nil, label: ColumnReference? = nil,
        targets: [ColumnReference] = [], features: [ColumnReference]? = nil, ignored: [ColumnReference] = [],
        classNames: [String]? = nil
    ) {
        self.header = header
        self.separator = separator
        self.label = label
        self.targets = targets
        self.features = features
        self.ignored = ignored
        self.classNames = classNames
    }
}
