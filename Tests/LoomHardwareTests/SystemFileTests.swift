import Foundation
import Testing

@testable import LoomHardware

@Suite struct SystemFileTests {
    /// The kernel ends a read before the line that no longer fits, and a reader must go on.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/smaps")))
    func longFilesAreReadToTheirEnd() throws {
        let text = try #require(SystemFile.text("/proc/self/smaps"))
        #expect(text.utf8.count > 3 * 4096)
        #expect(text.contains("[stack]"))
    }

    @Test func whatCannotBeReadIsNil() {
        #expect(SystemFile.text("/no such file") == nil)
        #expect(SystemFile.text("/") == nil)
        #expect(SystemFile.text("/dev/null") == "")
    }
}
