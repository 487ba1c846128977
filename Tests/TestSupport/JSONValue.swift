/// Any JSON value, for files whose keys differ from entry to entry.
public enum JSONValue: Sendable, Decodable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Decodes whatever is there.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // Numbers first: nearly every value is one, and every miss throws an error inside the decoder.
        if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let array = try? container.decode([JSONValue].self) {
            self = .array(array)
        } else if let object = try? container.decode([String: JSONValue].self) {
            self = .object(object)
        } else if let string = try? container.decode(String.self) {
            self = .string(string)
        } else if let bool = try? container.decode(Bool.self) {
            self = .bool(bool)
        } else {
            self = .null
        }
    }

    /// The value under `key`; nil when there is none, it is null, or this is no object.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self, let value = members[key], value != .null else { return nil }
        return value
    }

    /// The object's keys in alphabetical order; none for anything else.
    public var keys: [String] {
        guard case .object(let members) = self else { return [] }
        return members.keys.sorted()
    }

    /// The number.
    public var number: Double? {
        guard case .number(let number) = self else { return nil }
        return number
    }

    /// The number, if it is whole.
    public var integer: Int? { number.flatMap(Int.init(exactly:)) }

    /// The text.
    public var string: String? {
        guard case .string(let string) = self else { return nil }
        return string
    }

    /// The elements: of a list, or of the `data` of an array block.
    public var elements: [JSONValue]? {
        if case .array(let elements) = self { return elements }
        return self["data"]?.elements
    }

    /// A list of numbers, or an array block of rank 1.
    public var vector: [Double]? {
        guard let elements else { return nil }
        let numbers = elements.compactMap(\.number)
        return numbers.count == elements.count ? numbers : nil
    }

    /// A list of lists of numbers, or an array block of rank 2.
    public var matrix: [[Double]]? {
        guard let elements else { return nil }
        let rows = elements.compactMap(\.vector)
        return rows.count == elements.count ? rows : nil
    }

    /// An array block of rank 3.
    public var tensor: [[[Double]]]? {
        guard let elements else { return nil }
        let slices = elements.compactMap(\.matrix)
        return slices.count == elements.count ? slices : nil
    }
}
