/// What is wrong with a data set, where, and what to do about it.
public struct DataError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Who has to act, and the exit code that says so (the numbers of BSD's sysexits.h).
    public enum Category: Int32, Sendable, CaseIterable {
        /// the content of the data is wrong: EX_DATAERR
        case badData = 65
        /// an input file is missing or can't be read: EX_NOINPUT
        case missingInput = 66
        /// reading or writing failed: EX_IOERR
        case inputOutput = 74
        /// what was asked for makes no sense, whatever the data: EX_CONFIG
        case badConfiguration = 78
    }
    /// Who has to act.
    public var category: Category
    /// The file, the configuration key or the source that the problem is in.
    public var source: String
    /// Where in the source: line or row, and column.
    public var place: String?
    /// What was found and what was expected.
    public var problem: String
    /// What to do.
    public var remedy: String

    /// An error; `problem` and `remedy` are sentences without their full stops.
    public init(
        _ category: Category, source: String, place: String? = nil, problem: String, remedy: String
    ) {
        self.category = category
        self.source = source
        self.place = place
        self.problem = problem
        self.remedy = remedy
    }

    /// The process exit code that fits the category.
    public var exitCode: Int32 { category.rawValue }

    /// One line: source, place, problem and remedy.
    public var description: String {
        let location = place.map { "\(source), \($0)" } ?? source
        return "\(location): \(problem); \(remedy)"
    }
}
