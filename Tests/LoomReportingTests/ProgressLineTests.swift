import LoomRuns
import Synchronization
import Testing

@testable import LoomReporting

/// A clock that the test turns, and everything that was written.
private final class Recorder: Sendable {
    let now = Mutex(100.0)
    let width = Mutex(80)
    let text = Mutex("")

    func progressLine(quiet: Bool = false, terminal: Terminal) -> ProgressLine {
        ProgressLine(
            quiet: quiet, terminal: terminal, columns: { self.width.withLock { $0 } },
            seconds: { self.now.withLock { $0 } }, write: { text in self.text.withLock { $0 += text } })
    }

    func advance(_ seconds: Double) { now.withLock { $0 += seconds } }

    /// What was written since the last call.
    func written() -> String {
        text.withLock { text in
            defer { text = "" }
            return text
        }
    }
}

private let unicode = Terminal(canRewriteLines: true, showsColors: false, showsUnicode: true)
private let ascii = Terminal(canRewriteLines: true, showsColors: false, showsUnicode: false)
private let file = Terminal(canRewriteLines: false, showsColors: false, showsUnicode: true)

private func progress(step: Int) -> TrainingProgress {
    TrainingProgress(
        epoch: 2, epochs: 3, step: step, steps: 1000, loss: 0.23451, validationAccuracy: 0.912,
        samplesPerSecond: 1_234_000)
}

private let epoch = EpochEvent(
    epoch: 2, step: 500, loss: 0.5, accuracy: 0.75, validationLoss: 0.25, validationAccuracy: 0.875,
    samplesPerSecond: 1e6, seconds: 2.5)

@Suite struct ProgressLineTests {
    @Test func rewritesOneLineAndRemovesItAtTheEnd() {
        let recorder = Recorder()
        let line = recorder.progressLine(terminal: ascii)
        line.update(progress(step: 0))
        #expect(
            recorder.written()
                == "\repoch 2/3  [----------]   0 %  loss 0.2345  validation 91.2 %  1.23 M samples/s\u{1B}[K"
        )
        recorder.advance(0.05)
        line.update(progress(step: 100))
        #expect(recorder.written() == "", "no redraw within a tenth of a second")
        recorder.advance(0.95)
        line.update(progress(step: 250))
        let drawn = recorder.written()
        #expect(
            drawn
                == "\repoch 2/3  [###------------]  25 %  loss 0.2345  1.23 M samples/s  3.0 s left\u{1B}[K"
        )
        recorder.advance(1)
        line.update(progress(step: 250))
        line.epochEnded(epoch, of: 3)
        #expect(!recorder.written().contains("\n"))
        line.note("a pin was refused")
        #expect(recorder.written().hasPrefix("\r\u{1B}[Ka pin was refused\nepoch 2/3"))
        line.finish()
        #expect(recorder.written() == "\r\u{1B}[K")
        line.finish()
        #expect(recorder.written() == "")
    }

    @Test func writesPlainLinesElsewhere() {
        let recorder = Recorder()
        let line = recorder.progressLine(terminal: file)
        line.update(progress(step: 200))
        recorder.advance(9.9)
        line.update(progress(step: 300))
        #expect(recorder.written() == "", "a plain line every ten seconds only")
        recorder.advance(0.1)
        line.update(progress(step: 600))
        #expect(
            recorder.written()
                == "epoch 2/3  60 % of the training  loss 0.2345  1.23 M samples/s  10.0 s left\n")
        recorder.advance(5)
        line.epochEnded(epoch, of: 3)
        #expect(
            recorder.written()
                == "epoch 2/3  loss 0.5000  accuracy 75.0 %  validation loss 0.2500  validation accuracy 87.5 %  "
                + "1.00 M samples/s  2.5 s\n")
        recorder.advance(9)
        line.update(progress(step: 700))
        #expect(recorder.written() == "", "the epoch's line starts the ten seconds anew")
        line.note("a pin was refused")
        line.finish()
        #expect(recorder.written() == "a pin was refused\n")
    }

    @Test func isSilentExceptForNotes() {
        let recorder = Recorder()
        let line = recorder.progressLine(quiet: true, terminal: unicode)
        line.update(progress(step: 1))
        line.epochEnded(epoch, of: 3)
        line.finish()
        #expect(recorder.written() == "")
        line.note("a pin was refused")
        #expect(recorder.written() == "a pin was refused\n")
    }

    @Test(arguments: 0...140)
    func fitsEveryWidth(columns: Int) {
        for terminal in [unicode, ascii] {
            for step in [0, 1, 333, 999, 1000] {
                for overhead in [nil, TimeShare(name: "loss_function", fraction: 1)] {
                    var progress = progress(step: step)
                    (progress.ceilingFraction, progress.largestOverhead) = (overhead.map { _ in 1 }, overhead)
                    let line = ProgressLine.line(
                        progress, remainingSeconds: 72, terminal: terminal, columns: columns)
                    #expect(line.terminalWidth <= columns)
                    #expect(columns < 9 || line.hasPrefix("epoch 2/3"))
                }
            }
        }
    }

    @Test func leavesOutTheLeastNeededPartsFirst() {
        let lines = [120, 74, 55, 36, 27, 18].map {
            ProgressLine.line(progress(step: 500), remainingSeconds: 72, terminal: unicode, columns: $0)
        }
        #expect(
            lines == [
                "epoch 2/3  ███████████████░░░░░░░░░░░░░░░  50 %  loss 0.2345  validation 91.2 %  1.23 M samples/s"
                    + "  1 m 12 s left",
                "epoch 2/3  █████░░░░░  50 %  loss 0.2345  1.23 M samples/s  1 m 12 s left",
                "epoch 2/3  █████░░░░░  50 %  loss 0.2345  1 m 12 s left",
                "epoch 2/3   50 %  1 m 12 s left",
                "epoch 2/3   50 %",
                "epoch 2/3   50 %",
            ])
    }

    /// A share of the peak and the largest overhead: where room is short, the overhead comes before the bar.
    @Test func showsWhereTheTimeGoes() {
        var measured = progress(step: 500)
        measured.ceilingFraction = 0.612
        measured.largestOverhead = TimeShare(name: "loss_function", fraction: 0.094)
        let lines = [140, 110, 94, 81, 79].map {
            ProgressLine.line(measured, remainingSeconds: 72, terminal: unicode, columns: $0)
        }
        #expect(
            lines == [
                "epoch 2/3  ██████████░░░░░░░░░░  50 %  loss 0.2345  validation 91.2 %  1.23 M samples/s"
                    + "  61 % of the peak  loss function 9 %  1 m 12 s left",
                "epoch 2/3  █████░░░░░  50 %  loss 0.2345  1.23 M samples/s  61 % of the peak  loss function 9 %"
                    + "  1 m 12 s left",
                "epoch 2/3  █████░░░░░  50 %  loss 0.2345  1.23 M samples/s  loss function 9 %  1 m 12 s left",
                "epoch 2/3   50 %  loss 0.2345  1.23 M samples/s  loss function 9 %  1 m 12 s left",
                "epoch 2/3  ███████▌░░░░░░░  50 %  loss 0.2345  1.23 M samples/s  1 m 12 s left",
            ])
        #expect(
            ProgressLine.plainLine(measured, remainingSeconds: 72)
                == "epoch 2/3  50 % of the training  loss 0.2345  1.23 M samples/s  61 % of the peak  loss function 9 %"
                + "  1 m 12 s left")
        var epoch = epoch
        epoch.ceilingFraction = 0.5
        epoch.largestOverhead = TimeShare(name: "waiting", fraction: 0.12)
        #expect(
            ProgressLine.plainLine(epoch, of: 3).hasSuffix("1.00 M samples/s  50 % of the peak  waiting 12 %  2.5 s"))
    }

    @Test func colorsTheBarWhereWelcome() {
        let colored = Terminal(canRewriteLines: true, showsColors: true, showsUnicode: true)
        #expect(
            ProgressLine.bar(fraction: 0.5, cells: 4, terminal: colored)
                == "\u{1B}[36m██\u{1B}[0;2m░░\u{1B}[0m")
        #expect(ProgressLine.bar(fraction: 1, cells: 4, terminal: unicode) == "████")
        #expect(ProgressLine.bar(fraction: 0.03125, cells: 4, terminal: unicode) == "▏░░░")
    }

    @Test(arguments: [
        (
            true, ["TERM": "xterm", "LANG": "en_GB.UTF-8"],
            Terminal(canRewriteLines: true, showsColors: true, showsUnicode: true)
        ),
        (
            true, ["TERM": "xterm", "NO_COLOR": "1"],
            Terminal(canRewriteLines: true, showsColors: false, showsUnicode: false)
        ),
        (
            true, ["TERM": "xterm", "NO_COLOR": ""],
            Terminal(canRewriteLines: true, showsColors: true, showsUnicode: false)
        ),
        (true, ["TERM": "dumb"], Terminal(canRewriteLines: false, showsColors: false, showsUnicode: false)),
        (true, [:], Terminal(canRewriteLines: false, showsColors: false, showsUnicode: false)),
        (
            false, ["TERM": "xterm", "LC_ALL": "C", "LANG": "C.utf8"],
            Terminal(canRewriteLines: false, showsColors: false, showsUnicode: false)
        ),
        (
            false, ["LC_ALL": "", "LANG": "C.utf8"],
            Terminal(canRewriteLines: false, showsColors: false, showsUnicode: true)
        ),
    ])
    func readsTheEnvironment(isTerminal: Bool, environment: [String: String], terminal: Terminal) {
        #expect(Terminal(isTerminal: isTerminal, environment: environment) == terminal)
    }
}
