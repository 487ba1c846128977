import Foundation

/// What the place that text goes to can show.
public struct Terminal: Sendable, Equatable {
    /// Whether a line can be rewritten: a terminal that knows control sequences.
    public let canRewriteLines: Bool
    /// Whether colours are welcome (`NO_COLOR` unset or empty: no-color.org).
    public let showsColors: Bool
    /// Whether the locale's characters are UTF-8.
    public let showsUnicode: Bool

    /// Capabilities given one by one.
    public init(canRewriteLines: Bool, showsColors: Bool, showsUnicode: Bool) {
        self.canRewriteLines = canRewriteLines
        self.showsColors = showsColors
        self.showsUnicode = showsUnicode
    }

    /// Capabilities as an environment describes them. TERM=dumb or no TERM means that lines cannot be rewritten.
    public init(isTerminal: Bool, environment: [String: String]) {
        let term = environment["TERM"] ?? ""
        let rewrites = isTerminal && !term.isEmpty && term != "dumb"
        // The first of these that is set and not empty decides (POSIX, "Internationalization Variables").
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let characters = locale.lowercased()
        self.init(
            canRewriteLines: rewrites,
            showsColors: rewrites && (environment["NO_COLOR"] ?? "").isEmpty,
            showsUnicode: characters.hasSuffix("utf-8") || characters.hasSuffix("utf8"))
    }

    /// Where this process's standard error goes.
    public static var standardError: Terminal {
        Terminal(isTerminal: isatty(STDERR_FILENO) == 1, environment: ProcessInfo.processInfo.environment)
    }

    /// Where this process's standard output goes.
    package static var standardOutput: Terminal {
        Terminal(isTerminal: isatty(STDOUT_FILENO) == 1, environment: ProcessInfo.processInfo.environment)
    }

    /// The width of the terminal behind standard error now (it may be resized), in columns; 80 where unknown.
    public static func standardErrorColumns() -> Int { columns(of: STDERR_FILENO) }

    /// The width of the terminal behind standard output now, in columns; 80 where unknown.
    package static func standardOutputColumns() -> Int { columns(of: STDOUT_FILENO) }

    private static func columns(of descriptor: Int32) -> Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
