import Synchronization
import Testing

@testable import LoomReporting

@Suite struct TransferProgressTests {
    /// A clock that the test turns, and everything that was written.
    private final class Recorder: Sendable {
        let now = Mutex(50.0)
        let text = Mutex("")

        func progress(rewrites: Bool, quiet: Bool = false) -> TransferProgress {
            TransferProgress(
                quiet: quiet, terminal: Terminal(canRewriteLines: rewrites, showsColors: false, showsUnicode: true),
                seconds: { self.now.withLock { $0 } }, write: { text in self.text.withLock { $0 += text } })
        }

        func advance(_ seconds: Double) { now.withLock { $0 += seconds } }

        func written() -> String {
            text.withLock { text in
                defer { text = "" }
                return text
            }
        }
    }

    private func update(_ progress: TransferProgress, done: Int, worked: Int) {
        progress.update(done: done, worked: worked, of: 4000, unit: "rows", bytes: 3_000_000 * worked)
    }

    @Test func aFileHasALineEveryTenSeconds() {
        let recorder = Recorder()
        let progress = recorder.progress(rewrites: false)
        update(progress, done: 100, worked: 100)
        recorder.advance(9.9)
        update(progress, done: 900, worked: 900)
        #expect(recorder.written() == "")
        recorder.advance(0.1)
        // 1,000 rows and 3 GB in 10 s; 3,000 rows are left.
        update(progress, done: 1000, worked: 1000)
        #expect(recorder.written() == "1,000 of 4,000 rows, 25 %  300 MB/s  30.0 s left\n")
        recorder.advance(9)
        update(progress, done: 2000, worked: 2000)
        #expect(recorder.written() == "")
        progress.finish()
        #expect(recorder.written() == "")
        #expect(progress.elapsedSeconds == 19)
    }

    @Test func aTerminalHasOneLine() {
        let recorder = Recorder()
        let progress = recorder.progress(rewrites: true)
        recorder.advance(2)
        // Half was there before: 1,000 rows in 2 s, 1,000 are left.
        update(progress, done: 3000, worked: 1000)
        #expect(recorder.written() == "\r3,000 of 4,000 rows, 75 %  1.50 GB/s  2.0 s left\u{1B}[K")
        update(progress, done: 3500, worked: 1500)
        #expect(recorder.written() == "")
        progress.finish()
        #expect(recorder.written() == "\r\u{1B}[K")
    }

    @Test func silenceIsSilent() {
        let recorder = Recorder()
        let progress = recorder.progress(rewrites: true, quiet: true)
        recorder.advance(100)
        update(progress, done: 1, worked: 1)
        progress.finish()
        #expect(recorder.written() == "")
    }

    @Test func speedsHaveUnits() {
        #expect(TransferProgress.speed(bytes: 1900, seconds: 2) == "950 B/s")
        #expect(TransferProgress.speed(bytes: 2_460_000_000, seconds: 2) == "1.23 GB/s")
    }
}
