/// Everything that is wrong with a configuration, in the order of its lines.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Where a mistake was made.
    public enum Place: Sendable, Equatable, CustomStringConvertible {
        /// somewhere in the file, or the file itself
        case file(String)
        /// a position in a file; line and column are counted from 1
        case position(file: String, line: Int, column: Int)
        /// an override, with its text `KEY.PATH=VALUE`
        case override(String)
        /// a configuration made in code
        case value

        /// `FILE`, `FILE:LINE:COLUMN` or `--set KEY.PATH=VALUE`, as compilers and shells write them.
        public var description: String {
            switch self {
            case .file(let file): file
            case .position(let file, let line, let column): "\(file):\(line):\(column)"
            case .override(let text): "--set \(text)"
            case .value: ""
            }
        }

        /// Positions in their order, overrides after them.
        var order: [Int] {
            switch self {
            case .file, .value: [0]
            case .position(_, let line, let column): [1, line, column]
            case .override: [2]
            }
        }
    }
    /// One mistake.
    public struct Issue: Sendable, Equatable, CustomStringConvertible {
        /// Where it was made.
        public let place: Place
        /// The key it is about, such as `network.layers.0.units`; empty when it is about the whole file.
        public let keyPath: String
        /// What was expected, what was found, and what to do: a sentence without its full stop.
        public let problem: String

        /// `PLACE: KEY PATH: PROBLEM`.
        public var description: String {
            [place.description, keyPath, problem].filter { !$0.isEmpty }.joined(separator: ": ")
        }
    }
    /// The mistakes, those of the file by line and then those of the overrides; at least one.
    public let issues: [Issue]
    /// The process exit code, as BSD's sysexits.h numbers them: 78 (EX_CONFIG), or 66 (EX_NOINPUT) when the file cannot
    /// be read.
    public let exitCode: Int32

    init(_ issues: [Issue], exitCode: Int32 = 78) {
        // A stable order: several overrides keep theirs.
        self.issues = issues.enumerated().sorted {
            ($0.element.place.order + [$0.offset]).lexicographicallyPrecedes(
                $1.element.place.order + [$1.offset])
        }.map(\.element)
        self.exitCode = exitCode
    }

    /// One line for each mistake.
    public var description: String {
        issues.map(\.description).joined(separator: "\n")
    }
}
