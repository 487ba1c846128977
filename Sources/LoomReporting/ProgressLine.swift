import Foundation
import LoomRuns
import Synchronization

/// Where a training stands.
public struct TrainingProgress: Sendable, Equatable {
    /// The current epoch, counted from 1.
    public var epoch: Int
    /// The epochs of the whole training.
    public var epochs: Int
    /// The steps done, of the whole training.
    public var step: Int
    /// The steps of the whole training.
    public var steps: Int
    /// The loss of the latest steps, where known.
    public var loss: Double?
    /// The accuracy on the validation data after the latest epoch, where known.
    public var validationAccuracy: Double?
    /// The speed of the latest steps, where known.
    public var samplesPerSecond: Double?
    /// This speed as a share of the arithmetic peak, 0…1, where known.
    public var ceilingFraction: Double?
    /// What takes most of the steps' time beside matrix products, where known.
    public var largestOverhead: TimeShare?

    /// A state of the training.
    public init(
        epoch: Int, epochs: Int, step: Int, steps: Int, loss: Double? = nil,
        validationAccuracy: Double? = nil, samplesPerSecond: Double? = nil, ceilingFraction: Double? = nil,
        largestOverhead: TimeShare? = nil
    ) {
        self.epoch = epoch
        self.epochs = epochs
        self.step = step
        self.steps = steps
        self.loss = loss
        self.validationAccuracy = validationAccuracy
        self.samplesPerSecond = samplesPerSecond
        self.ceilingFraction = ceilingFraction
        self.largestOverhead = largestOverhead
    }

    /// The part of the whole training that is done, 0…1.
    var fraction: Double { steps > 0 ? min(1, max(0, Double(step) / Double(steps))) : 0 }
}

/// Progress of a training on standard error: one rewritten line on a terminal, plain lines elsewhere.
///
/// Plain lines appear after each epoch, and every ten seconds inside a long one. Any thread may call `update`, after
/// every step if it likes: between two redraws a call reads the clock, and neither allocates nor writes.
public final class ProgressLine: Sendable {
    /// How progress is shown.
    public enum Style: Sendable, Equatable {
        /// One line, rewritten in place.
        case rewritten
        /// A line after each epoch and every ten seconds.
        case plain
        /// Nothing.
        case silent
    }

    /// How progress is shown here.
    public let style: Style

    private struct State {
        var started: (seconds: Double, step: Int)?
        var nextDraw = -Double.infinity
        var visibleLine: String?
    }

    // A terminal faster than ten times a second only flickers.
    private static let secondsBetweenRedraws = 0.1
    private static let secondsBetweenPlainLines = 10.0

    private let terminal: Terminal
    private let columns: @Sendable () -> Int
    private let seconds: @Sendable () -> Double
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// Progress on standard error.
    public convenience init(quiet: Bool = false) {
        self.init(
            quiet: quiet, terminal: .standardError, columns: Terminal.standardErrorColumns,
            seconds: { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 },
            write: StandardError.write)
    }

    /// Progress on a terminal of these capabilities, with its width, a clock and the place to write to.
    public init(
        quiet: Bool, terminal: Terminal, columns: @escaping @Sendable () -> Int,
        seconds: @escaping @Sendable () -> Double, write: @escaping @Sendable (String) -> Void
    ) {
        self.style = quiet ? .silent : terminal.canRewriteLines ? .rewritten : .plain
        self.terminal = terminal
        self.columns = columns
        self.seconds = seconds
        self.write = write
    }

    /// Shows `progress`, if enough time has passed since it was shown last.
    public func update(_ progress: TrainingProgress) {
        guard style != .silent else { return }
        let now = seconds()
        state.withLock { state in
            if state.started == nil {
                state.started = (now, progress.step)
                if style == .plain { state.nextDraw = now + Self.secondsBetweenPlainLines }
            }
            guard now >= state.nextDraw else { return }
            let remaining = Self.remainingSeconds(progress, started: state.started!, now: now)
            if style == .rewritten {
                state.nextDraw = now + Self.secondsBetweenRedraws
                // One column stays free: a full line makes some terminals wrap.
                let line = Self.line(
                    progress, remainingSeconds: remaining, terminal: terminal, columns: columns() - 1)
                if line != state.visibleLine { write("\r" + line + Self.eraseToEndOfLine) }
                state.visibleLine = line
            } else {
                state.nextDraw = now + Self.secondsBetweenPlainLines
                write(Self.plainLine(progress, remainingSeconds: remaining) + "\n")
            }
        }
    }

    /// Reports the end of an epoch: a plain line, where lines are plain. On a terminal `update` shows it all.
    public func epochEnded(_ epoch: EpochEvent, of epochs: Int) {
        guard style == .plain else { return }
        state.withLock { state in
            state.nextDraw = seconds() + Self.secondsBetweenPlainLines
            write(Self.plainLine(epoch, of: epochs) + "\n")
        }
    }

    /// Writes a message on lines of its own, above the rewritten line. A silent progress line writes it as well:
    /// warnings are not progress.
    public func note(_ message: String) {
        state.withLock { state in
            let erase = state.visibleLine == nil ? "" : "\r" + Self.eraseToEndOfLine
            write(erase + message + "\n" + (state.visibleLine ?? ""))
        }
    }

    /// Removes the rewritten line, so that results follow on a clean line.
    public func finish() {
        state.withLock { state in
            if state.visibleLine != nil { write("\r" + Self.eraseToEndOfLine) }
            state.visibleLine = nil
        }
    }

    /// ECMA-48's "erase in line": from the cursor to the line's end.
    private static let eraseToEndOfLine = "\u{1B}[K"

    /// The time left at the mean speed since the start, validation and checkpoints included.
    private static func remainingSeconds(
        _ progress: TrainingProgress, started: (seconds: Double, step: Int), now: Double
    ) -> Double? {
        let done = progress.step - started.step
        guard done > 0, now > started.seconds else { return nil }
        return (now - started.seconds) * Double(max(0, progress.steps - progress.step)) / Double(done)
    }
}

// MARK: - Text

extension ProgressLine {
    /// The rewritten line in at most `columns` columns.
    ///
    /// Where room is short the bar shrinks, then parts are left out from the least needed: validation accuracy, share of the
    /// peak, bar or largest overhead, speed, bar, loss.
    static func line(
        _ progress: TrainingProgress, remainingSeconds: Double?, terminal: Terminal, columns: Int
    ) -> String {
        let widestBar = 30
        // In steps: a bar that changed its length with every digit of the numbers beside it would flicker.
        let barStep = 5
        let narrowestBar = 10
        let separator = "  "

        let epoch = "epoch \(progress.epoch)/\(progress.epochs)"
        let percentage = NumberFormat.percentage(progress.fraction, digits: 0).leftPadded(to: 5)
        let loss = progress.loss.map { "loss \(NumberFormat.number($0))" }
        let speed = progress.samplesPerSecond.map { "\(NumberFormat.samplesPerSecond($0)) samples/s" }
        let accuracy = progress.validationAccuracy.map { "validation \(NumberFormat.percentage($0))" }
        let remaining = remainingSeconds.map { "\(NumberFormat.duration(seconds: $0.rounded())) left" }

        let peak = progress.ceilingFraction.map(peakShare)
        let overhead = progress.largestOverhead.map { share($0) }

        var choices: [(hasBar: Bool, tail: [String?])] = [
            (true, [loss, accuracy, speed, peak, overhead, remaining]),
            (true, [loss, speed, peak, overhead, remaining]), (true, [loss, speed, overhead, remaining]),
        ]
        if overhead != nil { choices.append((false, [loss, speed, overhead, remaining])) }
        choices += [
            (true, [loss, speed, remaining]), (true, [loss, remaining]), (false, [loss, remaining]),
            (false, [remaining]), (false, []),
        ]
        for choice in choices {
            let head = [epoch, percentage].joined(separator: separator)
            let tail = choice.tail.compactMap { $0 }.map { separator + $0 }.joined()
            let room = columns - head.terminalWidth - tail.terminalWidth
            if !choice.hasBar && room >= 0 { return head + tail }
            let cells = min(widestBar, (room - 1 - (terminal.showsUnicode ? 0 : 2)) / barStep * barStep)
            if choice.hasBar && cells >= narrowestBar {
                let drawn = bar(fraction: progress.fraction, cells: cells, terminal: terminal)
                return epoch + separator + drawn + " " + percentage + tail
            }
        }
        return epoch.truncated(toTerminalWidth: columns)
    }

    /// "61 % of the peak"
    private static func peakShare(_ fraction: Double) -> String {
        "\(NumberFormat.percentage(fraction, digits: 0)) of the peak"
    }

    /// "waiting 9 %"
    private static func share(_ share: TimeShare) -> String {
        "\(share.title) \(NumberFormat.percentage(share.fraction, digits: 0))"
    }

    /// A bar of `cells` cells: eighths of a cell where the terminal shows Unicode, "[###---]" elsewhere.
    static func bar(fraction: Double, cells: Int, terminal: Terminal) -> String {
        guard terminal.showsUnicode else {
            let full = Int(fraction * Double(cells))
            return "[" + String(repeating: "#", count: full) + String(repeating: "-", count: cells - full)
                + "]"
        }
        let eighths = Int(fraction * Double(cells * 8))
        let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
        let full = String(repeating: "█", count: eighths / 8) + partial
        let empty = String(repeating: "░", count: cells - eighths / 8 - (partial.isEmpty ? 0 : 1))
        // Select graphic rendition 36 (cyan), 2 (faint), 0 (as before).
        return terminal.showsColors ? "\u{1B}[36m\(full)\u{1B}[0;2m\(empty)\u{1B}[0m" : full + empty
    }

    /// A plain line inside an epoch.
    static func plainLine(_ progress: TrainingProgress, remainingSeconds: Double?) -> String {
        [
            "epoch \(progress.epoch)/\(progress.epochs)",
            "\(NumberFormat.percentage(progress.fraction, digits: 0)) of the training",
            progress.loss.map { "loss \(NumberFormat.number($0))" },
            progress.samplesPerSecond.map { "\(NumberFormat.samplesPerSecond($0)) samples/s" },
            progress.ceilingFraction.map(peakShare), progress.largestOverhead.map { share($0) },
            remainingSeconds.map { "\(NumberFormat.duration(seconds: $0.rounded())) left" },
        ].compactMap { $0 }.joined(separator: "  ")
    }

    /// A plain line for a finished epoch.
    static func plainLine(_ epoch: EpochEvent, of epochs: Int) -> String {
        [
            "epoch \(epoch.epoch)/\(epochs)",
            "loss \(NumberFormat.number(epoch.loss))",
            epoch.accuracy.map { "accuracy \(NumberFormat.percentage($0))" },
            epoch.validationLoss.map { "validation loss \(NumberFormat.number($0))" },
            epoch.validationAccuracy.map { "validation accuracy \(NumberFormat.percentage($0))" },
            "\(NumberFormat.samplesPerSecond(epoch.samplesPerSecond)) samples/s",
            epoch.ceilingFraction.map(peakShare), epoch.largestOverhead.map { share($0) },
            NumberFormat.duration(seconds: epoch.seconds),
        ].compactMap { $0 }.joined(separator: "  ")
    }
}

extension String {
    /// The text with spaces before it, `width` columns wide at least.
    func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - terminalWidth)) + self
    }
}
