import Foundation
import LoomRuns
import Synchronization

/// Progress of reading or writing a data set on standard error: one rewritten line on a terminal, elsewhere a line every ten
/// seconds, with the speed and the time that is left.
///
/// Any thread may call `update`, as often as it likes.
public final class TransferProgress: Sendable {
    private struct State {
        var nextDraw: Double?
        var isVisible = false
    }

    // A terminal faster than ten times a second only flickers.
    private static let secondsBetweenRedraws = 0.1
    private static let secondsBetweenPlainLines = 10.0

    private let isSilent: Bool
    private let terminal: Terminal
    private let seconds: @Sendable () -> Double
    private let write: @Sendable (String) -> Void
    private let start: Double
    private let state = Mutex(State())

    /// Progress on standard error.
    public convenience init(quiet: Bool = false) {
        self.init(
            quiet: quiet, terminal: .standardError,
            seconds: { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }, write: StandardError.write)
    }

    /// Progress on a terminal of these capabilities, with a clock and the place to write to.
    init(
        quiet: Bool, terminal: Terminal, seconds: @escaping @Sendable () -> Double,
        write: @escaping @Sendable (String) -> Void
    ) {
        (isSilent, self.terminal, self.seconds, self.write) = (quiet, terminal, seconds, write)
        start = seconds()
    }

    /// The time since the start, in seconds.
    public var elapsedSeconds: Double { seconds() - start }

    /// Shows how far the work has come, if enough time has passed since it was shown last.
    ///
    /// - Parameters:
    ///   - done: What is done of `total`, what was there before included, in `unit`.
    ///   - worked: What was done since the start: the speed is that of this.
    ///   - total: All there is to do.
    ///   - unit: Such as `rows`.
    ///   - bytes: What was read or written since the start; nil: their rate says nothing.
    public func update(done: Int, worked: Int, of total: Int, unit: String, bytes: Int?) {
        guard !isSilent else { return }
        state.withLock { state in
            let now = seconds()
            let pause =
                terminal.canRewriteLines ? Self.secondsBetweenRedraws : Self.secondsBetweenPlainLines
            let next = state.nextDraw ?? start + pause
            state.nextDraw = next
            guard now >= next else { return }
            state.nextDraw = now + pause
            let line = Self.line(
                done: done, worked: worked, of: total, unit: unit, bytes: bytes, seconds: now - start)
            if terminal.canRewriteLines {
                write("\r" + line + Self.eraseToEndOfLine)
                state.isVisible = true
            } else {
                write(line + "\n")
            }
        }
    }

    /// Removes the rewritten line, so that results follow on a clean line.
    public func finish() {
        state.withLock { state in
            if state.isVisible { write("\r" + Self.eraseToEndOfLine) }
            state.isVisible = false
        }
    }

    /// ECMA-48's "erase in line": from the cursor to the line's end.
    private static let eraseToEndOfLine = "\u{1B}[K"

    static func line(
        done: Int, worked: Int, of total: Int, unit: String, bytes: Int?, seconds: Double
    ) -> String {
        let share = NumberFormat.percentage(total > 0 ? Double(done) / Double(total) : 1, digits: 0)
        var parts = ["\(NumberFormat.grouped(done)) of \(NumberFormat.grouped(total)) \(unit), \(share)"]
        if let bytes, seconds > 0 { parts.append(speed(bytes: bytes, seconds: seconds)) }
        if worked > 0 {
            let left = seconds * Double(total - done) / Double(worked)
            parts.append("\(NumberFormat.duration(seconds: left.rounded())) left")
        }
        return parts.joined(separator: "  ")
    }

    /// Bytes per second: "950 B/s", "1.23 GB/s".
    public static func speed(bytes: Int, seconds: Double) -> String {
        let number = NumberFormat.prefixed(Double(bytes) / seconds)
        return number + (number.last?.isNumber == true ? " B/s" : "B/s")
    }
}
